"""From a call's audio to what is heard in it: over pauses, gaps, restarts, and a recogniser that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast

import structlog

from ridealong.core.errors import InvalidSettings, RidealongError
from ridealong.core.events import GapRecorded
from ridealong.core.transcript import Speaker, Transcript, Utterance
from ridealong.live import AudioFormat, Encoding
from ridealong.live.hearing import Bell, JournalReader, Tap, byte_clock, known_voices, turns_before
from ridealong.speech import Activity, Heard, HeardThrough, Hearing, NotHeard, Partial, VoiceMatched, Words
from ridealong.speech.assemble import Assembler

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.live.clock import CallClock
    from ridealong.live.engine import Engine
    from ridealong.recording.journal import AudioJournal
    from ridealong.speech import EnrolledVoice, Samples

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SoFar:
    """The open utterance, all of whose words are final: more may follow."""

    utterance: Utterance


Item = Utterance | SoFar | Partial | Activity | VoiceMatched | HeardThrough | NotHeard

SPEECH_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)
_LONGEST_OPEN_MS: Final = 20_000
SPEECH_AWAY_RETRY_S: Final = 30.0
"""Between two tries while the call goes on unheard: what was said meanwhile is heard when one succeeds."""
SPEECH_LAST_S: Final = 20.0
"""So much longer a recogniser is tried that is away when the call is over, before what it did not hear is a gap."""


@dataclass(slots=True)
class Progress:
    """How the sender stands, as the listener sees it."""

    stopped: bool = False
    reason: str = "stopped"
    boundaries: list[int] = field(default_factory=list[int])
    """File sizes at which hearing starts afresh: pauses and gaps."""
    paused: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Listening:
    """Reads one call's journal as it grows and gives `take` each thing heard, in order, utterances assembled."""

    engine: Engine
    call_id: UUID
    audio_format: AudioFormat
    language: str
    transcript: Transcript
    vocabulary: tuple[str, ...]
    enrolled_voices: tuple[EnrolledVoice, ...]
    journal: AudioJournal
    clock: CallClock
    take: Callable[[Item], Awaitable[None]]
    publish: Callable[[GapRecorded], None]
    warn: Callable[[str, str], None]
    progress: Progress = field(default_factory=Progress)
    tap: Tap = field(default_factory=lambda: Tap(more=Bell(), idle=asyncio.Event()))
    resumed_ts: int = 0
    """From here on the audio was not heard to a finished utterance yet; of two channels, on neither."""
    begun_ts: int = 0
    """Where hearing last began afresh: what lies before is over."""
    heard_through: int = 0
    """Every word that begins before it was heard, if not yet as part of a finished utterance."""
    unheard: bool = field(default=False, init=False)
    """The recogniser is away for long: nobody takes audio, and nobody waits for it to be taken."""
    _reader: JournalReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = JournalReader(self.journal, self.audio_format)

    def audio_ms(self) -> int:
        """Length of the audio received so far."""
        if self.audio_format.encoding is Encoding.OPUS:
            return self._reader.packets.total_ms()
        return byte_clock(self.audio_format).ms(self.journal.written)

    def break_here(self) -> None:
        """What is open is finished at the end of the audio so far, and hearing starts afresh behind it."""
        if self.journal.file_size > (self.progress.boundaries[-1] if self.progress.boundaries else 0):
            self.progress.boundaries.append(self.journal.file_size)
        self.tap.more.ring()

    def restore(self, breaks: Sequence[int]) -> None:
        """Go on after an earlier process, which had heard to `resumed_ts`. `breaks`: times of the call's gaps."""
        # A gap is known when it happens, and what was said before it may not have been heard by then.
        self.progress.boundaries += [self._reader.seek(ts)[0] for ts in breaks if ts > self.resumed_ts]
        self.begun_ts = max((ts for ts in breaks if ts <= self.resumed_ts), default=0)

    async def run(self) -> None:
        """Hear to the end of the call."""
        from_ts, failures, give_up_at = self._unfinished_from(), 0, math.inf
        while True:
            until: list[int] = []
            before = self.resumed_ts
            try:
                await self._hear(from_ts, until)
            except RidealongError as error:
                failures = 0 if self.resumed_ts > before else failures + 1
                now = self.engine.monotonic()
                if self.progress.stopped:
                    give_up_at = min(give_up_at, now + SPEECH_LAST_S)
                if isinstance(error, InvalidSettings):
                    # Trying again at once cannot help: a person has to put it right.
                    failures = max(failures, len(SPEECH_RETRY_S) + 1)
                _log.warning("speech_interrupted", call_id=str(self.call_id), error=type(error).__name__)
                self.warn("speech_interrupted", "the recogniser stopped and is started again; no audio is lost")
                from_ts = self._unfinished_from()
                if until:
                    self.progress.boundaries.insert(0, until[0])
                if failures <= len(SPEECH_RETRY_S):
                    await asyncio.sleep(SPEECH_RETRY_S[max(failures, 1) - 1])
                elif self.progress.stopped and now < give_up_at and not isinstance(error, InvalidSettings):
                    await asyncio.sleep(SPEECH_RETRY_S[-1])
                elif self.progress.stopped:
                    # The audio is kept, and what was not transcribed is a recorded gap.
                    self.publish(not_transcribed(from_ts, self.audio_ms(), self.clock.at()))
                    return
                else:
                    await self._go_on_unheard(str(error) if isinstance(error, InvalidSettings) else None)
                continue
            failures = 0
            if not until:
                return
            from_ts = self.begun_ts = self.resumed_ts = self._ts_of(until[0])

    async def _go_on_unheard(self, refused: str | None) -> None:
        """The recogniser is away for long: the call goes on and is recorded, and hearing is tried now and then."""
        message = "the recogniser is away: the call goes on and is recorded, and is heard when the recogniser is back"
        self.warn("not_transcribed", message if refused is None else f"{message}; {refused}")
        self.unheard = True
        self.tap.idle.set()
        until = self.engine.monotonic() + SPEECH_AWAY_RETRY_S
        while not self.progress.stopped and self.engine.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until - self.engine.monotonic()):
                    await self.tap.more.wait()
        self.unheard = False

    def _ts_of(self, file_size: int) -> int:
        if self.audio_format.encoding is Encoding.OPUS:
            return self._reader.packets.ms_at(file_size)
        return byte_clock(self.audio_format).ms(file_size)

    def _unfinished_from(self) -> int:
        """From where audio is to be heard again: no finished utterance reaches behind it on its own channel."""
        if self.audio_format.channels == 1:
            return self.resumed_ts
        ends = {0: 0, 1: 0}
        for utterance in self.transcript:
            if isinstance(utterance.speaker, int):
                ends[utterance.speaker] = max(ends.get(utterance.speaker, 0), utterance.end_ts)
        # A channel that was silent for long has nothing open that is older than the longest utterance.
        return max(min(ends.values()), self.heard_through - _LONGEST_OPEN_MS, self.begun_ts)

    async def _hear(self, from_ts: int, until: list[int]) -> None:
        """Hear from `from_ts` to the next boundary or the end; a boundary that was reached is put into `until`."""

        def end() -> int | None:
            if until:
                return until[0]
            if self.progress.boundaries:
                until.append(self.progress.boundaries.pop(0))
                return until[0]
            return self.journal.file_size if self.progress.stopped else None

        known = self._known_behind(from_ts)
        loop = asyncio.get_running_loop()
        voices = await loop.run_in_executor(self.engine.disk, known_voices, self.transcript, self._reader, from_ts)
        hearing = Hearing(
            channels=self.audio_format.channels,
            language=self.language,
            resumed_at_ts=from_ts,
            known_voices=voices,
            enrolled_voices=self.enrolled_voices,
            vocabulary=self.vocabulary,
            turns_before=turns_before(self.transcript, from_ts),
            earlier=self._earlier,
        )
        transcriber = self.engine.transcriber_for(self.audio_format.channels)
        assembler = Assembler(first_no=self.transcript.next_no)
        pieces = self._reader.pieces(from_ts=from_ts, tap=self.tap, until_file_size=end)
        async with aclosing(closing(transcriber.hear(pieces, hearing))) as heard:
            async for item in heard:
                for utterance in assembler.feed(_without(known, item) if known else item):
                    await self._said(utterance)
                if isinstance(item, Words) and (so_far := assembler.so_far()) is not None:
                    await self.take(SoFar(so_far))
                if isinstance(item, NotHeard):
                    for utterance in assembler.flush():
                        await self._said(utterance)
                    self.resumed_ts = max(self.resumed_ts, item.end_ts)
                    self.begun_ts = max(self.begun_ts, item.end_ts)
                if isinstance(item, HeardThrough):
                    self.heard_through = max(self.heard_through, item.ts)
                if isinstance(item, VoiceMatched | Partial | Activity | HeardThrough | NotHeard):
                    await self.take(item)
        for utterance in assembler.flush():
            await self._said(utterance)

    async def _earlier(self, start_ts: int, end_ts: int) -> Samples:
        """The recording between two times, for a transcriber that has to hear it again."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.engine.disk, self._reader.excerpt, start_ts, end_ts)

    async def _said(self, utterance: Utterance) -> None:
        self.resumed_ts = max(self.resumed_ts, utterance.end_ts)
        await self.take(utterance)

    def _known_behind(self, from_ts: int) -> dict[Speaker, int]:
        """Up to where each speaker's words stand in the transcript already, where that is behind `from_ts`: of two
        channels one may have been heard further than the other."""
        known: dict[Speaker, int] = {}
        for utterance in self.transcript:
            if utterance.end_ts > from_ts:
                known[utterance.speaker] = max(known.get(utterance.speaker, 0), utterance.end_ts)
        return known


def _without(known: Mapping[Speaker, int], item: Heard) -> Heard:
    """`item` without the words that are known."""
    if not isinstance(item, Words):
        return item
    fresh = tuple(w for w in item.words if (w.start_ts + w.end_ts) // 2 >= known.get(w.speaker, 0))
    return item if len(fresh) == len(item.words) else Words(words=fresh, ends_turn=item.ends_turn)


def not_transcribed(start_ts: int, end_ts: int, at: float) -> GapRecorded:
    """The gap that stands for audio which is kept and could not be heard."""
    return GapRecorded(at_ts=start_ts, duration_ms=max(1, end_ts - start_ts), reason="not_transcribed", at=at)


async def closing(stream: AsyncIterator[T]) -> AsyncGenerator[T]:
    """`stream` as a generator, so that it is closed on the spot when its reader leaves."""
    try:
        async for item in stream:
            yield item
    finally:
        if isinstance(stream, AsyncGenerator):
            await cast("AsyncGenerator[T]", stream).aclose()
