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


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One telling, taken for `CLAIM_S` seconds."""

    delivery_id: UUID
    webhook_id: UUID
    url: str
    sealed_secret: bytes = field(repr=False)
    event: str
    call_id: UUID
    happened_at: datetime
    attempts: int
    """How often it was tried before."""


_COLUMNS: Final = "webhook_id, url, events, active, last_status, last_at"


async def add_webhook(
    connection: AsyncConnection, sealing: Sealing, tenant_id: UUID, *, url: str, events: Sequence[str], secret: str
) -> Webhook:
    """Raises as `Sealing.seal`."""
    webhook_id = uuid4()
    sealed = sealing.seal(secret, bound_to=bound_to(tenant_id, webhook_id))
    cursor = await connection.execute(
        "INSERT INTO webhook (tenant_id, webhook_id, url, events, sealed_secret)"
        f" VALUES (current_tenant(), %s, %s, %s, %s) RETURNING {_COLUMNS}",
        [webhook_id, url, sorted(set(events)), sealed],
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
) -> Webhook:
    """Change what is not None. What waits for one that is not active any more is given up. Raises Refused."""
    cursor = await connection.execute(
        "UPDATE webhook SET url = coalesce(%s, url), events = coalesce(%s, events), active = coalesce(%s, active)"
        f" WHERE webhook_id = %s RETURNING {_COLUMNS}",
        [url, None if events is None else sorted(set(events)), active, webhook_id],
    )
    changed = _webhook(await cursor.fetchone())
    if not changed.active:
        await connection.execute("DELETE FROM webhook_delivery WHERE webhook_id = %s", [webhook_id])
    return changed


async def remove_webhook(connection: AsyncConnection, webhook_id: UUID) -> None:
    """With all that waits for it. Raises Refused('not_found')."""
    cursor = await connection.execute("DELETE FROM webhook WHERE webhook_id = %s", [webhook_id])
    if cursor.rowcount == 0:
        raise _unknown()


async def due_deliveries(store: Store, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, delivery) of what is to be told now, of all tenants, longest due first."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, delivery_id FROM due_deliveries(%s)", [limit])
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def take_delivery(connection: AsyncConnection, delivery_id: UUID) -> Delivery | None:
    """Take it, None when somebody else did."""
    cursor = await connection.execute(
        "UPDATE webhook_delivery d SET due_at = now() + make_interval(secs => %s), attempts = d.attempts + 1"
        " FROM webhook w WHERE d.delivery_id = %s AND d.due_at <= now() AND w.webhook_id = d.webhook_id"
        " RETURNING d.delivery_id, d.webhook_id, w.url, w.sealed_secret, d.event, d.call_id, d.happened_at,"
        " d.attempts - 1",
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
    )


async def settle_delivery(
    connection: AsyncConnection, delivery: Delivery, *, status: int | None, again_in_s: float | None
) -> None:
    """It was tried, with that answer; `again_in_s` None: it is over, told or given up."""
    await connection.execute(
        "UPDATE webhook SET last_status = %s, last_at = now() WHERE webhook_id = %s", [status, delivery.webhook_id]
    )
    if again_in_s is None:
        await connection.execute("DELETE FROM webhook_delivery WHERE delivery_id = %s", [delivery.delivery_id])
    else:
        await connection.execute(
            "UPDATE webhook_delivery SET due_at = now() + make_interval(secs => %s) WHERE delivery_id = %s",
            [again_in_s, delivery.delivery_id],
        )


def bound_to(tenant_id: UUID, webhook_id: UUID) -> bytes:
    """A secret that was copied to another webhook opens for nobody."""
    return b"\0".join((b"webhook secret", tenant_id.bytes, webhook_id.bytes))


def _webhook(row: tuple[Any, ...] | None) -> Webhook:
    if row is None:
        raise _unknown()
    return Webhook(
        webhook_id=row[0], url=row[1], events=tuple(row[2]), active=row[3], last_status=row[4], last_at=row[5]
    )


def _unknown() -> Refused:
    return Refused("not_found", "there is no such webhook")
