"""HTTP to the vendors: one pool of connections for a process, and every way it breaks told as ModelAway.

Nothing here knows a vendor. Redirects are not followed, since the key would go with them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import aiohttp

from ridealong.core.errors import BadAnswer, ModelAway
from ridealong.outside import Outside

_TAIL_S: Final = 0.25
"""How long the rest of a stream is waited for whose answer is whole: usage comes behind it, and some never close."""
_LONGEST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes. The longest answer that a model may give is a few hundred KiB; more is something else than an answer."""


class Wire:
    """Connections to all vendors. Made inside or outside a running loop; bound to the loop of its first request.

    `connect_s`: for a connection with its TLS handshake. `silence_s`: between two pieces of an answer, and before its
    first; models that think send nothing meanwhile. Shorter deadlines are the caller's. `outside`: names that lead
    into the server's own network are not found.
    """

    def __init__(
        self, *, connect_s: float = 5.0, silence_s: float = 120.0, connections: int = 512, outside: bool = False
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect_s, sock_read=silence_s)
        self._connections = connections
        self._outside = outside
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @asynccontextmanager
    async def post(
        self, url: str, *, headers: Mapping[str, str], body: Mapping[str, object], vendor: str
    ) -> AsyncGenerator[Exchange]:
        """Send `body` as JSON. What fails inside the block, up to its end, is raised as ModelAway.

        Leaving the block early, also by cancellation, closes the connection: the vendor sees it and stops.
        """
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            async with await self._send(url, headers, data) as response:
                yield Exchange(response, vendor)
        except TimeoutError:
            raise ModelAway(f"{vendor} does not answer in time: try again, or see its status page") from None
        except (aiohttp.ClientError, OSError) as error:
            # The library's own words may hold parts of what was received; the kind of the error is enough to act on.
            raise ModelAway(
                f"the connection to {vendor} failed ({type(error).__name__}): check the network and its URL"
            ) from None

    async def close(self) -> None:
        """Close every connection. Open requests fail with ModelAway."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, url: str, headers: Mapping[str, str], data: bytes) -> aiohttp.ClientResponse:
        sent = _Sent()
        try:
            return await self._open().post(
                url, data=data, headers=headers, allow_redirects=False, trace_request_ctx=sent
            )
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # A kept connection may be closed by the other end at the very moment it is taken up again. Nothing was
            # answered on it, so the question is sent once more; on a new connection the same means a real failure.
            if not sent.reused:
                raise
        return await self._open().post(url, data=data, headers=headers, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ModelAway("the connections to the models are closed: Ridealong is stopping")
        if self._session is None:
            watch = aiohttp.TraceConfig()
            watch.on_connection_reuseconn.append(_note_reuse)
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=55,
                ttl_dns_cache=60,
                resolver=Outside() if self._outside else None,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[watch],
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            )
        return self._session


@dataclass(slots=True)
class _Sent:
    """Whether a request went over a connection that was there before."""

    reused: bool = False


async def _note_reuse(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: aiohttp.TraceConnectionReuseconnParams
) -> None:
    sent = context.trace_request_ctx
    if isinstance(sent, _Sent):
        sent.reused = True


class Exchange:
    """One request's answer, its body still to be read."""

    def __init__(self, response: aiohttp.ClientResponse, vendor: str) -> None:
        self._response = response
        self._vendor = vendor
        self._until: float | None = None

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def streams(self) -> bool:
        """Whether the body is a stream of events, whatever was asked for."""
        return self._response.content_type == "text/event-stream"

    async def json(self) -> dict[str, object]:
        """The body as an object; empty where it is none and the status is an error anyway."""
        raw = bytearray()
        async for piece in self._pieces():
            raw += piece
        try:
            found: object = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        if self.status >= 300:
            return {}
        raise BadAnswer(f"{self._vendor} answered with something that is not JSON: is its URL right?")

    async def events(self) -> AsyncIterator[tuple[str, str]]:
        """The events of the stream as (event, data), as in the HTML standard's `text/event-stream`."""
        event, data = "", list[str]()
        async for line in self._lines():
            if not line:
                if data:
                    yield event, "\n".join(data)
                event, data = "", []
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                event = value
        # An event without its empty line is one that was cut off: the standard drops it too.

    def whole(self) -> None:
        """The answer is whole: what still comes of its stream is waited for a moment only."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + _TAIL_S

    async def _lines(self) -> AsyncIterator[str]:
        rest = b""
        async for piece in self._pieces():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r").decode("utf-8", errors="replace")

    async def _pieces(self) -> AsyncIterator[bytes]:
        length = 0
        while piece := await self._piece():
            length += len(piece)
            if length > _LONGEST_ANSWER:
                raise BadAnswer(f"{self._vendor} answered with more than {_LONGEST_ANSWER >> 20} MiB")
            yield piece

    async def _piece(self) -> bytes:
        """What has come; nothing at the end."""
        try:
            async with asyncio.timeout_at(self._until):
                return await self._response.content.readany()
        except TimeoutError:
            if self._until is None:
                raise
            return b""
