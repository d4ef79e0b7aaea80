"""Whether a repeated meeting takes place on a day (RFC 5545, section 3.3.10), by looking at the day alone.

General libraries walk from the first time on, and a rule that never fits ("each year on 30 February") keeps them busy
to the year 9999. Asked about single days, the answer takes the same short time for every rule. What meetings are not
repeated by (hours, numbers of weeks, days of the year) is not read.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

_DAYS: Final = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_KNOWN: Final = frozenset(
    ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYHOUR", "BYMINUTE")
)
_COUNTED_DAYS: Final = 366 * 10
"""Days through which a number of times is counted; a meeting that is repeated so often for longer has ended for us."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repetition:
    """A rule, from the day of the first time on. `days`: weekdays (0 is Monday), each with its number or 0."""

    first: date
    every: str
    interval: int = 1
    count: int | None = None
    until: datetime | date | None = None
    week_start: int = 0
    days: tuple[tuple[int, int], ...] = ()
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    places: frozenset[int] = frozenset()

    @classmethod
    def read(cls, rule: Mapping[str, Any], first: datetime) -> Repetition | None:
        """The rule as `icalendar` parsed it; None for one that is not read. Raises ValueError."""
        parts: dict[str, list[Any]] = {
            str(name).upper(): list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore[reportUnknownArgumentType]
            for name, value in rule.items()
        }
        every = str(parts.get("FREQ", [""])[0]).upper()
        if every not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or not _KNOWN.issuperset(parts):
            return None
        # The same time of day as the first one, said once more.
        if parts.get("BYHOUR", [first.hour]) != [first.hour] or parts.get("BYMINUTE", [first.minute]) != [first.minute]:
            return None
        if "BYSETPOS" in parts and (every not in ("MONTHLY", "YEARLY") or (every == "YEARLY" and "COUNT" in parts)):
            return None
        days = tuple(_day(str(day)) for day in parts.get("BYDAY", ()))
        if every in ("DAILY", "WEEKLY") and (any(number for _, number in days) or "BYMONTHDAY" in parts):
            return None
        return cls(
            first=first.date(),
            every=every,
            interval=max(1, int(parts.get("INTERVAL", [1])[0])),
            count=int(parts["COUNT"][0]) if "COUNT" in parts else None,
            until=parts["UNTIL"][0] if "UNTIL" in parts else None,
            week_start=_DAYS[str(parts.get("WKST", ["MO"])[0]).upper()],
            days=days,
            months=frozenset(int(month) for month in parts.get("BYMONTH", ())),
            month_days=frozenset(int(day) for day in parts.get("BYMONTHDAY", ())),
            places=frozenset(int(place) for place in parts.get("BYSETPOS", ())),
        )

    def on(self, day: date) -> bool:
        """Whether it takes place on that day, as far as the day says: `until` may fall within it."""
        if not self._fits(day):
            return False
        if self.count is None:
            return True
        passed = (day - self.first).days
        if passed > _COUNTED_DAYS:
            return False
        before = sum(self._fits(self.first + timedelta(days=n)) for n in range(passed))
        return before < self.count

    def _fits(self, day: date) -> bool:
        if day < self.first:
            return False
        match self.every:
            case "DAILY":
                return (day - self.first).days % self.interval == 0 and self._month(day) and self._weekday(day)
            case "WEEKLY":
                weeks = (self._week(day) - self._week(self.first)).days // 7
                return weeks % self.interval == 0 and self._month(day) and self._weekday(day, self.first.weekday())
            case "MONTHLY":
                months = (day.year - self.first.year) * 12 + day.month - self.first.month
                return months % self.interval == 0 and self._month(day) and self._in_set(_month_of(day), day)
            case _:
                return (day.year - self.first.year) % self.interval == 0 and self._in_set(_year_of(day), day)

    def _in_set(self, period: Sequence[date], day: date) -> bool:
        """Whether the period's days that the rule means hold that day, and at one of the places that it names."""
        if not self.places:
            return self._meant(day)
        meant = [one for one in period if self._meant(one)]
        named = {meant[place - 1 if place > 0 else place] for place in self.places if 0 < abs(place) <= len(meant)}
        return day in named

    def _meant(self, day: date) -> bool:
        if not self._month(day):
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        if self.month_days and not self.month_days & {day.day, day.day - length - 1}:
            return False
        if self.days:
            return any(weekday == day.weekday() and self._numbered(day, number) for weekday, number in self.days)
        if self.month_days:
            return True
        # Nothing names a day: the first time does, and where no month is named, in a year its month too.
        of_year = self.every == "YEARLY" and not self.months
        return day.day == self.first.day and (not of_year or day.month == self.first.month)

    def _numbered(self, day: date, number: int) -> bool:
        if number == 0:
            return True
        if self.every == "YEARLY" and not self.months:
            place, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
        else:
            place, length = day.day, calendar.monthrange(day.year, day.month)[1]
        return number in ((place - 1) // 7 + 1, -((length - place) // 7 + 1))

    def _month(self, day: date) -> bool:
        return not self.months or day.month in self.months

    def _weekday(self, day: date, otherwise: int | None = None) -> bool:
        if self.days:
            return any(weekday == day.weekday() for weekday, _ in self.days)
        return otherwise is None or day.weekday() == otherwise

    def _week(self, day: date) -> date:
        """The first day of its week."""
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)


def _day(text: str) -> tuple[int, int]:
    """`2MO` is the second Monday, `-1FR` the last Friday, `TU` every Tuesday. Raises ValueError or KeyError."""
    number = text[:-2]
    return _DAYS[text[-2:].upper()], int(number) if number else 0


def _month_of(day: date) -> list[date]:
    return [day.replace(day=n + 1) for n in range(calendar.monthrange(day.year, day.month)[1])]


def _year_of(day: date) -> list[date]:
    begin = date(day.year, 1, 1)
    return [begin + timedelta(days=n) for n in range(366 if calendar.isleap(day.year) else 365)]
