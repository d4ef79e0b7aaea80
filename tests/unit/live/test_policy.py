"""Policy on virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridealong.core.moments import Decision, Detection, Moment, Reason, Tier
from ridealong.core.transcript import Role, SpeakerId, Transcript, TranscriptId, Utterance
from ridealong.live.policy import Policy, lot
from ridealong.live.taxonomy import QuietSettings, Taxonomy, default_taxonomy

TAXONOMY = default_taxonomy()
TYPES = [t.id for t in TAXONOMY.types if t.tier == "nudge"]
_LOG = Transcript.of(
    TranscriptId(call_id=UUID(int=1)),
    [Utterance(no=0, speaker=SpeakerId(1), start_ts=0, end_ts=900, text="How much is it?")],
)


def seen(
    type_id: str = "price_asked",
    *,
    at: int,
    confidence: float = 0.99,
    role_known: bool = True,
    by: Role = Role.UNKNOWN,
) -> Detection:
    return Detection(
        type=type_id,
        confidence=confidence,
        evidence=(_LOG.cite_whole(0),),
        trigger_ts=at,
        nudge="Give a clear range, then tie it to their need.",
        role_known=role_known,
        speaker_role=by,
    )


def test_a_sure_and_timely_moment_is_shown() -> None:
    decided = Policy(TAXONOMY).decide(seen(at=1000), decided_ts=1500)
    assert decided == Decision(tier=Tier.NUDGE, reason=Reason.DELIVERED)


@pytest.mark.parametrize(
    ("detection", "decided_ts", "reason"),
    [
        (seen("interruption", at=1000), 1100, Reason.TYPE_IS_NOTED),
        (seen("removed_by_the_tenant", at=1000), 1100, Reason.TYPE_IS_NOTED),
        (seen(at=1000, role_known=False), 1100, Reason.ROLE_UNKNOWN),
        (seen(at=1000, confidence=0.5), 1100, Reason.LOW_CONFIDENCE),
        (seen(at=1000), 3001, Reason.LATE),
    ],
)
def test_each_reason_against_showing_is_kept(detection: Detection, decided_ts: int, reason: Reason) -> None:
    assert Policy(TAXONOMY).decide(detection, decided_ts=decided_ts) == Decision(tier=Tier.NOTED, reason=reason)


def test_exactly_two_seconds_late_is_still_in_time() -> None:
    assert Policy(TAXONOMY).decide(seen(at=1000), decided_ts=3000).reason is Reason.DELIVERED


def test_a_type_cools_down_and_then_may_be_shown_again() -> None:
    policy = Policy(TAXONOMY)
    assert policy.decide(seen(at=0), decided_ts=0).reason is Reason.DELIVERED
    assert policy.decide(seen(at=59_999), decided_ts=59_999).reason is Reason.COOLING_DOWN
    assert policy.decide(seen(at=60_000), decided_ts=60_000).reason is Reason.DELIVERED


def test_silences_take_one_place_of_the_budget_and_leave_the_others_to_what_is_said() -> None:
    policy = Policy(TAXONOMY)
    shown = [policy.decide(seen("silence", at=at), decided_ts=at).reason for at in (0, 200_000, 400_000, 600_000)]
    assert shown == [Reason.DELIVERED, Reason.COOLING_DOWN, Reason.COOLING_DOWN, Reason.DELIVERED]


def test_the_seventh_nudge_in_ten_minutes_is_only_noted() -> None:
    policy = Policy(TAXONOMY)
    for n in range(6):
        assert policy.decide(seen(TYPES[n], at=n * 1000), decided_ts=n * 1000).reason is Reason.DELIVERED
    assert policy.decide(seen(TYPES[7], at=599_999), decided_ts=599_999).reason is Reason.BUDGET_SPENT
    assert policy.decide(seen(TYPES[7], at=600_000), decided_ts=600_000).reason is Reason.DELIVERED


def test_a_budget_of_nothing_shows_nothing() -> None:
    quiet = Taxonomy(types=TAXONOMY.types, policy=TAXONOMY.policy.model_copy(update={"max_nudges": 0}))
    assert Policy(quiet).decide(seen(at=0), decided_ts=0).reason is Reason.BUDGET_SPENT


_EVENTS = st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from(TYPES), st.integers(0, 2500)), max_size=80)


@given(_EVENTS)
@settings(deadline=None)
def test_no_ten_minutes_ever_hold_more_than_six_nudges(events: list[tuple[int, str, int]]) -> None:
    policy, now, shown = Policy(TAXONOMY), 0, list[tuple[int, str]]()
    for step, type_id, lateness in events:
        now += step
        if policy.decide(seen(type_id, at=max(0, now - lateness)), decided_ts=now).tier is Tier.NUDGE:
            shown.append((now, type_id))
    for at, _ in shown:
        assert sum(at <= other < at + 600_000 for other, _ in shown) <= 6
    for type_id in TYPES:
        own = [at for at, name in shown if name == type_id]
        cool_down = next(t.cool_down_s for t in TAXONOMY.types if t.id == type_id)
        assert all(b - a >= cool_down * 1000 for a, b in pairwise(own))


@given(_EVENTS, st.integers(0, 80))
@settings(deadline=None)
def test_a_restart_in_the_middle_never_overspends(events: list[tuple[int, str, int]], cut: int) -> None:
    policy, now, moments, shown = Policy(TAXONOMY), 0, list[Moment](), list[int]()
    for number, (step, type_id, lateness) in enumerate(events):
        if number == cut:
            policy = Policy.restore(TAXONOMY, moments)
        now += step
        detection = seen(type_id, at=max(0, now - lateness))
        decision = policy.decide(detection, decided_ts=now)
        moments.append(Moment.decided(detection, decision))
        if decision.tier is Tier.NUDGE:
            shown.append(now)
    for at in shown:
        assert sum(at <= other < at + 600_000 for other in shown) <= 6


def with_settings(**changes: object) -> Taxonomy:
    return TAXONOMY.model_copy(update={"policy": TAXONOMY.policy.model_copy(update=changes)})


def test_in_the_quiet_time_at_the_beginning_nothing_is_shown() -> None:
    policy = Policy(with_settings(quiet=QuietSettings(first_s=120)))
    assert policy.decide(seen(at=119_000), decided_ts=119_999).reason is Reason.QUIET_PERIOD
    assert policy.decide(seen(at=119_000), decided_ts=120_000).reason is Reason.DELIVERED


def test_while_the_rep_speaks_nothing_is_shown_but_what_is_about_the_speaking() -> None:
    policy = Policy(with_settings(quiet=QuietSettings(while_rep_speaks=True)))
    assert policy.decide(seen(at=0), decided_ts=0, rep_speaking=True).reason is Reason.REP_IS_SPEAKING
    assert policy.decide(seen("monologue", at=0), decided_ts=0, rep_speaking=True).reason is Reason.DELIVERED
    assert policy.decide(seen(at=0), decided_ts=0).reason is Reason.DELIVERED


def test_a_rep_who_speaks_stops_no_nudge_unless_the_policy_says_so() -> None:
    assert Policy(TAXONOMY).decide(seen(at=0), decided_ts=0, rep_speaking=True).reason is Reason.DELIVERED


def test_a_silence_behind_the_reps_words_is_the_customers_and_is_not_shown() -> None:
    decided = Policy(TAXONOMY).decide(seen("silence", at=0, by=Role.REP), decided_ts=0)
    assert decided == Decision(tier=Tier.NOTED, reason=Reason.CUSTOMER_IS_THINKING)


@pytest.mark.parametrize("by", [Role.CUSTOMER, Role.UNKNOWN])
def test_a_silence_behind_the_customers_words_or_behind_nobody_knows_whose_is_shown(by: Role) -> None:
    assert Policy(TAXONOMY).decide(seen("silence", at=0, by=by), decided_ts=0).reason is Reason.DELIVERED


def test_a_silence_behind_the_reps_words_is_shown_where_the_policy_says_so() -> None:
    policy = Policy(with_settings(quiet=QuietSettings(while_customer_thinks=False)))
    assert policy.decide(seen("silence", at=0, by=Role.REP), decided_ts=0).reason is Reason.DELIVERED


@pytest.mark.parametrize("type_id", ["monologue", "risky_promise"])
def test_what_the_rep_says_or_holds_is_shown_as_ever(type_id: str) -> None:
    assert Policy(TAXONOMY).decide(seen(type_id, at=0, by=Role.REP), decided_ts=0).reason is Reason.DELIVERED


def test_the_customers_silences_spend_neither_budget_nor_cool_down() -> None:
    one = with_settings(max_nudges=1)
    policy, past = Policy(one), list[Moment]()
    for at in range(0, 50_000, 10_000):
        detection = seen("silence", at=at, by=Role.REP)
        past.append(Moment.decided(detection, policy.decide(detection, decided_ts=at)))
    assert {moment.reason for moment in past} == {Reason.CUSTOMER_IS_THINKING}
    for policy_then in (policy, Policy.restore(one, past)):
        shown = policy_then.decide(seen("silence", at=50_000, by=Role.CUSTOMER), decided_ts=50_000)
        assert shown.reason is Reason.DELIVERED
        # What it is told comes before what the call can still bear.
        again = policy_then.decide(seen("silence", at=60_000, by=Role.REP), decided_ts=60_000)
        assert again.reason is Reason.CUSTOMER_IS_THINKING


def in_call(number: int) -> Detection:
    said = Utterance(no=0, speaker=SpeakerId(1), start_ts=0, end_ts=900, text="How much is it?")
    log = Transcript.of(TranscriptId(call_id=UUID(int=number)), [said])
    return replace(seen(at=0), evidence=(log.cite_whole(0),))


def held_out_of(calls: int, share: float) -> list[bool]:
    taxonomy = with_settings(hold_out=share)
    return [Policy(taxonomy).decide(in_call(n), decided_ts=0).reason is Reason.HELD_OUT for n in range(calls)]


def test_about_the_stated_share_is_held_out_and_the_same_moments_every_time() -> None:
    found = held_out_of(1000, 0.2)
    assert 150 <= sum(found) <= 250
    assert held_out_of(1000, 0.2) == found
    assert not any(held_out_of(200, 0.0))


def test_what_a_smaller_share_holds_out_a_larger_one_does_too() -> None:
    assert all(more for less, more in zip(held_out_of(300, 0.1), held_out_of(300, 0.3), strict=True) if less)


def test_what_is_held_out_takes_its_place_in_the_budget() -> None:
    everything = Policy(with_settings(hold_out=0.5))
    held = next(d for call in range(100) if lot(d := in_call(call)) < 0.5)
    assert everything.decide(held, decided_ts=0).reason is Reason.HELD_OUT
    assert everything.decide(held, decided_ts=1000).reason is Reason.COOLING_DOWN


def test_a_restored_policy_counts_what_was_held_out() -> None:
    moment = Moment.decided(seen(at=0), Decision(tier=Tier.NOTED, reason=Reason.HELD_OUT))
    restored = Policy.restore(TAXONOMY, [moment])
    assert restored.decide(seen(at=30_000), decided_ts=30_000).reason is Reason.COOLING_DOWN
