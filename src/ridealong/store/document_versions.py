"""The versions of a tenant's documents: every one that was ever kept can be read, compared and put in force again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

from ridealong.core.errors import Refused
from ridealong.store.tenants import DocumentKind


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVersion:
    """`author_name` is None where it was written before people signed in. `size` in characters."""

    kind: DocumentKind
    name: str
    version: int
    active: bool
    created_at: datetime
    author_name: str | None
    size: int


async def list_versions(
    connection: AsyncConnection, kind: DocumentKind | None = None, name: str | None = None, *, active: bool = False
) -> list[StoredVersion]:
    """Newest first within each document; `active`: only those that hold."""
    cursor = await connection.execute(
        "SELECT kind, name, version, active, created_at, author_name, char_length(body) FROM document"
        " WHERE kind = coalesce(%s, kind) AND name = coalesce(%s, name) AND (active OR NOT %s)"
        " ORDER BY kind, name, version DESC",
        [kind, name, active],
    )
    return [
        StoredVersion(
            kind=DocumentKind(row[0]),
            name=row[1],
            version=row[2],
            active=row[3],
            created_at=row[4],
            author_name=row[5],
            size=row[6],
        )
        for row in await cursor.fetchall()
    ]


async def load_partials(connection: AsyncConnection, form: str) -> dict[str, str]:
    """The tenant's own partials of that form: templates that others render within them, by name without the form."""
    cursor = await connection.execute(
        "SELECT name, body FROM document WHERE kind = 'template' AND active AND name LIKE 'partial-%%' AND"
        " right(name, %s) = %s",
        [len(form) + 1, f".{form}"],
    )
    return {row[0].removesuffix(f".{form}"): row[1] for row in await cursor.fetchall()}


async def read_version(connection: AsyncConnection, kind: DocumentKind, name: str, version: int) -> str:
    """Raises Refused('unknown_document')."""
    cursor = await connection.execute(
        "SELECT body FROM document WHERE kind = %s AND name = %s AND version = %s", [kind, name, version]
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_document", "the tenant has no such version of this document")
    return row[0]


async def activate_version(connection: AsyncConnection, kind: DocumentKind, name: str, version: int) -> None:
    """Let that version hold, from the next call or review on. Raises Refused('unknown_document')."""
    await read_version(connection, kind, name, version)
    # As `put_document` does: two at once would leave two that hold.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(current_tenant()::text || %s || '/' || %s, 0))", [kind, name]
    )
    await connection.execute(
        "UPDATE document SET active = false WHERE kind = %s AND name = %s AND active AND version <> %s",
        [kind, name, version],
    )
    await connection.execute(
        "UPDATE document SET active = true WHERE kind = %s AND name = %s AND version = %s", [kind, name, version]
    )
