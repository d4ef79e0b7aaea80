"""What happened to calls, as a feed. Rows are written by the database, in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`position` only grows; `subject_id` is the review of `review.done` and the moment of `moment.found`."""

    event_id: UUID
    position: int
    type: str
    call_id: UUID
    subject_id: UUID | None
    happened_at: datetime


async def events_after(
    connection: AsyncConnection, after: int, *, types: Sequence[str] | None = None, limit: int
) -> list[Event]:
    """The next events behind that position, of these types, in order. Numbers those that have none yet."""
    await number_events(connection)
    cursor = await connection.execute(
        "SELECT event_id, position, type, call_id, subject_id, happened_at FROM event"
        " WHERE position > %s AND (%s::text[] IS NULL OR type = ANY (%s)) ORDER BY position LIMIT %s",
        [after, types, types, limit],
    )
    return [
        Event(event_id=row[0], position=row[1], type=row[2], call_id=row[3], subject_id=row[4], happened_at=row[5])
        for row in await cursor.fetchall()
    ]


async def number_events(connection: AsyncConnection) -> None:
    """Give a position to each event that has none.

    Only what is committed is seen here, and one transaction at a time numbers a tenant's: a reader that has seen a
    position never misses one before it. An identity column alone promises less: a transaction that began earlier may
    commit later.
    """
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM event WHERE position IS NULL)")
    row = await cursor.fetchone()
    if row is None or not row[0]:
        return
    await connection.execute("INSERT INTO event_count (tenant_id) VALUES (current_tenant()) ON CONFLICT DO NOTHING")
    # Whoever waited here sees, with the next statement, what was numbered meanwhile.
    cursor = await connection.execute("SELECT numbered FROM event_count FOR UPDATE")
    row = await cursor.fetchone()
    numbered = 0 if row is None else row[0]
    cursor = await connection.execute(
        "UPDATE event e SET position = %s + fresh.number"
        " FROM (SELECT event_id, row_number() OVER (ORDER BY arrival) AS number FROM event"
        " WHERE position IS NULL) fresh"
        " WHERE e.event_id = fresh.event_id",
        [numbered],
    )
    await connection.execute("UPDATE event_count SET numbered = %s", [numbered + cursor.rowcount])


async def forget_events(connection: AsyncConnection, *, days: int) -> int:
    """Remove what is older; how many events that were. What waits to be delivered of them goes too."""
    cursor = await connection.execute(
        "DELETE FROM event WHERE happened_at < now() - make_interval(days => %s) AND position IS NOT NULL", [days]
    )
    return cursor.rowcount
