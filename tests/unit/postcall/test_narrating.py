"""Telling a call as a whole: stages, contradictions, next actions and the follow-up, each proven like a finding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from ridealong.app.bench.spoken import CUSTOMER, REP
from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import Ungrounded
from ridealong.core.outline import FollowUpPart, GapKind, NextAction, Stage, Who
from ridealong.core.rubric import Finding, Score, SectionReview
from ridealong.core.transcript import UNATTRIBUTED, Citation, Roles, Speaker
from ridealong.postcall.actions import due_in
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.narrating import list_next_actions, name_gaps, outline_call, write_follow_up
from ridealong.postcall.narrator import ActionDraft, Found, GapDraft, SentenceDraft, StageDraft
from ridealong.postcall.reviewer import CallReviewer, Draft, InThreads, Refusal, ReviewContext, StepLog
from ridealong.postcall.rubric import shipped_rubric
from tests.unit.postcall.embedder import LetterEmbedder
from tests.unit.postcall.test_review import context

LOCAL = LocalReviewer(LetterEmbedder())
LOG = StepLog(step="test")


def judge(call: ReviewContext) -> CallReviewer:
    return asyncio.run(InThreads(LOCAL).begin(UUID(int=1), shipped_rubric("discovery"), call))


def outline(call: ReviewContext) -> tuple[Stage, ...]:
    asked = judge(call)
    return asyncio.run(outline_call(asked.narrator, asked, call, LOG)).found


def actions(call: ReviewContext) -> tuple[NextAction, ...]:
    asked = judge(call)
    return asyncio.run(list_next_actions(asked.narrator, asked, call, LOG)).found


def draft(no: int, quote: str, **changes: object) -> Draft:
    made = Draft(statement="It was said.", citations=(Citation(utterance_no=no, quote=quote),), confidence=0.7)
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


class Telling:
    """A narrator that writes what it is told, one list of drafts for each try."""

    name = "told"
    hosted = True
    otherwise = None

    def __init__(self, *tries: Sequence[object]) -> None:
        self.tries = list(tries)
        self.refused: list[Sequence[Refusal]] = []

    async def _next(self, *given: object) -> Sequence[object]:
        self.refused.append(given[-1] if isinstance(given[-1], tuple) else ())  # pyright: ignore
        return self.tries.pop(0) if self.tries else ()

    draft_outline = draft_next_actions = draft_gaps = draft_follow_up = _next  # pyright: ignore


# --------------------------------------------------------------------------------------------------------- outline


def test_the_stages_follow_each_other_and_hold_every_utterance_and_cite_their_own_words() -> None:
    call = context()
    stages = outline(call)
    assert stages[0].first_no == 0
    assert stages[-1].last_no == call.transcript.utterances[-1].no
    assert all(a.last_no + 1 == b.first_no for a, b in pairwise(stages))
    for stage in stages:
        assert (stage.start_ts, stage.end_ts) == (
            call.transcript[stage.first_no].start_ts,
            call.transcript[stage.last_no].end_ts,
        )
        assert all(stage.first_no <= e.utterance_no <= stage.last_no for e in stage.summary.evidence)
        assert 0 < stage.summary.confidence < 1


@pytest.mark.parametrize("said", [[], [(REP, "Hello.")], [(UNATTRIBUTED, "Somebody said this and nobody knows who.")]])
def test_a_call_of_nearly_nothing_has_no_stage_that_nothing_proves(said: list[tuple[Speaker, str]]) -> None:
    assert all(stage.summary.evidence for stage in outline(context(said)))


def test_a_stage_that_overlaps_cites_elsewhere_or_does_not_exist_is_asked_for_again_and_then_dropped() -> None:
    call = context()
    first = StageDraft(key="a", stage="opening", first_no=0, last_no=5, draft=draft(0, "We have half an hour"))
    wrong = [
        replace(first, key="overlap", first_no=3, last_no=8, draft=draft(4, "How do orders come in")),
        replace(first, key="elsewhere", first_no=9, last_no=12),
        replace(first, key="beyond", first_no=20, last_no=9_999, draft=draft(22, "Ah, okay")),
        replace(first, key="named", stage="Drop Table", first_no=30, last_no=31),
    ]
    narrator = Telling([first, *wrong], wrong)
    proven = asyncio.run(outline_call(narrator, judge(call), call, LOG))  # pyright: ignore
    assert [s.stage for s in proven.found] == ["opening"]
    assert {r.key for r in narrator.refused[1]} == {"overlap", "elsewhere", "beyond", "named"}
    assert proven.counts.dropped == 4


def test_no_stage_can_be_made_whose_summary_cites_another_stage() -> None:
    transcript = context().transcript
    summary = Claim(statement="Something.", confidence=0.5, evidence=(transcript.cite_whole(9),))
    with pytest.raises(Ungrounded):
        Stage.of(transcript, "demo", 0, 5, summary)


# ---------------------------------------------------------------------------------------------------- next actions


def test_what_somebody_promised_is_an_action_with_who_and_by_when() -> None:
    found = {a.claim.evidence[0].utterance_no: a for a in actions(context())}
    quote = next(a for a in found.values() if "I send you the quote tonight" in a.claim.evidence[0].quote)
    assert (quote.who, quote.due) == (Who.REP, "tonight")
    assert next(a for a in found.values() if "Priya" in a.claim.statement).who is Who.CUSTOMER


@pytest.mark.parametrize(
    "said",
    [
        "Okay, well, let me think about it and I'll get back to you.",
        "I'll be honest, we would have called you anyway.",
        "I don't think I will send anything.",
        "Then the customer calls us and we send it by courier.",
    ],
)
def test_what_only_sounds_like_a_promise_is_no_action(said: str) -> None:
    assert actions(context([(REP, "What happens next?"), (CUSTOMER, said)])) == ()


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("I'll send it on Thursday at ten.", "on Thursday at ten"),
        ("On Monday we met, and I'll send it by Friday.", "by Friday"),
        ("We will check it by the end of October.", "by the end of October"),
        ("I'll call you in two weeks.", "in two weeks"),
        ("I'll send you the list.", None),
    ],
)
def test_by_when_is_what_was_said_word_for_word(said: str, due: str | None) -> None:
    assert due_in(said) == due


def test_a_date_that_nobody_said_is_refused() -> None:
    call = context()
    invented = ActionDraft(key="a", who=Who.REP, due="by Friday", draft=draft(0, "We have half an hour"))
    proven = asyncio.run(list_next_actions(Telling([invented], [invented]), judge(call), call, LOG))  # pyright: ignore
    assert (proven.found, proven.counts.dropped) == ((), 1)


# ------------------------------------------------------------------------------------------------------------ gaps


def finding(call: ReviewContext, criterion: str, no: int) -> SectionReview:
    claim = Claim(statement="Shown.", confidence=0.8, evidence=(call.transcript.cite_whole(no),))
    found = Finding(criterion_id=criterion, score=Score.YES, claim=claim)
    return SectionReview(section_id="s", title="S", score=100, confidence=0.8, findings=(found,))


def gaps_of(call: ReviewContext, found: Found) -> dict[str, Claim]:
    asked = judge(call)
    return {g.title: g.claim for g in asyncio.run(name_gaps(asked.narrator, asked, call, found, LOG)).found}


def test_a_budget_without_anybody_who_decides_is_a_gap_and_is_none_where_they_spoke_about_it() -> None:
    said = [(REP, "What budget did you set aside?"), (CUSTOMER, "About ten thousand."), (REP, "Zyx qwv jkz xxq.")]
    call = context(said)
    gap = gaps_of(call, Found(sections=(finding(call, "budget_asked", 0),)))["Budget without the one who decides"]
    assert isinstance(gap, AbsenceClaim)
    assert gap.through == 2
    both = (finding(call, "budget_asked", 0), finding(call, "buyer_asked", 0))
    assert "Budget without the one who decides" not in gaps_of(call, Found(sections=both))


def test_a_delay_after_an_agreed_next_step_is_a_contradiction_that_cites_both() -> None:
    call = context()
    stall = next(m for m in call.moments if m.moment.type == "stall")
    before = call.transcript.cite_whole(stall.moment.evidence[0].utterance_no - 3)
    agreed = NextAction(
        who=Who.REP, due="Thursday", claim=Claim(statement="Agreed.", confidence=0.8, evidence=(before,))
    )
    claim = gaps_of(call, Found(next_actions=(agreed,)))["A next step, and then a delay"]
    assert [e.utterance_no for e in claim.evidence] == [before.utterance_no, stall.moment.evidence[0].utterance_no]
    later = replace(agreed, claim=replace(agreed.claim, evidence=(call.transcript.cite_whole(40),)))
    assert "A next step, and then a delay" not in gaps_of(call, Found(next_actions=(agreed, later)))


def test_two_numbers_for_one_thing_are_told_and_one_number_said_twice_is_not() -> None:
    said = [(CUSTOMER, "We have forty drivers in the city."), (REP, "So you have thirty drivers in the city.")]
    assert "Two numbers for what may be the same" in gaps_of(context(said), Found())
    same = [said[0], (REP, "So you have 40 drivers in the city.")]
    assert gaps_of(context(same), Found()) == {}


def test_a_contradiction_with_one_side_is_refused() -> None:
    call = context()
    one_side = GapDraft(
        key="a", gap=GapKind.CONTRADICTION, title="Odd", sections=(), draft=draft(0, "We have half an hour")
    )
    unsearched = replace(one_side, key="b", gap=GapKind.GAP)
    narrator = Telling([one_side, unsearched], [one_side, unsearched])
    proven = asyncio.run(name_gaps(narrator, judge(call), call, Found(), LOG))  # pyright: ignore
    assert (proven.found, proven.counts.dropped) == ((), 2)


@pytest.mark.parametrize(
    "title",
    [
        "Budget of 90,000 and nobody who decides",
        "Ninety percent off, then full price",
        "Agreed for the third of March, then put off",
        "Zorbatech against Packfast",
        "The reason: Karen hates Zorbatech",
        "30 seconds that cost the deal",
    ],
)
def test_a_gaps_title_that_tells_a_number_a_date_or_a_name_nobody_said_is_refused(title: str) -> None:
    call = context()
    cited = draft(
        0,
        "We have half an hour",
        citations=(
            Citation(utterance_no=0, quote="We have half an hour"),
            Citation(utterance_no=4, quote="orders come"),
        ),
    )
    honest = GapDraft(key="a", gap=GapKind.CONTRADICTION, title="Half an hour, and a price", sections=(), draft=cited)
    lying = replace(honest, key="b", title=title)
    narrator = Telling([honest, lying], [lying])
    proven = asyncio.run(name_gaps(narrator, judge(call), call, Found(), LOG))  # pyright: ignore
    assert [g.title for g in proven.found] == [honest.title]
    assert [r.key for r in narrator.refused[1]] == ["b"]
    assert "Zorbatech" not in narrator.refused[1][0].reason


def test_the_name_of_a_stage_cannot_carry_what_nobody_said() -> None:
    call = context()
    honest = StageDraft(key="a", stage="small_talk", first_no=0, last_no=3, draft=draft(0, "We have half an hour"))
    lying = [
        replace(honest, key="sum", stage="discount_of_90_percent"),
        replace(honest, key="name", stage="against_packfast"),
    ]
    narrator = Telling([*lying, honest], lying)
    proven = asyncio.run(outline_call(narrator, judge(call), call, LOG))  # pyright: ignore
    assert [s.stage for s in proven.found] == ["small_talk"]
    assert {r.key for r in narrator.refused[1]} == {"sum", "name"}


# ------------------------------------------------------------------------------------------------------- follow-up


def test_every_sentence_of_the_follow_up_quotes_what_was_said() -> None:
    call = context()
    asked = judge(call)
    found = Found(next_actions=actions(call))
    mail = asyncio.run(write_follow_up(asked.narrator, asked, call, found, LOG)).found
    assert {s.part for s in mail} >= {FollowUpPart.RECAP, FollowUpPart.ANSWERS, FollowUpPart.AGREED}
    for sentence in mail:
        assert all(e.quote in sentence.claim.statement for e in sentence.claim.evidence)
    answer = next(s for s in mail if s.part is FollowUpPart.ANSWERS)
    assert "four hundred and twenty a month" in answer.claim.statement


def test_without_a_known_rep_there_is_no_follow_up() -> None:
    call = context(roles=Roles())
    asked = judge(call)
    assert asyncio.run(write_follow_up(asked.narrator, asked, call, Found(), LOG)).found == ()


def test_a_sentence_that_nothing_proves_is_dropped_and_counted() -> None:
    call = context()
    good = SentenceDraft(key="a", part=FollowUpPart.RECAP, draft=draft(0, "We have half an hour"))
    lies = [
        replace(good, key="b", draft=draft(0, "We give you a discount")),
        replace(good, key="c", draft=draft(0, "We have half an hour", citations=())),
        replace(good, key="d", draft=draft(0, "We have half an hour", through=4)),
    ]
    proven = asyncio.run(write_follow_up(Telling([good, *lies], lies), judge(call), call, Found(), LOG))  # pyright: ignore
    assert len(proven.found) == 1
    assert proven.counts.dropped == 3


@pytest.mark.parametrize(
    "statement",
    [
        "We agreed on 45 minutes.",
        "We will meet on Friday.",
        "Contoso will join us.",
        "The customer said they have time.",
    ],
)
def test_what_a_model_says_beyond_its_quotes_is_dropped_with_its_fault(statement: str) -> None:
    call = context()
    lie = SentenceDraft(key="a", part=FollowUpPart.RECAP, draft=draft(0, "We have half an hour", statement=statement))
    true = replace(lie, key="b", draft=draft(0, "We have half an hour", statement="We have 30 minutes."))
    told = Telling([lie, true], [lie])
    proven = asyncio.run(write_follow_up(told, judge(call), call, Found(), LOG))  # pyright: ignore
    assert [s.claim.statement for s in proven.found] == ["We have 30 minutes."]
    assert [r.key for r in told.refused[1]] == ["a"]
    assert sum(proven.tally.flat().values()) == 1
