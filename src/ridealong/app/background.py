"""What a server does beside its answers: one task for each kind of work, as long as it serves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, Final, TypeVar

import structlog

from ridealong.core.errors import RidealongError

_log = structlog.get_logger(__name__)

TIDY_EVERY_S: Final = 3_600.0

Due = TypeVar("Due")


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


async def keep_up_side_by_side(
    find_due: Callable[[Collection[Due]], Awaitable[Iterable[Due]]],
    do: Callable[[Due], Awaitable[None]],
    tidy: Callable[[], Awaitable[None]],
    *,
    look_every_s: float,
    waits: str,
) -> None:
    """Do what is due, for ever, so that what takes long keeps nothing else waiting.

    `find_due` is told what is under way, and says what may begin beside it; it is asked again whenever something ends.
    Errors end what they happened in and no more, as in `keep_up`.
    """
    under_way: dict[asyncio.Task[None], Due] = {}
    tidy_at = 0.0
    try:
        while True:
            try:
                if time.monotonic() >= tidy_at:
                    await tidy()
                    tidy_at = time.monotonic() + TIDY_EVERY_S
                for due in await find_due(under_way.values()):
                    under_way[asyncio.create_task(_alone(do(due), waits))] = due
            except (RidealongError, OSError) as error:
                _log.warning(waits, error=type(error).__name__)
            if under_way:
                ended, _ = await asyncio.wait(under_way, timeout=look_every_s, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    del under_way[task]
                    task.result()
            else:
                await asyncio.sleep(look_every_s)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _alone(work: Awaitable[None], waits: str) -> None:
    try:
        await work
    except (RidealongError, OSError) as error:
        _log.warning(waits, error=type(error).__name__)
