"""One suite over every adapter of the model seam, each against a stand-in of its vendor that speaks the real wire."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ridealong.config import Settings
from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused, QuestionRefused
from ridealong.llm import Answer, AnswerSchema, Block, Effort, Model, Question, Usage
from ridealong.llm.house import ModelHouse
from ridealong.llm.providers.scripted import ScriptedModel
from ridealong.llm.wire import Wire
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.gemini import Gemini
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Asked, Fault, StandIn
from tests.vendors.openai_chat import OpenAIChat

SECRET = "we pay Globex forty thousand"
SCHEMA: dict[str, object] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "utterance_no", "confidence"],
    "properties": {
        "type": {"enum": ["price_objection", "none"]},
        "utterance_no": {"type": "integer", "minimum": 1, "maximum": 9},
        "quote": {"type": "string", "maxLength": 200},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
GOOD = {"type": "price_objection", "utterance_no": 3, "quote": SECRET, "confidence": 0.9}


def question(**changes: Any) -> Question:
    asked = Question(
        instructions=(Block(text="Find the moment.", cached=True), Block(text="Look at the price alone.")),
        material=(Block(text=f"3 customer: {SECRET}", cached=True),),
        schema=AnswerSchema(name="moment", schema=SCHEMA),
        max_output_tokens=3000,
    )
    return replace(asked, **changes)


def good(_asked: Asked) -> Mapping[str, Any]:
    return GOOD


@dataclass(frozen=True)
class Case:
    stand_in: type[StandIn]
    model: str
    tokens: int


SHORT, LONG = 300, 3000
"""Limits of tokens below and above which an answer is streamed where the vendor allows it."""

CASES = {
    "groq": Case(GroqChat, "groq:openai/gpt-oss-20b", LONG),
    "openai": Case(OpenAIChat, "openai:gpt-6-luna", SHORT),
    "openai streamed": Case(OpenAIChat, "openai:gpt-6-luna", LONG),
    "compatible streamed": Case(OpenAIChat, "compatible:a-model-of-our-own", LONG),
    "anthropic streamed": Case(AnthropicMessages, "anthropic:claude-opus-5-5", LONG),
    "google": Case(Gemini, "google:gemini-3.8-flash", LONG),
}


@dataclass
class Stage:
    model: Model
    vendor: StandIn
    tokens: int

    async def ask(self, **changes: Any) -> Answer:
        return await self.model.answer(question(max_output_tokens=self.tokens, **changes))


@pytest.fixture(params=CASES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    case = CASES[request.param]
    name = case.model.partition(":")[0]
    async with case.stand_in(answer=good) as vendor:
        settings = Settings(**{f"{name}_api_key": vendor.key, f"{name}_url": vendor.url})
        house = ModelHouse(settings, wire=Wire(silence_s=2.0))
        yield Stage(house.model(case.model), vendor, case.tokens)
        await house.close()


def scripted(said: Any) -> Model:
    async def script(_question: Question) -> Any:
        return said

    return ScriptedModel.of(script)


async def test_an_answer_is_an_object_of_the_schema_with_its_usage(stage: Stage) -> None:
    answer = await stage.ask()
    assert answer.content == GOOD
    assert answer.usage.input > 0
    assert answer.usage.output > 0
    assert answer.vendor == stage.model.name.partition(":")[0]
    assert answer.model == stage.model.name.partition(":")[2]
    assert answer.seconds > 0


async def test_a_scripted_answer_is_an_object_of_the_schema_with_its_usage() -> None:
    answer = await scripted(GOOD).answer(question())
    assert answer.content == GOOD
    assert answer.usage.input > 0
    assert answer.vendor == "scripted"


@pytest.mark.parametrize("effort", list(Effort))
async def test_every_effort_is_one_that_the_vendor_takes(stage: Stage, effort: Effort) -> None:
    assert (await stage.ask(effort=effort)).content == GOOD


async def test_the_whole_question_arrives_and_what_is_cached_comes_first(stage: Stage) -> None:
    await stage.ask()
    asked = stage.vendor.asked[0]
    everything = asked.system + asked.user
    places = [everything.index(text) for text in ("Find the moment.", SECRET, "Look at the price alone.")]
    assert places == sorted(places)
    assert SECRET not in asked.system


async def test_without_cached_material_all_instructions_stand_in_front(stage: Stage) -> None:
    await stage.ask(material=(Block(text=SECRET),))
    asked = stage.vendor.asked[0]
    assert "Look at the price alone." in asked.system
    assert SECRET in asked.user


async def test_bounds_are_told_to_the_model_and_checked_by_us(stage: Stage) -> None:
    stage.vendor.answer = lambda _asked: {**GOOD, "confidence": 1.2}
    with pytest.raises(BadAnswer, match="confidence/maximum"):
        await stage.ask()
    asked = stage.vendor.asked[0]
    assert "at most 1" in json.dumps(asked.schema) or '"maximum":1' in asked.system + asked.user


async def test_a_property_that_may_be_missing_may_be_missing(stage: Stage) -> None:
    without = {name: value for name, value in GOOD.items() if name != "quote"}
    stage.vendor.answer = lambda _asked: without
    assert (await stage.ask()).content == without
    stage.vendor.answer = lambda _asked: {**without, "quote": None}
    assert (await stage.ask()).content == without


FAULTS: dict[Fault, type[ModelFailed]] = {
    Fault.BAD_KEY: ModelRefused,
    Fault.NO_CREDIT: ModelRefused,
    Fault.NO_MODEL: ModelRefused,
    Fault.REFUSES: QuestionRefused,
    Fault.BUSY: ModelBusy,
    Fault.BUSY_BARE: ModelBusy,
    Fault.BROKEN: ModelAway,
    Fault.OVERLOADED: ModelAway,
    Fault.SLOW: ModelAway,
    Fault.NEVER: ModelAway,
    Fault.HANG_UP: ModelAway,
    Fault.CUT: ModelAway,
    Fault.ENDS_EARLY: ModelAway,
    Fault.ERROR_EVENT: ModelAway,
    Fault.REDIRECT: ModelRefused,
    Fault.NOT_JSON: BadAnswer,
    Fault.DEEP_JSON: BadAnswer,
    Fault.ODD_TYPES: BadAnswer,
    Fault.ENDLESS: BadAnswer,
    Fault.MANY_WORDS: BadAnswer,
    Fault.HALF_JSON: BadAnswer,
    Fault.WRONG_SHAPE: BadAnswer,
    Fault.NO_WORDS: BadAnswer,
    Fault.TOO_LONG: BadAnswer,
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
async def test_every_misbehaviour_is_an_error_that_says_what_it_is_and_nothing_that_was_said(
    stage: Stage, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage.vendor.faults.append(fault)
    with pytest.raises(FAULTS[fault]) as raised:
        await stage.ask()
    assert type(raised.value) is FAULTS[fault]
    link: BaseException | None = raised.value
    while link is not None:
        assert "Globex" not in str(link)
        assert stage.vendor.key not in str(link)
        link = link.__cause__
    assert "Globex" not in caplog.text
    # The one after it is not harmed.
    assert (await stage.ask()).content == GOOD


@pytest.mark.parametrize("fault", [Fault.HALF_JSON, Fault.WRONG_SHAPE, Fault.TOO_LONG], ids=lambda fault: fault.value)
async def test_an_answer_that_does_not_fit_tells_what_it_was_billed(stage: Stage, fault: Fault) -> None:
    good = await stage.ask()
    stage.vendor.faults.append(fault)
    with pytest.raises(BadAnswer) as raised:
        await stage.ask()
    assert raised.value.billed.input == good.usage.input > 0
    assert raised.value.billed.output > 0


async def test_a_refusal_is_not_billed(stage: Stage) -> None:
    stage.vendor.faults.append(Fault.BAD_KEY)
    with pytest.raises(ModelRefused) as raised:
        await stage.ask()
    assert raised.value.billed == Usage()


async def test_a_first_word_that_comes_late_is_waited_for(stage: Stage) -> None:
    stage.vendor.slow_s = 0.2
    stage.vendor.faults.append(Fault.SLOW)
    assert (await stage.ask()).content == GOOD


@pytest.mark.parametrize("fault", [Fault.THINKS_ALOUD, Fault.FENCED], ids=lambda fault: fault.value)
async def test_words_around_the_json_are_passed_over(stage: Stage, fault: Fault) -> None:
    stage.vendor.faults.append(fault)
    assert (await stage.ask()).content == GOOD


async def test_what_the_documentation_does_not_know_is_passed_over(stage: Stage) -> None:
    stage.vendor.fault = Fault.UNKNOWN_EVENTS
    assert (await stage.ask()).content == GOOD


async def test_a_busy_vendor_says_when_to_come_back_where_it_does(stage: Stage) -> None:
    stage.vendor.faults.extend([Fault.BUSY, Fault.BUSY_BARE])
    with pytest.raises(ModelBusy) as told:
        await stage.ask()
    with pytest.raises(ModelBusy) as bare:
        await stage.ask()
    assert told.value.retry_after_s == 7.0
    assert bare.value.retry_after_s is None


@pytest.mark.parametrize("said", ["{", "", '["a"]', "NaN", '{"type": NaN}', '{"type": "price_objection"'])
async def test_half_a_json_is_a_bad_answer(stage: Stage, said: str) -> None:
    stage.vendor.answer = lambda _asked: said
    with pytest.raises(BadAnswer):
        await stage.ask()
    with pytest.raises(BadAnswer):
        await scripted(said).answer(question())


async def test_cancelling_ends_the_request_at_the_vendor(stage: Stage) -> None:
    stage.vendor.faults.append(Fault.NEVER)
    task = asyncio.ensure_future(stage.ask())
    while not stage.vendor.asked:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(200):
        if stage.vendor.left:
            break
        await asyncio.sleep(0.01)
    assert stage.vendor.left == 1
    assert (await stage.ask()).content == GOOD


async def test_many_questions_at_once_each_get_their_own_answer(stage: Stage) -> None:
    stage.vendor.delay_s = 0.02
    stage.vendor.answer = lambda asked: {**GOOD, "utterance_no": int(asked.user.split("number ")[1][0])}
    asked = [question(material=(Block(text=f"number {n % 9 + 1}"),)) for n in range(40)]
    answers = await asyncio.gather(*(stage.model.answer(one) for one in asked))
    assert [answer.content["utterance_no"] for answer in answers] == [n % 9 + 1 for n in range(40)]


async def test_a_vendor_that_is_not_there_is_away() -> None:
    house = ModelHouse(Settings(groq_api_key="k", groq_url="http://127.0.0.1:9/openai/v1"))
    with pytest.raises(ModelAway):
        await house.model("groq:openai/gpt-oss-20b").answer(question())
    await house.close()
