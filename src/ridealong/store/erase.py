"""Erasing: one call with everything that cites it, or one rep's voice."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.errors import Refused


async def erase_call(connection: AsyncConnection, call_id: UUID) -> Mapping[str, int]:
    """Erase the call's rows and embeddings in every table, what cites them, and tokens limited to it.

    Returns the number of rows erased from each table. The recording's files are the caller's to delete. Raises
    Refused('unknown_call'). A live call should be ended first: its words would come back with the next append.
    """
    cursor = await connection.execute("SELECT erase_call(%s)", [call_id])
    row = await cursor.fetchone()
    counts: dict[str, int] = {} if row is None else row[0]
    if not counts.get("call"):
        raise Refused("unknown_call", "this tenant has no such call")
    return counts


async def erase_voiceprint(connection: AsyncConnection, rep_id: str) -> None:
    """Forget the rep's enrolled voice. Raises Refused('unknown_voice')."""
    cursor = await connection.execute("DELETE FROM voiceprint WHERE rep_id = %s", [rep_id])
    if cursor.rowcount == 0:
        raise Refused("unknown_voice", "this rep has no enrolled voice")
