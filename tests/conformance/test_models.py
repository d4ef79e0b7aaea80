"""One suite over every adapter of the model seam, each against a stand-in of its vendor that speaks the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ridealong.config import Settings
from ridealong.llm import AnswerSchema, Block, Model, Question
from ridealong.llm.house import ModelHouse
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.gemini import Gemini
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Asked, StandIn
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


CASES = {
    "groq": Case(GroqChat, "groq:openai/gpt-oss-20b"),
    "openai": Case(OpenAIChat, "openai:gpt-5.4-mini"),
    "compatible": Case(OpenAIChat, "compatible:a-model-of-our-own"),
    "anthropic": Case(AnthropicMessages, "anthropic:claude-opus-5-5"),
    "google": Case(Gemini, "google:gemini-3.8-flash"),
}


@dataclass
class Stage:
    model: Model
    vendor: StandIn


@pytest.fixture(params=CASES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    case = CASES[request.param]
    async with case.stand_in(answer=good) as vendor:
        house = ModelHouse(Settings(**{f"{request.param}_api_key": vendor.key, f"{request.param}_url": vendor.url}))
        yield Stage(house.model(case.model), vendor)
        await house.close()


async def test_an_answer_is_an_object_of_the_schema_with_its_usage(stage: Stage) -> None:
    answer = await stage.model.answer(question())
    assert answer.content == GOOD
    assert answer.usage.input > 0
    assert answer.usage.output > 0
    assert answer.vendor == stage.model.name.partition(":")[0]
    assert answer.model
    assert answer.seconds > 0
