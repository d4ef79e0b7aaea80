"""Which template a report for an audience is rendered by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection


@dataclass(frozen=True, kw_only=True, slots=True)
class AudienceTemplate:
    audience: str
    form: str
    template: str


async def load_audiences(connection: AsyncConnection) -> list[AudienceTemplate]:
    """What the tenant chose; nothing where it chose nothing."""
    cursor = await connection.execute("SELECT audience, form, template FROM audience_template ORDER BY audience, form")
    return [AudienceTemplate(audience=row[0], form=row[1], template=row[2]) for row in await cursor.fetchall()]


async def template_for(connection: AsyncConnection, audience: str, form: str) -> str | None:
    cursor = await connection.execute(
        "SELECT template FROM audience_template WHERE audience = %s AND form = %s", [audience, form]
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def put_audiences(connection: AsyncConnection, chosen: Sequence[AudienceTemplate]) -> None:
    """In place of all that was chosen before."""
    await connection.execute("DELETE FROM audience_template")
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO audience_template (tenant_id, audience, form, template) VALUES (current_tenant(), %s, %s, %s)",
            [(one.audience, one.form, one.template) for one in chosen],
        )
