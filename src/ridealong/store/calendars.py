"""A tenant's calendars: how they are read, the feeds with their sealed addresses, and invitations that were sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.errors import Refused

if TYPE_CHECKING:
    from ridealong.store.sealing import Sealing


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarSetting:
    own_domains: tuple[str, ...] = ()
    call_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """`host`: the part of its address that may be shown."""

    feed_id: UUID
    label: str
    rep_id: str
    host: str
    last_at: datetime | None
    last_fault: str
    sealed_url: bytes = field(repr=False)

    def open_url(self, sealing: Sealing, tenant_id: UUID) -> str:
        """Raises Unreadable or InvalidSettings."""
        return sealing.open(self.sealed_url, bound_to=_bound_to(tenant_id, self.feed_id))


async def load_setting(connection: AsyncConnection) -> CalendarSetting:
    cursor = await connection.execute("SELECT own_domains, call_types FROM calendar_setting")
    row = await cursor.fetchone()
    if row is None:
        return CalendarSetting()
    # As a list in the database: the order says which type is tried first, and jsonb keeps none of a mapping.
    return CalendarSetting(own_domains=tuple(row[0]), call_types={kind: tuple(words) for kind, words in row[1]})


async def put_setting(connection: AsyncConnection, setting: CalendarSetting) -> None:
    await connection.execute(
        "INSERT INTO calendar_setting (tenant_id, own_domains, call_types) VALUES (current_tenant(), %s, %s::jsonb)"
        " ON CONFLICT (tenant_id) DO UPDATE SET own_domains = EXCLUDED.own_domains,"
        " call_types = EXCLUDED.call_types, changed_at = now()",
        [
            list(setting.own_domains),
            json.dumps([[kind, list(words)] for kind, words in setting.call_types.items()]),
        ],
    )


async def list_feeds(connection: AsyncConnection) -> list[Feed]:
    cursor = await connection.execute(
        "SELECT feed_id, label, rep_id, host, last_at, last_fault, sealed_url FROM calendar_feed"
        " ORDER BY label, feed_id"
    )
    return [
        Feed(
            feed_id=row[0],
            label=row[1],
            rep_id=row[2],
            host=row[3],
            last_at=row[4],
            last_fault=row[5],
            sealed_url=bytes(row[6]),
        )
        for row in await cursor.fetchall()
    ]


async def add_feed(
    connection: AsyncConnection, sealing: Sealing, tenant_id: UUID, *, label: str, rep_id: str, host: str, url: str
) -> UUID:
    """Its id. Raises as `Sealing.seal`."""
    feed_id = uuid4()
    sealed = sealing.seal(url, bound_to=_bound_to(tenant_id, feed_id))
    await connection.execute(
        "INSERT INTO calendar_feed (tenant_id, feed_id, label, rep_id, host, sealed_url)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s)",
        [feed_id, label, rep_id, host, sealed],
    )
    return feed_id


async def remove_feed(connection: AsyncConnection, feed_id: UUID) -> None:
    """Raises Refused('not_found')."""
    cursor = await connection.execute("DELETE FROM calendar_feed WHERE feed_id = %s", [feed_id])
    if cursor.rowcount == 0:
        raise Refused("not_found", "there is no such calendar")


async def note_reading(connection: AsyncConnection, feed_id: UUID, fault: str) -> None:
    """It was read now; `fault`: why it could not be."""
    await connection.execute(
        "UPDATE calendar_feed SET last_at = now(), last_fault = %s WHERE feed_id = %s", [fault, feed_id]
    )


async def seal_feeds_anew(connection: AsyncConnection, sealing: Sealing, tenant_id: UUID) -> int:
    """Seal the addresses under the operator's newest key; how many were changed. Raises Unreadable."""
    changed = 0
    for feed in await list_feeds(connection):
        if not sealing.current(feed.sealed_url):
            sealed = sealing.seal(feed.open_url(sealing, tenant_id), bound_to=_bound_to(tenant_id, feed.feed_id))
            await connection.execute(
                "UPDATE calendar_feed SET sealed_url = %s WHERE feed_id = %s", [sealed, feed.feed_id]
            )
            changed += 1
    return changed


async def put_invitation(
    connection: AsyncConnection, *, uid: str, sequence: int, body: str, starts_at: datetime, ends_at: datetime | None
) -> bool:
    """Keep it in place of an earlier one of the same meeting; False where a later one is there already."""
    cursor = await connection.execute(
        "INSERT INTO calendar_invitation (tenant_id, uid, sequence, body, starts_at, ends_at)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, uid) DO UPDATE"
        " SET sequence = EXCLUDED.sequence, body = EXCLUDED.body, starts_at = EXCLUDED.starts_at,"
        " ends_at = EXCLUDED.ends_at, received_at = now() WHERE calendar_invitation.sequence <= EXCLUDED.sequence",
        [uid, sequence, body, starts_at, ends_at],
    )
    return cursor.rowcount > 0


async def drop_invitation(connection: AsyncConnection, uid: str, sequence: int) -> bool:
    """It was called off; whether there was one that is not newer."""
    cursor = await connection.execute(
        "DELETE FROM calendar_invitation WHERE uid = %s AND sequence <= %s", [uid, sequence]
    )
    return cursor.rowcount > 0


async def invitations_around(connection: AsyncConnection, at: datetime, around: timedelta) -> list[str]:
    """Those whose meeting may be within `around` of that time; a repeated one counts from its first time on."""
    cursor = await connection.execute(
        "SELECT body FROM calendar_invitation WHERE starts_at <= %s AND coalesce(ends_at, 'infinity') >= %s"
        " ORDER BY received_at DESC LIMIT 1000",
        [at + around, at - around],
    )
    return [row[0] for row in await cursor.fetchall()]


async def forget_invitations(connection: AsyncConnection, *, days: int) -> int:
    """Remove those whose meeting ended longer ago, and repeated ones that came longer ago than a year; how many."""
    cursor = await connection.execute(
        "DELETE FROM calendar_invitation WHERE coalesce(ends_at, received_at + interval '1 year')"
        " < now() - make_interval(days => %s)",
        [days],
    )
    return cursor.rowcount


async def rep_addresses(connection: AsyncConnection, rep_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """(addresses of that rep, domains of all members)."""
    cursor = await connection.execute("SELECT email, rep_id FROM member WHERE disabled_at IS NULL")
    rows = await cursor.fetchall()
    own = {row[0] for row in rows if row[1] == rep_id}
    if "@" in rep_id:
        own.add(rep_id.lower())
    return frozenset(own), frozenset(row[0].rpartition("@")[2] for row in rows)


def _bound_to(tenant_id: UUID, feed_id: UUID) -> bytes:
    return b"\0".join((b"calendar address", tenant_id.bytes, feed_id.bytes))
