"""ASGI middleware: large JSON answers go out packed. An hour's transcript is 0.8 MB, and packed a sixth of it.

At the fastest level: packing then takes less time than the bytes that it saves, already between two processes of one
machine. The sound is not packed (it would not get smaller), and the pages' files were when they were built.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ridealong.web.pages import accepted_codings

LEAST_BYTES: Final = 16 * 1024
"""Shorter answers are not packed. That keeps sessions and links out as well: how well a secret packs together with text
that a stranger chose would tell of it.
"""
_LEVEL: Final = 1


class Packing:
    """Packs a whole JSON answer of `LEAST_BYTES` or more for whoever accepts gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in accepted_codings(Headers(scope=scope).get("accept-encoding", "")):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _worth_it(Headers(raw=message["headers"])):
                # Told when its length is known.
                held = message
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body", False):
                    body = await asyncio.to_thread(gzip.compress, message["body"], _LEVEL, mtime=0)
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(body))
                    headers.add_vary_header("Accept-Encoding")
                    message = {**message, "body": body}
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


def _worth_it(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return (
        headers.get("content-type", "").startswith("application/json")
        and "content-encoding" not in headers
        and length.isdigit()
        and int(length) >= LEAST_BYTES
    )
