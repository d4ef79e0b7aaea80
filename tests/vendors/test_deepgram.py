"""The Deepgram stand-in against the exchanges that its vendor published."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.speech.deepgram.listening import script
from tests.vendors.deepgram import Mischief, deepgram, marked_audio

SHARED = Path(os.environ.get("RIDEALONG_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))
RECORDED = SHARED / "protocol/deepgram/recorded"
TOKEN = {"Authorization": "Token test-key"}
QUERY = "model=nova-3&encoding=linear16&sample_rate=16000&channels=1&interim_results=true&diarize_model=latest"


def shape(value: Any) -> Any:
    """Keys and kinds, without the values; a list is its first element."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def recorded(folder: str, keys: set[str]) -> list[dict[str, Any]]:
    if not (RECORDED / folder).is_dir():
        pytest.skip("the published exchanges are not here: set RIDEALONG_SHARED_DATA")
    read = [json.loads(path.read_text()) for path in sorted((RECORDED / folder).glob("*-response.json"))]
    return [each for each in read if keys <= set(each)]


async def messages(query: str = QUERY, ms: int = 12_000, **options: Any) -> list[dict[str, Any]]:
    async with (
        deepgram(script(ms), final_delay_s=0.0, **options) as standin,
        connect(f"{standin.url}/v1/listen?{query}", additional_headers=TOKEN) as socket,
    ):
        pcm = (marked_audio(ms) * 32768).astype("<i2").tobytes()
        for at in range(0, len(pcm), 3_200):
            await socket.send(pcm[at : at + 3_200])
        await socket.send('{"type":"CloseStream"}')
        return [json.loads(message) async for message in socket if str(message).startswith("{")]


async def test_its_results_have_the_shape_of_recorded_ones() -> None:
    examples = [each for each in recorded("websocket", {"channel"}) if each["channel"]["alternatives"][0]["words"]]
    query = "model=nova-3&encoding=linear16&sample_rate=16000&channels=1"
    results = [each for each in await messages(query) if each["type"] == "Results"]
    spoken = [each for each in results if each["channel"]["alternatives"][0]["words"]]
    assert examples and spoken
    for each in spoken:
        assert shape(each) == shape(examples[0])


async def test_its_batch_answer_has_the_shape_of_recorded_ones() -> None:
    async with deepgram(script(12_000)) as standin:
        answer = standin.batch_answer(b"", {})
    example = next(each for each in recorded("rest", {"results"}) if "summary" not in each["results"])
    (model,) = example["metadata"]["model_info"].values()
    (mine,) = answer["metadata"]["model_info"].values()
    assert shape(mine) == shape(model)
    assert set(answer["metadata"]) == set(example["metadata"])
    theirs = dict(example["results"]["channels"][0]["alternatives"][0])
    theirs.pop("paragraphs", None)
    assert shape(answer["results"]["channels"][0]["alternatives"][0]) == shape(theirs)


async def test_a_stream_ends_with_its_metadata() -> None:
    said = await messages()
    assert said[-1]["type"] == "Metadata"
    assert said[-1]["duration"] == 12.0
    assert {each["type"] for each in said} == {"Results", "Metadata"}


async def test_finals_follow_each_other_without_holes_and_interims_are_revised() -> None:
    finals = [each for each in await messages() if each["type"] == "Results" and each["is_final"]]
    end = 0.0
    for final in finals:
        assert final["start"] == pytest.approx(end, abs=0.001)
        end = final["start"] + final["duration"]
    assert end == pytest.approx(12.0, abs=0.5)


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Authorization": "Bearer test-key"}, QUERY, 401),
        ({}, QUERY, 401),
        (TOKEN, "encoding=linear16", 400),
        (TOKEN, "model=nova-3&diarize_model=v2", 400),
        (TOKEN, "model=nova-3&keyword=x", 400),
        (TOKEN, "model=nova-2&keyterm=x", 400),
    ],
)
async def test_it_refuses_what_deepgram_refuses(headers: dict[str, str], query: str, status: int) -> None:
    async with deepgram([]) as standin:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{standin.url}/v1/listen?{query}", additional_headers=headers)
        assert refused.value.response.status_code == status


@pytest.mark.parametrize("keep_alive", ['{"type":"KeepAlive"}', b'{"type":"KeepAlive"}'])
async def test_silence_on_the_wire_is_closed_with_1011(keep_alive: str | bytes) -> None:
    async with deepgram([], silence_limit_s=0.4) as standin:
        async with connect(f"{standin.url}/v1/listen?{QUERY}", additional_headers=TOKEN) as socket:
            for _ in range(4):
                await asyncio.sleep(0.2)
                await socket.send(keep_alive)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert "net0001" in closed.value.rcvd.reason
        # A binary KeepAlive is taken for audio: it is the tests of the adapter that look for it.
        assert standin.seen[0].binary_controls == (4 if isinstance(keep_alive, bytes) else 0)


async def test_it_misbehaves_on_command() -> None:
    assert len([m for m in await messages(plan=lambda _: Mischief(duplicate=True)) if m.get("is_final")]) > len(
        [m for m in await messages() if m.get("is_final")]
    )
    unknown = await messages(plan=lambda _: Mischief(unknown_types=True))
    assert "NobodyKnowsThis" in {each["type"] for each in unknown}
