"""What a tenant's admin chose: how long calls are kept, what reviews and reports use, how consent is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from ridealong.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantSettings:
    """None: as the product comes."""

    retention_days: int | None = None
    """Calls are erased so many days after they ended; None: never."""
    default_rubric: str | None = None
    default_template: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWording:
    region: str
    text: str


async def load_settings_of(connection: AsyncConnection) -> TenantSettings:
    cursor = await connection.execute("SELECT retention_days, default_rubric, default_template FROM tenant_setting")
    row = await cursor.fetchone()
    if row is None:
        return TenantSettings()
    return TenantSettings(retention_days=row[0], default_rubric=row[1], default_template=row[2])


async def put_settings(connection: AsyncConnection, settings: TenantSettings) -> None:
    """In place of what was chosen before."""
    await connection.execute(
        "INSERT INTO tenant_setting (tenant_id, retention_days, default_rubric, default_template)"
        " VALUES (current_tenant(), %s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE"
        " SET retention_days = EXCLUDED.retention_days, default_rubric = EXCLUDED.default_rubric,"
        " default_template = EXCLUDED.default_template, changed_at = now()",
        [settings.retention_days, settings.default_rubric, settings.default_template],
    )


async def load_consents(connection: AsyncConnection) -> list[ConsentWording]:
    """The tenant's own wordings in their order; none where it has none of its own."""
    cursor = await connection.execute("SELECT region, wording FROM consent_wording ORDER BY position, region")
    return [ConsentWording(region=row[0], text=row[1]) for row in await cursor.fetchall()]


async def put_consents(connection: AsyncConnection, consents: Sequence[ConsentWording]) -> None:
    """In place of all earlier ones."""
    await connection.execute("DELETE FROM consent_wording")
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO consent_wording (tenant_id, region, position, wording) VALUES (current_tenant(), %s, %s, %s)",
            [(consent.region, position, consent.text) for position, consent in enumerate(consents)],
        )


async def retentions(store: Store) -> list[tuple[UUID, int]]:
    """(tenant, days) of all tenants whose calls are not kept for ever."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, retention_days FROM retentions()")
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def calls_past(connection: AsyncConnection, days: int, *, limit: int) -> list[UUID]:
    """Calls that ended more than `days` days ago, oldest first."""
    cursor = await connection.execute(
        "SELECT call_id FROM call WHERE status = 'ended' AND ended_at < now() - make_interval(days => %s)"
        " ORDER BY ended_at LIMIT %s",
        [days, limit],
    )
    return [row[0] for row in await cursor.fetchall()]
