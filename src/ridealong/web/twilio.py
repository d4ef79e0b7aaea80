"""`WS /v1/twilio`: Twilio Media Streams, both sides of a telephone call as two channels.

The carrier reads nothing that is sent to it and cannot resume: nothing is acknowledged, and a stream of the same call
that comes on a new connection goes on where the call stands, behind a recorded gap.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from ridealong.core.errors import Refused
from ridealong.live import RunningCall, Sender
from ridealong.web import measures
from ridealong.web.access import CAPTURE, admit, bearer_of
from ridealong.web.carrier import StreamAudio, StreamStarted, StreamStopped, carrier_message
from ridealong.web.conversation import Conversation
from ridealong.web.services import Services
from ridealong.web.socket import Finished, Line, Sockets, to_its_end
from ridealong.web.tracks import Lost, Mixed, TwoTracks

_log = structlog.get_logger(__name__)

MOST_BAD: Final = 100
"""Messages in a row without meaning, after which the other side is no carrier: two seconds of one track."""
MOST_EARLY: Final = 20
"""Frames that may come before `start`: 200 ms of two tracks, as far as frames are put in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    call: RunningCall
    sender: Sender
    channels: tuple[int, ...]


async def twilio(line: Line, services: Services, sockets: Sockets) -> None:
    """Hold one media stream: open or take up its call, then audio in until it stops."""
    started, early = await _first(line)
    opened = await _open(line, services, sockets, started)
    await _Stream(line, sockets, opened, early=early, stream_sid=started.stream_sid).run()


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


async def _open(line: Line, services: Services, sockets: Sockets, started: StreamStarted) -> _Opened:
    token = started.parameters.token
    principal = await admit(
        services.tokens, token.get_secret_value() if token else bearer_of(line.authorization), scope=CAPTURE
    )
    async with sockets.opening(principal.tenant_id, started.call_sid):
        return await _begun_or_taken(services, sockets, started, principal.tenant_id)


async def _begun_or_taken(services: Services, sockets: Sockets, started: StreamStarted, tenant_id: UUID) -> _Opened:
    start = started.call_start()
    call = services.calls.find_external(tenant_id, started.call_sid)
    if call is not None:
        earlier = sockets.senders.get(call.call_id)
        if earlier is not None:
            await earlier.replaced()
        lost_ms = call.quiet_ms
        try:
            sender = call.attach()
            await sender.gap(max(1, lost_ms), "stream reconnected")
            return _Opened(call=call, sender=sender, channels=started.channels)
        except Refused as error:
            # It ended in this very moment.
            if error.code != "call_ended":
                raise
    call = await services.calls.begin(tenant_id, start)
    return _Opened(call=call, sender=call.attach(), channels=started.channels)


class _Stream(Conversation):
    """From the carrier's `start` to the end of the socket."""

    def __init__(
        self, line: Line, sockets: Sockets, opened: _Opened, *, early: list[StreamAudio], stream_sid: str
    ) -> None:
        super().__init__(line, sockets, opened.call, opened.sender)
        self._tracks = TwoTracks(opened.channels)
        self._early = early
        self._stream_sid = stream_sid
        self._bad = 0

    async def run(self) -> None:
        await self.hold(self._listen())

    async def before_leaving(self) -> None:
        await self._journal(self._tracks.flush())
        if self._tracks.dropped:
            _log.info("frames_dropped", call_id=str(self.call.call_id), frames=self._tracks.dropped)

    def stopped(self) -> None:
        self.line.interrupt(Finished())

    async def _listen(self) -> None:
        for said in self._early:
            await self._journal(self._tracks.feed(said.channel, said.frame))
        while True:
            text = await self.receive()
            said = carrier_message(text) if isinstance(text, str) else None
            match said:
                case StreamAudio() if self.stopping is None and not self.over:
                    await self._journal(self._tracks.feed(said.channel, said.frame))
                case StreamStopped() if self.stopping is None and not self.over:
                    await self.before_leaving()
                    self.stop()
                case StreamStarted(stream_sid=again) if again == self._stream_sid:
                    pass  # the same `start` once more
                case StreamStarted():
                    raise Refused("already_started", "this socket has its call already: connect again for another")
                case None:
                    self._count_bad()
                    continue
                case _:
                    pass
            self._bad = 0

    def _count_bad(self) -> None:
        # One broken frame is 20 ms of silence, and breaking off would lose the rest of the call.
        measures.carrier_messages_ignored_total.inc()
        self._bad += 1
        if self._bad >= MOST_BAD:
            raise Refused("bad_message", "these are no messages of a media stream")

    async def _journal(self, mixed: list[Mixed]) -> None:
        for part in mixed:
            if isinstance(part, Lost):
                await to_its_end(self.sender.gap(part.duration_ms, "frames lost"))
            elif not await self.write(part):
                return
