"""Tokens of a tenant, room at a vendor."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.errors import BadAnswer, BudgetSpent, ModelAway, ModelBusy
from ridealong.llm import Limits, Usage
from ridealong.llm.budget import Budgeted, TokenBudget, VendorLimits, estimated_tokens
from tests.unit.llm.asking import QUESTION, Stub
from tests.unit.llm.test_breaker import Clock

NEED = estimated_tokens(QUESTION)


def budgeted(model: Stub, clock: Clock, *, per_minute: int = 0, per_day: int = 0) -> Budgeted:
    budget = TokenBudget(per_minute=per_minute, per_day=per_day, clock=clock)
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
    budget = TokenBudget(per_minute=600, per_day=0, clock=clock)
    began, taken = clock.now, 0
    for tokens, pause in steps:
        if budget.take(tokens) == 0.0:
            taken += tokens
        assert taken <= 600 + (clock.now - began) * 10 + 1e-6
        clock.now += pause


@given(st.integers(1, 2000))
def test_a_stated_wait_is_long_enough(tokens: int) -> None:
    clock = Clock()
    budget = TokenBudget(per_minute=600, per_day=5000, clock=clock)
    budget.settle(550)
    clock.now += budget.take(tokens) + 1e-6
    assert budget.take(tokens) == 0.0 or tokens <= 50
