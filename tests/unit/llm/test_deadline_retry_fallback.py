"""The wrappers that decide how long and whom to ask, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused
from ridealong.llm.deadline import Deadline
from ridealong.llm.fallback import Fallback
from ridealong.llm.retry import Retry
from tests.unit.llm.asking import QUESTION, Stub
from tests.virtual_time import in_virtual_time


def test_an_answer_within_the_deadline_passes() -> None:
    answer = in_virtual_time(Deadline(Stub(takes_s=0.8), seconds=0.9).answer(QUESTION))
    assert answer.content == {"type": "none"}


def test_a_late_question_is_cancelled_at_its_deadline() -> None:
    model = Stub(takes_s=1.0)

    async def ask() -> float:
        with pytest.raises(ModelAway, match=r"0\.9 s"):
            await Deadline(model, seconds=0.9).answer(QUESTION)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(ask()) == pytest.approx(0.9)
    assert model.cancelled == 1


def test_cancelling_from_outside_is_not_taken_for_the_deadline() -> None:
    async def ask() -> None:
        task = asyncio.ensure_future(Deadline(Stub(takes_s=5), seconds=9).answer(QUESTION))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_virtual_time(ask())


def test_a_model_that_is_away_is_asked_again_with_growing_pauses() -> None:
    model = Stub(ModelAway(), ModelAway(), None)
    in_virtual_time(Retry(model, attempts=3, within_s=10, pause_s=0.5, chance=lambda: 0.0).answer(QUESTION))
    assert model.asked_at == pytest.approx([0.0, 0.5, 1.5])


def test_a_busy_vendor_is_asked_again_when_it_said() -> None:
    model = Stub(ModelBusy(retry_after_s=7), None)
    in_virtual_time(Retry(model, within_s=10).answer(QUESTION))
    assert model.asked_at == pytest.approx([0.0, 7.0])


def test_a_wait_beyond_the_time_left_is_not_begun() -> None:
    model = Stub(ModelBusy(retry_after_s=60), None)

    async def ask() -> float:
        with pytest.raises(ModelBusy):
            await Retry(model, within_s=30).answer(QUESTION)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(ask()) == 0.0
    assert model.asked == 1


@pytest.mark.parametrize("error", [ModelRefused(), BadAnswer()])
def test_what_another_try_cannot_help_is_not_tried_again(error: ModelFailed) -> None:
    model = Stub(error, None)
    with pytest.raises(type(error)):
        in_virtual_time(Retry(model, within_s=30).answer(QUESTION))
    assert model.asked == 1


def test_attempts_are_counted() -> None:
    model = Stub(ModelAway())
    with pytest.raises(ModelAway):
        in_virtual_time(Retry(model, attempts=3, within_s=30).answer(QUESTION))
    assert model.asked == 3


@pytest.mark.parametrize("error", [ModelAway(), ModelBusy(), ModelRefused(), BadAnswer()])
def test_the_next_model_answers_where_one_fails(error: ModelFailed) -> None:
    told: list[tuple[str, ModelFailed]] = []
    first, second = Stub(error, name="scripted:first"), Stub(name="scripted:second")
    chain = Fallback([first, second], passed_over=lambda name, why: told.append((name, why)))
    in_virtual_time(chain.answer(QUESTION))
    assert (first.asked, second.asked) == (1, 1)
    assert told == [("scripted:first", error)]


def test_the_second_model_is_left_in_peace_while_the_first_answers() -> None:
    first, second = Stub(), Stub()
    in_virtual_time(Fallback([first, second]).answer(QUESTION))
    assert second.asked == 0


def test_the_last_error_is_told_when_none_answers() -> None:
    with pytest.raises(ModelRefused):
        in_virtual_time(Fallback([Stub(ModelAway()), Stub(ModelRefused())]).answer(QUESTION))
