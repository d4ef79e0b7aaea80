"""From the journal's bytes to finished utterances: decode, hear, assemble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import InvalidAudio
from ridealong.core.transcript import Unattributed
from ridealong.live import AudioFormat, Encoding
from ridealong.recording import opus
from ridealong.recording.journal import PACKET_HEADER, AudioJournal, ByteClock
from ridealong.speech import SAMPLE_RATE, Audio, KnownVoice, SpokenTurn, TakesAudio
from ridealong.speech.audio import AudioDecoder

if TYPE_CHECKING:
    from ridealong.core.transcript import SpeakerId, Transcript
    from ridealong.speech import Samples

PIECE_MS: Final = 60
"""Audio is handed on in pieces of at least this length: smaller ones cost more switching than they save waiting."""

LARGEST_PIECE: Final = 1 << 16
"""Bytes read at once when there is a backlog: about two seconds of PCM16 at 16 kHz."""

KNOWN_VOICE_MS: Final = 20_000
TURNS_BEFORE: Final = 60


def byte_clock(audio_format: AudioFormat) -> ByteClock:
    """For the encodings whose bytes are time; Opus is counted by its decoder."""
    width = 1 if audio_format.encoding is Encoding.MULAW else 2
    return ByteClock(sample_rate=audio_format.sample_rate, frame_bytes=width * audio_format.channels)


def decode_packet(decoder: AudioDecoder, packet: bytes) -> Samples:
    """One Opus packet. A packet that is broken inside becomes silence of the length that its first bytes state: it was
    acknowledged and lies in the recording for good, and must not keep what follows it from being heard.
    """
    try:
        return decoder.decode(packet)
    except InvalidAudio:
        return decoder.silence(opus.packet_samples(packet))


class Bell:
    """An event for one who waits, rung and waited for with every frame: `asyncio.Event` would keep a queue for that."""

    __slots__ = ("_rung", "_waiter", "answer")

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None
        self.answer: Callable[[], bool] | None = None
        """Asked first where somebody waits: True when all that it was rung for is done, and who waits may go on so."""

    def ring(self) -> bool:
        """True where nobody has to be woken, because `answer` did all that it was rung for."""
        if self._waiter is not None and not self._waiter.done():
            if self.answer is not None and not self._rung and self.answer():
                return True
            self._waiter.set_result(None)
        self._rung = True
        return False

    async def wait(self) -> None:
        """Return when it was rung after the last `wait` ended, and forget that it was."""
        if not self._rung:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._rung = False


@dataclass(slots=True)
class Tap:
    """What the reader of a journal waits for: more bytes, or the end."""

    more: Bell
    idle: asyncio.Event
    """Set while everything that was written has been handed to the transcriber, and taken."""


class JournalReader:
    """Reads a journal as 16 kHz audio, from any position, while it grows."""

    def __init__(self, journal: AudioJournal, audio_format: AudioFormat) -> None:
        self.journal = journal
        self._format = audio_format
        self._clock = byte_clock(audio_format)
        self.frame_bytes = self._clock.frame_bytes
        """Bytes of one sample of all channels; of no use for Opus."""
        self.least = 1 if audio_format.encoding is Encoding.OPUS else self._clock.offset(PIECE_MS)
        """Bytes that are handed on at once, at least, while there is no hurry."""
        self.as_heard = audio_format.encoding is Encoding.PCM16 and audio_format.sample_rate == SAMPLE_RATE
        """The journal's bytes are the seam's own: nothing is to decode."""
        self.channels = audio_format.channels
        self.packets = opus.PacketClock(journal)
        """Times of Opus packets; of no use for other encodings."""

    def pieces(self, *, from_ts: int, tap: Tap, until_file_size: Callable[[], int | None]) -> Pieces:
        """Audio from `from_ts` on. Ends at `until_file_size()` bytes, once that is no longer None."""
        return Pieces(self, from_ts=from_ts, tap=tap, until_file_size=until_file_size)

    def decoder(self) -> AudioDecoder:
        return AudioDecoder(self._format.encoding.value, self._format.sample_rate, self._format.channels)

    def decode(self, decoder: AudioDecoder, data: list[bytes]) -> Samples:
        import numpy as np  # noqa: PLC0415

        if self._format.encoding is Encoding.OPUS:
            return np.concatenate([decode_packet(decoder, packet) for packet in data])
        if len(data) == 1:
            return decoder.decode(data[0])
        return np.concatenate([decoder.decode(part) for part in data])

    def take(self, at: int, limit: int, *, ending: bool) -> tuple[list[bytes], int]:
        if self._format.encoding is Encoding.OPUS:
            return self._take_packets(at, limit)
        size = min(limit - at, LARGEST_PIECE)
        if size <= 0 or (not ending and size < self.least):
            return [], at
        size -= size % self._clock.frame_bytes
        return ([self.journal.read(at, size)], at + size) if size else ([], at)

    def _take_packets(self, at: int, limit: int) -> tuple[list[bytes], int]:
        packets: list[bytes] = []
        while at + PACKET_HEADER.size <= limit and len(packets) < 100:
            (length,) = PACKET_HEADER.unpack(self.journal.read(at, PACKET_HEADER.size))
            packets.append(self.journal.read(at + PACKET_HEADER.size, length))
            at += PACKET_HEADER.size + length
        return packets, at

    def seek(self, ts: int) -> tuple[int, int]:
        """(file offset, samples to skip) at which audio from `ts` begins."""
        if self._format.encoding is not Encoding.OPUS:
            return self._clock.offset(ts), 0
        at, start_ts = self.packets.seek(ts)
        return at, max(0, ts - start_ts) * SAMPLE_RATE // 1000

    def excerpt(self, start_ts: int, end_ts: int) -> Samples:
        """Audio between two times, shape [frames, channels]. Raises InvalidAudio when it cannot be decoded."""
        import numpy as np  # noqa: PLC0415

        decoder = self.decoder()
        if self._format.encoding is Encoding.OPUS:
            at, skip = self.seek(start_ts)
            wanted = skip + (end_ts - start_ts) * SAMPLE_RATE // 1000
            parts: list[Samples] = []
            while sum(part.shape[0] for part in parts) < wanted:
                packets, at = self._take_packets(at, self.journal.file_size)
                if not packets:
                    break
                parts.append(self.decode(decoder, packets))
            if not parts:
                raise InvalidAudio("the recording holds no audio there")
            return np.concatenate(parts)[skip:wanted]
        start, end = self._clock.offset(start_ts), self._clock.offset(end_ts)
        return np.concatenate([decoder.decode(self.journal.read(start, end - start)), decoder.flush()])


class Pieces:
    """A journal's audio from one time on, for one who hears it; a `speech.LiveAudio`."""

    def __init__(
        self, reader: JournalReader, *, from_ts: int, tap: Tap, until_file_size: Callable[[], int | None]
    ) -> None:
        self._reader = reader
        self._from_ts = from_ts
        self._tap = tap
        self._end = until_file_size
        self._at, self._skip = reader.seek(from_ts)
        self._frames = 0
        self._least, self._frame_bytes = reader.least, reader.frame_bytes
        self._take_now: TakesAudio | None = None

    def hand_to(self, take: TakesAudio) -> None:
        """See `speech.LiveAudio`."""
        if self._reader.as_heard:
            self._take_now = take
            self._tap.more.answer = self._handed

    def _handed(self) -> bool:
        """What has just been written, in the moment of its arrival. The iterator waits meanwhile: the tap is idle."""
        journal = self._reader.journal
        size = journal.file_size - self._at
        if self._take_now is None or not 0 < size <= LARGEST_PIECE or self._end() is not None:
            return False
        if size < self._least:
            return True  # too little to hand on yet is nothing to wake anybody for
        data, at = journal.last, journal.file_size
        if len(data) != size:
            read, at = self._reader.take(self._at, at, ending=False)
            if not read:
                return True
            data = read[0]
        if not self._take_now(data):
            return False
        self._at = at
        self._frames += len(data) // self._frame_bytes
        return True

    @property
    def _ts(self) -> int:
        return self._from_ts + round(self._frames * 1000 / SAMPLE_RATE)

    async def __aiter__(self) -> AsyncIterator[Audio]:
        reader, tap = self._reader, self._tap
        decoder = reader.decoder()
        try:
            while True:
                end = self._end()
                written = reader.journal.file_size
                limit = written if end is None else min(end, written)
                data, self._at = reader.take(self._at, limit, ending=end is not None)
                if data and reader.as_heard:
                    piece = Audio(start_ts=self._ts, pcm16=data[0], channels=reader.channels)
                    self._frames += len(data[0]) // reader.frame_bytes
                    yield piece
                    continue
                if data:
                    samples = reader.decode(decoder, data)
                    if self._skip:
                        samples, self._skip = samples[self._skip :], max(0, self._skip - samples.shape[0])
                    if samples.shape[0]:
                        yield Audio(start_ts=self._ts, samples=samples)
                        self._frames += samples.shape[0]
                    continue
                if end is not None and self._at >= end:
                    rest = decoder.flush()
                    if rest.shape[0]:
                        yield Audio(start_ts=self._ts, samples=rest)
                    return
                if end is not None:
                    # Less than a whole frame is left before the end: there is nothing to hear in it.
                    return
                tap.idle.set()
                await tap.more.wait()
                tap.idle.clear()
        finally:
            if tap.more.answer == self._handed:
                tap.more.answer = None


def turns_before(transcript: Transcript, before_ts: int) -> tuple[SpokenTurn, ...]:
    """Who spoke in the last minute before `before_ts`, oldest first."""
    return tuple(
        SpokenTurn(speaker_id=utterance.speaker, start_ts=utterance.start_ts, end_ts=utterance.end_ts)
        for utterance in transcript.recent(TURNS_BEFORE)
        if not isinstance(utterance.speaker, Unattributed) and before_ts - 60_000 < utterance.end_ts <= before_ts
    )


def known_voices(transcript: Transcript, reader: JournalReader, before_ts: int) -> tuple[KnownVoice, ...]:
    """What each speaker of `transcript` said before, longest turns first, for a transcriber that starts again."""
    import numpy as np  # noqa: PLC0415

    turns: dict[SpeakerId, list[tuple[int, int]]] = {}
    by_length = sorted(transcript, key=lambda u: u.end_ts - u.start_ts, reverse=True)
    for utterance in by_length:
        if isinstance(utterance.speaker, Unattributed) or utterance.overlapped or utterance.end_ts > before_ts:
            continue
        spans = turns.setdefault(utterance.speaker, [])
        if sum(end - start for start, end in spans) < KNOWN_VOICE_MS:
            spans.append((utterance.start_ts, utterance.end_ts))
    return tuple(
        KnownVoice(
            speaker_id=speaker_id,
            samples=np.concatenate([reader.excerpt(start, end)[:, 0] for start, end in spans]),
        )
        for speaker_id, spans in turns.items()
    )
