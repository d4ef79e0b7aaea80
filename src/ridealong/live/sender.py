"""The one who sends a call's audio."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import InvalidAudio, Refused, Unavailable
from ridealong.live import Encoding
from ridealong.live.hearing import byte_clock
from ridealong.recording import opus
from ridealong.speech.audio import HEADER_BYTES, refuse_file

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.author import Author
    from ridealong.core.moments import Sight, Verdict
    from ridealong.live.session import LiveCall

ALIVE_S: Final = 5.0
"""A sender that was heard within this time keeps its call; a silent one gives way to whoever holds the call token."""


class AttachedSender:
    """Implements `live.Sender` for one connection."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._journal, self._max_ms = call.journal, call.max_ms
        self._packets = call.start.format.encoding is Encoding.OPUS
        self._clock = byte_clock(call.start.format)
        self._opus_samples: int | None = None
        self.superseded = False
        self.last_sign = call.clock_seconds()

    @property
    def received(self) -> int:
        return self._call.journal.received

    @property
    def alive(self) -> bool:
        return not self.superseded and self._call.clock_seconds() - self.last_sign < ALIVE_S

    def sign_of_life(self) -> None:
        self.last_sign = self._call.clock_seconds()

    async def write(self, data: bytes) -> int:
        self._append(data)
        # Last, so that a sender that leaves while it waits has left nothing half done.
        return await self._call.journal.room()

    def write_now(self, data: bytes) -> bool:
        if not self._journal.has_room:
            return False
        self._append(data)
        return True

    def _append(self, data: bytes) -> None:
        """Ten times a second for each call: what is looked at here is looked at once, and nothing is asked twice."""
        call, journal = self._call, self._journal
        if self.superseded or call.progress.stopped:
            self._check()
        if not data:
            self.sign_of_life()
            return
        packets = self._packets
        if journal.written < HEADER_BYTES and not (packets and journal.written):
            # A header may come in pieces; packets come whole.
            refuse_file(journal.read(0, HEADER_BYTES) + data)
        if call.progress.paused:
            raise Refused("paused", "the call is paused: send `unpause` before more audio")
        if packets:
            # Read before it is stored: what is no packet must not get into the journal.
            samples = opus.packet_samples(data[:2])
            if self._opus_samples is None:
                self._opus_samples = call.audio_ms() * opus.RATE // 1000
            journal.append(data)
            self._opus_samples += samples
            audio_ms = self._opus_samples * 1000 / opus.RATE
        else:
            if len(data) % self._clock.frame_bytes:
                raise InvalidAudio("a frame holds whole samples of every channel: this one has a byte too many")
            journal.append(data)
            audio_ms = self._clock.ms(journal.written)
        self.last_sign = call.audio_arrived(audio_ms)
        if audio_ms > self._max_ms:
            call.warn("too_long", "the call has reached the longest time that this server records, and ends")
            call.finish("too_long")

    async def wait_received(self, above: int) -> int:
        """Wait until more than `above` bytes are on the disk; returns how many."""
        return await self._call.journal.wait_received(above)

    async def gap(self, duration_ms: int, reason: str) -> None:
        self._check()
        self._call.interrupt(duration_ms=duration_ms, reason=reason)

    async def pause(self) -> None:
        self._check()
        if not self._call.progress.paused:
            await self._call.journal.flush()
            self._call.pause()

    async def resume(self) -> None:
        self._check()
        if self._call.progress.paused:
            self._call.unpause()

    async def state_rep(self, speaker_id: int) -> None:
        self._check()
        self._call.state_rep(speaker_id)

    async def mark(self, author: Author | None) -> None:
        self._check()
        self._call.mark(author)

    async def feedback(self, moment_id: UUID, verdict: Verdict, author: Author | None) -> bool:
        self._check()
        return self._call.feedback(moment_id, verdict, author)

    async def sighted(self, moment_id: UUID, sight: Sight) -> bool:
        # Also after the end: the last nudge may be seen then, and says nothing any more.
        return self._call.sighted(moment_id, sight)

    async def stop(self) -> None:
        self._check()
        await self._call.journal.flush()
        self._call.finish("stopped")
        await self._call.ended.wait()

    async def detach(self) -> None:
        if not self.superseded:
            # The next sender resumes from `received`: what is written but not flushed would be sent, and heard, twice.
            with contextlib.suppress(Unavailable):
                await self._call.journal.flush()
            self.superseded = True
            self._call.detached(self)

    def _check(self) -> None:
        if self.superseded:
            raise Refused("second_sender", "another connection sends this call now: this one can go")
        if self._call.progress.stopped:
            raise Refused("call_ended", "the call has ended: begin a new one")
