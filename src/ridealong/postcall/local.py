"""The local reviewer: no key, no network, and no statement that the call does not carry.

It finds what comes near to each criterion's examples, by role and meaning, and grades it as a person who answered other
calls would have (`grader`). It does not understand the call; what it is unsure of it leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import StoredMoment
from ridealong.core.rubric import Criterion, Rubric, Score, Section
from ridealong.core.transcript import Role, Utterance
from ridealong.postcall.coaching import Coach
from ridealong.postcall.evidence import UNKNOWN_ROLE, EvidenceFinder, Shown, last_no, may_show
from ridealong.postcall.grader import Grade, Grader
from ridealong.postcall.local_narrator import LocalNarrator
from ridealong.postcall.missing import called_for, nearest, placed, span
from ridealong.postcall.reviewer import CoachingDraft, CriterionDraft, Draft, Refusal, ReviewContext
from ridealong.postcall.standing import Contest, standing
from ridealong.postcall.wording import name_of, predicate

if TYPE_CHECKING:
    from ridealong.embedding import Layered
    from ridealong.postcall.scoring import Calibrator

FOUND: Final = 0.24
"""From this probability on, words that retrieval gives are taken for a value of a deal, and for a claim that confidence
is learnt from."""
FULLY: Final = 0.30
FULLY_SHARE: Final = 0.6
"""A "yes" of retrieval alone needs this probability at least, and this share of it for "fully"."""
SHOWN_UNKNOWN_ROLE: Final = 0.5
"""Where no rep is known a finding needs this probability: the words alone must make it clear."""
ABSENT: Final = 0.5
"""A "no" less probable than this is held against nobody: the criterion is left open. How surely the rep is known
counts: of somebody who was taken for the rep nothing is missing."""
LEAST_SEARCHED: Final = 4
"""Utterances. Who has said less than this has omitted nothing."""
CALLED_FOR: Final = 0.5
"""A moment less sure than this calls for nothing."""
MAX_EVIDENCE: Final = 3
ALSO: Final = 0.6
"""Further evidence is at least this share as sure as the first,"""
ALSO_LEAST: Final = 0.35
"""and as sure as this."""


class LocalReviewer:
    """The default `Reviewer`. Costs about 65 ms a criterion for a call of an hour."""

    def __init__(
        self, embedder: Layered, calibrator: Calibrator | None = None, *, grader: Grader | None = None
    ) -> None:
        self._finder = EvidenceFinder(embedder, calibrator)
        self._grader = grader or Grader(embedder)
        self._narrator = LocalNarrator(embedder, self._finder)
        self._coach = Coach(self._finder, self._narrator.stager)

    @property
    def narrator(self) -> LocalNarrator:
        return self._narrator

    @property
    def name(self) -> str:
        return "local-4"

    @property
    def finder(self) -> EvidenceFinder:
        """What it searches with: whoever checks its claims of absence need not prepare the same criteria again."""
        return self._finder

    def warm(self, rubric: Rubric) -> None:
        """Prepare for `rubric`, so that the first review does not wait (about a second)."""
        criteria = [c for section in rubric.sections for c in section.criteria]
        self._finder.warm(criteria)
        self._grader.warm(criteria)
        self._coach.warm()
        self._narrator.warm()

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        if refused or not len(context.transcript):
            # It quotes what it has read: a second look at the same words finds nothing else.
            return ()
        grades = self._grades(section, context)
        drafts = (self._judge(criterion, grades, context) for criterion in section.criteria)
        return tuple(draft for draft in drafts if draft is not None)

    def draft_coaching(
        self, rubric: Rubric, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CoachingDraft]:
        if refused or not len(context.transcript):
            return ()
        return self._coach.drafts(rubric, context)

    def _grades(self, section: Section, context: ReviewContext) -> Mapping[Criterion, Grade | None]:
        """The grades of all criteria that contest for the words of the call, those of `section` first.

        Sections that are drafted side by side go on from their own place, so that each finds most of the others done.
        """
        contest = context.contest or Contest(section.criteria)
        mine = section.criteria[0] if section.criteria else None
        begin = contest.criteria.index(mine) if mine in contest.criteria else 0
        for criterion in (*section.criteria, *contest.criteria[begin:], *contest.criteria[:begin]):
            if criterion not in contest.grades:
                found = self._finder.find(criterion, context)
                contest.grades[criterion] = self._grader.grade(criterion, found, context)
        return dict(contest.grades)

    def _judge(
        self, criterion: Criterion, grades: Mapping[Criterion, Grade | None], context: ReviewContext
    ) -> CriterionDraft | None:
        grade = grades[criterion]
        if grade is None:
            return None
        if grade.score is Score.NO:
            return self._absent(criterion, grade, context)
        return _shown(criterion, grade, standing(criterion, grades, context), context)

    def _absent(self, criterion: Criterion, grade: Grade, context: ReviewContext) -> CriterionDraft | None:
        """A claim of absence over the whole call; `missing` says what it cites."""
        if not context.rep_known or criterion.role is Role.UNKNOWN:
            return None
        probability = grade.probabilities[0] * _role_sureness(context)
        if probability < ABSENT:
            return None
        searched = [u for u in context.transcript if may_show(criterion, u, context)]
        if len(searched) < LEAST_SEARCHED:
            return None
        cited = (
            called_for(_calls(criterion, context), context)
            or nearest(criterion, grade.read, self._finder, context)
            or placed(criterion, searched, context)
            or span(searched, context)
        )
        return CriterionDraft(
            criterion_id=criterion.id,
            score=Score.NO,
            draft=Draft(
                statement=cited.statement(predicate(criterion, _role_name(criterion, context))),
                citations=cited.citations,
                confidence=round(cited.sure * probability, 4),
                through=last_no(context.transcript),
                cited_as=cited.cited_as,
            ),
        )


def _shown(criterion: Criterion, grade: Grade, proof: Sequence[Shown], context: ReviewContext) -> CriterionDraft | None:
    if not proof:
        return None
    best = proof[0]
    confidence = grade.shown * _speaker_sureness(criterion, best.utterance, context)
    unknown = not context.rep_known and criterion.role is not Role.UNKNOWN
    if unknown and confidence < SHOWN_UNKNOWN_ROLE:
        return None
    same = [
        found
        for found in proof
        if found is best
        or (
            found.utterance.speaker == best.utterance.speaker
            and found.confidence >= max(ALSO_LEAST, ALSO * best.confidence)
        )
    ]
    said = predicate(criterion, name_of(best.utterance.speaker, context))
    fully = grade.score is Score.YES
    return CriterionDraft(
        criterion_id=criterion.id,
        score=grade.score,
        draft=Draft(
            statement=said if fully else f"In part, or not for sure: {_lower(said)}",
            citations=tuple(dict.fromkeys(c for found in same for c in found.citations))[:MAX_EVIDENCE],
            confidence=round(confidence, 4),
        ),
    )


def _calls(criterion: Criterion, context: ReviewContext) -> list[StoredMoment]:
    return [
        m
        for m in context.moments
        if m.moment.type in criterion.called_for_by
        and m.moment.confidence >= CALLED_FOR
        and _answered_by_words(criterion, m, context)
    ]


def _answered_by_words(criterion: Criterion, called: StoredMoment, context: ReviewContext) -> bool:
    """Whether the one who should have done it said anything after the moment: a call that ends there omits nothing."""
    end_ts = called.moment.evidence[0].end_ts
    return any(u.start_ts >= end_ts and may_show(criterion, u, context) for u in context.transcript)


def _role_name(criterion: Criterion, context: ReviewContext) -> str:
    if criterion.role is Role.REP:
        reps = context.roles.reps
        return name_of(reps[0], context) if len(reps) == 1 else "The reps" if reps else "The rep"
    return "The customer"


def _speaker_sureness(criterion: Criterion, utterance: Utterance, context: ReviewContext) -> float:
    """What is left of a probability by the doubt about who spoke, and for which side."""
    if criterion.role is Role.UNKNOWN:
        return utterance.speaker_confidence
    known = context.side_of(utterance.speaker) is not Role.UNKNOWN
    return utterance.speaker_confidence * (context.role_confidence(utterance.speaker) if known else UNKNOWN_ROLE)


def _role_sureness(context: ReviewContext) -> float:
    return max((a.confidence for a in context.roles.values() if a.role is Role.REP), default=0.0)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
