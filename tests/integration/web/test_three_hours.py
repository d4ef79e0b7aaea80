"""Three hours of audio over a real socket, cut in the third: every utterance once, each at its time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.core.transcript import SpeakerId, Utterance
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store.embedded import OWNER, EmbeddedPostgres
from tests.integration.web.real import real_server
from tests.integration.web.test_any_running_calls import Site

HOURS_MS = 3 * 3_600_000
EVERY_MS = 4_000
SILENCE = b"\xff" * (8_000 * 25)
"""25 s of µ-law, in one message."""

SAID = tuple(
    Utterance(
        no=no,
        speaker=SpeakerId(no % 2),
        start_ts=no * EVERY_MS + 300,
        end_ts=no * EVERY_MS + 3_300,
        text=f"This is what was said as number {no}.",
    )
    for no in range(HOURS_MS // EVERY_MS)
)


@pytest.mark.timeout(300)
async def test_a_call_of_three_hours_is_heard_whole_over_a_socket_that_is_cut_in_the_third(
    postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(postgres.url(user=OWNER, database=database)))
    transcriber = ReplayTranscriber(RecordedSession(call="long", rep_speakers=(SpeakerId(0),), utterances=SAID))
    pieces = HOURS_MS // 25_000
    cut_at = pieces * 9 // 10
    numbers: list[int] = []
    async with real_server(settings, tmp_path / "recordings", transcriber) as (address, token):
        site = Site(address, token)
        stated = {"encoding": "mulaw", "sample_rate": 8000, "channels": 1}
        async with site.started(format=stated, pace="recorded") as (client, reply):

            async def send(count: int) -> None:
                for _ in range(count):
                    await client.send(SILENCE)

            sending = asyncio.create_task(send(cut_at))
            await client.until(type="ack", received=cut_at * len(SILENCE))
            await sending
            client.socket.transport.abort()
        seen = max(m["seq"] for m in client.heard if "seq" in m)
        numbers += [m["no"] for m in client.heard if m.get("event") == "utterance"]
        async with site.resumed(reply, received=cut_at * len(SILENCE), after=seen) as (client, answer):
            assert answer["received"] == cut_at * len(SILENCE)

            async def rest() -> None:
                for _ in range(pieces - cut_at):
                    await client.send(SILENCE)
                await client.send({"type": "stop"})

            sending = asyncio.create_task(rest())
            ended = await client.until(event="ended")
            await sending
        assert ended["audio_ms"] == HOURS_MS
        last = [m for m in client.heard if m.get("event") == "utterance"]
        numbers += [m["no"] for m in last]
        assert numbers == list(range(len(SAID)))
        assert (last[-1]["start_ts"], last[-1]["end_ts"], last[-1]["text"]) == (
            SAID[-1].start_ts,
            SAID[-1].end_ts,
            SAID[-1].text,
        )
        assert not [m for m in client.heard if m.get("type") == "missed"]
