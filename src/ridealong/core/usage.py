"""Tokens of models: what an answer, or what was no answer, is billed for, and what a day may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST_TOKENS: Final = 2_000
"""A day's budget that is smaller would hardly hold one question during a call."""
MOST_TOKENS: Final = 10**12


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one answer. `input` counts all of the prompt, `cache_read` and `cache_written` are parts of it."""

    input: int = 0
    cache_read: int = 0
    cache_written: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_written=self.cache_written + other.cache_written,
            output=self.output + other.output,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DayTokens:
    """Tokens that were spent on one day: `total` of all questions, `live` of those during calls among them."""

    total: int = 0
    live: int = 0

    def __add__(self, other: DayTokens) -> DayTokens:
        return DayTokens(total=self.total + other.total, live=self.live + other.live)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayLimits:
    """Tokens that may be spent on one day; 0: no limit.

    `total` is for all questions. `live` is set aside for those during calls: they may use no more, and all others leave
    them so many of `total`.
    """

    total: int = 0
    live: int = 0

    def left(self, spent: DayTokens, *, live: bool) -> int | None:
        """Tokens that are left for questions during calls (`live`) or for all others, 0 or more; None: no limit."""
        left: list[int] = []
        if self.total:
            kept = 0 if live else max(0, self.live - spent.live)
            left.append(self.total - spent.total - kept)
        if live and self.live:
            left.append(self.live - spent.live)
        return max(0, min(left)) if left else None

    def under(self, ceiling: DayLimits) -> DayLimits:
        """These limits, none above that of `ceiling`; where there is none here, its own."""
        return DayLimits(total=_lower(self.total, ceiling.total), live=_lower(self.live, ceiling.live))


def _lower(one: int, other: int) -> int:
    return min(limit for limit in (one, other) if limit) if one or other else 0
