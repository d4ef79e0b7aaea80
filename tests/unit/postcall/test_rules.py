"""Rules: what breaks one is proved like any claim, and what nobody can know is left open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from ridealong.core.claims import AbsenceClaim, CitedAs
from ridealong.core.conditions import When
from ridealong.core.context import CallContext
from ridealong.core.rubric import Rubric, Score, Section
from ridealong.core.rules import Before, Effect, Reach, Rule, RuleKind, RuleState, Severity, Words
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    Speaker,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.postcall.review import SectionOutcome, embed_call, outcomes, review_section
from ridealong.postcall.reviewer import InThreads, JudgedRule, ReviewContext, StepLog
from ridealong.postcall.rules import RuleJudge
from tests.unit.postcall.embedder import LetterEmbedder
from tests.unit.postcall.test_review import Scripted

EMBEDDER = LetterEmbedder()
JUDGE = RuleJudge(EMBEDDER)
REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
KNOWN = Roles([RoleAssignment(speaker_id=REP, role=Role.REP, source=RoleSource.STATED, confidence=1.0)])
RECORDED = Words(
    role=Role.REP,
    shown_as="said that the call is recorded",
    phrases=("call is * recorded", "recording this call"),
    unless=("was recorded",),
)
PRICE = Words(role=Role.REP, shown_as="named a price", phrases=("a month", "a year"))


def rule(kind: RuleKind, said: Words = RECORDED, *, before: Before | None = None, when: When | None = None) -> Rule:
    return Rule(
        id="rule",
        kind=kind,
        said=said,
        severity=Severity.HIGH,
        effect=Effect(cap=40, of=Reach.CALL),
        before=before,
        when=when or When(),
    )


def context(*said: tuple[Speaker, str], roles: Roles = KNOWN, about: CallContext | None = None) -> ReviewContext:
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=3)),
        (
            Utterance(no=no, speaker=who, start_ts=no * 5000, end_ts=no * 5000 + 4000, text=text)
            for no, (who, text) in enumerate(said)
        ),
    )
    return ReviewContext(
        transcript=transcript,
        roles=roles,
        moments=(),
        vectors=embed_call(transcript, EMBEDDER, {}),
        duration_ms=len(said) * 5000,
        about=about or CallContext(),
    )


def judged(one: Rule, call: ReviewContext) -> JudgedRule:
    (found,) = JUDGE.judge(Section(id="s", title="S", criteria=(), rules=(one,)), call)
    return found


def reviewed(one: Rule, call: ReviewContext) -> SectionOutcome:
    """The rule's section, whose reviewer has nothing to judge and is not asked."""
    section = Section(id="s", title="S", criteria=(), rules=(one,))

    async def made() -> SectionOutcome:
        asked = await InThreads(Scripted()).begin(UUID(int=1), Rubric(id="r", title="R", sections=(section,)), call)
        return await review_section(asked, section, call, StepLog(step="s"), rules=JUDGE.judge(section, call))

    return asyncio.run(made())


HELLO = (REP, "Hi Dana, thanks for taking the time.")
TOLD = (REP, "By the way, this call is being recorded, okay?")
SURE = (CUSTOMER, "Sure, that is fine with me.")
PRICED = (REP, "For you it would be four hundred a month.")


def test_what_must_be_said_and_was_is_kept_with_its_words() -> None:
    outcome = reviewed(rule(RuleKind.MUST_SAY), context(HELLO, TOLD, SURE))
    (finding,) = outcome.review.findings
    assert (finding.score, finding.claim.evidence[0].quote) == (Score.YES, TOLD[1].removesuffix("?"))
    assert finding.claim.statement == "The rep said that the call is recorded."
    assert outcome.review.rules[0].state is RuleState.KEPT
    assert (outcome.review.score, outcome.review.assessed, outcome.review.call_effects) == (100.0, True, ())


def test_what_must_be_said_and_was_not_is_an_absence_over_the_whole_call() -> None:
    call = context(HELLO, SURE, PRICED)
    outcome = reviewed(rule(RuleKind.MUST_SAY), call)
    claim = outcome.review.findings[0].claim
    assert isinstance(claim, AbsenceClaim)
    assert claim.through == 2
    assert claim.cited_as is CitedAs.SPAN
    assert [e.quote for e in claim.evidence] == [said[1].removesuffix(".") for said in (HELLO, PRICED)]
    assert claim.statement.startswith(
        "Nothing in the call was found to show this: the rep said that the call is recorded."
        " Nothing that the rep said between these words came near."
    )
    assert outcome.review.score == 40.0
    assert [e.cap for e in outcome.review.call_effects] == [40]


@pytest.mark.parametrize(
    "said",
    [
        [HELLO, (CUSTOMER, "Is this call being recorded?"), SURE],
        [HELLO, (REP, "This call is not recorded."), SURE],
        [HELLO, (REP, "The last call is the one that was recorded by us."), SURE],
    ],
    ids=["by the other side", "denied", "excused"],
)
def test_words_that_only_look_like_it_do_not_keep_a_rule(said: Sequence[tuple[Speaker, str]]) -> None:
    assert judged(rule(RuleKind.MUST_SAY), context(*said)).outcome.state is RuleState.BROKEN


@pytest.mark.parametrize("kind", [RuleKind.MUST_SAY, RuleKind.MUST_SAY_BEFORE])
def test_nothing_is_held_against_a_rep_whom_nobody_knows(kind: RuleKind) -> None:
    before = Before(seconds=4) if kind is RuleKind.MUST_SAY_BEFORE else None
    found = judged(rule(kind, before=before), context(HELLO, SURE, PRICED, roles=Roles([])))
    assert (found.outcome.state, found.draft) == (RuleState.NOT_ASSESSED, None)
    promised = Words(role=Role.REP, shown_as="promised it", phrases=("i promise",))
    call = context(HELLO, (REP, "I promise you that it works."), roles=Roles([]))
    assert judged(rule(RuleKind.MUST_NOT_SAY, promised), call).outcome.state is RuleState.NOT_ASSESSED


def test_words_of_nobody_leave_it_open() -> None:
    call = context(HELLO, (UNATTRIBUTED, "This call is recorded."), SURE)
    found = judged(rule(RuleKind.MUST_SAY), call)
    assert (found.outcome.state, found.draft) == (RuleState.NOT_ASSESSED, None)


def test_what_must_not_be_said_is_quoted_where_it_was() -> None:
    promised = Words(
        role=Role.REP, shown_as="promised a result", phrases=("guarantee*",), unless=("money-back guarantee",)
    )
    said = (
        (REP, "I guarantee you six percent."),
        (CUSTOMER, "Do you guarantee that?"),
        (REP, "There is a money-back guarantee."),
        (REP, "Nobody can guarantee returns."),
    )
    outcome = reviewed(rule(RuleKind.MUST_NOT_SAY, promised), context(*said))
    (finding,) = outcome.review.findings
    assert [e.utterance_no for e in finding.claim.evidence] == [0]
    assert not isinstance(finding.claim, AbsenceClaim)
    clean = reviewed(rule(RuleKind.MUST_NOT_SAY, promised), context(*said[1:]))
    assert clean.review.rules[0].state is RuleState.KEPT
    assert not clean.review.findings
    assert not clean.review.assessed, "nothing was said, so nothing is shown, and no score is made of it"


def test_order_decides_what_must_come_before() -> None:
    early = rule(RuleKind.MUST_SAY_BEFORE, before=Before(words=PRICE))
    kept = reviewed(early, context(HELLO, TOLD, SURE, PRICED))
    assert kept.review.rules[0].state is RuleState.KEPT
    assert [e.utterance_no for e in kept.review.findings[0].claim.evidence] == [1, 3]
    late = reviewed(early, context(HELLO, PRICED, SURE, TOLD))
    claim = late.review.findings[0].claim
    assert late.review.rules[0].state is RuleState.BROKEN
    assert not isinstance(claim, AbsenceClaim)
    assert [e.utterance_no for e in claim.evidence] == [1, 3], "what came too early, then the late saying"
    assert claim.statement == "The rep named a price here. Only afterwards: the rep said that the call is recorded."
    never = reviewed(early, context(HELLO, PRICED, SURE)).review.findings[0].claim
    assert isinstance(never, AbsenceClaim)
    assert (never.evidence[0].utterance_no, never.through) == (1, 2)
    nothing = reviewed(early, context(HELLO, SURE)).review
    assert nothing.rules[0].state is RuleState.NOT_APPLICABLE
    assert not nothing.findings
    in_one = "It is nine hundred a year. And this call is recorded."
    assert judged(early, context((REP, in_one))).outcome.state is RuleState.BROKEN
    other_way = "This call is recorded. It is nine hundred a year."
    assert judged(early, context((REP, other_way))).outcome.state is RuleState.KEPT


def test_a_rule_may_want_it_within_the_first_seconds() -> None:
    soon = rule(RuleKind.MUST_SAY_BEFORE, before=Before(seconds=10))
    assert judged(soon, context(HELLO, TOLD, SURE, PRICED)).outcome.state is RuleState.KEPT
    assert judged(soon, context(HELLO, TOLD)).outcome.state is RuleState.KEPT
    found = judged(soon, context(HELLO, SURE, SURE, TOLD))
    assert found.outcome.state is RuleState.BROKEN
    assert found.draft is not None
    assert [c.utterance_no for c in found.draft.citations] == [2, 3]


def test_a_rule_applies_where_its_condition_holds() -> None:
    one = rule(RuleKind.MUST_SAY, when=When(call_types=("In-home sale",)))
    assert judged(one, context(HELLO, SURE, about=CallContext(call_type="in_home SALE"))).outcome.state is (
        RuleState.BROKEN
    )
    left = judged(one, context(HELLO, SURE)).outcome
    assert (left.state, left.reason) == (RuleState.NOT_APPLICABLE, "applies to calls of the type In-home sale only")


def test_a_claim_that_a_second_reading_removes_leaves_its_rule_open() -> None:
    found = judged(rule(RuleKind.MUST_SAY), context(HELLO, SURE))
    (left,) = outcomes([found], kept=())
    assert (left.state, left.reason) == (RuleState.NOT_ASSESSED, "a second reading did not confirm it")
