"""How long a server asks to be left alone, by the header `Retry-After` (RFC 9110, 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after` asks for, as a number or until a date; None where it asks for nothing."""
    told = (headers.get("retry-after") or "").strip()
    if told.isascii() and told.isdigit():
        # More digits than any wait has are no number that is worth making.
        return float(told[:9])
    return date_wait_s(headers)


def date_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the date of `retry-after`; None where it holds none, 0.0 where that has gone by.

    Counted from the answer's own `date`, so that no two clocks are compared; without one from ours.
    """
    until = _date(headers.get("retry-after"))
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date")) or datetime.now(UTC))).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
