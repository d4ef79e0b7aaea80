"""iCalendar (RFC 5545): the meetings of a calendar around a time, and invitations that were sent (RFC 5546)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ridealong.core.errors import InvalidDocument
from ridealong.core.meetings import Meeting
from ridealong.crm.repetition import Repetition

LONGEST_CALENDAR: Final = 8 * 1024 * 1024
LONGEST_INVITATION: Final = 256 * 1024
AROUND: Final = timedelta(hours=14)
"""How far from the time that is asked about a meeting may begin: one that lasts longer is no call."""
MOST_EVENTS: Final = 20_000
_READING_S: Final = 5.0
_PEOPLE: Final = 200
SOURCE: Final = "calendar.ics"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """One message about one meeting. `ends_at` None: it is repeated without an end."""

    uid: str
    sequence: int
    cancelled: bool
    starts_at: datetime
    ends_at: datetime | None


def read_invitation(text: str) -> Invitation:
    """What the message is about. Raises InvalidDocument for one that is none or has no meeting with a time."""
    if len(text.encode()) > LONGEST_INVITATION:
        raise InvalidDocument(f"the invitation is larger than {LONGEST_INVITATION // 1024} KiB", source=SOURCE)
    calendar = _parsed(text)
    events = [event for event in calendar.walk("VEVENT") if _begins(event, _zone(calendar)) is not None]
    uids = {str(event.get("UID", "")) for event in events}
    if len(uids) != 1 or not (uid := uids.pop()) or len(uid) > 1000:
        raise InvalidDocument("send one meeting, with its UID and the time it begins", source=SOURCE)
    zone = _zone(calendar)
    firsts = [event for event in events if "RECURRENCE-ID" not in event] or events
    # One that is called off for a single day goes on on the others.
    whole = any("RECURRENCE-ID" not in event for event in events)
    method = str(calendar.get("METHOD", "")).upper()
    repeated = any("RRULE" in event for event in events)
    times = [span for event in events if (span := _span(event, zone)) is not None]
    return Invitation(
        uid=uid,
        sequence=max(_number(event.get("SEQUENCE")) for event in events),
        cancelled=whole and (method == "CANCEL" or all(_cancelled(event) for event in firsts)),
        starts_at=min(begin for begin, _ in times),
        ends_at=None if repeated else max(end for _, end in times),
    )


def meetings_around(text: str, at: datetime, *, rep_id: str = "") -> list[Meeting]:
    """The meetings that begin within `AROUND` of `at`, repeated ones too. Whole days are none. Computes.

    What cannot be read of one meeting leaves that one out; raises InvalidDocument for what is no calendar at all, or
    takes too long.
    """
    calendar = _parsed(text)
    zone, until = _zone(calendar), time.monotonic() + _READING_S
    events = calendar.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        raise InvalidDocument(f"the calendar has more than {MOST_EVENTS} meetings", source=SOURCE)
    moved = {
        (str(event.get("UID", "")), instant) for event in events if (instant := _moved_from(event, zone)) is not None
    }
    called_off = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    found: list[Meeting] = []
    for event in events:
        if time.monotonic() > until:
            raise InvalidDocument("the calendar takes too long to read: give one with fewer meetings", source=SOURCE)
        span = _span(event, zone)
        uid = str(event.get("UID", ""))[:1000]
        if span is None or called_off or _cancelled(event):
            continue
        try:
            times = list(_times(event, zone, at - AROUND, at + AROUND))
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
        found += [
            _meeting(event, uid, begins.astimezone(UTC), span[1] - span[0], rep_id)
            for begins in times
            if "RECURRENCE-ID" in event or (uid, begins.astimezone(UTC)) not in moved
        ]
    return found


def _meeting(event: Any, uid: str, begins: datetime, lasts: timedelta, rep_id: str) -> Meeting:
    people: dict[str, bool] = {}
    for named in (*_several(event.get("ORGANIZER")), *_several(event.get("ATTENDEE"))):
        address = str(named).strip().lower()
        if address.startswith("mailto:") and "@" in address and len(people) < _PEOPLE:
            declined = str(getattr(named, "params", {}).get("PARTSTAT", "")).upper() == "DECLINED"
            people[address.removeprefix("mailto:")] = declined
    return Meeting(
        uid=uid,
        starts_at=begins,
        ends_at=begins + lasts,
        title=" ".join(str(event.get("SUMMARY", "")).split())[:1000],
        description=str(event.get("DESCRIPTION", ""))[:20_000],
        people=tuple(people),
        declined=frozenset(email for email, declined in people.items() if declined),
        rep_id=rep_id,
    )


def _parsed(text: str) -> Any:
    # Loading it takes a tenth of a second, which no other command should pay for.
    from icalendar import Calendar  # noqa: PLC0415

    if len(text.encode()) > LONGEST_CALENDAR:
        raise InvalidDocument(f"the calendar is larger than {LONGEST_CALENDAR // 1024**2} MiB", source=SOURCE)
    if "BEGIN:VCALENDAR" not in text[:10_000].upper():
        raise InvalidDocument("this is no iCalendar file: it begins with BEGIN:VCALENDAR", source=SOURCE)
    try:
        return Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        # What it says may repeat words of the calendar.
        raise InvalidDocument(
            "the calendar cannot be read: it is cut off, or not as RFC 5545 asks", source=SOURCE
        ) from None


def _zone(calendar: Any) -> tzinfo:
    """Where times without a zone are meant; most calendars say."""
    try:
        return ZoneInfo(str(calendar.get("X-WR-TIMEZONE", "UTC")))
    except (KeyError, ValueError, OSError):
        return UTC


def _begins(event: Any, zone: tzinfo) -> datetime | None:
    return _instant(event.get("DTSTART"), zone)


def _span(event: Any, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """None for whole days, and where no sense can be made of it."""
    begins = _begins(event, zone)
    if begins is None:
        return None
    ends = _instant(event.get("DTEND"), zone)
    if ends is None:
        lasts = getattr(event.get("DURATION"), "dt", None)
        ends = begins + lasts if isinstance(lasts, timedelta) else begins
    return None if ends < begins or ends - begins > timedelta(days=1) else (begins, ends)


def _instant(value: Any, zone: tzinfo) -> datetime | None:
    try:
        # Of a property that is broken, this raises a ValueError.
        told = getattr(value, "dt", None)
        if not isinstance(told, datetime):
            return None
        made = told if told.tzinfo is not None else told.replace(tzinfo=zone)
        # Years at either end of the calendar have no room for a zone.
        return made if 1900 <= made.astimezone(UTC).year <= 9000 else None
    except (OverflowError, ValueError):
        return None


def _moved_from(event: Any, zone: tzinfo) -> datetime | None:
    instant = _instant(event.get("RECURRENCE-ID"), zone)
    return None if instant is None else instant.astimezone(UTC)


def _times(event: Any, zone: tzinfo, after: datetime, before: datetime) -> Iterator[datetime]:
    """When it begins, between these two."""
    first = _begins(event, zone)
    if first is None:
        return
    rule = event.get("RRULE")
    left_out = {
        instant.astimezone(UTC)
        for listed in _several(event.get("EXDATE"))
        for one in getattr(listed, "dts", ())
        if (instant := _instant(one, zone)) is not None
    }
    times = [first]
    if rule is not None and "RECURRENCE-ID" not in event and not isinstance(rule, list):
        times += _repeated(rule, first, after, before)
    for listed in _several(event.get("RDATE")):
        times += [instant for one in getattr(listed, "dts", ()) if (instant := _instant(one, zone)) is not None]
    seen: set[datetime] = set()
    for begins in times:
        instant = begins.astimezone(UTC)
        if after <= instant <= before and instant not in left_out and instant not in seen:
            seen.add(instant)
            yield begins


def _repeated(rule: Mapping[str, Any], first: datetime, after: datetime, before: datetime) -> list[datetime]:
    """The times of a rule between these two; none of one that is not read."""
    repetition = Repetition.read(rule, first)
    if repetition is None:
        return []
    last = before
    until = repetition.until
    if isinstance(until, datetime):
        last = min(last, until if until.tzinfo is not None else until.replace(tzinfo=first.tzinfo))
    elif until is not None:
        last = min(last, datetime(until.year, until.month, until.day, tzinfo=first.tzinfo) + timedelta(days=1))
    day, found = after.astimezone(first.tzinfo).date(), list[datetime]()
    while day <= before.astimezone(first.tzinfo).date():
        begins = datetime.combine(day, first.timetz())
        if begins <= last and repetition.on(day):
            found.append(begins)
        day += timedelta(days=1)
    return found


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore[reportUnknownArgumentType]


def _cancelled(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _number(value: Any) -> int:
    try:
        return max(0, min(int(value), 2**31 - 1))
    except (TypeError, ValueError):
        return 0
