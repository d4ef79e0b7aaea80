"""An event loop whose time passes only while nothing can be done: deadlines of seconds are tested in none."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """Waits for nothing: where there is nothing to do before a timer, its time has come."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def run(coroutine: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What the coroutine gives, and how many seconds it took by its own clock. Threads do not fit into it."""
    loop = _Loop()
    try:
        return loop.run_until_complete(coroutine), loop.time()
    finally:
        loop.close()
