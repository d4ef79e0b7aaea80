"""Tokens of a tenant, room at a vendor."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.errors import BadAnswer, BudgetSpent, ModelAway, ModelBusy, ModelLate, ModelLeftAlone
from ridealong.core.usage import DayLimits, DayTokens
from ridealong.llm import Limits, Usage
from ridealong.llm.budget import Budgeted, TokenBudget, estimated_tokens
from ridealong.llm.vendor_limits import VendorLimits
from tests.unit.llm.asking import QUESTION, Stub
from tests.unit.llm.test_breaker import Clock

NEED = estimated_tokens(QUESTION)


def budgeted(model: Stub, clock: Clock, *, per_minute: int = 0, per_day: int = 0) -> Budgeted:
    budget = TokenBudget(per_minute=per_minute, limits=DayLimits(total=per_day), clock=clock, now=clock)
    return Budgeted(model, budget=budget, limits=VendorLimits(clock=clock))


async def test_without_limits_everything_passes() -> None:
    model = budgeted(Stub(), Clock())
    for _ in range(100):
        await model.answer(QUESTION)


async def test_an_answer_without_usage_is_not_free() -> None:
    model = budgeted(Stub(usage=Usage()), Clock(), per_minute=3 * NEED)
    for _ in range(3):
        await model.answer(QUESTION)
    with pytest.raises(BudgetSpent):
        await model.answer(QUESTION)


async def test_a_used_up_minute_refuses_at_once_and_says_when_to_come_back() -> None:
    clock, stub = Clock(), Stub(usage=Usage(input=900, output=100))
    model = budgeted(stub, clock, per_minute=1000)
    await model.answer(QUESTION)
    with pytest.raises(ModelBusy) as busy:
        await model.answer(QUESTION)
    assert stub.asked == 1
    assert busy.value.retry_after_s == pytest.approx(NEED * 60 / 1000)
    clock.now += busy.value.retry_after_s or 0
    await model.answer(QUESTION)


async def test_a_day_has_a_budget_of_its_own() -> None:
    clock = Clock()
    model = budgeted(Stub(usage=Usage(input=1000)), clock, per_minute=1_000_000, per_day=1000)
    await model.answer(QUESTION)
    clock.now += 60
    with pytest.raises(ModelBusy):
        await model.answer(QUESTION)


async def test_an_answer_that_does_not_fit_is_counted_as_billed_and_a_failure_is_not() -> None:
    clock, billed = Clock(), BadAnswer()
    billed.billed = Usage(input=1000)
    model = budgeted(Stub(ModelAway(), billed, None), clock, per_minute=1000)
    for kind in (ModelAway, BadAnswer, ModelBusy):
        with pytest.raises(kind):
            await model.answer(QUESTION)


async def test_cached_tokens_are_not_counted() -> None:
    model = budgeted(Stub(usage=Usage(input=1000, cache_read=1000)), Clock(), per_minute=1000)
    for _ in range(3):
        await model.answer(QUESTION)


async def test_a_question_in_flight_has_its_tokens_set_aside() -> None:
    model = budgeted(Stub(takes_s=0.02), Clock(), per_minute=NEED + 1)
    first = asyncio.ensure_future(model.answer(QUESTION))
    await asyncio.sleep(0)
    with pytest.raises(ModelBusy):
        await model.answer(QUESTION)
    await first


async def test_what_failed_is_given_back() -> None:
    model = budgeted(Stub(ModelAway(), None), Clock(), per_minute=NEED + 1)
    with pytest.raises(ModelAway):
        await model.answer(QUESTION)
    await model.answer(QUESTION)


async def test_a_cancelled_question_keeps_its_tokens() -> None:
    model = budgeted(Stub(takes_s=5), Clock(), per_minute=NEED + 1)
    task = asyncio.ensure_future(model.answer(QUESTION))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ModelBusy):
        await model.answer(QUESTION)


async def test_the_vendors_minute_is_respected_before_it_refuses() -> None:
    # 1000 of 8000 tokens left, full again in 52.5 s: 133 tokens a second come back.
    limits = Limits(tokens=8000, tokens_left=10, tokens_reset_s=60.0, requests=14400, requests_left=99)
    clock, stub = Clock(), Stub(limits=limits)
    model = budgeted(stub, clock)
    await model.answer(QUESTION)
    with pytest.raises(ModelBusy) as busy:
        await model.answer(QUESTION)
    assert busy.value.retry_after_s == pytest.approx((NEED - 10) * 60 / 7990)
    assert stub.asked == 1
    clock.now += (busy.value.retry_after_s or 0) + 0.001
    await model.answer(QUESTION)
    assert stub.asked == 2


async def test_the_vendors_day_of_requests_is_respected() -> None:
    limits = Limits(requests=14400, requests_left=0, requests_reset_s=86_400.0)
    clock, stub = Clock(), Stub(limits=limits)
    model = budgeted(stub, clock)
    await model.answer(QUESTION)
    with pytest.raises(ModelBusy) as busy:
        await model.answer(QUESTION)
    assert busy.value.retry_after_s == pytest.approx(6.0)


async def test_a_vendor_that_said_wait_is_not_asked_until_then() -> None:
    clock, stub = Clock(), Stub(ModelBusy(retry_after_s=7), None)
    model = budgeted(stub, clock)
    with pytest.raises(ModelBusy):
        await model.answer(QUESTION)
    clock.now += 6.9
    with pytest.raises(ModelBusy):
        await model.answer(QUESTION)
    assert stub.asked == 1
    clock.now += 0.2
    await model.answer(QUESTION)


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 30)), max_size=60))
def test_no_minute_takes_more_than_a_full_bucket_and_what_flows_in(steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    budget = TokenBudget(per_minute=600, clock=clock)
    began, taken = clock.now, 0
    for tokens, pause in steps:
        with contextlib.suppress(BudgetSpent):
            taken += budget.take(tokens).tokens
        assert taken <= 600 + (clock.now - began) * 10 + 1e-6
        clock.now += pause


@given(st.integers(1, 2000))
def test_a_stated_wait_is_long_enough(tokens: int) -> None:
    clock = Clock()
    budget = TokenBudget(per_minute=600, clock=clock)
    budget.take(550)
    try:
        budget.take(tokens)
    except BudgetSpent as spent:
        clock.now += (spent.retry_after_s or 0) + 1e-6
        budget.take(tokens)
    else:
        assert tokens <= 50


# ---- the day

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
TODAY, TOMORROW = date(2026, 11, 26), date(2026, 11, 27)


def a_day(limits: DayLimits) -> tuple[TokenBudget, Clock]:
    clock = Clock()
    clock.now = NOON
    return TokenBudget(limits=limits, clock=clock, now=clock), clock


def refused(budget: TokenBudget, tokens: int, *, live: bool = False) -> BudgetSpent:
    with pytest.raises(BudgetSpent) as spent:
        budget.take(tokens, live=live)
    return spent.value


def test_a_day_does_not_refill_and_ends_at_midnight_utc() -> None:
    budget, clock = a_day(DayLimits(total=1000))
    budget.take(900)
    clock.now += 11.9 * 3600
    spent = refused(budget, 101)
    assert spent.for_today
    assert spent.retry_after_s == pytest.approx(360)
    clock.now += spent.retry_after_s or 0
    assert budget.take(1000).tokens == 1000
    assert budget.unwritten() == {TODAY: DayTokens(total=900), TOMORROW: DayTokens(total=1000)}


def test_a_question_from_before_midnight_is_settled_on_its_own_day() -> None:
    budget, clock = a_day(DayLimits(total=1000))
    clock.now += 12 * 3600 - 1
    taken = budget.take(900, live=True)
    clock.now += 2
    taken.settle(300)
    assert budget.unwritten() == {TODAY: DayTokens(total=300, live=300)}
    assert budget.spent_today == DayTokens()


def test_a_clock_that_is_set_back_over_midnight_finds_the_day_as_it_was() -> None:
    budget, clock = a_day(DayLimits(total=1000))
    budget.take(900)
    clock.now += 86_400
    budget.take(500)
    clock.now -= 86_400
    assert refused(budget, 101).for_today


def test_calls_use_no_more_than_is_set_aside_for_them_and_nothing_else_takes_that() -> None:
    budget, _ = a_day(DayLimits(total=1000, live=400))
    budget.take(300, live=True)
    refused(budget, 101, live=True)
    budget.take(600)
    refused(budget, 1)
    budget.take(100, live=True)
    assert budget.spent_today == DayTokens(total=1000, live=400)


def test_what_others_counted_and_a_changed_limit_hold_at_once() -> None:
    budget, _ = a_day(DayLimits(total=1000))
    budget.take(500)
    budget.know(TODAY, others=DayTokens(total=450, live=450), limits=DayLimits(total=1000))
    refused(budget, 51)
    budget.know(TODAY, others=DayTokens(total=450), limits=DayLimits(total=2000))
    budget.take(1050)
    budget.know(TODAY, others=DayTokens(total=450), limits=DayLimits())
    budget.take(10**9)


def test_what_was_written_is_not_written_again_until_it_changes() -> None:
    budget, _ = a_day(DayLimits())
    taken = budget.take(70, live=True)
    ((day, tokens),) = budget.unwritten().items()
    taken.settle(50)
    budget.written(day, tokens)
    assert budget.unwritten() == {TODAY: DayTokens(total=50, live=50)}
    budget.written(day, DayTokens(total=50, live=50))
    assert budget.unwritten() == {}


@given(
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.lists(st.tuples(st.integers(1, 500), st.booleans(), st.floats(0, 1)), max_size=60),
)
def test_no_day_holds_more_than_its_limits(total: int, live: int, questions: list[tuple[int, bool, float]]) -> None:
    limits = DayLimits(total=total, live=live)
    budget, _ = a_day(limits)
    for tokens, is_live, share in questions:
        with contextlib.suppress(BudgetSpent):
            budget.take(tokens, live=is_live).settle(round(tokens * share))
        spent = budget.spent_today
        assert not total or spent.total <= total
        assert not live or spent.live <= live
        assert not (total and live <= total) or spent.total - spent.live <= total - live
        assert 0 <= spent.live <= spent.total


def test_limits_stay_under_a_ceiling() -> None:
    ceiling = DayLimits(total=1000)
    assert DayLimits(total=5000, live=200).under(ceiling) == DayLimits(total=1000, live=200)
    assert DayLimits(total=300).under(ceiling) == DayLimits(total=300)
    assert DayLimits().under(ceiling) == ceiling


async def test_a_question_that_came_too_late_keeps_its_tokens_and_one_that_was_not_asked_none() -> None:
    budget, clock = a_day(DayLimits())
    stub = Stub(ModelLate(), ModelLeftAlone())
    model = Budgeted(stub, budget=budget, limits=VendorLimits(clock=clock), live=True)
    with pytest.raises(ModelLate):
        await model.answer(QUESTION)
    assert budget.spent_today == DayTokens(total=NEED, live=NEED)
    with pytest.raises(ModelLeftAlone):
        await model.answer(QUESTION)
    assert budget.spent_today == DayTokens(total=NEED, live=NEED)


# ---- the vendor's room, with questions side by side


def limits_of(clock: Clock, *, tokens_left: int) -> VendorLimits:
    limits = VendorLimits(clock=clock)
    limits.sent(10)
    limits.ended(10, Limits(tokens=8000, tokens_left=tokens_left, tokens_reset_s=60.0))
    return limits


def test_a_vendor_that_wants_to_be_left_alone_for_a_day_is_asked_again_after_ten_minutes() -> None:
    clock = Clock()
    limits = VendorLimits(clock=clock)
    limits.refused(86_400.0)
    clock.now += 599
    assert limits.wait_s(10) > 0
    clock.now += 1
    assert limits.wait_s(10) == 0.0


def test_a_day_s_requests_that_are_used_up_are_believed_for_ten_minutes() -> None:
    clock = Clock()
    limits = VendorLimits(clock=clock)
    limits.sent(10)
    limits.ended(10, Limits(requests=10, requests_left=0, requests_reset_s=40_000.0))
    clock.now += 36
    assert limits.wait_s(10) > 0
    clock.now += 564
    assert limits.wait_s(10) == 0.0


def test_a_question_under_way_stays_taken_off_when_another_is_answered() -> None:
    limits = limits_of(Clock(), tokens_left=8000)
    limits.sent(900)
    limits.sent(100)
    limits.ended(100, Limits(tokens=8000, tokens_left=1000, tokens_reset_s=52.5))
    assert limits.wait_s(100) == 0.0
    assert limits.wait_s(101) > 0.0
    limits.ended(900, Limits(tokens=8000, tokens_left=1000, tokens_reset_s=52.5))
    assert limits.wait_s(1000) == 0.0


def test_what_a_breaker_held_back_takes_no_room() -> None:
    limits = limits_of(Clock(), tokens_left=1000)
    for _ in range(5):
        limits.sent(600)
        limits.not_sent(600)
        limits.ended(600)
    assert limits.wait_s(1000) == 0.0


async def test_questions_that_a_breaker_held_back_leave_room_for_the_one_that_passes() -> None:
    told = Limits(tokens=8000, tokens_left=2 * NEED, tokens_reset_s=60.0)
    stub = Stub(None, *[ModelLeftAlone()] * 5, None, limits=told)
    model = budgeted(stub, Clock())
    await model.answer(QUESTION)
    for _ in range(5):
        with pytest.raises(ModelLeftAlone):
            await model.answer(QUESTION)
    await model.answer(QUESTION)
    assert stub.asked == 7
