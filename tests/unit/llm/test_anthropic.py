"""What only Anthropic's wire has: a prompt cache that is marked, and parameters that are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ridealong.config import Settings
from ridealong.llm import Block, Effort, Question
from ridealong.llm.house import ModelHouse
from tests.unit.llm.asking import QUESTION
from tests.vendors.anthropic_messages import AnthropicMessages

TRANSCRIPT = "\n".join(f"{n} customer: and then we looked at the renewal again" for n in range(200))


@pytest.fixture
async def vendor() -> AsyncIterator[AnthropicMessages]:
    async with AnthropicMessages(answer=lambda _asked: {"type": "none"}) as stand_in:
        yield stand_in


@pytest.fixture
async def house(vendor: AnthropicMessages) -> AsyncIterator[ModelHouse]:
    opened = ModelHouse(Settings(anthropic_api_key=vendor.key, anthropic_url=vendor.url))
    yield opened
    await opened.close()


def section(task: str) -> Question:
    """One of several questions about the same transcript."""
    return replace(
        QUESTION,
        instructions=(Block(text="You review calls.", cached=True), Block(text=task)),
        material=(Block(text=TRANSCRIPT, cached=True),),
    )


async def test_sections_share_the_cached_transcript_and_all_tokens_are_counted(house: ModelHouse) -> None:
    model = house.model("anthropic:claude-opus-5-5")
    first = (await model.answer(section("Judge the opening."))).usage
    second = (await model.answer(section("Judge the closing."))).usage
    whole = len(TRANSCRIPT) // 4
    assert first.cache_written >= whole
    assert first.cache_read == 0
    assert second.cache_read >= whole
    assert second.cache_written == 0
    assert first.input == pytest.approx(second.input, abs=2)
    assert second.input > second.cache_read


async def test_no_more_prefixes_are_marked_than_are_allowed(house: ModelHouse, vendor: AnthropicMessages) -> None:
    many = tuple(Block(text=f"part {n}", cached=True) for n in range(7))
    await house.model("anthropic:claude-opus-5-5").answer(replace(QUESTION, material=many))
    parts = vendor.asked[0].body["messages"][0]["content"]
    assert [n for n, part in enumerate(parts) if "cache_control" in part] == [3, 4, 5, 6]


async def test_sampling_is_sent_to_the_models_alone_that_take_it(house: ModelHouse, vendor: AnthropicMessages) -> None:
    await house.model("anthropic:claude-opus-5-5").answer(QUESTION)
    await house.model("anthropic:claude-haiku-4-5").answer(QUESTION)
    assert ["temperature" in asked.body for asked in vendor.asked] == [False, True]


async def test_effort_and_schema_stand_side_by_side(house: ModelHouse, vendor: AnthropicMessages) -> None:
    await house.model("anthropic:claude-opus-5-5").answer(replace(QUESTION, effort=Effort.HIGH))
    config = vendor.asked[0].body["output_config"]
    assert config["effort"] == "high"
    assert config["format"]["type"] == "json_schema"


async def test_room_is_left_for_thinking(house: ModelHouse, vendor: AnthropicMessages) -> None:
    await house.model("anthropic:claude-opus-5-5").answer(QUESTION)
    assert vendor.asked[0].body["max_tokens"] == QUESTION.max_output_tokens + 4096
