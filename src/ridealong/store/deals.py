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
        "SELECT (array_agg(customer ORDER BY started_at DESC))[1], (array_agg(deal ORDER BY started_at DESC))[1],"
        " coalesce((array_agg(stage ORDER BY started_at DESC) FILTER (WHERE stage <> ''))[1], ''), count(*),"
        " min(started_at), max(started_at) FROM call"
        " WHERE tenant_id = current_tenant() AND status = 'ended' AND customer <> ''"
        " GROUP BY lower(customer), lower(deal) ORDER BY max(started_at) DESC, lower(customer), lower(deal) LIMIT %s",
        [MOST_DEALS],
    )
    return [
        ListedDeal(customer=row[0], deal=row[1], stage=row[2], calls=row[3], first_call_at=row[4], last_call_at=row[5])
        for row in await cursor.fetchall()
    ]
