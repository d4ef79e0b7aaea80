"""How many moments of a call an attention budget lets be shown at all, before anything is judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """At most `max_nudges` in any `window_ms` of call audio."""

    max_nudges: int
    window_ms: int

    def most_of(self, moments_ts: Iterable[int]) -> int:
        """The most of these moments that could be shown, each at its own time.

        Taking each as soon as the budget has room is best: whoever waits for a later one has no more room after it.
        """
        shown: deque[int] = deque(maxlen=max(self.max_nudges, 1))
        count = 0
        for ts in sorted(moments_ts):
            if self.max_nudges and (len(shown) < self.max_nudges or ts - shown[0] >= self.window_ms):
                shown.append(ts)
                count += 1
        return count
