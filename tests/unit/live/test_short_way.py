"""Audio reaches a transcriber in the moment of its arrival, or by the iterator, and never twice or out of order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from ridealong.live import AudioFormat, Encoding
from ridealong.live.hearing import Bell, JournalReader, Tap
from ridealong.recording.journal import AudioJournal
from ridealong.speech import LiveAudio

SECOND = 32_000
"""Bytes of PCM16 at 16 kHz."""


class Line:
    """A journal that grows, and one who hears it by both ways."""

    def __init__(self, journal: AudioJournal, audio_format: AudioFormat) -> None:
        self.tap = Tap(more=Bell(), idle=asyncio.Event())
        self.heard = bytearray()
        self.at_once = 0
        self.willing = True
        self.end: int | None = None
        self._journal = journal
        reader = JournalReader(journal, audio_format)
        self._pieces = reader.pieces(from_ts=0, tap=self.tap, until_file_size=lambda: self.end)
        assert isinstance(self._pieces, LiveAudio)
        self._pieces.hand_to(self._take)

    def _take(self, data: bytes) -> bool:
        if self.willing:
            self.heard += data
            self.at_once += 1
        return self.willing

    async def hear(self) -> None:
        async for piece in self._pieces:
            assert abs(piece.start_ts - len(self.heard) * 1000 / SECOND) <= 1
            self.heard += piece.pcm16

    def say(self, data: bytes) -> None:
        self._journal.append(data)
        if not self.tap.more.ring():
            self.tap.idle.clear()

    def finish(self) -> None:
        self.end = self._journal.file_size
        self.tap.more.ring()


@asynccontextmanager
async def line(folder: Path, encoding: Encoding = Encoding.PCM16, rate: int = 16_000) -> AsyncGenerator[Line]:
    with ThreadPoolExecutor(1) as executor:
        journal = AudioJournal(folder / "audio", packets=False, executor=executor)
        yield Line(journal, AudioFormat(encoding=encoding, sample_rate=rate, channels=1))
        await journal.close()


async def test_who_hears_gets_audio_while_it_is_written_once_it_waits(tmp_path: Path) -> None:
    async with line(tmp_path) as it:
        hearing = asyncio.create_task(it.hear())
        it.say(b"ab" * 1_600)
        assert not it.heard, "nobody waits yet"
        await it.tap.idle.wait()
        it.say(b"cd" * 1_600)
        assert bytes(it.heard) == b"ab" * 1_600 + b"cd" * 1_600
        assert it.tap.idle.is_set()
        it.finish()
        await hearing


async def test_what_is_refused_comes_by_the_iterator_in_its_order(tmp_path: Path) -> None:
    rng = random.Random(7)
    async with line(tmp_path) as it:
        hearing = asyncio.create_task(it.hear())
        said = bytearray()
        for _ in range(400):
            it.willing = rng.random() < 0.7
            # Down to frames that are too short to be handed on alone, and with half samples between them.
            frame = rng.randbytes(rng.choice((321, 640, 1_601, 3_200, 9_600)))
            said += frame
            it.say(frame)
            if rng.random() < 0.6:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        if len(said) % 2:
            said += b"\0"
            it.say(b"\0")
        it.finish()
        await hearing
        assert it.heard == said
        assert it.at_once > 50


async def test_audio_that_has_to_be_decoded_goes_the_long_way(tmp_path: Path) -> None:
    async with line(tmp_path, Encoding.MULAW, 8_000) as it:
        hearing = asyncio.create_task(it.hear())
        await it.tap.idle.wait()
        it.say(b"\xff" * 8_000)
        it.finish()
        await hearing
        assert it.at_once == 0
        assert len(it.heard) >= SECOND - 200
