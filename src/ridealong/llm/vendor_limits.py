"""What a vendor's rate limit leaves of one key and model, for all calls and reviews that ask it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ridealong.llm import Limits

_BELIEVED_S: Final = 600.0
"""So long a vendor's word is believed that nothing is left: limits are raised meanwhile, and asking costs nothing."""


class VendorLimits:
    """What the rate limit of one key and model leaves, as the last answer said, less what was sent since.

    What is still under way when an answer comes may be missing in what it says, so it stays taken off. However long a
    vendor wants to be left alone (for a day, where a day's questions are used up), it is asked again after ten minutes.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limits = Limits()
        self._seen_at = clock()
        self._requests_since = 0
        self._tokens_since = 0
        self._under_way: list[int] = []
        self._closed_until = 0.0

    def wait_s(self, tokens: int) -> float:
        """Seconds until a question of that many tokens would pass; 0.0: now."""
        now = self._clock()
        passed, limits = now - self._seen_at, self._limits
        if passed >= _BELIEVED_S:
            limits = Limits()
        requests, tokens = 1 + self._requests_since, tokens + self._tokens_since
        return max(
            0.0,
            self._closed_until - now,
            _missing_s(limits.requests, limits.requests_left, limits.requests_reset_s, requests, passed),
            _missing_s(limits.tokens, limits.tokens_left, limits.tokens_reset_s, tokens, passed),
        )

    def sent(self, tokens: int) -> None:
        """A question of about that many tokens is under way. Follow it by `ended`."""
        self._requests_since += 1
        self._tokens_since += tokens
        self._under_way.append(tokens)

    def ended(self, tokens: int, limits: Limits | None = None) -> None:
        """One that was `sent` with so many tokens ended; `limits`: what its answer said."""
        self._under_way.remove(tokens)
        if limits is not None:
            self._limits, self._seen_at = limits, self._clock()
            self._requests_since, self._tokens_since = len(self._under_way), sum(self._under_way)

    def not_sent(self, tokens: int) -> None:
        """It did not reach the vendor after all."""
        self._requests_since = max(0, self._requests_since - 1)
        self._tokens_since = max(0, self._tokens_since - tokens)

    def refused(self, retry_after_s: float | None) -> None:
        """The vendor said that it is busy; without a time a second is waited."""
        wait_s = 1.0 if retry_after_s is None else min(retry_after_s, _BELIEVED_S)
        self._closed_until = max(self._closed_until, self._clock() + wait_s)


def _missing_s(size: int | None, left: int | None, reset_s: float | None, need: int, passed: float) -> float:
    """Seconds until `need` are there. The window refills evenly: `reset_s` after the answer it is full."""
    if left is None or reset_s is None:
        return 0.0
    if passed >= reset_s or need <= left:
        return 0.0
    if size is None or size <= left:
        return reset_s - passed
    missing = min(need, size) - left
    return max(0.0, missing * reset_s / (size - left) - passed)
