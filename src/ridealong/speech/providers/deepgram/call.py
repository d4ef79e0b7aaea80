"""One call heard by Deepgram, over as many connections as it takes.

Two tasks a call. `_feed` takes audio and sends it; while there is no connection it takes none, so the audio waits where
it is kept anyway. `_run` opens a connection, sends again what is not final, and opens the next when one is lost.
Messages are handled in the moment they arrive, without a task of their own.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from typing import Any, Final

import structlog

from ridealong.core.errors import Unavailable
from ridealong.speech import Audio, Heard, Hearing, LiveAudio, NotHeard
from ridealong.speech.providers.deepgram.ear import ClockBroken, Ear
from ridealong.speech.providers.deepgram.sent import FRAMES_A_MS, SentAudio
from ridealong.speech.providers.deepgram.socket import NO_CODE, Socket, open_socket
from ridealong.speech.providers.deepgram.watch import TICK_S, Watch, has_voice
from ridealong.speech.providers.deepgram.wire import (
    CLOSE_STREAM,
    FINALIZE,
    KEEP_ALIVE,
    DeepgramOptions,
    streaming_url,
)

_log = structlog.get_logger(__name__)

_SHIP_MS: Final = 100
"""Audio goes out in frames of at least this length: each costs a system call here and work there."""
_LONGEST_SHIP_MS: Final = 250
_HELD_S: Final = 0.25
"""How long results wait for one that seems to have been overtaken."""
_HOLDS: Final = 4
"""How often they wait at most while the loop is too busy to read what comes."""
_MISSING_S: Final = 1.5
"""How long they wait for one of which is known that there was something in it, before the audio is sent again."""
_BUSY_S: Final = 0.05
"""How late a timer may run before the loop counts as busy."""
_TOLD_EVERY_MS: Final = 500
_AHEAD_MS: Final = 20_000
"""So much audio may be unanswered: a file is not poured into the socket at once."""
_AHEAD_WAIT_S: Final = 1.0
_WAITING: Final = 256
"""Events that may wait for whoever listens before no more audio is taken."""
_LEAST_GAP_MS: Final = 20
"""Audio that was read again may be a few ms short of what was asked for: a gap that small holds no word."""
_CLOSING_S: Final = 4.0
_NEAR_END_MS: Final = 1_500
"""Interims come about once a second also in silence: who has said nothing of more than this has not heard it."""
_SAME_END_MS: Final = 250
_LAST_TRIES: Final = 3
"""Connections opened after the audio is over, to have its end made final."""
_LONGEST_DELAY_S: Final = 4.0


class HeardCall:
    """`hear` once. Everything it starts ends with it."""

    def __init__(self, options: DeepgramOptions, hearing: Hearing) -> None:
        self._options = options
        self._url = streaming_url(options, hearing)
        self._ear = Ear(hearing)
        self._sent = SentAudio(start_ts=hearing.resumed_at_ts, channels=hearing.channels, earlier=hearing.earlier)
        frame_bytes = 2 * hearing.channels
        self._ship_bytes = _SHIP_MS * FRAMES_A_MS * frame_bytes
        self._longest = _LONGEST_SHIP_MS * FRAMES_A_MS * frame_bytes
        self._loop = asyncio.get_running_loop()
        # To whoever listens.
        self._out: deque[Heard] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._finished = False
        self._error: BaseException | None = None
        # Audio that was taken and not sent yet.
        self._pending = bytearray()
        self._begun = False
        self._over = False
        # The connection.
        self._socket: Socket | None = None
        self._live = asyncio.Event()
        self._stir = asyncio.Event()
        """A connection was lost, the first audio came, or the last."""
        self._close_code = NO_CODE
        self._failing_since: float | None = None
        self._failures = 0
        self._watch = Watch(options)
        self._ended_at: int | None = None
        """How far a connection had answered that closed as it should. When the next one closes at the same place, there
        is no more to be said."""
        self._missed_at: int | None = None
        """Where a result was missing when the audio was sent again. When the next connection has none there either, it
        is not missing but nothing, or cannot be had."""
        self._missing_since = 0.0
        self._ahead = False
        """As `_is_ahead` said when the clock was last told."""
        self._told_at = hearing.resumed_at_ts
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def hear(self, audio: AsyncIterable[Audio]) -> AsyncGenerator[Heard]:
        tasks = [asyncio.create_task(self._guarded(work)) for work in (self._feed(audio), self._run())]
        self._tick()
        try:
            while True:
                while self._out:
                    yield self._out.popleft()
                if self._error is not None:
                    raise self._error
                if self._finished:
                    return
                self._wake = self._loop.create_future()
                await self._wake
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._drop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Raised where the call is heard, after everything that was heard before it."""
        self._error = self._error or error
        self._awake()

    def _tell(self, heard: list[Heard]) -> None:
        if heard:
            self._out.extend(heard)
            self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _stirred(self) -> None:
        await self._stir.wait()
        self._stir.clear()

    # ---- audio out

    def _take_now(self, data: bytes) -> bool:
        """Send what has just arrived, where nothing is to be waited for. What waits before it is less than is sent."""
        socket = self._socket
        if socket is None or not self._begun or len(data) > self._longest - self._ship_bytes:
            return False
        if socket.paused or self._ahead or not self._live.is_set() or self._ear.torn:
            return False
        try:
            if self._pending or len(data) < self._ship_bytes:
                self._pending += data
                if len(self._pending) >= self._ship_bytes:
                    self._send_pending(socket)
            else:
                self._send(socket, data)
        except Exception as error:
            # Raised where the call is heard, as `_feed`'s are, and not to whoever has just sent the audio.
            self._fail(error)
        return True

    async def _feed(self, audio: AsyncIterable[Audio]) -> None:
        if isinstance(audio, LiveAudio):
            audio.hand_to(self._take_now)
        async for piece in audio:
            if not self._begun:
                self._begun = True
                self._stir.set()
            if self._ear.torn and self._live.is_set():
                self._reopen("the audio goes on inside a word")
            self._pending += piece.pcm16
            if len(self._pending) >= self._ship_bytes and not self._ship_now():
                await self._ship()
        if self._pending:
            await self._ship()
        self._over = True
        self._stir.set()

    def _ship_now(self) -> bool:
        """Send what is pending where nothing is to be waited for, neither before nor after. False: `_ship` has to."""
        socket = self._socket
        if socket is None or socket.paused or not self._live.is_set() or len(self._pending) > self._longest:
            return False
        self._send_pending(socket)
        return not self._is_ahead()

    def _is_ahead(self) -> bool:
        return len(self._out) > _WAITING or self._sent.through_ts - self._ear.heard_ts > _AHEAD_MS

    async def _ship(self) -> None:
        while self._pending:
            await self._live.wait()
            if self._socket is not None:
                self._send_pending(self._socket)
                await self._socket.drained()
        if self._is_ahead():
            await self._held_back()

    def _send_pending(self, socket: Socket) -> None:
        data = bytes(self._pending[: self._longest])
        del self._pending[: self._longest]
        self._send(socket, data)

    def _send(self, socket: Socket, data: bytes) -> None:
        now = self._loop.time()
        through = self._sent.add(data)
        socket.send_audio(data)
        self._watch.sent(now, data)
        if through - self._told_at >= _TOLD_EVERY_MS:
            self._told_at = through
            self._ahead = self._is_ahead()
            self._tell([self._ear.through(through, self._watch.long_sent_ts(now))])

    async def _held_back(self) -> None:
        """Nobody listens fast enough, or the vendor is behind: for a while no more audio is taken."""
        # An answer that never comes must not hold the call for ever: a stall is found by the tick.
        until = self._loop.time() + _AHEAD_WAIT_S
        while True:
            ahead = self._live.is_set() and self._sent.through_ts - self._ear.heard_ts > _AHEAD_MS
            if len(self._out) <= _WAITING and not (ahead and self._loop.time() < until):
                return
            await asyncio.sleep(0.005)

    # ---- connections

    async def _run(self) -> None:
        while not (self._begun or self._over):
            await self._stirred()
        tries = 0
        while self._begun:
            socket = await self._open()
            opened = self._loop.time()
            if await self._while_open(socket):
                break
            # One that closes at once and says nothing is like one that was refused: `_open` waits for the next.
            refused = self._failures > 0 and self._loop.time() - opened < _CLOSING_S
            tries += self._over and not refused
            if tries == _LAST_TRIES:
                self._tell([NotHeard(start_ts=self._ear.final_through, end_ts=self._sent.through_ts)])
                break
        self._tell(self._ear.finish(self._sent.through_ts))
        self._finished = True
        self._awake()

    async def _open(self) -> Socket:
        """The next connection, with everything sent again that is not final. Raises what waiting cannot mend."""
        if self._failing_since is None:
            self._failing_since = self._loop.time()
        refused = Unavailable(f"Deepgram closes every connection (code {self._close_code}): see its status page")
        while True:
            wait = min(_LONGEST_DELAY_S, 0.1 * 2**self._failures) if self._failures else 0.0
            asked_for = refused.retry_after_s or 0.0
            wait = max(wait, asked_for)
            # Who is told to stay away for long has to say so at once: somebody else may hear the call meanwhile.
            if (
                self._failures > 1 or asked_for
            ) and self._loop.time() + wait - self._failing_since > self._options.patience_s:
                raise refused
            await asyncio.sleep(wait)
            self._failures += 1
            try:
                socket = await open_socket(self._options, self._url, on_message=self._message, on_lost=self._lost)
            except Unavailable as error:
                refused = error
                continue
            self._socket = socket
            await self._send_again(socket)
            return socket

    async def _send_again(self, socket: Socket) -> None:
        final_through = self._ear.final_through
        from_ts = self._ear.resend_from(self._options.overlap_ms, self._options.most_overlap_ms)
        origin_ts, data = await self._sent.again(from_ts)
        if round(origin_ts) >= final_through + _LEAST_GAP_MS:
            self._tell([NotHeard(start_ts=final_through, end_ts=round(origin_ts))])
            self._ear.skip_to(round(origin_ts))
        self._ear.begin(origin_ts)
        self._watch.begin(self._loop.time(), data)
        for at in range(0, len(data), self._longest):
            socket.send_audio(data[at : at + self._longest])
            await socket.drained()

    async def _while_open(self, socket: Socket) -> bool:
        """Until the connection is lost or the audio is over. True when everything was heard to its end."""
        try:
            if self._socket is socket:
                self._live.set()
            while self._socket is socket and not self._over:
                await self._stirred()
            return self._socket is socket and await self._close_stream(socket)
        finally:
            self._live.clear()
            self._drop()

    async def _close_stream(self, socket: Socket) -> bool:
        """No more audio. Finalize may be answered by nothing; CloseStream is, by the rest and then by the close."""
        over = self._loop.time()
        self._watch.over(over)
        socket.send_control(FINALIZE)
        socket.send_control(CLOSE_STREAM)
        while self._socket is socket:
            left = self._watch.last_heard + _CLOSING_S - self._loop.time()
            if left <= 0:
                return await self._heard_to_end(_NEAR_END_MS if self._watch.last_heard > over else 0)
            try:
                async with asyncio.timeout(left):
                    await self._stirred()
            except TimeoutError:
                continue
        if self._misses():
            return False
        self._tell(self._ear.release())
        if self._close_code != 1000:
            return False
        before, self._ended_at = self._ended_at, self._answered_ts
        again = before is not None and abs(self._ended_at - before) <= _SAME_END_MS
        return await self._heard_to_end(_NEAR_END_MS) or (again and not self._ear.open)

    async def _heard_to_end(self, near_ms: int) -> bool:
        """Whether the connection has answered the audio to within `near_ms` of its end, or nobody speaks behind that.

        What comes after CloseStream may have been on its way before the connection got the end of the audio.
        """
        if self._ear.open:
            return False
        if self._sent.through_ts - self._answered_ts <= near_ms:
            return True
        _, data = await self._sent.again(self._answered_ts)
        return not (data and has_voice(data))

    def _misses(self) -> bool:
        """Whether a result is missing that another connection may give. What it cannot is told as not heard."""
        hole = self._ear.missing
        if hole is None:
            return False
        before, self._missed_at = self._missed_at, hole[0]
        if before is not None and abs(before - hole[0]) <= _SAME_END_MS:
            self._tell(self._ear.give_up())
            return False
        return True

    @property
    def _answered_ts(self) -> int:
        return max(self._ear.heard_ts, self._ear.processed_ts)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.abort()
            self._socket = None

    def _reopen(self, reason: str) -> None:
        _log.warning("deepgram_reopened", reason=reason, after_ms=self._sent.through_ts)
        self._drop()
        self._live.clear()
        self._stir.set()

    # ---- what comes back

    def _lost(self, code: int) -> None:
        self._close_code = code
        if self._socket is not None and not self._over:
            self._reopen(f"closed with {code}")
        else:
            self._drop()
            self._live.clear()
            self._stir.set()

    def _message(self, data: bytes) -> None:
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind = message.get("type")
        if kind in {"Results", "SpeechStarted", "UtteranceEnd"}:
            self._watch.heard(self._loop.time(), results=kind == "Results")
            if kind == "Results":
                self._failing_since, self._failures = None, 0
        try:
            self._tell(self._ear.take(message, self._sent.through_ts))
        except ClockBroken:
            self._reopen("its clock does not fit the audio")
            return
        self._mend()
        if self._ear.holds and "release" not in self._timers:
            self._missing_since = self._loop.time()
            self._hold(_HOLDS)

    def _mend(self) -> None:
        """The words were asked for where the audio seemed to end, and it went on before they came."""
        if self._ear.torn and not self._watch.finishing and self._live.is_set():
            self._reopen("the audio goes on inside a word")

    def _hold(self, more: int) -> None:
        due = self._loop.time() + _HELD_S
        self._timers["release"] = self._loop.call_at(due, self._release, due, more - 1)

    def _release(self, due: float, more: int) -> None:
        del self._timers["release"]
        if more and self._loop.time() - due > _BUSY_S:
            # The loop was busy: what is waited for may have come, and lies unread in the socket.
            self._hold(more)
        elif self._ear.missing is not None and self._loop.time() - self._missing_since < _MISSING_S:
            self._hold(more + 1)
        elif self._ear.missing is not None and self._over:
            return  # decided when the connection is closed, which may still bring it
        elif self._misses():
            self._reopen("a result is missing")
        else:
            self._tell(self._ear.release())
            self._mend()

    def _tick(self) -> None:
        self._timers["tick"] = self._loop.call_later(TICK_S, self._tick)
        socket = self._socket
        if socket is None or not self._live.is_set() or self._over:
            return
        now, watch = self._loop.time(), self._watch
        watch.tick(self._sent.through_ts)
        if self._pending and watch.waits(now):
            self._send_pending(socket)
        if watch.stalled(now):
            self._stalled()
            return
        if watch.to_finish(now) and (self._ear.open or self._ear.heard_ts < self._sent.through_ts):
            watch.asked_to_finish(now)
            self._ear.break_off(self._sent.through_ts)
            socket.send_control(FINALIZE)
        if watch.keep_alive(now):
            socket.send_control(KEEP_ALIVE)

    def _stalled(self) -> None:
        self._failures, self._failing_since = 0, None
        if self._watch.stall():
            self._fail(Unavailable("Deepgram takes audio and answers nothing: see its status page"))
            return
        self._reopen("stalled")
