"""Watchers: any number, each at its own pace, and no hole goes unseen."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from ridealong.core.events import CallStarted, PartialHeard, WarningGiven
from ridealong.core.transcript import SpeakerId
from ridealong.live.broadcast import Broadcast


def warning(number: int) -> WarningGiven:
    return WarningGiven(code=str(number), message="", at=0.0)


def partial(text: str) -> PartialHeard:
    return PartialHeard(speaker=SpeakerId(0), start_ts=0, end_ts=1, text=text, at=0.0)


async def test_every_watcher_sees_every_lasting_event_in_order() -> None:
    broadcast = Broadcast()

    async def numbers(after: int) -> list[int]:
        return [n.seq async for n in broadcast.watch(after=after, size=100)]

    async with asyncio.TaskGroup() as group:
        first = group.create_task(numbers(0))
        second = group.create_task(numbers(2))
        await asyncio.sleep(0)
        for number in range(5):
            broadcast.publish(warning(number))
            await asyncio.sleep(0)
        broadcast.close()
    assert first.result() == [1, 2, 3, 4, 5]
    assert second.result() == [3, 4, 5]


async def test_a_slow_watcher_loses_the_oldest_and_sees_the_hole() -> None:
    broadcast = Broadcast()
    watcher = broadcast.watch(after=0, size=3)
    broadcast.publish(CallStarted(call_id=uuid4()))
    assert (await anext(watcher)).seq == 1
    for number in range(10):
        broadcast.publish(warning(number))
    broadcast.close()
    assert [n.seq async for n in watcher] == [9, 10, 11]


async def test_only_the_newest_partial_reaches_a_watcher_and_it_takes_no_number() -> None:
    broadcast = Broadcast()
    watcher = broadcast.watch(after=0, size=10)
    broadcast.publish(CallStarted(call_id=uuid4()))
    for text in ("so", "so what", "so what does"):
        broadcast.publish(partial(text))
    assert (await anext(watcher)).seq == 1
    shown = await anext(watcher)
    assert isinstance(shown.event, PartialHeard)
    assert (shown.seq, shown.event.text) == (1, "so what does")
    broadcast.publish(warning(1))
    assert (await anext(watcher)).seq == 2
    await watcher.aclose()  # type: ignore[attr-defined]


async def test_a_partial_of_a_finished_utterance_is_not_shown_after_it() -> None:
    broadcast = Broadcast()
    broadcast.publish(partial("stale"))
    broadcast.publish(warning(1))
    broadcast.close()
    assert [n.seq async for n in broadcast.watch(after=0, size=10)] == [1]
