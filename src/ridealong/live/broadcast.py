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

    def __init__(self, first_seq: int = 1) -> None:
        self._next_seq = first_seq
        self._kept: deque[Numbered] = deque(maxlen=KEPT)
        self._partial: Numbered | None = None
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def last_seq(self) -> int:
        return self._next_seq - 1

    def publish(self, event: CallEvent) -> int:
        """Send `event` to everybody who watches; returns its number. Never waits."""
        numbered = Numbered(seq=self._next_seq, event=event)
        self._next_seq += 1
        if isinstance(event, PartialHeard):
            # Only the newest partial is of use to anybody: it is one slot, not a queue.
            self._partial = numbered
        else:
            self._kept.append(numbered)
        self._wake()
        return numbered.seq

    def restore(self, numbered: Numbered) -> None:
        """Put an event of an earlier process back."""
        self._kept.append(numbered)
        self._next_seq = max(self._next_seq, numbered.seq + 1)

    def jump(self, by: int) -> None:
        """Leave `by` numbers out."""
        self._next_seq += by

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
        while True:
            changed = self._changed
            due = [n for n in self._behind(seen) if n.seq > seen]
            if len(due) > size:
                telemetry.events_dropped_total.inc(len(due) - size)
                due = due[-size:]
            partial = self._partial
            if partial is not None and partial.seq > max(seen, due[-1].seq if due else 0):
                due.append(partial)
            for numbered in due:
                seen = numbered.seq
                yield numbered
            if due:
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
