"""What a model reads of a call: numbered lines that no spoken word can break, all of it or the part that matters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.transcript import Role, Unattributed, Utterance
from ridealong.core.visible import visible

if TYPE_CHECKING:
    from ridealong.core.rubric import Anchor, Criterion, Rubric, Section
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.reviewer import ReviewContext

BYTES_A_TOKEN: Final = 3
"""Fewer than English has with any of today's vocabularies, so that the estimate errs to the safe side."""
AROUND: Final = 2
"""Utterances shown before and after one that was found."""
_INERT: Final = str.maketrans(
    {
        **{"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"},
        # What else ends a line to some readers, beside the characters that JSON escapes itself.
        **{"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"},
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Lines for a prompt. `read`: how many utterances they hold, where that is not the whole call."""

    text: str
    read: int | None = None


def tokens_of(text: str) -> int:
    """How many tokens `text` has at most, estimated."""
    return len(text.encode()) // BYTES_A_TOKEN + 1


def as_data(value: object) -> str:
    """`value` as JSON on one line, without any character that could end the line or begin a tag."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_INERT)


def who(utterance: Utterance, context: ReviewContext) -> str:
    """How prompts name a speaker: role and number of the voice."""
    if isinstance(utterance.speaker, Unattributed):
        return "unattributed"
    side = context.side_of(utterance.speaker)
    return f"{'speaker' if side is Role.UNKNOWN else side.value} {utterance.speaker}"


def line_of(utterance: Utterance, context: ReviewContext) -> str:
    """One utterance as `[number, who, words]`."""
    return as_data([utterance.no, who(utterance, context), plain(utterance.text)])


def plain(text: str) -> str:
    """`text` without characters that show nothing or turn the writing around; `find_quote` ignores them too."""
    return visible(text)


def whole_call(context: ReviewContext) -> Passage:
    return Passage(text="\n".join(line_of(u, context) for u in context.transcript))


def nearest_parts(context: ReviewContext, order: Iterable[int], tokens: int) -> Passage:
    """As much of the call as fits into `tokens`: the utterances at the rows `order` with those around them.

    Where something is left out a line says how much.
    """
    utterances = context.transcript.utterances
    lines = [line_of(u, context) for u in utterances]
    left = tokens
    kept: set[int] = set()
    for row in order:
        new = [n for n in range(max(0, row - AROUND), min(len(lines), row + AROUND + 1)) if n not in kept]
        cost = sum(tokens_of(lines[n]) + _GAP_TOKENS for n in new)
        if cost > left:
            break
        kept.update(new)
        left -= cost
    shown: list[str] = []
    skipped = 0
    for row, line in enumerate(lines):
        if row in kept:
            if skipped:
                shown.append(as_data({"skipped": skipped}))
            shown.append(line)
            skipped = 0
        else:
            skipped += 1
    if skipped:
        shown.append(as_data({"skipped": skipped}))
    return Passage(text="\n".join(shown), read=len(kept))


_GAP_TOKENS: Final = 4


def rows_by_meaning(examples: Sequence[str], context: ReviewContext, embedder: Embedder) -> list[int]:
    """Rows of the call's utterances, taking turns between the examples, each example's nearest first. Computes."""
    if not examples or not len(context.transcript):
        return list(range(len(context.transcript)))
    return _taking_turns(context.vectors @ embedder.embed(examples).T)


def _taking_turns(similar: Vectors) -> list[int]:
    ranked = np.argsort(-similar, axis=0, kind="stable")
    return list(dict.fromkeys(int(row) for row in ranked.reshape(-1)))


def examples_of(criteria: Iterable[Criterion], most: int = 4) -> list[str]:
    """What words that show the criteria may sound like."""
    return [text for c in criteria for text in (c.question, *c.shown_by[:most])]


def rubric_overview(rubric: Rubric) -> str:
    """The rubric in short, one line a section, the same for every question about the call."""
    return "\n".join(
        as_data(
            {
                "section": s.id,
                "title": plain(s.title),
                "criteria": [{"id": c.id, "question": plain(c.question)} for c in s.criteria],
            }
        )
        for s in rubric.sections
    )


def _anchor(anchor: Anchor) -> dict[str, str]:
    found = {"words": plain(anchor.words), "score": anchor.score.value}
    return found | ({"why": plain(anchor.why)} if anchor.why else {})


def section_in_full(section: Section) -> Mapping[str, object]:
    """The section with all that its criteria say, for the question about it."""
    return {
        "section": section.id,
        "title": plain(section.title),
        "criteria": [
            {
                "id": c.id,
                "question": plain(c.question),
                **({} if c.role is Role.UNKNOWN else {"role": c.role.value}),
                **{
                    name: plain(text)
                    for name, text in (("yes_when", c.good), ("partly_when", c.partial), ("no_when", c.poor))
                    if text
                },
                **({"labelled": [_anchor(a) for a in c.anchors[:6]]} if c.anchors else {}),
                "shown_by": list(c.shown_by[:5]),
                "partly_shown_by": list(c.partly_shown_by[:3]),
                "not_shown_by": list(c.not_shown_by[:3]),
            }
            for c in section.criteria
        ],
    }
