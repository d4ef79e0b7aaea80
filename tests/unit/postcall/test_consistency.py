"""No two statements of one review say the opposite: found without a model, settled once, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from ridealong.core.claims import AbsenceClaim, CitedAs, Claim, Searched
from ridealong.core.confidence import Signals
from ridealong.core.rubric import CoachingMoment, Criterion, Finding, Score, SectionReview
from ridealong.core.transcript import Citation, Role
from ridealong.postcall.confidence import shipped_confidence
from ridealong.postcall.consistency import Said, Settled, contradictions, settle, statements
from ridealong.postcall.proving import prove
from ridealong.postcall.reviewer import CallReviewer, CoachingDraft, CriterionDraft, Draft, Refusal, StepLog, Support
from tests.unit.postcall.test_review import context

CALL = context()
STEP = Criterion(id="next_step", question="Was a next step agreed?", role=Role.REP, shown_by=("Thursday at ten?",))
LAST = CALL.transcript.utterances[-1].no


def proved(quote: str, confidence: float, through: int | None = None) -> Claim:
    no = next(u.no for u in CALL.transcript if quote in u.text)
    cited = (Citation(utterance_no=no, quote=quote),)
    claim = prove(
        Draft(statement="It was so.", citations=cited, confidence=confidence, through=through), CALL.transcript
    )
    return replace(claim, signals=Signals(own=confidence))


def finding(score: Score, claim: Claim, section: str = "next_step") -> SectionReview:
    found = Finding(criterion_id=STEP.id, score=score, claim=claim)
    return SectionReview(section_id=section, title="Next step", score=100, confidence=0.9, findings=(found,))


PROPOSED = "we go through it together on Thursday at ten"
POSTPONED = "let me think about it and I'll get back to you"


class Second:
    """Answers a second reading as told; None: it is a reviewer whose statements need none."""

    name = "second"
    otherwise: CallReviewer | None = None

    def __init__(self, verdicts: Mapping[str, Support] | None) -> None:
        self.verdicts = verdicts
        self.asked: list[set[str]] = []

    async def verify(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support] | None:
        assert log.step
        self.asked.append(set(claims))
        return self.verdicts

    async def draft_section(
        self, section: object, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        raise NotImplementedError(section, log, refused)

    def plan(self, sections: Sequence[object], *, told: bool) -> None: ...

    async def draft_coaching(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[CoachingDraft]:
        raise NotImplementedError(log, refused)


def pair(yes: float = 0.9, no: float = 0.6, through: int = LAST) -> tuple[list[SectionReview], list[CoachingMoment]]:
    """A section that found a next step, and a coaching moment that says there was none."""
    coaching = CoachingMoment(title="No next step", advice="Agree one.", claim=proved(POSTPONED, no, through))
    return [finding(Score.YES, proved(PROPOSED, yes))], [coaching]


def pairs_of(sections: Sequence[SectionReview], coaching: Sequence[CoachingMoment]) -> list[tuple[Said, Said]]:
    return contradictions(statements(sections, coaching, lambda _moment: STEP))


def settled(pairs: Sequence[tuple[Said, Said]], verdicts: Mapping[str, Support] | None = None) -> Settled:
    return asyncio.run(settle(pairs, Second(verdicts), StepLog(step="consistency"), shipped_confidence()))


def test_no_next_step_in_a_coaching_moment_contradicts_the_section_that_found_one() -> None:
    sections, coaching = pair()
    found = pairs_of(sections, coaching)
    assert [(yes.key, no.key) for yes, no in found] == [(("next_step", "next_step"), ("", "0"))]
    outcome = settled(found)
    kept, moments = outcome.apply(sections, coaching)
    assert (kept, moments) == (sections, [])
    assert outcome.tally.flat() == {"dropped:contradiction": 1}


def test_what_was_done_outside_of_the_searched_span_contradicts_nothing() -> None:
    postponed = next(u.no for u in CALL.transcript if POSTPONED in u.text)
    assert pairs_of(*pair(through=postponed)) == []
    sections, coaching = pair()
    claim = coaching[0].claim
    assert isinstance(claim, AbsenceClaim)
    late = replace(claim, searched=Searched(from_no=LAST, start_ts=0, end_ts=1))
    assert pairs_of(sections, [replace(coaching[0], claim=late)]) == []


def test_what_came_nearest_to_an_absence_contradicts_it_where_another_claim_takes_it_for_proof() -> None:
    absent = proved(PROPOSED, 0.6, LAST)
    coaching = CoachingMoment(title="No next step", advice="Agree one.", claim=absent)
    shown = [finding(Score.YES, proved(PROPOSED, 0.9))]
    assert pairs_of(shown, [coaching]) == []
    assert isinstance(absent, AbsenceClaim)
    nearest = replace(coaching, claim=replace(absent, cited_as=CitedAs.NEAREST))
    assert len(pairs_of(shown, [nearest])) == 1


def test_the_surer_statement_stands_and_one_that_is_unsure_takes_nothing_out() -> None:
    sections, coaching = pair(yes=0.5, no=0.8)
    outcome = settled(pairs_of(sections, coaching))
    assert list(outcome.dropped) == [("next_step", "next_step")]
    assert outcome.apply(sections, coaching)[0][0].findings == ()
    sections, coaching = pair(yes=0.4, no=0.3)
    outcome = settled(pairs_of(sections, coaching))
    assert not outcome.dropped
    _, moments = outcome.apply(sections, coaching)
    lowered = moments[0].claim
    assert lowered.confidence < 0.3
    assert lowered.signals is not None
    assert lowered.signals.contradicted


@pytest.mark.parametrize(
    ("verdicts", "dropped", "lowered"),
    [
        ({"/0": Support.NOT, "next_step/next_step": Support.SUPPORTED}, [("", "0")], []),
        ({"/0": Support.SUPPORTED, "next_step/next_step": Support.NOT}, [("next_step", "next_step")], []),
        ({"/0": Support.SUPPORTED, "next_step/next_step": Support.SUPPORTED}, [], [("", "0")]),
        ({}, [], [("", "0")]),
    ],
)
def test_a_second_reading_decides_where_there_is_one(
    verdicts: Mapping[str, Support], dropped: list[tuple[str, str]], lowered: list[tuple[str, str]]
) -> None:
    outcome = settled(pairs_of(*pair()), verdicts)
    assert (list(outcome.dropped), list(outcome.lowered)) == (dropped, lowered)


def test_the_same_criterion_met_in_one_section_and_missed_in_another_is_a_contradiction() -> None:
    sections = [
        finding(Score.YES, proved(PROPOSED, 0.9), "one"),
        finding(Score.NO, proved(POSTPONED, 0.6), "two"),
        finding(Score.PARTLY, proved(PROPOSED, 0.5), "three"),
    ]
    [(yes, no)] = pairs_of(sections, [])
    assert (yes.key[0], no.key[0]) == ("one", "two")


def test_a_review_without_contradictions_asks_nobody() -> None:
    second = Second({})
    outcome = asyncio.run(settle([], second, StepLog(step="consistency"), None))
    assert (outcome.dropped, outcome.lowered, second.asked) == ({}, {}, [])
