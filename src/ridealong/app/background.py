"""What a server does beside its answers: one task for each kind of work, as long as it serves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from ridealong.core.errors import RidealongError

_log = structlog.get_logger(__name__)

TIDY_EVERY_S: Final = 3_600.0


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Do `work` inside the `async with`; it is cancelled at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def keep_up(
    do_due: Callable[[], Awaitable[int]],
    tidy: Callable[[], Awaitable[None]],
    *,
    at_once: int,
    look_every_s: float,
    waits: str,
) -> None:
    """Do what is due, for ever; `do_due` tells how many things that were, of which it does `at_once` at most.

    An error of ours or of the network ends one round and no more: it is logged as `waits`, by its kind alone.
    """
    tidy_at = 0.0
    while True:
        try:
            if time.monotonic() >= tidy_at:
                await tidy()
                tidy_at = time.monotonic() + TIDY_EVERY_S
            if await do_due() == at_once:
                continue
        except (RidealongError, OSError) as error:
            _log.warning(waits, error=type(error).__name__)
        await asyncio.sleep(look_every_s)
