"""The clock of one call: milliseconds of call audio, driven by the samples that arrive."""

from __future__ import annotations

import time
from collections.abc import Callable


class CallClock:
    """Where the call is now.

    `now_ts` is the end of the audio received so far plus the time that passed since it came: at real pace that is the
    moment that the people on the call live in; with audio sent later (after a dropped line) it is later than what is
    being heard, so what is found there counts as late. While paused it stands still.

    `monotonic` gives seconds; tests pass a virtual one.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._received_ts = 0.0
        self._received_at = monotonic()
        self._began_at: float | None = None
        self._running = False

    def begin(self) -> None:
        """The first audio of this process is there."""
        if self._began_at is None:
            self._began_at = self._monotonic()

    def received(self, audio_ms: float) -> float:
        """All audio up to `audio_ms` is there; returns the seconds that `monotonic` gave."""
        now = self._monotonic()
        if self._began_at is None:
            self._began_at = now
        self._received_ts = audio_ms
        self._received_at = now
        self._running = True
        return now

    def pause(self) -> None:
        self._received_ts = self.now_ts()
        self._running = False

    def now_ts(self) -> float:
        passed = (self._monotonic() - self._received_at) * 1000 if self._running else 0.0
        return self._received_ts + passed

    def at(self) -> float:
        """Seconds since the first audio was sent, 0.0 before."""
        return 0.0 if self._began_at is None else self._monotonic() - self._began_at
