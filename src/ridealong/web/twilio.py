"""`WS /v1/twilio`: Twilio Media Streams, both sides of a telephone call as two channels.

The carrier reads nothing that is sent to it and cannot resume: nothing is acknowledged, and a stream of the same call
that comes on a new connection goes on where the call stands, behind a recorded gap.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import structlog

from ridealong.core.errors import Refused, RidealongError
from ridealong.live import RunningCall, Sender
from ridealong.web import measures
from ridealong.web.access import CAPTURE, admit, bearer_of
from ridealong.web.carrier import Said, StreamAudio, StreamStarted, StreamStopped, carrier_message
from ridealong.web.conversation import Conversation
from ridealong.web.services import Services
from ridealong.web.socket import Finished, Line, Sockets, first_of, to_its_end
from ridealong.web.tracks import Frame, Lost, Mixed, TwoTracks

_log = structlog.get_logger(__name__)

MOST_BAD: Final = 100
"""Messages in a row without meaning, after which the other side is no carrier: two seconds of one track."""
SETTLING_S: Final = 0.3
"""How long a second stream's frames are looked at before its clock is laid against the first one's: none comes before
it was said, so the quickest is the nearest to the truth."""
MOST_EARLY: Final = 20
"""Frames that may come before `start`: 200 ms of two tracks, as far as frames are put in order."""


class _Mix:
    """A call's audio, which comes over one stream, or over one for each track."""

    def __init__(self, channels: Collection[int]) -> None:
        self.tracks = TwoTracks(channels)
        self.zero_at = math.inf
        """When the stream began (s of the loop) whose clock this is: no frame was there sooner than it was said."""
        self.turn = asyncio.Lock()
        self._sending = set(channels)

    @property
    def sending(self) -> frozenset[int]:
        """The channels whose streams are there."""
        return frozenset(self._sending)

    def join(self, channels: Collection[int]) -> None:
        self._sending |= set(channels)
        for channel in channels:
            self.tracks.begin_anew(channel)
        self.tracks.expect(sorted(self._sending), apart=True)

    def leave(self, channels: Collection[int]) -> None:
        """Nobody waits for those any more."""
        self._sending -= set(channels)
        if self._sending:
            self.tracks.expect(sorted(self._sending), apart=True)

    def taken_over(self, channels: Collection[int]) -> _Mix:
        """Held by the stream of those from now on."""
        self._sending |= set(channels)
        return self


@dataclass(kw_only=True, slots=True)
class _Coming:
    """A stream that has said its `start`."""

    started: StreamStarted
    early: list[StreamAudio]
    """Frames that are still to be fed."""
    stopped: bool = False
    """It has ended, and nobody has been told."""
    mix: _Mix | None = None
    shift_ms: int = 0
    """What its times are late by on the clock of `mix`."""

    def frame(self, said: StreamAudio) -> Frame:
        """Its frame on that clock."""
        return replace(said.frame, start_ms=max(0, said.frame.start_ms + self.shift_ms))


async def twilio(line: Line, services: Services, sockets: Sockets) -> None:
    """Hold one media stream: open or take up its call, or join it, then audio in until it stops."""
    started, early = await _first(line)
    coming = _Coming(started=started, early=early)
    joined: _Stream | None = None
    while True:
        stream = await _open(line, services, sockets, coming, joined)
        if stream is None:
            return  # the call that it was part of is over
        if stream.line is line:
            await stream.run()
            return
        joined = stream
        if not await _Beside(line, stream, coming).run():
            return


async def _first(line: Line) -> tuple[StreamStarted, list[StreamAudio]]:
    """The `start`, and the frames that overtook it: where frames come out of order, so may the first ones."""
    early: list[StreamAudio] = []
    try:
        async with asyncio.timeout(line.limits.start_s):
            while True:
                text = await line.receive(None)
                if isinstance(text, bytes):
                    raise Refused("bad_message", "a media stream is text messages: `connected`, then `start`")
                match carrier_message(text):
                    case StreamStarted() as started:
                        return started, early
                    case StreamAudio() as audio if len(early) < MOST_EARLY:
                        early.append(audio)
                    case None | StreamAudio() | StreamStopped():
                        raise Refused("bad_message", "the first messages must be `connected` and `start`, as JSON")
                    case _:
                        continue
    except TimeoutError:
        raise Refused("start_timeout", f"send `start` within {line.limits.start_s:g} s of connecting") from None


async def _open(
    line: Line, services: Services, sockets: Sockets, coming: _Coming, joined: _Stream | None
) -> _Stream | None:
    """The stream that holds the call: this one, or another one that it joins. `joined`: one that it had joined."""
    started = coming.started
    token = started.parameters.token
    principal = await admit(
        services.tokens, token.get_secret_value() if token else bearer_of(line.authorization), scope=CAPTURE
    )
    async with sockets.opening(principal.tenant_id, started.call_sid):
        held = await _held(services, sockets, coming, principal.tenant_id, joined)
    if held is None or isinstance(held, _Stream):
        return held
    call, sender, mix = held
    return _Stream(line, sockets, call, sender, coming=coming, mix=mix)


async def _held(
    services: Services, sockets: Sockets, coming: _Coming, tenant_id: UUID, joined: _Stream | None
) -> _Stream | tuple[RunningCall, Sender, _Mix] | None:
    """The stream to join, or what this one holds the call by; None where the call that it had joined is over."""
    channels = coming.started.channels
    start = coming.started.call_start()
    call = services.calls.find_external(tenant_id, coming.started.call_sid)
    if call is not None and (joined is None or joined.call.call_id == call.call_id):
        earlier = sockets.senders.get(call.call_id)
        if isinstance(earlier, _Stream) and earlier.lacks(channels):
            earlier.mix.join(channels)
            return earlier
        if earlier is not None:
            await earlier.replaced()
        lost_ms = call.quiet_ms
        try:
            sender = call.attach()
            if joined is not None:
                return call, sender, joined.mix.taken_over(channels)
            await sender.gap(max(1, lost_ms), "stream reconnected")
            return call, sender, _Mix(channels)
        except Refused as error:
            # It ended in this very moment.
            if error.code != "call_ended":
                raise
    if joined is not None:
        return None
    call = await services.calls.begin(tenant_id, start)
    return call, call.attach(), _Mix(channels)


class _Stream(Conversation):
    """From the carrier's `start` to the end of the socket."""

    def __init__(
        self, line: Line, sockets: Sockets, call: RunningCall, sender: Sender, *, coming: _Coming, mix: _Mix
    ) -> None:
        super().__init__(line, sockets, call, sender)
        self.mix = mix
        self._coming = coming
        self._messages = _Messages(coming.started.stream_sid)
        self.leaving = False
        """It takes no frames any more, and another stream may hold the call."""

    async def run(self) -> None:
        await self.hold(self._listen())

    def lacks(self, channels: Collection[int]) -> bool:
        """Whether those are another track of the same call, for a stream of their own."""
        return not self.leaving and bool(self.mix.sending) and not self.mix.sending & set(channels)

    async def left(self) -> None:
        """Wait until it holds the call no more."""
        await self._left.wait()

    async def take(self, channel: int, frame: Frame) -> None:
        """A frame of this stream, or of one beside it, on this call's clock."""
        async with self.mix.turn:
            await self._journal(self.mix.tracks.feed(channel, frame))

    async def before_leaving(self) -> None:
        self.leaving = True
        self.mix.leave(self._coming.started.channels)
        if self.mix.sending:
            return  # what still waits is mixed with what comes over the other track's stream
        async with self.mix.turn:
            await self._journal(self.mix.tracks.flush())
        if self.mix.tracks.dropped:
            _log.info("frames_dropped", call_id=str(self.call.call_id), frames=self.mix.tracks.dropped)

    def stopped(self) -> None:
        self.line.interrupt(Finished())

    async def _listen(self) -> None:
        coming = self._coming
        for said in coming.early:
            await self.take(said.channel, coming.frame(said))
        if coming.stopped:
            await self.before_leaving()
            self.stop()
        while True:
            match self._messages.read(await self.receive()):
                case StreamAudio() as said if self.stopping is None and not self.over:
                    frame = coming.frame(said)
                    self.mix.zero_at = min(self.mix.zero_at, self.clock() - frame.start_ms / 1000)
                    await self.take(said.channel, frame)
                case StreamStopped() if self.stopping is None and not self.over:
                    if self.mix.sending - set(coming.started.channels):
                        self.leaving = True
                        return  # the other track's stream goes on with the call
                    await self.before_leaving()
                    self.stop()
                case _:
                    pass

    async def _journal(self, mixed: list[Mixed]) -> None:
        for part in mixed:
            if isinstance(part, Lost):
                await to_its_end(self.sender.gap(part.duration_ms, "frames lost"))
            elif not await self.write(part):
                return


class _Beside:
    """A stream that carries one track of a call whose other track's stream holds it."""

    def __init__(self, line: Line, holder: _Stream, coming: _Coming) -> None:
        self._line = line
        self._holder = holder
        self._coming = coming
        self._messages = _Messages(coming.started.stream_sid)

    async def run(self) -> bool:
        """Until the track ends: False; or until the holder has left and this stream has to hold the call: True."""
        goes_on = False

        async def listen() -> None:
            nonlocal goes_on
            try:
                goes_on = await self._listen()
            finally:
                if not goes_on:
                    self._leave()

        await first_of(self._line, asyncio.create_task(listen()))
        return goes_on

    def _leave(self) -> None:
        self._holder.mix.leave(self._coming.started.channels)

    async def _listen(self) -> bool:
        coming, clock = self._coming, asyncio.get_running_loop().time
        first_at = zero_at = math.inf
        while True:
            try:
                text = await self._line.receive(self._line.limits.idle_s)
            except TimeoutError:
                raise Refused("idle", f"no audio for {self._line.limits.idle_s:g} s") from None
            said, now = self._messages.read(text), clock()
            if isinstance(said, StreamAudio):
                coming.early.append(said)
                first_at = min(first_at, now)
                zero_at = min(zero_at, now - said.frame.start_ms / 1000)
            stops = isinstance(said, StreamStopped)
            if coming.mix is not self._holder.mix:
                if not stops and now - first_at < SETTLING_S:
                    continue
                coming.mix = self._holder.mix
                between_s = zero_at - coming.mix.zero_at
                coming.shift_ms = round(1000 * between_s) if math.isfinite(between_s) else 0
            if not await self._fed():
                coming.stopped = stops
                await self._holder.left()
                return True
            if stops:
                self._leave()
                return False

    async def _fed(self) -> bool:
        """Gives the holder what has come. False where it takes no more."""
        coming = self._coming
        while coming.early and not self._holder.leaving:
            said = coming.early[0]
            try:
                await self._holder.take(said.channel, coming.frame(said))
            except RidealongError:
                if not self._holder.leaving:
                    raise
                return False
            del coming.early[0]
        return not self._holder.leaving


class _Messages:
    """What one stream says, one message after the other."""

    def __init__(self, stream_sid: str) -> None:
        self._stream_sid = stream_sid
        self._bad = 0

    def read(self, text: str | bytes) -> Said | None:
        """Raises Refused for another stream's `start`, and where nothing has had a meaning for long."""
        said = carrier_message(text) if isinstance(text, str) else None
        if said is None:
            # One broken frame is 20 ms of silence, and breaking off would lose the rest of the call.
            measures.carrier_messages_ignored_total.inc()
            self._bad += 1
            if self._bad >= MOST_BAD:
                raise Refused("bad_message", "these are no messages of a media stream")
            return None
        if isinstance(said, StreamStarted) and said.stream_sid != self._stream_sid:
            raise Refused("already_started", "this socket has its call already: connect again for another")
        self._bad = 0
        return said
