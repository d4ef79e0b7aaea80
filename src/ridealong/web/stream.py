"""A running call's events down one socket.

The socket holds no queue of its own: while it cannot send, it does not take the next event, and the call's own bounded
memory decides what a lagging watcher loses (partials first, then the oldest; `missed` tells how many). So a socket
costs no memory however slow its client is, and the call never waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, cast
from uuid import UUID

from ridealong.core.events import MomentAhead, MomentDecided
from ridealong.live import Numbered, RunningCall
from ridealong.telemetry import events_dropped_total
from ridealong.web.socket import Line
from ridealong.web.wire import event_json, nudge_json


class _Closes(Protocol):
    async def aclose(self) -> None: ...


async def stream(
    line: Line, call: RunningCall, *, after: int, size: int, nudged: Callable[[UUID], Awaitable[object]] | None = None
) -> None:
    """Send the events after number `after` until the call is over and reviewed. Raises Gone.

    `nudged` hears of each small `nudge` message that was handed over, by its moment.

    The small `nudge` message goes out only while it is news: not for events that lie before the socket joined, and not
    for those that a stalled socket delivers more than `Limits.fresh_s` late. Their `moment` is always sent.
    """
    clock = asyncio.get_running_loop().time
    stale_through = call.last_seq
    last = min(after, stale_through)
    events = call.watch(after=last, size=size)
    try:
        async for numbered in events:
            if numbered.seq > last + 1:
                missed = numbered.seq - last - 1
                events_dropped_total.inc(missed)
                await line.send({"type": "missed", "count": missed, "after": last})
            last = max(last, numbered.seq)
            began = clock()
            shown = await _send(line, numbered, fresh=numbered.seq > stale_through)
            if shown is not None and nudged is not None and clock() - began <= line.limits.fresh_s:
                await nudged(shown)
            if clock() - began > line.limits.fresh_s:
                stale_through = call.last_seq
    finally:
        await _close(events)


async def _send(line: Line, numbered: Numbered, *, fresh: bool) -> UUID | None:
    """The moment whose nudge went out, if one did."""
    event, seq = numbered.event, numbered.seq
    shown: UUID | None = None
    if fresh and isinstance(event, MomentDecided | MomentAhead):
        # First the small message: it is what the rep is waiting for.
        nudge = nudge_json(event, seq)
        if nudge is not None:
            await line.send(nudge)
            shown = event.moment_id
    await line.send(event_json(event, seq))
    return shown


async def _close(events: AsyncIterator[Numbered]) -> None:
    # An async generator that is left half-way keeps its place in the call until it is collected.
    if hasattr(events, "aclose"):
        await cast("_Closes", events).aclose()
