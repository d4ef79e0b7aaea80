"""Tokens of models that a tenant may spend a day, and what each process counted of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.usage import DayLimits, DayTokens

KEPT_DAYS: Final = 90
"""Counts of longer ago say nothing that anybody acts on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBudget:
    """None: as the settings say."""

    total: int | None = None
    """What the tenant chose for all questions of a day."""
    live: int | None = None
    allowed_total: int | None = None
    """What the operator allows this tenant in place of the settings' limit; 0: no limit."""
    allowed_live: int | None = None

    def ceiling(self, settings: DayLimits) -> DayLimits:
        """What the tenant may choose at most."""
        return DayLimits(
            total=settings.total if self.allowed_total is None else self.allowed_total,
            live=settings.live if self.allowed_live is None else self.allowed_live,
        )

    def limits(self, settings: DayLimits) -> DayLimits:
        """What holds: the tenant's choice, but never more than it may."""
        found = DayLimits(total=self.total or 0, live=self.live or 0).under(self.ceiling(settings))
        return replace(found, live=min(found.live, found.total)) if found.total else found


async def load_budget(connection: AsyncConnection) -> StoredBudget:
    """The tenant's."""
    cursor = await connection.execute(
        "SELECT tokens_per_day, live_tokens_per_day, allowed_per_day, allowed_live_per_day FROM token_budget"
    )
    row = await cursor.fetchone()
    if row is None:
        return StoredBudget()
    return StoredBudget(total=row[0], live=row[1], allowed_total=row[2], allowed_live=row[3])


async def put_budget(connection: AsyncConnection, budget: StoredBudget) -> None:
    """In place of what held before."""
    await connection.execute(
        "INSERT INTO token_budget"
        " (tenant_id, tokens_per_day, live_tokens_per_day, allowed_per_day, allowed_live_per_day)"
        " VALUES (current_tenant(), %s, %s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE"
        " SET tokens_per_day = EXCLUDED.tokens_per_day, live_tokens_per_day = EXCLUDED.live_tokens_per_day,"
        " allowed_per_day = EXCLUDED.allowed_per_day, allowed_live_per_day = EXCLUDED.allowed_live_per_day",
        [budget.total, budget.live, budget.allowed_total, budget.allowed_live],
    )


async def put_count(connection: AsyncConnection, day: date, counted_by: UUID, tokens: DayTokens) -> None:
    """So many the process `counted_by` counted on that day, in place of what it wrote before."""
    await connection.execute(
        "INSERT INTO token_count (tenant_id, day, counted_by, tokens, live_tokens)"
        " VALUES (current_tenant(), %s, %s, %s, %s) ON CONFLICT (tenant_id, day, counted_by) DO UPDATE"
        " SET tokens = EXCLUDED.tokens, live_tokens = EXCLUDED.live_tokens",
        [day, counted_by, tokens.total, tokens.live],
    )


async def counted_by_others(connection: AsyncConnection, day: date, counted_by: UUID) -> DayTokens:
    """What all processes but `counted_by` counted on that day."""
    cursor = await connection.execute(
        "SELECT coalesce(sum(tokens), 0)::bigint, coalesce(sum(live_tokens), 0)::bigint FROM token_count"
        " WHERE day = %s AND counted_by <> %s",
        [day, counted_by],
    )
    row = await cursor.fetchone()
    return DayTokens() if row is None else DayTokens(total=row[0], live=row[1])


async def forget_old_counts(connection: AsyncConnection, today: date) -> None:
    """Those of more than `KEPT_DAYS` ago."""
    await connection.execute("DELETE FROM token_count WHERE day < %s::date - %s", [today, KEPT_DAYS])
