"""The deals of a tenant, as its calls name them."""

from __future__ import annotations

from typing import Final

from psycopg import AsyncConnection

from ridealong.core.deals import ListedDeal

MOST_DEALS: Final = 500


async def list_deals(connection: AsyncConnection) -> list[ListedDeal]:
    """Each customer's deals that have an ended call, the one that was spoken about last first; at most MOST_DEALS.

    Names that differ in capitals alone are one; it is written as the newest call has it.
    """
    cursor = await connection.execute(
        "SELECT (array_agg(c.customer ORDER BY c.started_at DESC))[1],"
        " (array_agg(c.deal ORDER BY c.started_at DESC))[1],"
        " coalesce((array_agg(c.stage ORDER BY c.started_at DESC) FILTER (WHERE c.stage <> ''))[1], ''),"
        " (array_agg(c.rep_id ORDER BY c.started_at DESC))[1],"
        " (array_agg(coalesce(nullif(p.name, ''), c.rep_id) ORDER BY c.started_at DESC))[1],"
        " count(*), min(c.started_at), max(c.started_at)"
        " FROM call c JOIN rep p ON p.tenant_id = c.tenant_id AND p.rep_id = c.rep_id"
        " WHERE c.tenant_id = current_tenant() AND c.status = 'ended' AND c.customer <> ''"
        " GROUP BY lower(c.customer), lower(c.deal)"
        " ORDER BY max(c.started_at) DESC, lower(c.customer), lower(c.deal) LIMIT %s",
        [MOST_DEALS],
    )
    return [
        ListedDeal(
            customer=row[0],
            deal=row[1],
            stage=row[2],
            rep_id=row[3],
            rep_name=row[4],
            calls=row[5],
            first_call_at=row[6],
            last_call_at=row[7],
        )
        for row in await cursor.fetchall()
    ]
