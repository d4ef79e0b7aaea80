"""Whether the rep did what a nudge asks for, on a short call in which letters stand for meaning."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from ridealong.core.artifact import StoredMoment
from ridealong.core.effects import ActsOn, ActsWhen, Effect
from ridealong.core.moments import Circumstances, Moment, Reason, Tier
from ridealong.core.rubric import Criterion
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.postcall.effects import judge_effects
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import ReviewContext
from tests.unit.postcall.embedder import LetterEmbedder

EMBEDDER = LetterEmbedder()
FINDER = EvidenceFinder(EMBEDDER)
REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
ROLES = Roles(
    RoleAssignment(speaker_id=who, role=role, source=RoleSource.CHANNEL, confidence=1.0)
    for who, role in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER))
)
ASKED = "What do you still need to know before you decide?"
STALL = ActsOn(
    criterion=Criterion(
        id="acted_on_stall",
        question="Did the rep ask what they still need to know?",
        role=Role.REP,
        shown_by=(ASKED, "What exactly do you want to think over?", "What would have to happen for a yes?"),
    )
)


def judged(
    *answers: tuple[SpeakerId, int, str],
    act: ActsOn = STALL,
    roles: Roles = ROLES,
    ends_ts: int = 200_000,
    reason: Reason = Reason.DELIVERED,
    decided_ts: int | None = 4_500,
) -> list[Effect]:
    """The effects of one nudge, which was decided at 4.5 s, where `answers` (speaker, start, words) follow."""
    said = [(CUSTOMER, 1_000, "Let me think about it and call you next month."), *answers]
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=3)),
        (
            Utterance(no=no, speaker=who, start_ts=at, end_ts=at + 3_000, text=text)
            for no, (who, at, text) in enumerate(said)
        ),
    )
    moment = Moment(
        type="stall",
        tier=Tier.NUDGE if reason is Reason.DELIVERED else Tier.NOTED,
        reason=reason,
        confidence=0.9,
        nudge="Ask what they still need to know before deciding.",
        trigger_ts=4_000,
        evidence=(transcript.cite_whole(0),),
        circumstances=None
        if decided_ts is None
        else Circumstances(decided_ts=decided_ts, rep_speaking=False, role_known=True),
    )
    context = ReviewContext(
        transcript=transcript,
        roles=roles,
        moments=(),
        vectors=embed_call(transcript, EMBEDDER, {}),
        duration_ms=ends_ts,
    )
    return judge_effects(FINDER, [StoredMoment(moment_id=uuid4(), moment=moment)], {"stall": act}, context)


def test_a_rep_who_says_it_acted_and_is_quoted() -> None:
    [effect] = judged((REP, 6_000, ASKED))
    assert effect.acted_on
    assert effect.evidence is not None
    assert (effect.evidence.speaker_id, effect.evidence.quote) == (REP, ASKED.rstrip("?"))


def test_a_rep_who_says_something_else_did_not() -> None:
    [effect] = judged((REP, 6_000, "Our office is closed on Monday."))
    assert not effect.acted_on
    assert effect.evidence is None


def test_what_the_customer_says_is_no_acting() -> None:
    [effect] = judged((CUSTOMER, 6_000, ASKED))
    assert not effect.acted_on


def test_only_what_begins_after_the_nudge_and_within_a_minute_counts() -> None:
    assert judged((REP, 4_499, ASKED))[0].acted_on is False
    assert judged((REP, 4_500, ASKED))[0].acted_on is True
    assert judged((REP, 64_499, ASKED))[0].acted_on is True
    assert judged((REP, 64_500, ASKED))[0].acted_on is False


def test_a_moment_without_a_time_of_decision_counts_from_its_trigger() -> None:
    assert judged((REP, 4_200, ASKED), decided_ts=None)[0].acted_on is True


def test_a_call_that_ends_too_soon_says_nothing_against_the_rep() -> None:
    assert judged((REP, 6_000, "Our office is closed on Monday."), ends_ts=64_499) == []
    assert judged((REP, 6_000, ASKED), ends_ts=10_000)[0].acted_on is True


def test_what_was_held_out_is_judged_alike_and_what_was_noted_is_not() -> None:
    assert judged((REP, 6_000, ASKED), reason=Reason.HELD_OUT)[0].acted_on is True
    assert judged((REP, 6_000, ASKED), reason=Reason.LOW_CONFIDENCE) == []


def test_any_question_will_do_where_the_type_says_so() -> None:
    act = ActsOn(when=ActsWhen.QUESTION)
    [effect] = judged((REP, 6_000, "How many of you are there?"), act=act)
    assert effect.acted_on
    assert judged((REP, 6_000, "There are many of us."), act=act)[0].acted_on is False


def test_a_reply_that_asks_counts_where_the_nudge_says_to_ask() -> None:
    act = ActsOn(when=ActsWhen.REPLY_ASKS)
    [effect] = judged((REP, 6_000, "I see. How long has that been so?"), act=act)
    assert effect.acted_on
    assert judged((REP, 6_000, "I see. That is a pity."), act=act)[0].acted_on is False


def test_the_reply_ends_where_somebody_else_speaks_and_comes_soon() -> None:
    act = ActsOn(when=ActsWhen.REPLY_ASKS)
    two = ((REP, 6_000, "I see."), (REP, 9_000, "How long has that been so?"))
    assert judged(*two, act=act)[0].acted_on is True
    between = (two[0], (CUSTOMER, 7_500, "Yes, well."), two[1])
    assert judged(*between, act=act)[0].acted_on is False
    assert judged((REP, 19_500, "How long has that been so?"), act=act)[0].acted_on is False


def test_a_price_question_is_answered_by_a_figure_in_the_reply() -> None:
    act = ActsOn(when=ActsWhen.REPLY_HAS_FIGURE)
    assert judged((REP, 6_000, "Around eleven thousand."), act=act)[0].acted_on is True
    assert judged((REP, 6_000, "I'll get to that one."), act=act)[0].acted_on is False


def test_a_commitment_is_confirmed_by_repeating_its_date() -> None:
    act = ActsOn(when=ActsWhen.REPLY_REPEATS)
    # The customer said: "Let me think about it and call you next month."
    assert judged((REP, 6_000, "Next month it is, then."), act=act)[0].acted_on is True
    assert judged((REP, 6_000, "On Monday, then."), act=act)[0].acted_on is False


def test_where_no_rep_is_known_nothing_is_judged() -> None:
    unknown = Roles(replace(ROLES[who], role=Role.UNKNOWN) for who in (REP, CUSTOMER))
    assert judged((REP, 6_000, ASKED), roles=unknown) == []
