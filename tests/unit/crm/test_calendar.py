"""Calendars as RFC 5545 has them: what takes place around a time, and which meeting a call was."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from icalendar import vRecur

from ridealong.core.errors import InvalidDocument
from ridealong.core.meetings import Meeting, Reading, choose
from ridealong.crm.invitations import meetings_around, read_invitation
from ridealong.crm.repetition import Repetition

AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def calendar(*lines: str, head: str = "") -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *filter(None, [head]), *lines, "END:VCALENDAR"))


def event(*lines: str) -> tuple[str, ...]:
    return ("BEGIN:VEVENT", *lines, "END:VEVENT")


WEEKLY = event(
    "UID:a1",
    "DTSTART;TZID=Europe/Berlin:20260928T100000",
    "DTEND;TZID=Europe/Berlin:20260928T110000",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261231T000000Z",
    "EXDATE;TZID=Europe/Berlin:20261109T100000",
    "SUMMARY:Weekly",
)
MOVED = event(
    "UID:a1",
    "RECURRENCE-ID;TZID=Europe/Berlin:20261112T100000",
    "DTSTART;TZID=Europe/Berlin:20261112T150000",
    "DURATION:PT30M",
    "SUMMARY:Moved",
)


def found(text: str, at: datetime = AT) -> list[tuple[str, datetime]]:
    return [(m.title, m.starts_at) for m in meetings_around(text, at)]


def test_a_repeated_meeting_keeps_its_hour_when_the_clocks_change() -> None:
    text = calendar(*WEEKLY)
    assert found(text) == [("Weekly", datetime(2026, 11, 16, 9, 0, tzinfo=UTC))]
    assert found(text, datetime(2026, 10, 5, 9, tzinfo=UTC)) == [("Weekly", datetime(2026, 10, 5, 8, 0, tzinfo=UTC))]


def test_days_that_are_left_out_moved_or_past_the_end_are_none() -> None:
    text = calendar(*WEEKLY, *MOVED)
    assert found(text, datetime(2026, 11, 9, 9, tzinfo=UTC)) == []
    assert found(text, datetime(2026, 11, 12, 9, tzinfo=UTC)) == [("Moved", datetime(2026, 11, 12, 14, 0, tzinfo=UTC))]
    assert found(text, datetime(2027, 1, 4, 9, tzinfo=UTC)) == []


def test_times_without_a_zone_are_meant_where_the_calendar_lies() -> None:
    text = calendar(*event("UID:1", "DTSTART:20261116T100000"), head="X-WR-TIMEZONE:America/New_York")
    assert found(text) == [("", datetime(2026, 11, 16, 15, 0, tzinfo=UTC))]


@pytest.mark.parametrize(
    "lines",
    [
        ("UID:1", "DTSTART;VALUE=DATE:20261116"),
        ("UID:1", "DTSTART:nonsense"),
        ("UID:1",),
        ("UID:1", "DTSTART:20261116T090000Z", "DTEND:20261115T090000Z"),
        ("UID:1", "DTSTART:20261116T090000Z", "STATUS:CANCELLED"),
        ("UID:1", "DTSTART:19010101T090000Z", "RRULE:FREQ=SECONDLY"),
        ("UID:1", "DTSTART:19010101T090000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        ("UID:1", "DTSTART:19010101T090000Z", "RRULE:FREQ=NEVER"),
    ],
)
def test_what_is_no_meeting_at_a_time_is_left_out(lines: tuple[str, ...]) -> None:
    assert found(calendar(*event(*lines), *event("UID:2", "DTSTART:20261116T090000Z", "SUMMARY:Good"))) == [
        ("Good", AT)
    ]


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:secret words"])
def test_what_is_no_calendar_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        meetings_around(text, AT)
    assert "secret" not in str(refused.value)


def test_repetitions_are_read_as_a_general_library_reads_them() -> None:
    chance = random.Random(7)
    compared = 0
    for _ in range(120):
        rule = chance.choice(
            [
                "FREQ=DAILY;INTERVAL={n}",
                "FREQ=DAILY;INTERVAL={n};BYDAY=MO,TU,WE,TH,FR",
                "FREQ=WEEKLY;INTERVAL={n};BYDAY={d},{e};WKST={w}",
                "FREQ=WEEKLY;INTERVAL={n}",
                "FREQ=WEEKLY;BYDAY={d};BYMONTH={m}",
                "FREQ=MONTHLY;INTERVAL={n}",
                "FREQ=MONTHLY;BYDAY={o}{d}",
                "FREQ=MONTHLY;BYMONTHDAY={day}",
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={o}",
                "FREQ=MONTHLY;BYDAY={d};BYMONTHDAY=1,2,3,4,5,6,7",
                "FREQ=YEARLY",
                "FREQ=YEARLY;BYMONTH={m};BYDAY={o}{d}",
                "FREQ=YEARLY;BYMONTH={m}",
                "FREQ=YEARLY;BYMONTH={m};BYMONTHDAY={day}",
                "FREQ=WEEKLY;COUNT={c};BYDAY={d},{e}",
                "FREQ=MONTHLY;COUNT={c};BYDAY={o}{d}",
            ]
        ).format(
            n=chance.randint(1, 4),
            d=chance.choice(["MO", "TU", "WE"]),
            e=chance.choice(["TH", "FR", "SA", "SU"]),
            w=chance.choice(["MO", "SU"]),
            o=chance.choice([1, 2, 3, -1, -2]),
            m=chance.randint(1, 12),
            day=chance.choice([1, 15, 28, 31, -1]),
            c=chance.randint(1, 40),
        )
        first = datetime(2025, chance.randint(1, 12), chance.randint(1, 28), 10, 0)
        last = first + timedelta(days=200)
        theirs = {at.date() for at in rrulestr(rule, dtstart=first).between(first, last, inc=True)}
        repetition = Repetition.read(vRecur.from_ical(rule), first)
        assert repetition is not None, rule
        days = [first.date() + timedelta(days=n) for n in range(200)]
        ours = {day for day in days if repetition.on(day)}
        assert ours == {day for day in theirs if day <= days[-1]}, (rule, first)
        compared += len(ours)
    assert compared > 800


def test_a_repetition_asked_for_a_far_day_answers_at_once() -> None:
    repetition = Repetition.read(vRecur.from_ical("FREQ=DAILY;COUNT=9"), datetime(1901, 1, 1, 9))
    assert repetition is not None and not repetition.on(date(2026, 1, 1))


def test_a_cancellation_is_of_the_whole_meeting_or_of_one_day() -> None:
    off = read_invitation(calendar(*event("UID:1", "DTSTART:20261116T090000Z", "SEQUENCE:3"), head="METHOD:CANCEL"))
    assert (off.uid, off.sequence, off.cancelled) == ("1", 3, True)
    one_day = event("UID:1", "RECURRENCE-ID:20261116T090000Z", "DTSTART:20261116T090000Z", "STATUS:CANCELLED")
    assert not read_invitation(calendar(*one_day)).cancelled
    with pytest.raises(InvalidDocument):
        read_invitation(
            calendar(*event("UID:1", "DTSTART:20261116T090000Z"), *event("UID:2", "DTSTART:20261116T090000Z"))
        )


def meeting(
    uid: str = "m", minutes: int = 0, *people: str, rep_id: str = "", declined: str = "", **more: str
) -> Meeting:
    starts = AT + timedelta(minutes=minutes)
    return Meeting(
        uid=uid,
        starts_at=starts,
        ends_at=starts + timedelta(minutes=30),
        people=people or ("ana@our.example", "bob@acme.example"),
        declined=frozenset([declined]),
        rep_id=rep_id,
        **more,
    )


def chosen(*meetings: Meeting, at: datetime = AT) -> str:
    found, why = choose(
        meetings,
        started_at=at,
        rep_id="ana",
        rep_emails=frozenset(["ana@our.example"]),
        own_domains=frozenset(["our.example"]),
    )
    return why if found is None else found.uid


def test_the_meeting_of_a_call_is_found_by_time_and_rep() -> None:
    assert chosen(meeting("a"), meeting("b", 60)) == "a"
    assert chosen(meeting("a", 10)) == "a", "people are early"
    assert chosen(meeting("a"), at=AT + timedelta(minutes=40)) == "a", "meetings run over"
    assert chosen(meeting("a", -30), meeting("b", 0)) == "b", "the next one rather than the last one"
    assert chosen(meeting("team", 0, "ana@our.example", "max@our.example"), meeting("a", 5)) == "a"
    assert chosen(meeting("a", 0, "somebody@x.example", rep_id="ana")) == "a", "her own calendar"
    assert chosen(meeting("a", 0, rep_id="max")) == "the rep takes part in no meeting at that time"
    assert chosen(meeting("a", 0, declined="ana@our.example")) == "the rep declined the meeting at that time"
    assert chosen(meeting("a"), meeting("b")) == "two meetings fit as well as each other"
    assert chosen(meeting("a", 120)) == "no meeting at the time of the call"


def test_a_meeting_says_the_customer_only_where_nothing_has_to_be_guessed() -> None:
    reading = Reading(own_domains=frozenset(["our.example"]), call_types={"renewal": ("renew",), "demo": ("Demo",)})
    assert reading.context(meeting(title="A demo, no renewal")) == {"customer": "acme.example", "call_type": "demo"}
    assert reading.context(meeting("m", 0, "a@our.example", "b@x.example", "c@y.example")) == {}
    assert reading.context(meeting("m", 0, "a@our.example", "b@gmail.com")) == {}
    assert Reading().context(meeting()) == {}, "whose people are our own is not known"
    told = meeting(description="Customer: Acme\nCUSTOMER: other\ncall type: demo\nDeal:\nStage: " + "x" * 65)
    assert reading.context(told) == {"customer": "Acme", "call_type": "demo"}
