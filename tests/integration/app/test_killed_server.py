"""A server process that is killed in the middle: nothing acknowledged and nothing finished is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ridealong.app.bench.server import ServerProcess, start_server
from ridealong.app.client import CaptureClient, Start
from ridealong.app.token_counts import WRITE_EVERY_S
from tests.vendors.groq_chat import GroqChat

PIECE_MS = 100
PIECE = bytes(16_000 * 2 * PIECE_MS // 1000)

SPOKEN = [
    ("Thanks for taking the time today, this is the account team calling.", 0),
    ("Sure, happy to talk.", 1),
    ("What made you look for something new?", 0),
    ("Honestly we lose hours every week copying orders by hand.", 1),
    ("That sounds painful, how many people does it touch?", 0),
    ("Six people, and it is way too expensive to keep doing it like that.", 1),
    ("I see, and who would sign off on a change?", 0),
    ("Our finance director signs everything above ten thousand.", 1),
    ("Good to know, shall we meet with her next week?", 0),
    ("Yes, let us do Tuesday at ten, I will send the invite.", 1),
]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A call of 40 s: an utterance every four seconds, three of them speech."""
    lines = [json.dumps({"call": "killed", "rep_speaker": 0})]
    lines += [
        json.dumps({"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text})
        for no, (text, speaker) in enumerate(SPOKEN)
    ]
    path = tmp_path / "script.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def env(script: Path) -> dict[str, str]:
    return {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(script)}


@pytest.fixture
async def first(tmp_path: Path, env: dict[str, str]) -> AsyncIterator[ServerProcess]:
    folder = tmp_path / "data"
    folder.mkdir()
    running = await start_server(folder, env)
    yield running
    await running.stop()


def token_of(folder: Path) -> str:
    return next(word for word in (folder / "server.log").read_text().split() if word.startswith("ra_"))


async def get(server: ServerProcess, token: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        return await http.get(path, timeout=30)


async def reviewed(server: ServerProcess, token: str, call_id: str) -> dict[str, Any]:
    for _ in range(300):
        answer = await get(server, token, f"/v1/calls/{call_id}/artifact")
        if answer.status_code == 200:
            return dict(answer.json())
        await asyncio.sleep(0.1)
    raise AssertionError(f"no review: {answer.status_code} {answer.text}")


async def test_a_call_goes_on_in_the_next_process_without_a_hole(
    first: ServerProcess, tmp_path: Path, env: dict[str, str]
) -> None:
    token = token_of(first.folder)
    client = CaptureClient(
        url=first.capture_url, start=Start(token=token, rep_id="rep-1", consent="Said so at the start.")
    )
    await client.open()
    for _ in range(180):
        await client.send(PIECE)
    while client.received < 150 * len(PIECE):
        await asyncio.sleep(0.02)
    acknowledged = client.received
    seen = await heard(client, at_least=3)

    await first.kill()
    second = await start_server(first.folder, env)
    try:
        client.url = second.capture_url
        await client.resume()
        assert client.received >= acknowledged, "the server forgot bytes that it had acknowledged"
        for _ in range(230):
            await client.send(PIECE)
        await client.stop()
        events = [event async for event in client.until("ended")]
        assert events[-1]["event"] == "ended"
        assert events[-1]["audio_ms"] == 41_000

        transcript = (await get(second, token, f"/v1/calls/{client.call_id}/transcript")).json()["utterances"]
        assert [(u["start_ts"], u["end_ts"], u["speaker_id"], u["text"]) for u in transcript] == [
            (no * 4000, no * 4000 + 3000, speaker, text) for no, (text, speaker) in enumerate(SPOKEN)
        ]
        assert [u["no"] for u in transcript] == list(range(len(SPOKEN)))
        for event in seen:
            assert transcript[event["no"]]["text"] == event["text"], "what was told before the kill has changed"

        audio = await get(second, token, f"/v1/calls/{client.call_id}/audio.wav")
        assert len(audio.content) == 44 + 410 * len(PIECE)

        artifact = await reviewed(second, token, client.call_id)
        assert artifact["duration_ms"] == 41_000
    finally:
        await client.close()
        await second.stop()


async def heard(client: CaptureClient, *, at_least: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(found) < at_least:
            event = await client.events.get()
            if event.get("event") == "utterance":
                found.append(event)
    return found


async def test_a_call_whose_sender_never_comes_back_is_ended_and_reviewed(
    first: ServerProcess, env: dict[str, str]
) -> None:
    token = token_of(first.folder)
    client = CaptureClient(
        url=first.capture_url, start=Start(token=token, rep_id="rep-1", consent="Said so at the start.")
    )
    await client.open()
    for _ in range(120):
        await client.send(PIECE)
    await heard(client, at_least=2)
    await first.kill()
    second = await start_server(first.folder, {**env, "RIDEALONG_RESUME_GRACE_S": "0.5"})
    try:
        await reviewed(second, token, client.call_id)
        call = (await get(second, token, f"/v1/calls/{client.call_id}")).json()
        assert (call["status"], call["ended_reason"]) == ("ended", "sender_lost")
    finally:
        await client.drop()
        await second.stop()


async def test_a_stopped_server_leaves_its_calls_to_the_next_one(first: ServerProcess, env: dict[str, str]) -> None:
    token = token_of(first.folder)
    client = CaptureClient(
        url=first.capture_url, start=Start(token=token, rep_id="rep-1", consent="Said so at the start.")
    )
    await client.open()
    for _ in range(100):
        await client.send(PIECE)
    await heard(client, at_least=2)
    await first.stop()
    second = await start_server(first.folder, env)
    try:
        client.url = second.capture_url
        await client.resume()
        for _ in range(310):
            await client.send(PIECE)
        await client.stop()
        events = [event async for event in client.until("ended")]
        assert events[-1]["audio_ms"] == 41_000
        transcript = (await get(second, token, f"/v1/calls/{client.call_id}/transcript")).json()["utterances"]
        assert [u["text"] for u in transcript] == [text for text, _ in SPOKEN]
    finally:
        await client.close()
        await second.stop()


async def test_what_a_tenant_spent_today_outlives_a_kill(tmp_path: Path, env: dict[str, str]) -> None:
    async with GroqChat() as vendor:
        # Words are asked for at every moment, so that a sure one costs tokens too.
        env = {**env, "GROQ_API_KEY": vendor.key, "RIDEALONG_GROQ_URL": vendor.url, "RIDEALONG_LIVE_WORDING": "always"}
        folder = tmp_path / "data"
        folder.mkdir()
        first = await start_server(folder, env)
        token = token_of(folder)
        client = CaptureClient(
            url=first.capture_url, start=Start(token=token, rep_id="rep-1", consent="Said so.", rep_speaker=0)
        )
        await client.open()
        for _ in range(400):
            await client.send(PIECE)
        async with asyncio.timeout(60):
            while not vendor.asked:
                await asyncio.sleep(0.02)
        # Nobody looks meanwhile: looking writes too.
        await asyncio.sleep(WRITE_EVERY_S + 1.0)
        await first.kill()
        second = await start_server(folder, env)
        try:
            assert await counted(second, token) > 500
        finally:
            await client.close()
            await second.stop()


async def counted(server: ServerProcess, token: str) -> int:
    """Tokens that the tenant spent today."""
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        limit = 1_000_000
        shown = (await http.put("/v1/models", json={"tokens_per_day": limit})).json()
        return limit - int(shown["tokens"]["per_day"]["left"])
