"""Rates with intervals, and what can be said of an uplift."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.effects import Effect, EffectCounts, NudgeOutcome, in_words, rate, uplift, wilson
from ridealong.core.errors import Ungrounded
from ridealong.core.moments import Reason, Tier, Verdict


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_rates_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_differences_interval_is_the_published_one(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = uplift(*first, *second)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_an_interval_holds_its_value_and_turns_around_with_the_sides(a: int, m: int, b: int, n: int) -> None:
    a, b = min(a, m), min(b, n)
    here, there = uplift(a, m, b, n), uplift(b, n, a, m)
    assert here.value is not None and here.low is not None and here.high is not None
    assert -1 - 1e-9 <= here.low <= here.value + 1e-9 and here.value - 1e-9 <= here.high <= 1 + 1e-9
    assert there.low == pytest.approx(-here.high)


def test_nothing_counted_is_no_rate() -> None:
    assert rate(0, 0).as_json() == {"value": None, "low": None, "high": None, "n": 0}
    assert uplift(3, 5, 0, 0).value is None


def counts(acted: int, judged: int, acted_without: int, judged_without: int) -> EffectCounts:
    return EffectCounts(
        rep_id="",
        type="stall",
        shown=judged,
        judged=judged,
        acted_on=acted,
        held_out=judged_without,
        held_out_judged=judged_without,
        held_out_acted_on=acted_without,
    )


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (counts(10, 20, 0, 0), "Nothing was held out"),
        (counts(20, 29, 2, 29), "Too few to tell: 29 shown and 29 held out"),
        (counts(60, 100, 20, 100), "more often"),
        (counts(20, 100, 60, 100), "less often"),
        (counts(50, 100, 45, 100), "No difference can be told from chance"),
    ],
)
def test_words_claim_no_more_than_the_figures(of: EffectCounts, says: str) -> None:
    assert says in in_words(of)


def test_an_effect_without_words_cannot_be_built() -> None:
    with pytest.raises(Ungrounded):
        Effect(moment_id=UUID(int=1), acted_on=True, confidence=0.9, evidence=None)


def outcome(*, sent_ts: int | None = None, verdicts: tuple[Verdict, ...] = ()) -> NudgeOutcome:
    return NudgeOutcome(
        moment_id=UUID(int=1),
        type="stall",
        tier=Tier.NUDGE,
        reason=Reason.DELIVERED,
        nudge="Ask what they still need to know before deciding.",
        trigger_ts=10_000,
        decided_ts=10_400,
        sent_ts=sent_ts,
        seen_ts=None,
        verdicts=verdicts,
        effect=None,
    )


def test_late_is_what_arrives_after_the_limit_or_what_the_rep_calls_so() -> None:
    assert not outcome(sent_ts=12_000).felt_late(2_000)
    assert outcome(sent_ts=12_001).felt_late(2_000)
    assert not outcome().felt_late(2_000)
    assert outcome(sent_ts=10_500, verdicts=(Verdict.NOT_NOW,)).felt_late(2_000)
