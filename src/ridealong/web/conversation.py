"""What every conversation that sends a call's audio has in common: writing, ending, letting go, being replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from ridealong.core.errors import Refused, RidealongError
from ridealong.live import RunningCall, Sender
from ridealong.web import measures
from ridealong.web.socket import Line, Sockets, first_of

_log = structlog.get_logger(__name__)


class Conversation:
    """One socket that sends one call's audio, from the call's opening to the end of the socket.

    Back-pressure: the next message is read only when the last one is journalled, so a slow disk slows the sender
    through TCP and nothing piles up here.
    """

    def __init__(self, line: Line, sockets: Sockets, call: RunningCall, sender: Sender) -> None:
        self.line = line
        self.call = call
        self.sender = sender
        self.over = False
        """The server ended the call itself: audio that is still on its way does no harm."""
        self.stopping: asyncio.Task[None] | None = None
        self.clock = asyncio.get_running_loop().time
        self._sockets = sockets
        self._left = asyncio.Event()
        self.uncounted = 0
        """Bytes that came the short way and are not in the metrics yet."""
        self._until = self.clock() + line.limits.call_s
        self.heard_at = self.clock()
        """When the client last sent anything."""

    async def replaced(self) -> None:
        """Another socket takes the call over: let go of it, and return when that is done."""
        self.line.interrupt(Refused("taken_over", "the same call's sender connected again on another socket"))
        await self._left.wait()

    async def hold(self, *running: Coroutine[Any, Any, None]) -> None:
        """Have the conversation until one of `running` ends; the call ends or waits for its sender, and is let go."""
        self._sockets.senders[self.call.call_id] = self
        try:
            await first_of(self.line, *(asyncio.create_task(work) for work in running))
        finally:
            await self._let_go()

    async def before_leaving(self) -> None:
        """What is still to be journalled when the socket is gone, and the call not stopped."""

    def stopped(self) -> None:
        """The call has ended as it should."""

    async def _let_go(self) -> None:
        self.count()
        try:
            if self.stopping is None and not self.over:
                try:
                    await self.before_leaving()
                except RidealongError as error:
                    _log.warning("rest_not_journalled", call_id=str(self.call.call_id), error=type(error).__name__)
            if self.stopping is not None:
                # The call ends whatever became of its socket.
                await asyncio.wait({self.stopping})
            if self.stopping is None or self.stopping.cancelled() or self.stopping.exception() is not None:
                await self.sender.detach()
        except RidealongError as error:
            _log.warning("detach_failed", call_id=str(self.call.call_id), error=type(error).__name__)
        finally:
            if self._sockets.senders.get(self.call.call_id) is self:
                del self._sockets.senders[self.call.call_id]
            self._left.set()

    async def receive(self) -> str | bytes:
        """The next message. Raises Gone, or Refused('idle' | 'call_too_long' | 'frame_too_large')."""
        idle_s = self.line.limits.idle_s
        while True:
            # After `stop` the client has nothing to say and waits for the rest.
            until = self._until if self.stopping is not None else min(self._until, self.heard_at + idle_s)
            try:
                message = await self.line.receive(max(0.0, until - self.clock()))
            except TimeoutError:
                pass
            else:
                self.heard_at = self.clock()
                return message
            if self.clock() >= self._until:
                self.stop()
                raise Refused("call_too_long", "this call has reached the server's longest duration and was ended")
            # Audio that went straight into the journal was heard as well.
            if self.stopping is None and self.clock() - self.heard_at >= idle_s:
                raise Refused("idle", f"neither audio nor `ping` for {idle_s:g} s: resume when there is audio again")

    async def write(self, data: bytes) -> bool:
        """Journal `data`. False when the server has ended the call meanwhile. Raises Refused, InvalidAudio."""
        try:
            await self.sender.write(data)
        except Refused as error:
            if error.code == "call_ended":
                # `ended` says why, and frames that were on their way do no harm.
                self.over = True
                self.stopped()
                return False
            if error.code == "call_too_long":
                self.stop()
            raise
        measures.audio_bytes_total.inc(len(data))
        return True

    def write_now(self, data: bytes) -> bool:
        """Journal `data` without waiting. False, with nothing changed, where `write` has to wait or to refuse.

        Whoever calls it says with `heard_at` and `uncounted` that it came.
        """
        try:
            return self.sender.write_now(data)
        except RidealongError:
            return False

    def count(self) -> None:
        """Put what came the short way into the metrics: a counter's lock costs what a frame does."""
        if self.uncounted:
            measures.audio_bytes_total.inc(self.uncounted)
            self.uncounted = 0

    def stop(self) -> None:
        """End the call, once; a second `stop` changes nothing."""
        if self.stopping is None:
            self.stopping = asyncio.create_task(self.sender.stop())
            self.stopping.add_done_callback(self._stopped)

    def _stopped(self, stopping: asyncio.Task[None]) -> None:
        if stopping.cancelled():
            return
        error = stopping.exception()
        if isinstance(error, Exception):
            self.line.interrupt(error)
        else:
            self.stopped()
