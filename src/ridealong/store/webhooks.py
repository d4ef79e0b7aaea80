"""Whom a tenant wants told, and what is still to be told. Deliveries are written by the database, in the transaction
of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.errors import Refused

if TYPE_CHECKING:
    from ridealong.store import Store
    from ridealong.store.sealing import Sealing

CLAIM_S: Final = 120
"""How long a delivery belongs to who took it; a process that dies meanwhile leaves it to the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    webhook_id: UUID
    url: str
    events: tuple[str, ...]
    active: bool
    last_status: int | None
    """What the address answered last; None before the first time, and when it did not answer."""
    last_at: datetime | None
    kind: str
    """`webhook`, `slack` or `email`."""
    audience: str
    """For whom the report of `slack` and `email` is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One telling, taken for `CLAIM_S` seconds."""

    delivery_id: UUID
    event_id: UUID
    webhook_id: UUID
    kind: str
    audience: str
    recipient: str
    """The address of an e-mail; of other kinds empty."""
    url: str
    sealed_secret: bytes = field(repr=False)
    event: str
    call_id: UUID
    subject_id: UUID | None
    happened_at: datetime
    attempts: int
    """How often it was tried before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """`answer`: the status of HTTP or SMTP, None where there was none. `outcome` is one of the table's."""

    answer: int | None
    outcome: str
    duration_ms: int
    tried_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedDelivery:
    """`position`: the event's in the feed, None while nobody has read it. `due_at`: of the next attempt."""

    delivery_id: UUID
    event_id: UUID
    position: int | None
    event: str
    call_id: UUID
    recipient: str
    happened_at: datetime
    status: str
    due_at: datetime | None
    settled_at: datetime | None
    attempts: tuple[Attempt, ...]


_COLUMNS: Final = "webhook_id, url, events, active, last_status, last_at, kind, audience"


async def add_webhook(
    connection: AsyncConnection,
    sealing: Sealing,
    tenant_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    secret: str,
    kind: str = "webhook",
    audience: str = "manager",
) -> Webhook:
    """`secret` signs; of Slack it is the address itself. Raises as `Sealing.seal`."""
    webhook_id = uuid4()
    sealed = sealing.seal(secret, bound_to=bound_to(tenant_id, webhook_id))
    cursor = await connection.execute(
        "INSERT INTO webhook (tenant_id, webhook_id, url, events, sealed_secret, kind, audience)"
        f" VALUES (current_tenant(), %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}",
        [webhook_id, url, sorted(set(events)), sealed, kind, audience],
    )
    return _webhook(await cursor.fetchone())


async def list_webhooks(connection: AsyncConnection) -> list[Webhook]:
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM webhook ORDER BY created_at, webhook_id")
    return [_webhook(row) for row in await cursor.fetchall()]


async def change_webhook(
    connection: AsyncConnection,
    webhook_id: UUID,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    active: bool | None = None,
    audience: str | None = None,
    sealed_secret: bytes | None = None,
) -> Webhook:
    """Change what is not None. What waits for one that is not active any more is given up. Raises Refused."""
    cursor = await connection.execute(
        "UPDATE webhook SET url = coalesce(%s, url), events = coalesce(%s, events), active = coalesce(%s, active),"
        " audience = coalesce(%s, audience), sealed_secret = coalesce(%s, sealed_secret)"
        f" WHERE webhook_id = %s RETURNING {_COLUMNS}",
        [url, None if events is None else sorted(set(events)), active, audience, sealed_secret, webhook_id],
    )
    changed = _webhook(await cursor.fetchone())
    if not changed.active:
        await connection.execute(
            f"UPDATE webhook_delivery SET {_SETTLED} WHERE webhook_id = %s AND status = 'waiting'", ["dead", webhook_id]
        )
    return changed


async def find_webhook(connection: AsyncConnection, webhook_id: UUID) -> Webhook:
    """Raises Refused('not_found')."""
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM webhook WHERE webhook_id = %s", [webhook_id])
    return _webhook(await cursor.fetchone())


async def remove_webhook(connection: AsyncConnection, webhook_id: UUID) -> None:
    """With all that waits for it. Raises Refused('not_found')."""
    cursor = await connection.execute("DELETE FROM webhook WHERE webhook_id = %s", [webhook_id])
    if cursor.rowcount == 0:
        raise _unknown()


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is to be told now, of any tenant."""

    tenant_id: UUID
    webhook_id: UUID
    delivery_id: UUID


async def due_deliveries(store: Store, *, busy: Sequence[UUID] = (), limit: int) -> list[Due]:
    """At most one for each webhook that is not `busy`, longest due first."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute(
            "SELECT tenant_id, webhook_id, delivery_id FROM due_deliveries(%s, %s)", [list(busy), limit]
        )
        return [Due(tenant_id=row[0], webhook_id=row[1], delivery_id=row[2]) for row in await cursor.fetchall()]


async def take_delivery(connection: AsyncConnection, delivery_id: UUID) -> Delivery | None:
    """Take it, None when somebody else did."""
    cursor = await connection.execute(
        "UPDATE webhook_delivery d SET due_at = now() + make_interval(secs => %s), attempts = d.attempts + 1"
        " FROM webhook w, event e WHERE d.delivery_id = %s AND d.due_at <= now() AND d.status = 'waiting'"
        " AND w.webhook_id = d.webhook_id AND e.event_id = d.event_id"
        " RETURNING d.delivery_id, d.webhook_id, w.url, w.sealed_secret, d.event, d.call_id, d.happened_at,"
        " d.attempts - 1, d.event_id, w.kind, w.audience, d.recipient, e.subject_id",
        [CLAIM_S, delivery_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Delivery(
        delivery_id=row[0],
        webhook_id=row[1],
        url=row[2],
        sealed_secret=bytes(row[3]),
        event=row[4],
        call_id=row[5],
        happened_at=row[6],
        attempts=row[7],
        event_id=row[8],
        kind=row[9],
        audience=row[10],
        recipient=row[11],
        subject_id=row[12],
    )


_SETTLED: Final = "status = %s, settled_at = now(), due_at = 'infinity'"


async def settle_delivery(
    connection: AsyncConnection, delivery: Delivery, attempt: Attempt, *, again_in_s: float | None
) -> None:
    """It was tried, and that came of it; `again_in_s` None: it is over, taken or given up."""
    await connection.execute(
        "UPDATE webhook SET last_status = %s, last_at = now() WHERE webhook_id = %s",
        [attempt.answer, delivery.webhook_id],
    )
    if again_in_s is None:
        status = "delivered" if attempt.outcome == "taken" else "dead"
        cursor = await connection.execute(
            f"UPDATE webhook_delivery SET {_SETTLED} WHERE delivery_id = %s AND status = 'waiting'",
            [status, delivery.delivery_id],
        )
    else:
        cursor = await connection.execute(
            "UPDATE webhook_delivery SET due_at = now() + make_interval(secs => %s)"
            " WHERE delivery_id = %s AND status = 'waiting'",
            [again_in_s, delivery.delivery_id],
        )
    if cursor.rowcount == 0:
        # Its call was erased, or its webhook removed, while it was under way.
        return
    await connection.execute(
        "INSERT INTO webhook_attempt (tenant_id, delivery_id, attempt, answer, outcome, duration_ms)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s)",
        [delivery.delivery_id, delivery.attempts + 1, attempt.answer, attempt.outcome, attempt.duration_ms],
    )


async def list_deliveries(
    connection: AsyncConnection, webhook_id: UUID, *, status: str | None, limit: int
) -> list[LoggedDelivery]:
    """The newest first, each with its attempts. Raises Refused('not_found')."""
    await find_webhook(connection, webhook_id)
    cursor = await connection.execute(
        "SELECT d.delivery_id, d.event_id, e.position, d.event, d.call_id, d.recipient, d.happened_at, d.status,"
        " CASE WHEN d.status = 'waiting' THEN d.due_at END, d.settled_at"
        " FROM webhook_delivery d JOIN event e USING (tenant_id, event_id)"
        " WHERE d.webhook_id = %s AND d.status = coalesce(%s, d.status)"
        " ORDER BY d.happened_at DESC, e.arrival DESC, coalesce(d.settled_at, 'infinity') DESC, d.delivery_id LIMIT %s",
        [webhook_id, status, limit],
    )
    rows = await cursor.fetchall()
    cursor = await connection.execute(
        "SELECT delivery_id, answer, outcome, duration_ms, tried_at FROM webhook_attempt WHERE delivery_id = ANY (%s)"
        " ORDER BY delivery_id, attempt",
        [[row[0] for row in rows]],
    )
    tried: dict[UUID, list[Attempt]] = {}
    for row in await cursor.fetchall():
        attempt = Attempt(answer=row[1], outcome=row[2], duration_ms=row[3], tried_at=row[4])
        tried.setdefault(row[0], []).append(attempt)
    return [
        LoggedDelivery(
            delivery_id=row[0],
            event_id=row[1],
            position=row[2],
            event=row[3],
            call_id=row[4],
            recipient=row[5],
            happened_at=row[6],
            status=row[7],
            due_at=row[8],
            settled_at=row[9],
            attempts=tuple(tried.get(row[0], ())),
        )
        for row in rows
    ]


async def replay(connection: AsyncConnection, webhook_id: UUID, *, after: int, until: int | None) -> int:
    """Deliver once more, under the same names, what the webhook wants of the events behind that position; how many.

    What still waits for it is not doubled. Raises Refused('not_found').
    """
    await find_webhook(connection, webhook_id)
    cursor = await connection.execute(
        "INSERT INTO webhook_delivery (tenant_id, webhook_id, event, call_id, event_id, recipient, happened_at)"
        " SELECT w.tenant_id, w.webhook_id, e.type, e.call_id, e.event_id, r.recipient, e.happened_at"
        " FROM webhook w JOIN event e ON e.tenant_id = w.tenant_id AND e.type = ANY (w.events)"
        " CROSS JOIN LATERAL recipients_of(w.kind, w.url, e.call_id) r"
        " WHERE w.webhook_id = %s AND w.active AND e.position > %s AND (%s::bigint IS NULL OR e.position <= %s)"
        " AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.webhook_id AND d.event_id = e.event_id"
        " AND d.recipient = r.recipient AND d.status = 'waiting')",
        [webhook_id, after, until, until],
    )
    return cursor.rowcount


async def forget_deliveries(connection: AsyncConnection, *, days: int) -> int:
    """Remove what was settled longer ago, with its attempts; how many deliveries that were."""
    cursor = await connection.execute(
        "DELETE FROM webhook_delivery WHERE status <> 'waiting' AND settled_at < now() - make_interval(days => %s)",
        [days],
    )
    return cursor.rowcount


def bound_to(tenant_id: UUID, webhook_id: UUID) -> bytes:
    """A secret that was copied to another webhook opens for nobody."""
    return b"\0".join((b"webhook secret", tenant_id.bytes, webhook_id.bytes))


def _webhook(row: tuple[Any, ...] | None) -> Webhook:
    if row is None:
        raise _unknown()
    return Webhook(
        webhook_id=row[0],
        url=row[1],
        events=tuple(row[2]),
        active=row[3],
        last_status=row[4],
        last_at=row[5],
        kind=row[6],
        audience=row[7],
    )


def _unknown() -> Refused:
    return Refused("not_found", "there is no such webhook")
