"""Meetings of a calendar, and which one a call was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ridealong.core.context import LONGEST

EARLY: Final = timedelta(minutes=15)
"""A call may begin so long before its meeting, or after its end: people are early, and meetings run over."""

_LINES: Final[Mapping[str, str]] = {
    "customer": "customer",
    "deal": "deal",
    "call type": "call_type",
    "stage": "stage",
}
"""Lines of a description that say what is known: `Customer: Acme`."""

FREE_MAIL: Final = frozenset(
    (
        *(
            "gmail.com",
            "googlemail.com",
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "yahoo.com",
            "icloud.com",
        ),
        *("me.com", "aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "mail.com", "t-online.de"),
    )
)
"""Domains of mail that say nothing about whose people they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """One meeting, at one time. `people`: addresses in lower case of who organises and who is invited."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    title: str = ""
    description: str = ""
    people: tuple[str, ...] = ()
    declined: frozenset[str] = frozenset()
    rep_id: str = ""
    """Whose calendar it is in, where that is one rep's."""

    def said(self) -> dict[str, str]:
        """What the lines of its description say of the call's context."""
        found: dict[str, str] = {}
        for line in self.description.splitlines():
            name, colon, value = line.partition(":")
            part = _LINES.get(" ".join(name.split()).casefold())
            value = " ".join(value.split())
            if colon and part is not None and part not in found and _fits(part, value):
                found[part] = value
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a tenant's meetings are read. `own_domains`: of its own people, in lower case."""

    own_domains: frozenset[str] = frozenset()
    call_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The words of a title that mean a type of call, the first type that fits first."""

    def customers_people(self, meeting: Meeting) -> tuple[str, ...]:
        """Addresses of who is not of our own."""
        return tuple(email for email in meeting.people if _domain(email) not in self.own_domains)

    def context(self, meeting: Meeting) -> dict[str, str]:
        """What the meeting says of a call's context, by part; nothing where it says nothing."""
        found = meeting.said()
        if "customer" not in found:
            domains = {_domain(email) for email in self.customers_people(meeting)} - FREE_MAIL
            # Two firms in one meeting: which one is the customer is not to be guessed.
            if len(domains) == 1 and self.own_domains:
                found["customer"] = domains.pop()
        if "call_type" not in found:
            kind = next((kind for kind, words in self.call_types.items() if _named(words, meeting.title)), None)
            if kind is not None:
                found["call_type"] = kind
        return {part: value for part, value in found.items() if _fits(part, value)}


def choose(
    meetings: Sequence[Meeting],
    *,
    started_at: datetime,
    rep_id: str,
    rep_emails: frozenset[str],
    own_domains: frozenset[str] = frozenset(),
) -> tuple[Meeting | None, str]:
    """The meeting that the call was: by time, and by the rep. With none: why."""
    at_the_time = [m for m in meetings if m.starts_at - EARLY <= started_at < m.ends_at + EARLY]
    if not at_the_time:
        return None, "no meeting at the time of the call"
    of_rep = [m for m in at_the_time if (m.rep_id == rep_id if m.rep_id else not rep_emails.isdisjoint(m.people))]
    if not of_rep:
        return None, "the rep takes part in no meeting at that time"
    went = [m for m in of_rep if rep_emails.isdisjoint(m.declined)]
    if not went:
        return None, "the rep declined the meeting at that time"

    def rank(meeting: Meeting) -> tuple[bool, bool, timedelta]:
        with_others = any(_domain(email) not in own_domains for email in meeting.people)
        runs = meeting.starts_at - EARLY <= started_at < meeting.ends_at
        return not runs, not with_others, abs(meeting.starts_at - started_at)

    ranked = sorted(went, key=lambda m: (rank(m), m.uid))
    if len(ranked) > 1 and rank(ranked[0]) == rank(ranked[1]) and ranked[0].uid != ranked[1].uid:
        return None, "two meetings fit as well as each other"
    return ranked[0], ""


def _domain(email: str) -> str:
    return email.rpartition("@")[2]


def _named(words: Sequence[str], title: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", title, re.IGNORECASE) for word in words)


def _fits(part: str, value: str) -> bool:
    """Whether a call's context takes it."""
    return bool(value) and len(value) <= LONGEST[part] and value.isprintable()
