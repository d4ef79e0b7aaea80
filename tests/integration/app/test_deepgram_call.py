"""A call heard by Deepgram's stand-in through the real server: killed in mid-speech, and heard again after its end."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import av

from ridealong.app.bench.server import ServerProcess, start_server
from ridealong.app.client import CaptureClient, Start
from ridealong.speech.pcm import pcm16
from tests.integration.app.test_killed_server import get, heard, reviewed, token_of
from tests.vendors.deepgram import Mischief, deepgram, marked_audio, words_of

SAMPLE = Path(__file__).parents[3] / "src/ridealong/sample/call.jsonl"
DURATION_MS = 90_000
PIECE_MS = 100
KILLED_AT_MS = 46_000
"""In the middle of a sentence."""


async def send(client: CaptureClient, from_ms: int, to_ms: int) -> None:
    data = pcm16(marked_audio(to_ms - from_ms, start_ms=from_ms))
    for at in range(0, len(data), PIECE_MS * 32):
        await client.send(data[at : at + PIECE_MS * 32])


def words(transcript: dict[str, Any], speaker: int) -> list[str]:
    return [text for u in transcript["utterances"] if u["speaker_id"] == speaker for text in u["text"].split()]


async def test_a_killed_server_and_a_lost_connection_leave_no_trace(tmp_path: Path) -> None:
    script = [word for word in words_of(SAMPLE) if word.end_ts < DURATION_MS - 2_000]
    plan = {0: Mischief(close_code=1011, close_after_ms=21_000), 3: Mischief(abort_after_ms=15_000)}

    def wrong(n: int) -> Mischief:
        return plan.get(n, Mischief())

    folder = tmp_path / "data"
    folder.mkdir()
    async with deepgram(script, final_delay_s=0.0, plan=wrong) as vendor:
        env = {
            "RIDEALONG_TRANSCRIBER": "deepgram",
            "RIDEALONG_RETRANSCRIBER": "deepgram",
            "RIDEALONG_DEEPGRAM_URL": vendor.url,
            "RIDEALONG_DEEPGRAM_API_KEY": vendor.key,
        }
        server = await start_server(folder, env)
        client: CaptureClient | None = None
        try:
            token = token_of(folder)
            start = Start(token=token, rep_id="rep-1", consent="Said so at the start.", rep_speaker=0)
            client = CaptureClient(url=server.capture_url, start=start)
            await client.open()
            await send(client, 0, KILLED_AT_MS)
            while client.received < KILLED_AT_MS * 32:
                await asyncio.sleep(0.02)
            await heard(client, at_least=4)
            await server.kill()
            server = await start_server(folder, env)
            client.url = server.capture_url
            await client.resume()
            await send(client, KILLED_AT_MS, DURATION_MS)
            await client.stop()
            events = [event async for event in client.until("ended")]
            assert events[-1]["event"] == "ended"
            artifact = await reviewed(server, token, client.call_id)
            expected = [(word.text, word.speaker or 0) for word in script]
            await check(server, token, client.call_id, artifact, expected, revision=2)
            (batch,) = vendor.batches
            assert batch["parameters"]["diarize_model"] == ["v2"]
            assert seconds(batch["body"]) == DURATION_MS / 1000
        finally:
            if client is not None:
                await client.close()
            await server.stop()


async def check(
    server: ServerProcess,
    token: str,
    call_id: str,
    artifact: dict[str, Any],
    expected: list[tuple[str, int]],
    revision: int,
) -> None:
    newest = (await get(server, token, f"/v1/calls/{call_id}/transcript")).json()
    assert newest["revision"] == artifact["revision"] == revision
    for n in range(1, revision + 1):
        transcript = (await get(server, token, f"/v1/calls/{call_id}/transcript?revision={n}")).json()
        for speaker in (0, 1):
            assert words(transcript, speaker) == [text for text, who in expected if who == speaker]
    audio = (await get(server, token, f"/v1/calls/{call_id}/audio.wav")).content
    assert audio[44:] == pcm16(marked_audio(DURATION_MS)), "what is cited is played from other audio than was heard"


def seconds(flac: bytes) -> float:
    with av.open(io.BytesIO(flac), "r") as container:
        return sum(frame.samples for frame in container.decode(audio=0)) / 16_000
