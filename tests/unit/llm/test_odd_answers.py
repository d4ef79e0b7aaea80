"""Answers that are whole, told in a way that only some servers tell them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from ridealong.config import Settings
from ridealong.core.errors import ModelAway
from ridealong.llm import Answer
from ridealong.llm.house import ModelHouse
from tests.unit.llm.asking import QUESTION

ANSWER = '{"type": "none"}'


@asynccontextmanager
async def server(path: str, body: str, kind: str) -> AsyncIterator[str]:
    async def answered(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind)

    app = web.Application()
    app.router.add_post(path, answered)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def chat(content: object) -> str:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]})


def events(*told: dict[str, Any]) -> str:
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in told)


async def asked(path: str, body: str, kind: str, model: str) -> Answer:
    async with server(path, body, kind) as url:
        house = ModelHouse(Settings(compatible_url=url, anthropic_url=url, anthropic_api_key="k"))  # type: ignore[arg-type]
        try:
            return await house.model(model).answer(QUESTION)
        finally:
            await house.close()


async def test_a_content_in_parts_is_read_and_what_was_thought_is_not() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": ANSWER}]
    answer = await asked("/v1/chat/completions", chat(parts), "application/json", "compatible:ours")
    assert answer.content == {"type": "none"}


START = {"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 5}}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}


async def test_a_stream_that_said_why_it_ended_is_whole_without_its_last_event() -> None:
    answer = await asked("/v1/messages", events(START, TEXT, END), "text/event-stream", "anthropic:claude-opus-5-5")
    assert answer.content == {"type": "none"}
    assert (answer.usage.input, answer.usage.output) == (5, 3)


async def test_a_stream_that_did_not_say_why_it_ended_has_broken_off() -> None:
    with pytest.raises(ModelAway, match="broke off"):
        await asked("/v1/messages", events(START, TEXT), "text/event-stream", "anthropic:claude-opus-5-5")
