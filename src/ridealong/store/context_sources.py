"""Who said what is known of a call beside its words."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.context import CallContext
from ridealong.core.crm import ContextSource, Stated
from ridealong.store.calls import change_context, load_call


async def load_sources(connection: AsyncConnection, call_id: UUID) -> dict[str, Stated]:
    """By part of the context. Raises Refused('unknown_call')."""
    context = (await load_call(connection, call_id)).context.as_json()
    cursor = await connection.execute(
        "SELECT part, source, detail, stated_at FROM call_context_source WHERE call_id = %s", [call_id]
    )
    return {
        row[0]: Stated(value=context[row[0]], source=ContextSource(row[1]), detail=row[2], stated_at=row[3])
        for row in await cursor.fetchall()
    }


async def note_sources(connection: AsyncConnection, call_id: UUID, stated: Mapping[str, Stated]) -> None:
    """These parts of the context have this source from now on."""
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO call_context_source (tenant_id, call_id, part, source, detail)"
            " VALUES (current_tenant(), %s, %s, %s, %s) ON CONFLICT (tenant_id, call_id, part)"
            " DO UPDATE SET source = EXCLUDED.source, detail = EXCLUDED.detail, stated_at = now()",
            [(call_id, part, one.source.value, one.detail[:500]) for part, one in stated.items()],
        )


async def fill_context(connection: AsyncConnection, call_id: UUID, found: Mapping[str, Stated]) -> dict[str, Stated]:
    """Fill the parts that nobody said, and those that a program said before; which were changed.

    What a person said stays, also that there is nothing to say; so does what the call began with.
    Raises Refused('unknown_call' | 'bad_request').
    """
    # Whoever changes the context meanwhile waits: their word must not be lost.
    await connection.execute("SELECT FROM call WHERE call_id = %s FOR UPDATE", [call_id])
    context = (await load_call(connection, call_id)).context.as_json()
    sources = await load_sources(connection, call_id)

    def open_to(part: str, one: Stated) -> bool:
        known = sources.get(part)
        if known is None:
            return not context[part]
        return known.source is not ContextSource.PERSON and bool(one.value)

    filled = {part: one for part, one in found.items() if one.value and open_to(part, one)}
    changed = {
        part: one
        for part, one in filled.items()
        if context[part] != one.value or part not in sources or sources[part].source is not one.source
    }
    if changed:
        await change_context(
            connection, call_id, CallContext(**(context | {part: one.value for part, one in changed.items()}))
        )
        await note_sources(connection, call_id, changed)
    return changed
