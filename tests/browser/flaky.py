"""A network between a browser and a server that a test can take away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator


class FlakyNetwork:
    """Passes TCP on to `port` of this machine, until it is `cut`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._up = True
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.refused = 0
        """Connections that were tried while the network was away."""

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Everything that is open breaks off, and nothing new gets through."""
        self._up = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._up = True

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._up:
            self.refused += 1
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        both = {writer, back}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(reader, back))
                tasks.create_task(_copy(there, writer))
        finally:
            self._open -= both
            for one in both:
                one.close()

    async def __aenter__(self) -> FlakyNetwork:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


@contextlib.asynccontextmanager
async def flaky_network(port: int) -> AsyncGenerator[FlakyNetwork]:
    async with FlakyNetwork(port) as network:
        yield network
