"""The breaker, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused, QuestionRefused
from ridealong.llm.breaker import Breaker, Guarded
from tests.unit.llm.asking import QUESTION, Stub


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def fail(breaker: Breaker, error: ModelFailed, times: int) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            await breaker.guard(Stub(error)).answer(QUESTION)


@pytest.mark.parametrize("error", [ModelAway(), ModelBusy(), ModelRefused()])
async def test_it_opens_after_enough_failures_and_says_so(error: ModelFailed) -> None:
    told: list[tuple[str, bool]] = []
    breaker = Breaker("m", failures=3, clock=Clock(), changed=lambda name, is_open, _why: told.append((name, is_open)))
    await fail(breaker, error, 2)
    assert not breaker.open
    await fail(breaker, error, 1)
    assert breaker.open
    assert told == [("m", True)]


async def test_while_open_nothing_is_asked() -> None:
    breaker = Breaker("m", failures=1, rest_s=15, clock=Clock())
    await fail(breaker, ModelAway(), 1)
    model = Stub()
    with pytest.raises(ModelAway, match="15 s"):
        await breaker.guard(model).answer(QUESTION)
    assert model.asked == 0


async def test_failures_far_apart_do_not_open_it() -> None:
    clock = Clock()
    breaker = Breaker("m", failures=3, window_s=30, clock=clock)
    for _ in range(6):
        await fail(breaker, ModelAway(), 1)
        clock.now += 16
    assert not breaker.open


async def test_a_success_between_starts_the_count_again() -> None:
    breaker = Breaker("m", failures=2, clock=Clock())
    await fail(breaker, ModelAway(), 1)
    await breaker.guard(Stub()).answer(QUESTION)
    await fail(breaker, ModelAway(), 1)
    assert not breaker.open


async def test_a_bad_answer_does_not_count() -> None:
    breaker = Breaker("m", failures=1, clock=Clock())
    await fail(breaker, BadAnswer(), 5)
    assert not breaker.open


async def test_a_question_refused_for_what_stands_in_it_takes_the_model_from_nobody() -> None:
    clock = Clock()
    breaker = Breaker("m", failures=2, rest_s=5, clock=clock)
    await fail(breaker, QuestionRefused(), 5)
    assert not breaker.open
    await fail(breaker, ModelAway(), 2)
    assert breaker.open
    clock.now += 5
    await fail(breaker, QuestionRefused(), 1)
    assert not breaker.open, "the vendor answers again"


async def test_one_probe_passes_after_the_rest_and_closes_it() -> None:
    clock, told = Clock(), list[bool]()
    breaker = Breaker("m", failures=1, rest_s=15, clock=clock, changed=lambda _n, is_open, _w: told.append(is_open))
    await fail(breaker, ModelAway(), 1)
    clock.now += 15
    slow = Stub(takes_s=0.02)
    probe = asyncio.ensure_future(breaker.guard(slow).answer(QUESTION))
    await asyncio.sleep(0)
    other = Stub()
    with pytest.raises(ModelAway):
        await breaker.guard(other).answer(QUESTION)
    await probe
    assert (slow.asked, other.asked) == (1, 0)
    assert told == [True, False]
    await breaker.guard(other).answer(QUESTION)


async def test_each_failed_probe_doubles_the_rest_up_to_the_longest_and_the_next_spell_begins_short_again() -> None:
    clock = Clock()
    breaker = Breaker("m", failures=1, rest_s=2, longest_rest_s=7, clock=clock)
    for spell in range(2):
        await fail(breaker, ModelAway(), 1)
        for rest in (2, 4, 7, 7):
            with pytest.raises(ModelAway, match=f"{rest} s"):
                await breaker.guard(Stub()).answer(QUESTION)
            clock.now += rest
            if rest < 7 or spell:
                await fail(breaker, ModelAway(), 1)
            else:
                await breaker.guard(Stub()).answer(QUESTION)
                break
        assert breaker.open is bool(spell)


async def test_a_failed_probe_opens_it_for_as_long_again_at_the_longest() -> None:
    clock = Clock()
    breaker = Breaker("m", failures=1, rest_s=15, clock=clock)
    await fail(breaker, ModelAway(), 1)
    clock.now += 15
    await fail(breaker, ModelBusy(), 1)
    clock.now += 14
    with pytest.raises(ModelAway, match="1 s"):
        await breaker.guard(Stub()).answer(QUESTION)
    clock.now += 1
    await breaker.guard(Stub()).answer(QUESTION)
    assert not breaker.open


async def test_a_cancelled_probe_lets_the_next_one_pass() -> None:
    clock = Clock()
    breaker = Breaker("m", failures=1, rest_s=15, clock=clock)
    await fail(breaker, ModelAway(), 1)
    clock.now += 15
    probe = asyncio.ensure_future(breaker.guard(Stub(takes_s=5)).answer(QUESTION))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    await breaker.guard(Stub()).answer(QUESTION)
    assert not breaker.open


async def test_a_straggler_from_before_does_not_close_it() -> None:
    breaker = Breaker("m", failures=1, clock=Clock())
    straggler = asyncio.ensure_future(breaker.guard(Stub(takes_s=0.02)).answer(QUESTION))
    await asyncio.sleep(0)
    await fail(breaker, ModelAway(), 1)
    await straggler
    assert breaker.open


async def test_a_question_given_up_after_long_enough_counts_and_one_given_up_early_does_not() -> None:
    async def give_up(model: Guarded, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await model.answer(QUESTION)

    breaker = Breaker("scripted:stub", failures=2)
    model = breaker.guard(Stub(takes_s=5), given_up_s=0.05)
    for _ in range(3):
        await give_up(model, 0.01)
    assert not breaker.open
    for _ in range(2):
        await give_up(model, 0.06)
    assert breaker.open
