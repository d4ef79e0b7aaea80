"""A socket is held for hours; whoever opened it may lose the right to meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from ridealong.core.errors import Unavailable
from ridealong.web.socket import Sockets


async def asked_again(
    sockets: Sockets, doubt: asyncio.Event, every_s: float, ask: Callable[[], Awaitable[object]]
) -> None:
    """Returns never; raises what `ask` refuses, as soon as it does.

    At once when it was on this server that somebody lost a right (`doubt`: taken from `sockets` before it was asked for
    the first time). The clock is for all else: a token that expires, a session that ends, a member whom another server
    of the same database disabled.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await doubt.wait()
        doubt = sockets.doubt
        # While the database is away nobody can say so; who is here was allowed to be.
        with contextlib.suppress(Unavailable):
            await ask()
