"""One call's events to any number of watchers, bounded for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from ridealong import telemetry
from ridealong.core.events import CallEvent, PartialHeard
from ridealong.live import Numbered

KEPT: Final = 4096
"""Lasting events kept for watchers that come later or lag: an hour of talk has about 1,000."""


class Broadcast:
    """The last events of a call. Watchers read at their own pace; who lags loses the oldest, partials first."""

    def __init__(self) -> None:
        self._next_seq = 1
        self._kept: deque[Numbered] = deque(maxlen=KEPT)
        self._partial: Numbered | None = None
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def last_seq(self) -> int:
        """The number of the latest lasting event, 0 before any."""
        return self._next_seq - 1

    def publish(self, event: CallEvent) -> None:
        """Send `event` to everybody who watches. Never waits."""
        if isinstance(event, PartialHeard):
            # Only the newest partial is of use to anybody: it is one slot, not a queue, and takes no number.
            self._partial = Numbered(seq=self.last_seq, event=event)
        else:
            self._kept.append(Numbered(seq=self._next_seq, event=event))
            self._next_seq += 1
            self._partial = None
        self._wake()

    def restore(self, numbered: Numbered) -> None:
        """Put an event of an earlier process back."""
        self._kept.append(numbered)
        self._next_seq = max(self._next_seq, numbered.seq + 1)

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        # A fresh event each time: every watcher holds the old one and sees it set, none can miss it.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def watch(self, *, after: int, size: int) -> AsyncIterator[Numbered]:
        """Events after number `after`, until the call is over."""
        seen = after
        shown: Numbered | None = None
        while True:
            changed = self._changed
            due = self._behind(seen)
            if len(due) > size:
                telemetry.events_dropped_total.inc(len(due) - size)
                due = due[-size:]
            for numbered in due:
                seen = numbered.seq
                yield numbered
            if due:
                continue
            if self._partial is not None and self._partial is not shown:
                shown = self._partial
                yield shown
                continue
            if self._closed:
                return
            await changed.wait()

    def _behind(self, seen: int) -> list[Numbered]:
        found: list[Numbered] = []
        for numbered in reversed(self._kept):
            if numbered.seq <= seen:
                break
            found.append(numbered)
        found.reverse()
        return found
