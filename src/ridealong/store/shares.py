"""Shares: one call, read-only, for whoever has the link, until it expires or is revoked."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused

if TYPE_CHECKING:
    from ridealong.store import Store

SHARE_PREFIX: Final = "rs_"
"""By which people and scanners know a share's token."""


class ShareScope(StrEnum):
    REPORT = "report"
    """The review and its statistics."""
    CALL = "call"
    """Also transcript, moments and waveform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredShare:
    share_id: UUID
    scope: ShareScope
    audio: bool
    author: Author
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    author_disabled: bool
    """Whether who made it may not sign in any more. The share works all the same: see decision 0031."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenShare:
    """What a share's token opens."""

    tenant_id: UUID
    call_id: UUID
    scope: ShareScope
    audio: bool
    expires_at: datetime


_COLUMNS: Final = (
    "share_id, scope, audio, author_id, author_name, created_at, expires_at, revoked_at, EXISTS (SELECT FROM member m"
    " WHERE m.tenant_id = share.tenant_id AND m.member_id = share.author_id AND m.disabled_at IS NOT NULL)"
)


async def make_share(
    connection: AsyncConnection, call_id: UUID, author: Author, *, scope: ShareScope, audio: bool, lifetime: timedelta
) -> tuple[StoredShare, str]:
    """A new share and its token, which is kept nowhere."""
    token = SHARE_PREFIX + secrets.token_urlsafe(32)
    cursor = await connection.execute(
        "INSERT INTO share (tenant_id, share_id, call_id, token_hash, scope, audio, author_id, author_name, expires_at)"
        f" VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s, now() + %s) RETURNING {_COLUMNS}",
        [uuid4(), call_id, _hash(token), scope.value, audio, author.member_id, author.name, lifetime],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING
    return _share(row), token


async def load_shares(connection: AsyncConnection, call_id: UUID) -> list[StoredShare]:
    """Newest first, expired and revoked ones too."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM share WHERE call_id = %s ORDER BY created_at DESC, share_id", [call_id]
    )
    return [_share(row) for row in await cursor.fetchall()]


async def working_shares(connection: AsyncConnection) -> list[tuple[StoredShare, UUID, str]]:
    """Every share of the tenant that opens something now, with its call and the call's title. Newest first."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS}, call_id, (SELECT c.title FROM call c WHERE c.tenant_id = share.tenant_id"
        " AND c.call_id = share.call_id) FROM share WHERE revoked_at IS NULL AND expires_at > now()"
        " ORDER BY created_at DESC, share_id"
    )
    return [(_share(row), row[-2], row[-1]) for row in await cursor.fetchall()]


async def revoke_share(connection: AsyncConnection, call_id: UUID, share_id: UUID) -> None:
    """The link opens nothing from now on. Raises Refused('unknown_share')."""
    cursor = await connection.execute(
        "UPDATE share SET revoked_at = coalesce(revoked_at, now()) WHERE share_id = %s AND call_id = %s",
        [share_id, call_id],
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_share", "this call has no such share")


async def resolve_share(store: Store, token: str) -> OpenShare:
    """What the token opens. Raises Refused('unknown_share') for a wrong, expired or revoked one."""
    row = None
    if token.startswith(SHARE_PREFIX) and len(token) < 200:
        async with store.without_tenant() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id, call_id, scope, audio, expires_at FROM resolve_share(%s)", [_hash(token)]
            )
            row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_share", "this link is wrong, has expired or was revoked: ask for a new one")
    return OpenShare(tenant_id=row[0], call_id=row[1], scope=ShareScope(row[2]), audio=row[3], expires_at=row[4])


def _hash(token: str) -> bytes:
    # As for tokens: 256 random bits cannot be guessed, and a look-up needs the same hash each time.
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _share(row: tuple[Any, ...]) -> StoredShare:
    return StoredShare(
        share_id=row[0],
        scope=ShareScope(row[1]),
        audio=row[2],
        author=Author(member_id=row[3], name=row[4]),
        created_at=row[5],
        expires_at=row[6],
        revoked_at=row[7],
        author_disabled=row[8],
    )
