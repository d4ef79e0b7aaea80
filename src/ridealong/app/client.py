"""A capture client: what a phone does, in Python. The demo, the bench and the tests send calls with it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast

import websockets

from ridealong.core.errors import Refused, Unavailable

Json = dict[str, Any]

RECONNECT_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """What the client states; see docs/protocol.md."""

    token: str
    rep_id: str
    consent: str
    encoding: str = "pcm16"
    sample_rate: int = 16_000
    channels: int = 1
    layout: str = "mixed"
    title: str = ""
    rep_speaker: int | None = None
    """The rep's speaker id, where the sender knows it."""

    def message(self) -> str:
        return json.dumps(
            {
                "type": "start",
                "protocol": 1,
                "token": self.token,
                "format": {
                    "encoding": self.encoding,
                    "sample_rate": self.sample_rate,
                    "channels": self.channels,
                },
                "channel_layout": self.layout,
                "rep": {"id": self.rep_id, "speaker_id": self.rep_speaker},
                "consent": {"statement": self.consent},
                "title": self.title,
            }
        )


@dataclass(slots=True)
class CaptureClient:
    """Sends one call and survives dropped sockets: what was not acknowledged is kept and sent again.

    `url` is the capture socket's address. Events of the server are put into `events`, with `received_at` added
    (seconds of the monotonic clock).
    """

    url: str
    start: Start
    events: asyncio.Queue[Json] = field(default_factory=asyncio.Queue[Json])
    call_id: str = ""
    call_token: str = ""
    received: int = 0
    """Bytes that the server acknowledged."""
    _unacknowledged: bytearray = field(default_factory=bytearray)
    _socket: websockets.ClientConnection | None = None
    _reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and begin the call. Raises Refused with the server's code."""
        self._socket = await websockets.connect(self.url, max_size=None)
        await self._socket.send(self.start.message())
        reply = await self._reply()
        self.call_id, self.call_token = reply["call_id"], reply["call_token"]
        self._reader = asyncio.create_task(self._read(self._socket))

    async def resume(self) -> None:
        """Connect again and go on behind the last byte that the server has."""
        await self.drop()
        # That the earlier socket ended is no news to anybody who reads on.
        kept = [self.events.get_nowait() for _ in range(self.events.qsize())]
        for event in kept:
            if event.get("type") != "closed":
                self.events.put_nowait(event)
        self._socket = await websockets.connect(self.url, max_size=None)
        await self._socket.send(
            json.dumps({"type": "resume", "call_token": self.call_token, "received": self.received})
        )
        reply = await self._reply()
        self._acknowledged(int(reply["received"]))
        for at in range(0, len(self._unacknowledged), 32_000):
            await self._socket.send(bytes(self._unacknowledged[at : at + 32_000]))
        self._reader = asyncio.create_task(self._read(self._socket))

    async def send(self, data: bytes) -> None:
        """Send audio; when the socket is gone, come back and send again what was not acknowledged."""
        self._unacknowledged += data
        if self._socket is not None:
            try:
                await self._socket.send(data)
            except (websockets.ConnectionClosed, ConnectionError):
                self._socket = None
        if self._socket is None:
            await self._return()

    async def _return(self) -> None:
        for wait in RECONNECT_S:
            try:
                await self.resume()
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(wait)
            else:
                return
        raise Unavailable("the server does not answer; the audio is kept: try again later")

    async def say(self, **message: object) -> None:
        """Send one text message."""
        if self._socket is None:
            raise Unavailable("not connected")
        await self._socket.send(json.dumps(message))

    async def stop(self) -> None:
        await self.say(type="stop")

    async def drop(self) -> None:
        """Lose the connection, as a phone in a lift does."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    async def until(self, event: str) -> AsyncIterator[Json]:
        """Events up to and with the first one called `event`, or until the socket ends."""
        while True:
            message = await self.events.get()
            yield message
            if message.get("event") == event or message.get("type") in ("error", "closed"):
                return

    async def _reply(self) -> Json:
        if self._socket is None:
            raise Unavailable("not connected")
        message = cast("Json", json.loads(await self._socket.recv()))
        if message.get("type") == "error":
            raise Refused(str(message["code"]), str(message["message"]))
        return message

    async def _read(self, socket: websockets.ClientConnection) -> None:
        try:
            async for text in socket:
                message = cast("Json", json.loads(text))
                message["received_at"] = time.monotonic()
                if message.get("type") == "ack":
                    self._acknowledged(int(message["received"]))
                else:
                    await self.events.put(message)
        except websockets.ConnectionClosed:
            pass
        await self.events.put({"type": "closed"})

    def _acknowledged(self, received: int) -> None:
        del self._unacknowledged[: received - self.received]
        self.received = received


async def paced(pieces: Iterable[bytes], *, piece_ms: float, speed: float) -> AsyncIterator[bytes]:
    """`pieces` at the pace a microphone delivers them: each when it is over."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for index, piece in enumerate(pieces, 1):
        if speed > 0:
            await asyncio.sleep(max(0.0, began + index * piece_ms / 1000 / speed - loop.time()))
        yield piece
