"""Themes out of moments, and competitors out of the moments in which one was named. Deterministic; computes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ridealong.core.themes import Competitor, Theme, ThemeKind, ThemeMoment
from ridealong.postcall.grouping import groups, keywords

if TYPE_CHECKING:
    from ridealong.embedding import Vectors

KIND_OF_TYPE: Final[Mapping[str, ThemeKind]] = MappingProxyType(
    {
        "objection_raised": ThemeKind.OBJECTION,
        "pain_stated": ThemeKind.PAIN,
        "feature_request": ThemeKind.FEATURE_REQUEST,
        "feature_requested": ThemeKind.FEATURE_REQUEST,
    }
)
"""The types of moments that themes are made of. The last two ship in no taxonomy; a tenant's own may have them."""
COMPETITOR: Final = "competitor_mentioned"
SAME_THEME: Final = 0.5
MOST_COMPETITORS: Final = 50

_NAME = re.compile(r"[A-Z][\w&'’-]*(?:\s+[A-Z][\w&'’-]*)*")
_NO_NAMES: Final = frozenset(
    re.split(
        r"\s+",
        """a also an and are as at because but by did do does for from had has have he hello hi how i i'd i'll
        i'm i've if in is it it's just my no not now of oh ok okay on or our right she so sorry sure
        thanks that that's the their then there they they're this those to um unfortunately us was
        we we'd we'll we're we've well what when where which while who why with would yeah yes you
        your monday tuesday wednesday thursday friday saturday sunday january february march april
        may june july august september october november december crm erp api hr roi ceo cfo cto""",
    )
)
"""Words that are written in capitals and name no company."""


def themes(moments: Sequence[ThemeMoment], vectors: Vectors) -> tuple[Theme, ...]:
    """The themes of each kind, the largest first. `vectors` [len(moments), 384] are the moments' embeddings."""
    found: list[Theme] = []
    for kind in ThemeKind:
        rows = [row for row, moment in enumerate(moments) if KIND_OF_TYPE.get(moment.type) is kind]
        if not rows:
            continue
        among = [moments[row].evidence.quote for row in rows]
        for group in groups(vectors[rows], SAME_THEME):
            of = [moments[rows[place]] for place in group]
            words = keywords([moment.evidence.quote for moment in of], among)
            found.append(Theme(kind=kind, keywords=tuple(words), moments=tuple(of)))
    return tuple(found)


def competitors(moments: Sequence[ThemeMoment]) -> tuple[Competitor, ...]:
    """Who was named, most often first; mentions without a name last, under an empty one.

    A name is what a transcript writes in capitals in the middle of a sentence. At its beginning everything is, so there
    only what stands in the middle elsewhere counts. A mention of two names counts for both.
    """
    known: dict[str, str] = {}
    for moment in moments:
        for name, at_start in _names(moment.evidence.quote):
            if not at_start:
                known.setdefault(name.casefold(), name)
    found: dict[str, list[ThemeMoment]] = {}
    for moment in moments:
        named = {name.casefold() for name, _ in _names(moment.evidence.quote)} & known.keys()
        for name in sorted(named) or [""]:
            found.setdefault(name, []).append(moment)
    ordered = sorted(found.items(), key=lambda item: (item[0] == "", -len(item[1]), item[0]))
    return tuple(Competitor(name=known.get(key, ""), moments=tuple(of)) for key, of in ordered[:MOST_COMPETITORS])


def _names(quote: str) -> list[tuple[str, bool]]:
    """Each name in `quote`, and whether it stands at the beginning of a sentence."""
    found: list[tuple[str, bool]] = []
    for match in _NAME.finditer(quote):
        before = quote[: match.start()].rstrip(" \"'“‘(")
        words = match.group().split()
        at_start = not before or before[-1] in ".?!:"
        while words and words[0].casefold() in _NO_NAMES:
            words.pop(0)
            at_start = False
        while words and words[-1].casefold() in _NO_NAMES:
            words.pop()
        name = re.sub(r"['’]s$", "", " ".join(words))
        if len(name) > 1:
            found.append((name, at_start))
    return found
