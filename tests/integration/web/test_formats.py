"""Every stated format over a real socket: the times of what is heard are those of what was played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import psycopg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.core.transcript import SpeakerId
from ridealong.speech import Audio, Heard, HeardThrough, Hearing, SpokenWord, Words
from ridealong.speech.audio import MULAW
from ridealong.store.embedded import DATABASE, OWNER, SUPERUSER, EmbeddedPostgres
from tests.integration.web.real import real_server
from tests.integration.web.test_any_running_calls import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

TONES = ((0, 300, 900), (1, 1200, 1700), (0, 2000, 2600))
"""(channel, start, end) in ms of what is played; one channel holds them all."""
LENGTH_MS = 3000


class ToneTranscriber:
    """Hears a word wherever a channel is loud: what is tested is the way of the audio, not a recogniser."""

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        heard = [piece.samples async for piece in audio]
        samples = np.concatenate(heard) if heard else np.zeros((0, hearing.channels), np.float32)
        found: list[tuple[int, int, int]] = []
        for channel in range(samples.shape[1]):
            frames = np.abs(samples[: len(samples) // 80 * 80, channel]).reshape(-1, 80).max(axis=1) > 0.1
            edges = np.flatnonzero(np.diff(np.concatenate(([0], frames.astype(int), [0])))) * 5
            joined: list[list[int]] = []
            for start, end in zip(edges[::2], edges[1::2], strict=True):
                if joined and start - joined[-1][1] < 50:
                    joined[-1][1] = int(end)
                else:
                    joined.append([int(start), int(end)])
            found += [(start, end, channel) for start, end in joined if end - start > 50]
        for start, end, channel in sorted(found):
            word = SpokenWord(
                text=f"tone{channel}",
                start_ts=hearing.resumed_at_ts + start,
                end_ts=hearing.resumed_at_ts + end,
                speaker=SpeakerId(channel),
            )
            yield Words(words=(word,), ends_turn=True)
        yield HeardThrough(ts=hearing.resumed_at_ts + len(samples) // 16)

    async def close(self) -> None:
        """Nothing was loaded."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("formats")
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE formats TEMPLATE {DATABASE} OWNER {OWNER}")
    try:
        settings = Settings(data_dir=folder, database_url=SecretStr(postgres.url(user=OWNER, database="formats")))
        async with real_server(settings, folder / "recordings", ToneTranscriber()) as (address, token):
            yield Site(address, token)
    finally:
        with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE formats WITH (FORCE)")


def played(rate: int, channels: int) -> np.ndarray:
    """int16 [frames, channels]"""
    made = np.zeros((rate * LENGTH_MS // 1000, channels), np.int16)
    for channel, start, end in TONES:
        first, last = rate * start // 1000, rate * end // 1000
        made[first:last, channel % channels] = (
            np.sin(np.arange(last - first) * 2 * np.pi * 440 / rate) * 16_000
        ).astype(np.int16)
    return made


def mulaw(samples: np.ndarray) -> bytes:
    order = np.argsort(MULAW, kind="stable")
    levels = MULAW[order]
    near = np.clip(np.searchsorted(levels, samples[:, 0] / 32768), 1, 255)
    nearer = np.where(levels[near] - samples[:, 0] / 32768 < samples[:, 0] / 32768 - levels[near - 1], near, near - 1)
    return order[nearer].astype(np.uint8).tobytes()


def opus(samples: np.ndarray) -> list[bytes]:
    channels = samples.shape[1]
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono" if channels == 1 else "stereo", "s16"
    encoder.open()
    found: list[bytes] = []
    for at in range(0, len(samples), encoder.frame_size):
        block = np.ascontiguousarray(samples[at : at + encoder.frame_size]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono" if channels == 1 else "stereo")
        frame.sample_rate = 48_000
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return found


def pieces(data: bytes, frame_bytes: int, rate: int) -> list[bytes]:
    """Of 100 ms."""
    size = rate // 10 * frame_bytes
    return [data[at : at + size] for at in range(0, len(data), size)]


def stream_of(encoding: str, rate: int, channels: int) -> list[bytes]:
    samples = played(rate, channels)
    if encoding == "opus":
        return opus(samples)
    if encoding == "mulaw":
        return pieces(mulaw(samples), 1, rate)
    return pieces(samples.tobytes(), 2 * channels, rate)


async def heard_from(site: Site, frames: list[bytes], cut_at: int | None = None, **start: Any) -> tuple[Any, Any]:
    """The utterances and the `ended` event of a call whose audio is `frames`; cut and resumed before one of them."""
    async with site.started(**start) as (client, reply):
        for frame in frames[:cut_at]:
            await client.send(frame)
        if cut_at is None:
            await client.send({"type": "stop"})
            ended = await client.until(event="ended")
            return [m for m in client.heard if m.get("event") == "utterance"], ended
        await client.until(type="ack", received=sum(map(len, frames[:cut_at])))
        client.socket.transport.abort()
    async with site.resumed(reply, after=0) as (client, resumed):
        assert resumed["received"] == sum(map(len, frames[:cut_at]))
        for frame in frames[cut_at:]:
            await client.send(frame)
        await client.send({"type": "stop"})
        ended = await client.until(event="ended")
        return [m for m in client.heard if m.get("event") == "utterance"], ended


FORMATS = [
    ("pcm16", 8_000, 1),
    ("pcm16", 44_100, 1),
    ("pcm16", 8_000, 2),
    ("pcm16", 16_000, 2),
    ("pcm16", 44_100, 2),
    ("pcm16", 48_000, 2),
    ("mulaw", 8_000, 1),
    ("opus", 48_000, 1),
    ("opus", 48_000, 2),
]


@pytest.mark.parametrize("cut_at", [None, 13], ids=["whole", "resumed"])
@pytest.mark.parametrize(("encoding", "rate", "channels"), FORMATS)
async def test_what_is_played_is_heard_at_its_time_on_its_channel(
    site: Site, encoding: str, rate: int, channels: int, cut_at: int | None
) -> None:
    frames = stream_of(encoding, rate, channels)
    said, ended = await heard_from(
        site,
        frames,
        cut_at,
        format={"encoding": encoding, "sample_rate": rate, "channels": channels},
        channel_layout="mixed" if channels == 1 else "rep_first",
    )
    assert ended["audio_ms"] == LENGTH_MS
    assert [m["speaker_id"] for m in said] == [channel % channels for channel, _, _ in TONES]
    # Opus looks 6.5 ms ahead, and the resampler's filter rings a little.
    for message, (_, start_ts, end_ts) in zip(said, TONES, strict=True):
        assert abs(message["start_ts"] - start_ts) <= 25
        assert abs(message["end_ts"] - end_ts) <= 35
    if channels == 2:
        assert [m["role"] for m in said] == ["rep", "customer", "rep"]


async def test_an_opus_packet_that_is_broken_inside_costs_its_own_time_alone(site: Site) -> None:
    frames = stream_of("opus", 48_000, 1)
    # A first byte that states two frames of 10 ms and equal size, and a rest that cannot be halved.
    broken = bytes([30 << 3 | 1]) + b"\x01" * 6
    before = 60
    stated = {"encoding": "opus", "sample_rate": 48_000, "channels": 1}
    said, ended = await heard_from(site, [*frames[:before], broken, broken, *frames[before:]], format=stated)
    assert ended["audio_ms"] == LENGTH_MS + 40
    # The tone under way is heard in two parts; everything behind it 40 ms later than it was played.
    assert abs(said[0]["start_ts"] - 300) <= 25
    assert abs(said[-1]["start_ts"] - 2040) <= 30
    assert abs(said[-1]["end_ts"] - 2640) <= 40
    assert not [m for m in said if m.get("code") == "speech_interrupted"]


@pytest.mark.parametrize(
    ("encoding", "rate", "data"),
    [
        ("pcm16", 16_000, b"RIFF\x24\0\0\0WAVEfmt " + bytes(3184)),
        ("pcm16", 16_000, b"OggS" + bytes(3196)),
        ("pcm16", 16_000, b"\0\0\0\x20ftypM4A " + bytes(3188)),
        ("pcm16", 48_000, b"\x1aE\xdf\xa3" + bytes(3196)),
        ("mulaw", 8_000, b"RIFF\x24\0\0\0WAVEfmt " + bytes(784)),
        ("mulaw", 8_000, b"fLaC" + bytes(796)),
        ("opus", 48_000, b"OggS\0\2" + bytes(100)),
        ("opus", 48_000, b"\x1aE\xdf\xa3" + bytes(100)),
        ("opus", 48_000, b"\xff\x3f"),
    ],
)
async def test_a_file_in_the_place_of_samples_is_refused_in_every_format(
    site: Site, encoding: str, rate: int, data: bytes
) -> None:
    async with site.started(format={"encoding": encoding, "sample_rate": rate, "channels": 1}) as (client, reply):
        await client.send(data)
        assert await client.refused() == ("bad_audio", 4415)
    async with site.resumed(reply) as (client, answer):
        assert answer["received"] == 0, "nothing of it was kept"
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == 0


async def test_a_files_header_that_comes_in_pieces_is_refused_too(site: Site) -> None:
    async with site.started() as (client, reply):
        for at in (0, 2):
            await client.send(b"RIFF"[at : at + 2])
        assert await client.refused() == ("bad_audio", 4415)
    async with site.resumed(reply) as (client, answer):
        assert answer["received"] == 2
        for frame in stream_of("pcm16", 16_000, 1):
            await client.send(frame)
        await client.send({"type": "stop"})
        await client.until(event="ended")
        assert len([m for m in client.heard if m.get("event") == "utterance"]) == len(TONES)
        assert "speech_interrupted" not in {m.get("code") for m in client.heard}


async def test_a_format_that_lies_is_told_by_its_pace_and_an_honest_one_is_not(site: Site) -> None:
    """Real time: only the wall clock can tell. All at once, for as long as the rules look."""

    async def codes(encoding: str, rate: int, sent_per_s: int) -> set[str]:
        stated = {"encoding": encoding, "sample_rate": rate, "channels": 1}
        async with site.started(format=stated) as (client, _):
            for _ in range(44):
                await client.send(b"\x10\x02" * (sent_per_s // 8))
                await asyncio.sleep(0.25)
            await client.send({"type": "stop"})
            await client.until(event="ended")
            return {m["code"] for m in client.heard if m.get("event") == "warning"}

    found = await asyncio.gather(
        codes("mulaw", 8_000, 32_000),  # PCM16 at 16 kHz stated as µ-law
        codes("pcm16", 48_000, 32_000),  # PCM16 at 16 kHz stated as 48 kHz
        codes("pcm16", 8_000, 96_000),  # PCM16 at 48 kHz stated as 8 kHz
        codes("pcm16", 16_000, 32_000),
    )
    assert found == [{"format_suspect"}, {"format_suspect"}, {"format_suspect"}, set()]


async def test_a_call_of_one_second_is_heard_and_stored(site: Site) -> None:
    frames = stream_of("pcm16", 16_000, 1)[:10]
    said, ended = await heard_from(site, frames)
    assert ended["audio_ms"] == 1000
    assert [(m["no"], m["speaker_id"]) for m in said] == [(0, 0)]


async def test_a_silent_call_has_no_words_and_ends_as_usual(site: Site) -> None:
    said, ended = await heard_from(site, [bytes(3200)] * 30)
    assert (said, ended["audio_ms"], ended["reason"]) == ([], 3000, "stopped")
