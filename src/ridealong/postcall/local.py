"""The local reviewer: no key, no network, and no statement that the call does not carry.

It compares what was said with each criterion's examples, by role and meaning, and says what it found. It does not
understand the call; what it is unsure of it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import StoredMoment
from ridealong.core.rubric import Criterion, Rubric, Score, Section
from ridealong.core.transcript import Citation, Role, Speaker, Unattributed
from ridealong.postcall.coaching import Coach
from ridealong.postcall.evidence import EvidenceFinder, Shown, last_no, may_show
from ridealong.postcall.local_narrator import LocalNarrator
from ridealong.postcall.reviewer import CoachingDraft, CriterionDraft, Draft, Refusal, ReviewContext
from ridealong.postcall.wording import MOMENT_WORDS, name_of, predicate

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.postcall.scoring import Calibrator

FOUND: Final = 0.24
"""From this probability on, words are shown as a finding: a person's click decides the rest."""
FOUND_UNKNOWN_ROLE: Final = 0.40
"""The same where no rep is known: the words alone must make it clear."""
FULLY: Final = 0.30
FULLY_SHARE: Final = 0.6
"""A "yes" needs this probability at least, and this share of it for "fully"."""
ABSENT: Final = 0.05
"""Nothing is called absent while some words show it with this probability or more: then it is left open. Below it a
person found nothing either in 72 of 100 criteria (decision 0030); at three times as much in 50."""
CALLED_FOR: Final = 0.5
"""A moment less sure than this calls for nothing."""
MAX_EVIDENCE: Final = 3
ALSO: Final = 0.6
"""Further evidence is at least this share as sure as the first."""


class LocalReviewer:
    """The default `Reviewer`. Costs about 15 ms a criterion for a call of an hour."""

    def __init__(self, embedder: Embedder, calibrator: Calibrator | None = None) -> None:
        self._finder = EvidenceFinder(embedder, calibrator)
        self._narrator = LocalNarrator(embedder, self._finder)
        self._coach = Coach(self._finder, self._narrator.stager)

    @property
    def narrator(self) -> LocalNarrator:
        return self._narrator

    @property
    def name(self) -> str:
        return "local-2"

    @property
    def finder(self) -> EvidenceFinder:
        """What it searches with: whoever checks its claims of absence need not prepare the same criteria again."""
        return self._finder

    def warm(self, rubric: Rubric) -> None:
        """Prepare for `rubric`, so that the first review does not wait (about a second)."""
        self._finder.warm([c for section in rubric.sections for c in section.criteria])
        self._coach.warm()
        self._narrator.warm()

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        if refused or not len(context.transcript):
            # It quotes what it has read: a second look at the same words finds nothing else.
            return ()
        drafts = (self._judge(criterion, context) for criterion in section.criteria)
        return tuple(draft for draft in drafts if draft is not None)

    def draft_coaching(
        self, rubric: Rubric, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CoachingDraft]:
        if refused or not len(context.transcript):
            return ()
        return self._coach.drafts(rubric, context)

    def _judge(self, criterion: Criterion, context: ReviewContext) -> CriterionDraft | None:
        found = self._finder.find(criterion, context)
        floor = FOUND if context.rep_known or criterion.role is Role.UNKNOWN else FOUND_UNKNOWN_ROLE
        if found and found[0].confidence >= floor:
            return _shown(criterion, found, context, floor)
        best = found[0].confidence if found else 0.0
        return _absent(criterion, best, context)


def _shown(criterion: Criterion, found: Sequence[Shown], context: ReviewContext, floor: float) -> CriterionDraft:
    best = found[0]
    same = [
        f
        for f in found
        if f.utterance.speaker == best.utterance.speaker and f.confidence >= max(floor, ALSO * best.confidence)
    ]
    fully = best.confidence >= FULLY and best.fully >= FULLY_SHARE * best.confidence
    who = name_of(best.utterance.speaker, context)
    said = predicate(criterion, who)
    return CriterionDraft(
        criterion_id=criterion.id,
        score=Score.YES if fully else Score.PARTLY,
        draft=Draft(
            statement=said if fully else f"In part, or not for sure: {said[0].lower()}{said[1:]}",
            citations=tuple(f.citation for f in same[:MAX_EVIDENCE]),
            confidence=round(best.confidence, 4),
        ),
    )


def _absent(criterion: Criterion, best: float, context: ReviewContext) -> CriterionDraft | None:
    """A claim of absence, where something called for the criterion and the rest of the call was searched."""
    if best >= ABSENT or not context.rep_known or criterion.role is Role.UNKNOWN:
        return None
    calls = [
        m
        for m in context.moments
        if m.moment.type in criterion.called_for_by
        and m.moment.confidence >= CALLED_FOR
        and _answered_by_words(criterion, m, context)
    ]
    if not calls:
        return None
    calls.sort(key=lambda m: -m.moment.confidence)
    first = calls[0].moment
    evidence = first.evidence[0]
    who = name_of(evidence.speaker_id, context)
    doer = _role_name(criterion, context)
    return CriterionDraft(
        criterion_id=criterion.id,
        score=Score.NO,
        draft=Draft(
            statement=(
                f"{who} {MOMENT_WORDS.get(first.type, 'came to a point that called for it')}. "
                f"Nothing in the call was found to show this: {_lower(predicate(criterion, doer))}"
            ),
            citations=tuple(
                Citation(utterance_no=m.moment.evidence[0].utterance_no, quote=m.moment.evidence[0].quote)
                for m in calls[:MAX_EVIDENCE]
            ),
            confidence=round(first.confidence * (1 - best) * _role_sureness(context), 4),
            through=last_no(context.transcript),
        ),
    )


def _answered_by_words(criterion: Criterion, called: StoredMoment, context: ReviewContext) -> bool:
    """Whether the one who should have done it said anything after the moment: a call that ends there omits nothing."""
    end_ts = called.moment.evidence[0].end_ts
    return any(u.start_ts >= end_ts and may_show(criterion, u, context) for u in context.transcript)


def _role_name(criterion: Criterion, context: ReviewContext) -> str:
    if criterion.role is Role.REP:
        speaker: Speaker = context.roles.rep
        return name_of(speaker, context) if not isinstance(speaker, Unattributed) else "The rep"
    return "The customer"


def _role_sureness(context: ReviewContext) -> float:
    return max((a.confidence for a in context.roles.values() if a.role is Role.REP), default=0.0)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
