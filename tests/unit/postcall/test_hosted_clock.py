"""The hosted reviewer when models are late, away, busy or refuse: who is asked next, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ridealong.core.artifact import StepOutcome
from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused
from ridealong.llm import Question, Usage
from ridealong.postcall.review import review_section
from ridealong.postcall.reviewer import StepLog
from tests.integration.postcall.frontier import answered
from tests.unit.postcall.hosted import (
    OPENING,
    begun,
    later,
    model,
    reviewer,
    section_of,
)
from tests.unit.postcall.virtual import run


def test_a_model_that_is_late_gives_way_to_the_next_within_the_review_s_time() -> None:
    slow = model(lambda q: later(60, q), "scripted:slow")
    quick = model(lambda q: later(2, q), "scripted:quick")
    ((outcome, log), seconds) = run(section_of(reviewer(slow, quick, verify=[model(answered)], budget_s=30)))
    assert outcome.review.findings
    assert seconds <= 30
    assert [(s.model, s.outcome) for s in log.asked[:2]] == [
        ("scripted:slow", StepOutcome.LATE),
        ("scripted:quick", StepOutcome.ANSWERED),
    ]
    assert log.asked[0].seconds == pytest.approx(0.6 * 0.72 * 30)


def test_nothing_is_waited_for_beyond_the_review_s_time_and_nothing_is_invented() -> None:
    async def never() -> tuple[bool, StepLog]:
        judge, call = await begun(reviewer(model(lambda q: later(99, q)), model(lambda q: later(99, q)), budget_s=30))
        log = StepLog(step="section opening")
        with pytest.raises(ModelFailed):
            await review_section(judge, OPENING, call, log)
        return True, log

    (_, log), seconds = run(never())
    assert seconds <= 30
    assert {s.outcome for s in log.asked} == {StepOutcome.LATE}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ModelAway(), StepOutcome.AWAY),
        (ModelRefused(), StepOutcome.REFUSED),
        (ModelBusy(retry_after_s=600), StepOutcome.BUSY),
        (BadAnswer(), StepOutcome.BAD_ANSWER),
    ],
)
def test_every_failure_of_the_first_model_leads_to_the_next_at_once(error: Exception, outcome: StepOutcome) -> None:
    async def failing(_question: Question) -> Mapping[str, Any]:
        raise error

    made = reviewer(model(failing, "scripted:first"), model(answered, "scripted:next"))
    ((found, log), seconds) = run(section_of(made))
    assert found.review.findings
    assert seconds < 0.1
    assert [(s.model, s.outcome) for s in log.asked[:2]] == [
        ("scripted:first", outcome),
        ("scripted:next", StepOutcome.ANSWERED),
    ]


def test_an_answer_that_was_no_use_is_counted_as_billed() -> None:
    async def unreadable(_question: Question) -> Mapping[str, Any]:
        error = BadAnswer()
        error.billed = Usage(input=1000, output=50)
        raise error

    ((_, log), _) = run(section_of(reviewer(model(unreadable, "scripted:first"), model(answered, "scripted:next"))))
    assert (log.asked[0].input_tokens, log.asked[0].output_tokens) == (1000, 50)


def test_the_first_that_may_answer_again_is_waited_for_and_not_the_last_that_failed() -> None:
    tries: list[str] = []

    async def away_once(question: Question) -> Mapping[str, Any]:
        tries.append("first")
        if tries.count("first") == 1:
            raise ModelAway
        return answered(question)

    async def busy(_question: Question) -> Mapping[str, Any]:
        raise ModelBusy(retry_after_s=600)

    made = reviewer(model(away_once, "scripted:first"), model(busy, "scripted:next"))
    ((outcome, _), seconds) = run(section_of(made))
    assert outcome.review.findings
    assert seconds < 2


def test_a_model_that_is_overloaded_for_some_seconds_is_waited_for() -> None:
    async def overloaded(question: Question) -> Mapping[str, Any]:
        if asyncio.get_running_loop().time() < 6.0:
            raise ModelAway
        return answered(question)

    ((outcome, log), took) = run(section_of(reviewer(model(overloaded))))
    assert outcome.review.findings
    assert {asked.outcome for asked in log.asked} == {StepOutcome.ANSWERED}
    assert log.asked[0].attempts > 3
    assert took < 12.0


def test_a_model_that_stays_away_is_given_up_within_the_time_for_drafts_and_not_asked_without_end() -> None:
    async def away(_question: Question) -> Mapping[str, Any]:
        raise ModelAway

    async def whole() -> StepLog:
        judge, call = await begun(reviewer(model(away)))
        log = StepLog(step="section opening")
        with pytest.raises(ModelFailed):
            await review_section(judge, OPENING, call, log)
        return log

    (log, took) = run(whole())
    assert took <= 0.72 * 30.0
    assert [asked.outcome for asked in log.asked] == [StepOutcome.AWAY]
    assert 5 <= log.asked[0].attempts <= 12


def test_a_single_model_that_was_busy_is_asked_again_when_it_said() -> None:
    tries: list[float] = []

    async def busy_once(question: Question) -> Mapping[str, Any]:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) == 1:
            raise ModelBusy(retry_after_s=4)
        return answered(question)

    ((outcome, log), _) = run(section_of(reviewer(model(busy_once))))
    assert outcome.review.findings
    assert tries[:2] == pytest.approx([0, 4])
    assert log.asked[0].attempts == 2


def test_a_model_that_refuses_is_not_asked_twice() -> None:
    asked: list[Question] = []

    async def refusing(question: Question) -> Mapping[str, Any]:
        asked.append(question)
        raise ModelRefused

    async def tried() -> None:
        judge, call = await begun(reviewer(model(refusing)))
        with pytest.raises(ModelRefused):
            await review_section(judge, OPENING, call, StepLog(step="section opening"))

    run(tried())
    assert len(asked) == 1


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"findings": "all of them"},
        {"findings": ["one"], "coaching_moments": []},
        {"findings": [{"criterion_id": "agenda_set", "score": "splendid"}], "coaching_moments": []},
        {"findings": [{"criterion_id": "agenda_set", "score": "yes", "citations": []}], "coaching_moments": []},
    ],
)
def test_an_answer_of_the_wrong_shape_is_no_answer(content: Mapping[str, Any]) -> None:
    def bad(_question: Question) -> Mapping[str, Any]:
        return content

    ((outcome, log), _) = run(section_of(reviewer(model(bad, "scripted:bad"), model(answered))))
    assert outcome.review.findings
    assert log.asked[0].outcome is StepOutcome.BAD_ANSWER


def test_tokens_and_cost_of_each_model_are_summed() -> None:
    log = StepLog(step="section opening")
    for cost in (0.01, None, 0.02):
        log.note(
            part="draft",
            model="a:b",
            outcome=StepOutcome.ANSWERED,
            usage=Usage(input=10, cache_read=5, output=2),
            cost_usd=cost,
            seconds=1.5,
        )
    (step,) = log.asked
    assert (step.attempts, step.input_tokens, step.cache_read_tokens, step.output_tokens) == (3, 30, 15, 6)
    assert step.cost_usd == pytest.approx(0.03)
    assert step.seconds == 4.5
