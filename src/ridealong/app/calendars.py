"""Tenants' calendars: kept, read when a call asks for its meeting, and never inside the network."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import structlog

from ridealong.app.crm_accounts import read_url
from ridealong.core.errors import InvalidDocument, InvalidSettings, Refused
from ridealong.core.meetings import Meeting, Reading, choose
from ridealong.core.sight import whole
from ridealong.crm.invitations import AROUND, LONGEST_CALENDAR, meetings_around, read_invitation
from ridealong.outside import Outside
from ridealong.store import calendars as stored
from ridealong.store.sealing import Sealing, Unreadable
from ridealong.web.calendars import (
    CalendarFeed,
    CalendarReading,
    Calendars,
    CallTypeWords,
    InvitationTaken,
    NewCalendarFeed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ridealong.store import Store
    from ridealong.store.calls import StoredCall

_log = structlog.get_logger(__name__)

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=5)
_MOST_FEEDS: Final = 200
_FRESH_S: Final = 120.0
"""A feed that was read so lately is not asked for again: ten calls that end at noon ask once."""
_KEPT: Final = 16
_AT_ONCE: Final = 8
INVITATION_DAYS: Final = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class Met:
    """What the calendars say of a call. Without a meeting `reasons` say why."""

    meeting: Meeting | None
    context: Mapping[str, str]
    people: tuple[str, ...]
    """Addresses of the customer's people."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCalendars:
    """Implements `web.calendars.CalendarsOfTenants`; `meeting_of` is what a call asks."""

    store: Store
    sealing: Sealing
    allow_private: bool = False
    _kept: dict[UUID, tuple[float, str]] = field(default_factory=dict[UUID, tuple[float, str]], repr=False)

    async def read(self, tenant_id: UUID) -> Calendars:
        async with self.store.tenant(tenant_id) as connection:
            setting = await stored.load_setting(connection)
            feeds = await stored.list_feeds(connection)
        return Calendars(
            reading=CalendarReading(
                own_domains=list(setting.own_domains),
                call_types=[CallTypeWords(call_type=k, words=list(w)) for k, w in setting.call_types.items()],
            ),
            feeds=[CalendarFeed.model_validate(feed, from_attributes=True) for feed in feeds],
        )

    async def write_reading(self, tenant_id: UUID, reading: CalendarReading) -> None:
        types = [one.call_type for one in reading.call_types]
        if len(set(types)) < len(types):
            raise Refused("bad_request", "`call_types`: a type is named twice")
        setting = stored.CalendarSetting(
            own_domains=tuple(reading.own_domains),
            call_types={one.call_type: tuple(one.words) for one in reading.call_types},
        )
        async with self.store.tenant(tenant_id) as connection:
            await stored.put_setting(connection, setting)

    async def add_feed(self, tenant_id: UUID, new: NewCalendarFeed) -> CalendarFeed:
        # What calendars give out begins with webcal:, which is https.
        url = new.url.replace("webcal://", "https://", 1) if new.url.startswith("webcal://") else new.url
        read_url(url.partition("?")[0], allow_private=self.allow_private)
        async with self.store.tenant(tenant_id) as connection:
            if len(await stored.list_feeds(connection)) >= _MOST_FEEDS:
                raise Refused("bad_request", f"a tenant has at most {_MOST_FEEDS} calendars: remove one first")
            feed_id = await stored.add_feed(
                connection,
                self.sealing,
                tenant_id,
                label=new.label,
                rep_id=new.rep_id,
                host=urlsplit(url).hostname or "",
                url=url,
            )
            made = next(feed for feed in await stored.list_feeds(connection) if feed.feed_id == feed_id)
        return CalendarFeed.model_validate(made, from_attributes=True)

    async def remove_feed(self, tenant_id: UUID, feed_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.remove_feed(connection, feed_id)
        self._kept.pop(feed_id, None)

    async def take_invitation(self, tenant_id: UUID, text: str) -> InvitationTaken:
        sent = await asyncio.to_thread(read_invitation, text)
        # A rep's app may send it: the invitation itself is the tenant's.
        async with self.store.tenant(whole(tenant_id)) as connection:
            if sent.cancelled:
                kept = await stored.drop_invitation(connection, sent.uid, sent.sequence)
            else:
                kept = await stored.put_invitation(
                    connection,
                    uid=sent.uid,
                    sequence=sent.sequence,
                    body=text,
                    starts_at=sent.starts_at,
                    ends_at=sent.ends_at,
                )
        return InvitationTaken(uid=sent.uid, cancelled=sent.cancelled, kept=kept)

    async def meeting_of(self, tenant_id: UUID, call: StoredCall) -> Met | None:
        """The meeting that the call was; None where the tenant has no calendar. Raises Unavailable."""
        async with self.store.tenant(tenant_id) as connection:
            setting = await stored.load_setting(connection)
            feeds = await stored.list_feeds(connection)
            sent = await stored.invitations_around(connection, call.started_at, AROUND)
            rep_emails, domains = await stored.rep_addresses(connection, call.rep_id)
        feeds = [feed for feed in feeds if feed.rep_id in ("", call.rep_id)]
        if not feeds and not sent:
            return None
        room = asyncio.Semaphore(_AT_ONCE)

        async def of_feed(feed: stored.Feed) -> tuple[list[Meeting], str]:
            async with room:
                return await self._meetings(tenant_id, feed, call.started_at)

        read = await asyncio.gather(*(of_feed(feed) for feed in feeds))
        found = [meeting for meetings, _ in read for meeting in meetings]
        for text in sent:
            try:
                found += await asyncio.to_thread(meetings_around, text, call.started_at)
            except InvalidDocument:
                # It could be read when it was taken: a newer library may see it otherwise.
                _log.warning("invitation_not_read", tenant_id=str(tenant_id))
        own = frozenset(setting.own_domains) | domains | {email.rpartition("@")[2] for email in rep_emails}
        meeting, reason = choose(
            found, started_at=call.started_at, rep_id=call.rep_id, rep_emails=rep_emails, own_domains=own
        )
        faults = tuple(fault for _, fault in read if fault)
        if meeting is None:
            return Met(meeting=None, context={}, people=(), reasons=(*faults, f"calendar: {reason}"))
        reading = Reading(own_domains=own, call_types=setting.call_types)
        return Met(
            meeting=meeting,
            context=reading.context(meeting),
            people=reading.customers_people(meeting),
            reasons=faults,
        )

    async def tidy(self, tenant_id: UUID) -> None:
        """Forget invitations whose meeting is long over. Raises Unavailable."""
        async with self.store.tenant(tenant_id) as connection:
            await stored.forget_invitations(connection, days=INVITATION_DAYS)

    async def _meetings(self, tenant_id: UUID, feed: stored.Feed, at: datetime) -> tuple[list[Meeting], str]:
        fault = ""
        meetings: list[Meeting] = []
        try:
            text = await self._text(tenant_id, feed)
            meetings = await asyncio.to_thread(meetings_around, text, at, rep_id=feed.rep_id)
        except InvalidDocument as error:
            fault = str(error.args[0])
        except (Unreadable, InvalidSettings, Refused) as error:
            fault = str(error)
        except TimeoutError:
            fault = "it does not answer in time"
        except (aiohttp.ClientError, OSError) as error:
            fault = f"it is not reached ({type(error).__name__})"
        async with self.store.tenant(tenant_id) as connection:
            await stored.note_reading(connection, feed.feed_id, fault)
        if fault:
            self._kept.pop(feed.feed_id, None)
        return meetings, f"calendar {feed.label}: {fault}" if fault else ""

    async def _text(self, tenant_id: UUID, feed: stored.Feed) -> str:
        """What the feed says. Raises InvalidDocument, Unreadable, Refused, or what a broken connection raises."""
        kept = self._kept.get(feed.feed_id)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        url = feed.open_url(self.sealing, tenant_id)
        read_url(url.partition("?")[0], allow_private=self.allow_private)
        connector = aiohttp.TCPConnector(resolver=None if self.allow_private else Outside(), force_close=True)
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(url, headers={"User-Agent": "Ridealong", "Accept": "text/calendar"}, allow_redirects=False) as got,
        ):
            if got.status != 200:
                raise InvalidDocument(f"its server answers {got.status}")
            raw = b""
            async for piece in got.content.iter_chunked(65_536):
                raw += piece
                if len(raw) > LONGEST_CALENDAR:
                    raise InvalidDocument(f"it is larger than {LONGEST_CALENDAR // 1024**2} MiB")
        text = raw.decode("utf-8", errors="replace")
        while len(self._kept) >= _KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[feed.feed_id] = (time.monotonic() + _FRESH_S, text)
        return text
