"""What a claim of absence cites: the words at which a listener can judge whether something is missing.

No quote proves that others were not said. What proves it is the search, told beside the claim. Cited is, in this order,
what called for it, what came nearest, the place where it belongs, or the ends of what was searched; the claim says
which (`CitedAs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ridealong.core.claims import CitedAs
from ridealong.core.rubric import CallPlace
from ridealong.core.transcript import Citation
from ridealong.postcall.absence import ALIKE
from ridealong.postcall.wording import MOMENT_WORDS, name_of

if TYPE_CHECKING:
    from ridealong.core.artifact import StoredMoment
    from ridealong.core.rubric import Criterion
    from ridealong.core.transcript import Utterance
    from ridealong.postcall.evidence import EvidenceFinder, Shown
    from ridealong.postcall.reviewer import ReviewContext

MOST_CITED: Final = 3
PLACE_MS: Final = 120_000
"""A call's opening and its closing last no longer than this,"""
PLACE_SHARE: Final = 0.25
"""and no longer than this share of it."""
UNASKED: Final = 0.95
"""How sure it is that something is owed which nothing on the call asked for: the rubric alone does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cited:
    """`says` completes a statement of absence: a sentence about the words in `citations`. `sure`: that it was owed."""

    says: str
    citations: tuple[Citation, ...]
    cited_as: CitedAs
    sure: float

    def statement(self, owed: str) -> str:
        """The claim's statement; `owed` is what is missing, as a sentence."""
        missing = f"Nothing in the call was found to show this: {owed[0].lower()}{owed[1:]}"
        return f"{self.says} {missing}" if self.cited_as is CitedAs.CALLED_FOR else f"{missing} {self.says}"


def called_for(moments: Sequence[StoredMoment], context: ReviewContext) -> Cited | None:
    """The moments that called for it, the surest first; None where there are none."""
    if not moments:
        return None
    calls = sorted(moments, key=lambda m: -m.moment.confidence)
    surest = calls[0].moment
    who = name_of(surest.evidence[0].speaker_id, context)
    return Cited(
        says=f"{who} {MOMENT_WORDS.get(surest.type, 'came to a point that called for it')}.",
        citations=tuple(
            Citation(utterance_no=m.moment.evidence[0].utterance_no, quote=m.moment.evidence[0].quote)
            for m in calls[:MOST_CITED]
        ),
        cited_as=CitedAs.CALLED_FOR,
        sure=surest.confidence,
    )


def nearest(
    criterion: Criterion, shown: Sequence[Shown], finder: EvidenceFinder, context: ReviewContext
) -> Cited | None:
    """The words of `shown`, best first, that come near to `criterion`; where it has a place, those there."""
    near = [
        s
        for s in shown
        if (criterion.place is None or _stands(s.utterance, criterion.place, context))
        and finder.likeness(criterion, s, context) >= ALIKE
    ]
    if not near:
        return None
    same = [s for s in near if s.utterance.speaker == near[0].utterance.speaker][:MOST_CITED]
    who = _lower(name_of(same[0].utterance.speaker, context))
    return Cited(
        says=f"These words of {who} came nearest to it.",
        citations=tuple(dict.fromkeys(c for s in same for c in s.citations))[:MOST_CITED],
        cited_as=CitedAs.NEAREST,
        sure=UNASKED,
    )


def placed(criterion: Criterion, searched: Sequence[Utterance], context: ReviewContext) -> Cited | None:
    """The side's words at the place where `criterion` belongs; None where it has none, or nothing was said there."""
    if criterion.place is None:
        return None
    there = [u for u in searched if _stands(u, criterion.place, context)]
    opening = criterion.place is CallPlace.OPENING
    words = there[:MOST_CITED] if opening else there[-MOST_CITED:]
    if not words:
        return None
    who = _lower(name_of(words[0].speaker, context))
    return Cited(
        # No word of time or order: one that the quote turns round would refuse the claim (`opposites`).
        says=f"It belongs here, and this is what {who} said.",
        citations=tuple(Citation(utterance_no=u.no, quote=u.text) for u in words),
        cited_as=CitedAs.PLACE,
        sure=UNASKED,
    )


def span(searched: Sequence[Utterance], context: ReviewContext) -> Cited:
    """The first and the last words of `searched`, which is not empty."""
    ends = searched[:1] if len(searched) == 1 else (searched[0], searched[-1])
    who = _lower(name_of(ends[0].speaker, context))
    return Cited(
        says=f"Nothing that {who} said between these words came near.",
        citations=tuple(Citation(utterance_no=u.no, quote=u.text) for u in ends),
        cited_as=CitedAs.SPAN,
        sure=UNASKED,
    )


def _stands(utterance: Utterance, place: CallPlace, context: ReviewContext) -> bool:
    utterances = context.transcript.utterances
    begin, end = utterances[0].start_ts, max(u.end_ts for u in utterances)
    length = min(PLACE_MS, PLACE_SHARE * (end - begin))
    if place is CallPlace.OPENING:
        return utterance.start_ts <= begin + length
    return utterance.end_ts >= end - length


def _lower(words: str) -> str:
    return words[0].lower() + words[1:] if words.startswith("The ") else words
