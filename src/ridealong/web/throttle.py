"""How often somebody may guess: buckets by key, in bounded memory, for one process."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ridealong.core.errors import Refused

MOST_KEYS: Final = 10_000


class TooManyAttempts(Refused):
    """Too many wrong attempts."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = max(1, round(retry_after_s + 0.5))
        """Whole seconds until the next attempt is taken."""
        super().__init__("too_many_attempts", f"too many attempts: try again in {self.retry_after_s} s")


@dataclass(kw_only=True, slots=True)
class Throttle:
    """`most` attempts at once for each key, then one every `every_s`.

    An attempt is taken before it is judged, so many at once gain nothing; one that was right is given back.
    """

    most: int
    every_s: float
    clock: Callable[[], float] = time.monotonic
    _spent: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict[str, tuple[float, float]])
    """Attempts spent by key, and when that was so; those that were least lately tried come first."""

    def take(self, key: str) -> None:
        """Raises TooManyAttempts; then nothing was taken."""
        now, spent = self.clock(), self._now(key)
        if spent + 1 > self.most:
            raise TooManyAttempts((spent + 1 - self.most) * self.every_s)
        self._keep(key, spent + 1, now)

    def give_back(self, key: str) -> None:
        """The attempt was right."""
        self._keep(key, max(0.0, self._now(key) - 1), self.clock())

    def forget(self, key: str) -> None:
        """Whoever this is has shown who they are."""
        self._spent.pop(key, None)

    def _now(self, key: str) -> float:
        spent, at = self._spent.get(key, (0.0, 0.0))
        return max(0.0, spent - (self.clock() - at) / self.every_s)

    def _keep(self, key: str, spent: float, now: float) -> None:
        self._spent[key] = (spent, now)
        self._spent.move_to_end(key)
        while len(self._spent) > MOST_KEYS:
            self._spent.popitem(last=False)


def network_of(address: str | None) -> str:
    """Whose attempts count together: an IPv4 address, or an IPv6 /64, of which one customer has the whole."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
