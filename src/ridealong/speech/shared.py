"""One loaded set of models and one pool of threads, shared by every call that is heard on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ridealong.core.errors import Unavailable
from ridealong.cores import cores
from ridealong.speech import Audio, Heard, Hearing
from ridealong.speech.listener import Models, Partials

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

Result = TypeVar("Result")

_BEHIND_S: Final = 0.6
"""Partials are left out while hearing lags this much further behind the audio than it did at its best."""
_AHEAD_S: Final = 2.0
"""Audio that runs this far ahead of the clock is a file: nobody looks at its partials."""
_STEP_MS: Final = 1_000
"""Most audio in one piece of work, so that one call's long piece cannot hold a thread for seconds."""


class CallListener(Protocol):
    """Hears one call, one thread at a time."""

    def feed(self, samples: Samples, *, partials: Partials = Partials.ALL) -> list[Heard]:
        """Hear the next samples `[frames, channels]`. Blocks."""
        ...

    def finish(self) -> list[Heard]: ...


class SharedModels:
    """The models, loaded with the first call, and the threads they run on (`threads` 0: one per core)."""

    def __init__(self, threads: int = 0) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads or cores(), thread_name_prefix="speech")
        self._loading: asyncio.Future[Models] | None = None
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def load(self) -> Models:
        """The models. Raises MissingPart, or Unavailable once closed."""
        if self._closed:
            raise Unavailable("this transcriber was closed: make a new one")
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._pool, Models.load)
        return await asyncio.shield(self._loading)

    async def hear(
        self, audio: AsyncIterable[Audio], hearing: Hearing, make: Callable[[Models, Hearing], CallListener]
    ) -> AsyncIterator[Heard]:
        """Hear one call with the listener that `make` returns. Ends what it started when it is closed early."""
        models = await self.load()
        self._running += 1
        self._idle.clear()
        try:
            listener = await self._run(lambda: make(models, hearing))
            pace = _Pace()
            async for piece in audio:
                partials = pace.partials((piece.start_ts + piece.duration_ms) / 1000)
                if not hearing.partials:
                    partials = Partials.NONE
                step = _STEP_MS * 16
                for at in range(0, piece.samples.shape[0], step):
                    part = piece.samples[at : at + step]
                    for heard in await self._run(lambda part=part, worth=partials: listener.feed(part, partials=worth)):
                        yield heard
            for heard in await self._run(listener.finish):
                yield heard
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle.set()

    async def close(self) -> None:
        """Wait for the calls still being heard, then free the models and the threads."""
        self._closed = True
        await self._idle.wait()
        await asyncio.to_thread(self._pool.shutdown)
        self._loading = None

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on the pool. When cancelled, waits for it: nothing is left running."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise


class _Pace:
    """Which partials are worth their cost at the moment."""

    def __init__(self) -> None:
        self._first_lag: float | None = None
        self._best_lag = 0.0

    def partials(self, audio_end_s: float) -> Partials:
        lag = time.monotonic() - audio_end_s
        if self._first_lag is None:
            self._first_lag = self._best_lag = lag
        self._best_lag = min(lag, self._best_lag)
        if self._first_lag - lag >= _AHEAD_S:
            # Whatever the machine does beside it: the same file gives the same moments.
            return Partials.LONG_TURNS
        return Partials.ALL if lag - self._best_lag < _BEHIND_S else Partials.NONE
