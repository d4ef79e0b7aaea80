"""A call that exists as a transcript already: its utterances, at the pace they were spoken or at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from ridealong.core.transcript import Utterance
from ridealong.live.clock import CallClock
from ridealong.speech import Activity, HeardThrough

STEP_MS: Final = 250
"""In a pause the clock goes on in such steps, so that a silence is seen while it lasts."""


class FinishedTranscript:
    """Implements `live.session.Source`. `speed` 1.0 is real pace; 0 is as fast as it goes."""

    def __init__(self, utterances: Sequence[Utterance], *, speed: float = 0.0) -> None:
        self._utterances = utterances
        self._speed = speed

    @property
    def at_once(self) -> bool:
        return self._speed == 0

    async def heard(self, clock: CallClock) -> AsyncIterator[Utterance | Activity | HeardThrough]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        now_ts = 0
        # People overlap: the clock may only reach what no later line begins before.
        still_open = _latest_starts(self._utterances)
        # A "mhm" within a long turn is written before it: only the times of all lines say that nobody was silent there.
        activity = deque(_activity(self._utterances))

        async def reach(ts: int) -> None:
            if self._speed > 0:
                await asyncio.sleep(max(0.0, began + ts / 1000 / self._speed - loop.time()))
            clock.received(ts)

        clock.begin()
        for utterance, open_from in zip(self._utterances, still_open, strict=True):
            while now_ts < open_from:
                now_ts = min(now_ts + STEP_MS, open_from)
                await reach(now_ts)
                while activity and activity[0].at_ts <= now_ts:
                    yield activity.popleft()
                yield HeardThrough(ts=now_ts)
            await reach(max(now_ts, utterance.end_ts))
            while activity and activity[0].at_ts <= utterance.end_ts:
                yield activity.popleft()
            yield utterance
            now_ts = max(now_ts, min(utterance.end_ts, open_from))


def _activity(utterances: Sequence[Utterance]) -> list[Activity]:
    """When somebody begins to speak and when nobody does any more, whoever they are."""
    found: list[Activity] = []
    until_ts: int | None = None
    for utterance in sorted(utterances, key=lambda u: u.start_ts):
        if until_ts is None or utterance.start_ts > until_ts:
            if until_ts is not None:
                found.append(Activity(at_ts=until_ts, speaking=False))
            found.append(Activity(at_ts=utterance.start_ts, speaking=True))
        until_ts = max(until_ts or 0, utterance.end_ts)
    return found if until_ts is None else [*found, Activity(at_ts=until_ts, speaking=False)]


def _latest_starts(utterances: Sequence[Utterance]) -> list[int]:
    """For each utterance the earliest start of it and all that follow."""
    starts: list[int] = []
    earliest = 0
    for utterance in reversed(utterances):
        earliest = min(earliest, utterance.start_ts) if starts else utterance.start_ts
        starts.append(earliest)
    starts.reverse()
    return starts
