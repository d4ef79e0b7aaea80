"""The stand-in and the adapter against exchanges recorded at Groq itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from ruamel.yaml import YAML

from ridealong.config import Settings
from ridealong.core.errors import BadAnswer, ModelRefused
from ridealong.llm import AnswerSchema, Block, Model, Question
from ridealong.llm.house import ModelHouse
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Fault

_SHARED = Path(os.environ.get("RIDEALONG_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
FOLDER = _SHARED / "protocol" / "groq"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no recordings of Groq in {FOLDER}: set RIDEALONG_SHARED_DATA"
)
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["city", "country"],
    "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
}
CITY = {"city": "Mexico City", "country": "Mexico"}
QUESTION = Question(
    instructions=(Block(text="Answer."),),
    material=(Block(text="What is the largest city in Mexico?"),),
    schema=AnswerSchema(name="CityLocation", schema=SCHEMA),
    max_output_tokens=300,
)


def recorded(name: str) -> list[dict[str, Any]]:
    return YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))["interactions"]


def chunks(stream: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


async def replayed(response: dict[str, Any], *, model: str = "openai/gpt-oss-120b") -> tuple[Model, Any]:
    """A model whose vendor answers with a recorded response."""

    async def answer(_request: web.Request) -> web.Response:
        if "parsed_body" in response:
            return web.json_response(response["parsed_body"], status=response["status"]["code"])
        return web.Response(text=response["body"]["string"], content_type="text/event-stream")

    app = web.Application()
    app.add_routes([web.post("/openai/v1/chat/completions", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    house = ModelHouse(Settings(groq_api_key="k", groq_url=f"http://127.0.0.1:{runner.addresses[0][1]}/openai/v1"))

    async def close() -> None:
        await house.close()
        await runner.cleanup()

    return house.model(f"groq:{model}"), close


async def test_a_recorded_strict_answer_is_read() -> None:
    model, close = await replayed(recorded("test_groq_native_output.yaml")[0]["response"])
    answer = await model.answer(QUESTION)
    await close()
    assert answer.content == CITY
    assert (answer.usage.input, answer.usage.output) == (178, 94)
    assert answer.model == "openai/gpt-oss-120b"


async def test_a_recorded_refusal_is_told_as_a_model_that_is_not_there() -> None:
    model, close = await replayed(recorded("test_tool_regular_error.yaml")[0]["response"])
    with pytest.raises(ModelRefused, match="model_not_found"):
        await model.answer(QUESTION)
    await close()


async def test_a_recorded_failed_generation_does_not_enter_the_error() -> None:
    model, close = await replayed(recorded("test_tool_use_failed_error.yaml")[0]["response"])
    with pytest.raises(BadAnswer, match="tool_use_failed") as raised:
        await model.answer(QUESTION)
    await close()
    assert "get_something" not in str(raised.value)


async def test_a_recorded_stream_is_read_to_its_end() -> None:
    """Its words are no JSON: that they are what is complained of shows that the stream itself was understood."""
    model, close = await replayed(recorded("test_tool_use_failed_error_streaming.yaml")[-1]["response"])
    with pytest.raises(BadAnswer, match="not whole JSON"):
        await model.answer(QUESTION)
    await close()


async def test_a_recorded_stream_that_ends_with_an_error_is_that_error() -> None:
    streams = [one["response"] for one in recorded("test_tool_use_failed_error_streaming.yaml")]
    failed = [one for one in streams if "failed_generation" in one["body"]["string"]]
    assert failed, "the recording lost its error"
    model, close = await replayed(failed[0])
    with pytest.raises(BadAnswer, match="tool_use_failed") as raised:
        await model.answer(QUESTION)
    await close()
    assert "get_something" not in str(raised.value)


async def test_our_request_has_the_shape_of_the_recorded_one() -> None:
    theirs = recorded("test_groq_native_output.yaml")[0]["request"]["parsed_body"]
    async with GroqChat(answer=lambda _asked: CITY) as vendor:
        house = ModelHouse(Settings(groq_api_key=vendor.key, groq_url=vendor.url))
        await house.model("groq:openai/gpt-oss-120b").answer(QUESTION)
        await house.close()
    ours = vendor.asked[0].body["response_format"]
    form = theirs["response_format"]
    assert ours["type"] == form["type"]
    assert ours["json_schema"]["strict"] is form["json_schema"]["strict"]
    assert ours["json_schema"]["schema"] == form["json_schema"]["schema"]


async def test_the_stand_in_answers_in_the_recorded_shape() -> None:
    theirs = recorded("test_groq_native_output.yaml")[0]
    async with GroqChat(answer=lambda _asked: CITY) as vendor, ClientSession() as session:
        headers = {"Authorization": f"Bearer {vendor.key}"}
        url = f"{vendor.url}/chat/completions"
        async with session.post(url, json=theirs["request"]["parsed_body"], headers=headers) as response:
            ours = await response.json()
        recorded_body = theirs["response"]["parsed_body"]
        assert ours.keys() - {"moderation"} <= recorded_body.keys()
        assert ours["choices"][0].keys() == recorded_body["choices"][0].keys()
        assert ours["choices"][0]["message"].keys() == recorded_body["choices"][0]["message"].keys()
        assert (
            ours["choices"][0]["message"]["content"].replace(", ", ",").replace(": ", ":")
            == (recorded_body["choices"][0]["message"]["content"])
        )
        assert recorded_body["usage"].keys() <= ours["usage"].keys()
        vendor.faults.append(Fault.NO_MODEL)
        refused = recorded("test_tool_regular_error.yaml")[0]
        async with session.post(url, json=refused["request"]["parsed_body"], headers=headers) as response:
            assert response.status == refused["response"]["status"]["code"]
            assert await response.json() == refused["response"]["parsed_body"]


async def test_the_stand_in_streams_in_the_recorded_shape() -> None:
    theirs = recorded("test_tool_use_failed_error_streaming.yaml")[-1]
    real = chunks(theirs["response"]["body"]["string"])
    body = {key: value for key, value in theirs["request"]["parsed_body"].items() if not key.startswith("tool")}
    async with GroqChat(answer=lambda _asked: "All is well here.") as vendor, ClientSession() as session:
        headers = {"Authorization": f"Bearer {vendor.key}"}
        async with session.post(f"{vendor.url}/chat/completions", json=body, headers=headers) as response:
            assert response.content_type == "text/event-stream"
            raw = await response.text()
    made = chunks(raw)
    assert raw.rstrip().endswith("data: [DONE]")
    assert {key for chunk in made for key in chunk} <= {key for chunk in real for key in chunk} | {"service_tier"}
    assert made[0]["choices"][0]["delta"] == real[0]["choices"][0]["delta"]
    assert made[-1]["choices"][0]["finish_reason"] == real[-1]["choices"][0]["finish_reason"]
    assert made[-1]["x_groq"].keys() <= real[-1]["x_groq"].keys()
    deltas = {tuple(sorted(chunk["choices"][0]["delta"])) for chunk in made}
    assert deltas <= {tuple(sorted(chunk["choices"][0]["delta"])) for chunk in real}
