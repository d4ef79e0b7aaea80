"""The local transcriber: everything on this machine, no key, no network. Many calls share one set of models."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ridealong.core.errors import Unavailable
from ridealong.speech import Audio, Heard, Hearing
from ridealong.speech.listener import Listener, Models

Result = TypeVar("Result")

_BEHIND_S: Final = 0.6
"""Partials are left out while hearing lags this much further behind the audio than it did at its best."""
_AHEAD_S: Final = 2.0
"""Audio that runs this far ahead of the clock is a file: nobody watches its partials."""


class LocalModels:
    """The shared models and the threads they run on."""

    def __init__(self, threads: int = 0) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1, thread_name_prefix="speech")
        self._loading: asyncio.Future[Models] | None = None
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def load(self) -> Models:
        """The models, loaded on the first call. Raises MissingPart or Unavailable (closed)."""
        if self._closed:
            raise Unavailable("this transcriber was closed")
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._pool, Models.load)
        return await asyncio.shield(self._loading)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on the pool. When cancelled, waits for it first: nothing is left running."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def enter(self) -> None:
        self._running += 1
        self._idle.clear()

    def leave(self) -> None:
        self._running -= 1
        if self._running == 0:
            self._idle.set()

    async def close(self) -> None:
        self._closed = True
        await self._idle.wait()
        await asyncio.to_thread(self._pool.shutdown)
        self._loading = None


class Pace:
    """Whether partials are worth their cost now."""

    def __init__(self) -> None:
        self._best_lag: float | None = None

    def allows_partials(self, audio_end_s: float) -> bool:
        lag = time.monotonic() - audio_end_s
        if self._best_lag is None:
            self._first_lag = self._best_lag = lag
        self._best_lag = min(lag, self._best_lag)
        return lag - self._best_lag < _BEHIND_S and self._first_lag - lag < _AHEAD_S


class LocalTranscriber:
    """One channel, any number of speakers. `threads`: of the pool that all calls share, 0 for one per core."""

    def __init__(self, threads: int = 0) -> None:
        self._models = LocalModels(threads)

    async def warm(self) -> None:
        """Load the models now instead of with the first call. Raises MissingPart."""
        await self._models.load()

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        models = await self._models.load()
        self._models.enter()
        try:
            listener = await self._models.run(lambda: Listener(models, hearing))
            pace = Pace()
            async for piece in audio:
                partials = pace.allows_partials((piece.start_ts + piece.duration_ms) / 1000)
                mono = piece.samples.mean(axis=1) if piece.samples.shape[1] > 1 else piece.samples[:, 0]
                for heard in await self._models.run(lambda m=mono, p=partials: listener.feed(m, partials=p)):
                    yield heard
            for heard in await self._models.run(listener.finish):
                yield heard
        finally:
            self._models.leave()

    async def close(self) -> None:
        await self._models.close()
