"""A vendor on loopback that answers with bytes: for what no web server would send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

Act = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, whose body is given. When it returns, the connection is closed."""


@dataclass(kw_only=True, eq=False)
class RawVendor:
    """`async with` starts it; `act` answers each request, one a connection."""

    act: Act
    port: int = 0
    asked: list[str] = field(default_factory=list[str])
    """The bodies of the requests."""
    _server: asyncio.Server | None = field(default=None, repr=False)
    _open: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]], repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
                body = (await reader.readexactly(length)).decode()
                self.asked.append(body)
                await self.act(body, writer)
        finally:
            writer.close()
            self._open.discard(task)


def responds(status: str, headers: tuple[str, ...] = (), body: bytes | str | dict[str, Any] = b"") -> Act:
    """One response with its length. `status`: as in `429 Too Many Requests`."""
    text = json.dumps(body) if isinstance(body, dict) else body
    raw = text.encode() if isinstance(text, str) else text
    typed = any(header.lower().startswith("content-type:") for header in headers)
    usual = () if typed else ("Content-Type: application/json",)
    lines = (f"HTTP/1.1 {status}", *usual, *headers, f"Content-Length: {len(raw)}", "Connection: close")
    return sends("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)


def sends(*pieces: bytes, then: str = "closes", every_s: float = 0.01) -> Act:
    """These bytes; `then` it `closes`, `waits` for ever, or `repeats` the last piece for ever."""

    async def act(_asked: str, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then == "waits":
            await asyncio.Event().wait()
        while then == "repeats":
            await asyncio.sleep(every_s)
            writer.write(pieces[-1])
            await writer.drain()

    return act


async def vanishes(_asked: str, _writer: asyncio.StreamWriter) -> None:
    """The connection is closed without a word."""


async def resets(_asked: str, writer: asyncio.StreamWriter) -> None:
    """The connection is reset."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
