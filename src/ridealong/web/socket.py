"""One WebSocket, as the capture and watching conversations need it: limits, deadlines, and one way to say no."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from ridealong.core.errors import Refused, RidealongError
from ridealong.web import measures
from ridealong.web.access import Credential
from ridealong.web.credentials import credential_of
from ridealong.web.frames import Sink, frames_of
from ridealong.web.refusals import REFUSALS, ResumeBeyondReceived, code_of, refusal_of
from ridealong.web.wire import dumps

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")

DONE: Final = 1000
GOING_AWAY: Final = 1012
"""WebSocket's own code for a server that restarts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a socket may do. Sizes are bytes, times seconds."""

    binary_bytes: int = 256 * 1024
    text_bytes: int = 64 * 1024
    start_s: float = 10.0
    idle_s: float = 60.0
    call_s: float = 4 * 3600.0
    """How long one capture socket may stay open; then the call is ended."""
    goodbye_s: float = 5.0
    """How long the last message may take before the socket is closed without it."""
    review_s: float = 180.0
    """How long a capture socket stays open after the end of the call to tell of the artifact."""
    ack_every_s: float = 0.4
    fresh_s: float = 2.0
    """A nudge that a stalled socket delivers later than this is not shown any more."""
    call_token_s: float = 24 * 3600.0
    recheck_s: float = 10.0
    """How long a watcher is believed to be still allowed to, where nobody on this server said otherwise meanwhile."""
    sender_recheck_s: float = 60.0
    """The same of a member who records."""
    sockets: int = 2_000
    """Open sockets of both kinds."""


class Gone(Exception):
    """The other side closed the socket or vanished."""


class Finished(Exception):
    """Nothing more will be said: close in good order."""


class ServerGoing(Exception):
    """The server stops."""


class Line:
    """One accepted socket."""

    def __init__(self, websocket: WebSocket, limits: Limits) -> None:
        self._websocket = websocket
        self.limits = limits
        self._frames = frames_of(websocket.scope)
        self.interrupted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when something outside the conversation ends it."""

    @property
    def authorization(self) -> str | None:
        return self._websocket.headers.get("authorization")

    def hand_audio_to(self, sink: Sink) -> None:
        """Binary messages that arrive while `receive` waits go to `sink` at once, where the server knows how."""
        if self._frames is not None:
            self._frames.sink = sink

    @property
    def credential(self) -> Credential | None:
        """Who opened the socket, by header or cookie."""
        return credential_of(self._websocket)

    def interrupt(self, reason: Exception) -> None:
        """End the conversation from outside, with `reason`. The first one counts."""
        if not self.interrupted.done():
            self.interrupted.set_exception(reason)
            # Whoever is in a conversation awaits it; a socket that is closing already never will.
            self.interrupted.exception()

    async def receive(self, timeout_s: float | None) -> str | bytes:
        """The next message. Raises Gone, TimeoutError or Refused('frame_too_large')."""
        async with asyncio.timeout(timeout_s):
            message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        data: bytes | None = message.get("bytes")
        if data is not None:
            if len(data) > self.limits.binary_bytes:
                raise Refused(
                    "frame_too_large",
                    f"a binary frame holds at most {self.limits.binary_bytes} bytes: send smaller ones",
                )
            return data
        text: str = message["text"]
        if len(text) > self.limits.text_bytes or len(text.encode()) > self.limits.text_bytes:
            raise Refused("frame_too_large", f"a text message holds at most {self.limits.text_bytes} bytes")
        return text

    async def send(self, message: dict[str, object]) -> None:
        """Send one message; waits while the other side does not read. Raises Gone."""
        text = dumps(message)
        if self._frames is not None and self._frames.send_text_now(text.encode()):
            return
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette says RuntimeError for a socket that this side has closed already.
            raise Gone from error

    async def close(self, code: int, last: dict[str, object] | None = None) -> None:
        """Say `last` and close, in bounded time and whatever the other side does."""
        with contextlib.suppress(Gone, TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self.limits.goodbye_s):
                if last is not None:
                    await self.send(last)
                reason = str(last.get("code", "")) if last else ""
                await self._websocket.close(code, reason)


class Replaceable(Protocol):
    """A capture conversation that another one may take over."""

    async def replaced(self) -> None:
        """Let go of the call; returns when the call has no sender any more."""
        ...


class Sockets:
    """Every open socket of this server: for going away together, and for taking a call over."""

    def __init__(self) -> None:
        self.senders: dict[UUID, Replaceable] = {}
        self._opening: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = WeakValueDictionary()
        self._lines: set[Line] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self._going = False
        self._doubt = asyncio.Event()

    @property
    def doubt(self) -> asyncio.Event:
        """Set when somebody loses a right after now. Take it before asking who may what: so nothing falls between."""
        return self._doubt

    def doubt_all(self) -> None:
        """Somebody may have lost a right: whoever watches or records is asked again."""
        self._doubt.set()
        self._doubt = asyncio.Event()

    def opening(self, tenant_id: UUID, name: str) -> asyncio.Lock:
        """Held while the tenant's call of that name is looked for and begun: two streams of it may come at once."""
        lock = self._opening.get((tenant_id, name))
        if lock is None:
            lock = self._opening[tenant_id, name] = asyncio.Lock()
        return lock

    @property
    def going(self) -> bool:
        return self._going

    async def go(self, within_s: float) -> None:
        """Tell every conversation that the server stops, and wait for them to close."""
        self._going = True
        for line in tuple(self._lines):
            line.interrupt(ServerGoing())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._all_closed.wait()

    async def hold(
        self, websocket: WebSocket, *, kind: str, limits: Limits, talk: Callable[[Line], Awaitable[None]]
    ) -> None:
        """Accept `websocket`, have the conversation, and close with the code that its outcome means."""
        await websocket.accept()
        line = Line(websocket, limits)
        self._lines.add(line)
        self._all_closed.clear()
        measures.sockets_open.labels(kind).inc()
        try:
            await self._talk(line, kind, talk)
        finally:
            measures.sockets_open.labels(kind).dec()
            self._lines.discard(line)
            if not self._lines:
                self._all_closed.set()

    async def _talk(self, line: Line, kind: str, talk: Callable[[Line], Awaitable[None]]) -> None:
        try:
            self._admit(line.limits)
            await talk(line)
            await line.close(DONE)
        except Gone:
            return
        except Finished:
            await line.close(DONE)
        except ServerGoing:
            await line.close(GOING_AWAY, warning_json("server_going", "the server restarts: connect again and resume"))
        except RidealongError as error:
            await self._refuse(line, kind, error_json(error))
        except Exception as error:
            # The text of a foreign error can quote what was said; its type and place cannot.
            _log.error("socket_failed", kind=kind, error=type(error).__name__, **place_of(error))
            await self._refuse(line, kind, error_json(RidealongError("the server made a mistake: try again")))

    def _admit(self, limits: Limits) -> None:
        if self._going:
            raise ServerGoing
        if len(self._lines) > limits.sockets:
            raise Refused("too_busy", "this server holds as many sockets as it may: try again later")

    async def _refuse(self, line: Line, kind: str, said: dict[str, object]) -> None:
        code = str(said["code"])
        measures.sockets_refused_total.labels(kind, code if code in REFUSALS else "other").inc()
        await line.close(refusal_of(code).close, said)


def error_json(error: RidealongError) -> dict[str, object]:
    """The last message of a refused socket."""
    code = code_of(error)
    said: dict[str, object] = {
        "type": "error",
        "code": code,
        "message": str(error),
        "retry": refusal_of(code).retry,
    }
    if isinstance(error, ResumeBeyondReceived):
        said["received"] = error.received
    return said


def warning_json(code: str, message: str) -> dict[str, object]:
    """A warning about this socket. It has no `seq`: it is not part of the call."""
    return {"event": "warning", "code": code, "message": message}


async def first_of(line: Line, *running: asyncio.Task[None]) -> None:
    """Wait until one of `running` ends or the line is interrupted, and raise what it raised; end all of `running`."""
    try:
        done, _ = await asyncio.wait({*running, line.interrupted}, return_when=asyncio.FIRST_COMPLETED)
        # Sorted so that a reason given from outside wins over the broken pipe that it may have caused.
        for ended in sorted(done, key=lambda task: task is not line.interrupted):
            ended.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` so that a cancellation of the caller waits for it instead of tearing it apart."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def place_of(error: Exception) -> dict[str, object]:
    """File and line where a foreign error arose: what a log may hold of it."""
    place: dict[str, object] = {}
    trace = error.__traceback__
    while trace is not None:
        # The deepest line of our own code: where it called what failed.
        file = trace.tb_frame.f_code.co_filename
        if not place or "ridealong" in Path(file).parts:
            place = {"file": Path(file).name, "line": trace.tb_lineno}
        trace = trace.tb_next
    return place
