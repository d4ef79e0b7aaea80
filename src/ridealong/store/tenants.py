"""Tenants, their tokens, their reps and the reps' voices, and their documents."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import psycopg
from pgvector import Vector
from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import InvalidSettings, Refused, Unavailable
from ridealong.core.people import MemberRole
from ridealong.core.sight import OwnCalls

if TYPE_CHECKING:
    from ridealong.store import Store

TOKEN_PREFIX: Final = "ra_"  # noqa: S105 - a mark by which people and scanners know a token, not one
VOICEPRINT_NUMBERS: Final = 512


class Scope(StrEnum):
    """What a token allows."""

    CAPTURE = "capture"
    """Send audio of calls."""
    READ = "read"
    """Read and watch calls, search."""
    ADMIN = "admin"
    """Change documents, reps and tokens; erase."""


class DocumentKind(StrEnum):
    TAXONOMY = "taxonomy"
    RUBRIC = "rubric"
    TEMPLATE = "template"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    tenant_id: UUID
    slug: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who a token speaks for. With `call_id` set it is good for that call alone."""

    tenant_id: UUID
    """As `OwnCalls` where it is the own token of a rep."""
    scopes: frozenset[Scope]
    call_id: UUID | None = None
    member: None = None
    """A token is a program's."""
    owner: Author | None = None
    """The member with whom the token ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRecord:
    """A token as lists show it; the token itself is told once and kept nowhere."""

    token_id: UUID
    scopes: frozenset[Scope]
    call_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    label: str = ""
    """What people call it."""
    own: bool = False
    """Whether it ends with its author."""
    author: Author | None = None
    """Who made it, None where that was a program or was not kept."""
    author_disabled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    kind: DocumentKind
    name: str
    version: int
    body: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Voiceprint:
    rep_id: str
    voiceprint: tuple[float, ...]


# ------------------------------------------------------------------------------------------------ tenants


async def create_tenant(store: Store, slug: str, name: str) -> Tenant:
    """A new tenant. Raises Refused('slug_taken') or Refused('invalid_slug')."""
    tenant = Tenant(tenant_id=uuid4(), slug=slug, name=name)
    try:
        async with store.tenant(tenant.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO tenant (tenant_id, slug, name) VALUES (%s, %s, %s)", [tenant.tenant_id, slug, name]
            )
    except Refused as refused:
        if refused.code == "tenant_slug_is_taken":
            raise Refused("slug_taken", f"there is a tenant '{slug}' already: choose another slug") from None
        if refused.code == "tenant_slug_is_lower_case_letters_digits_and_hyphens":
            raise Refused(
                "invalid_slug", "a tenant's slug is 1 to 63 lower-case letters, digits and hyphens, no hyphen at an end"
            ) from None
        raise
    return tenant


async def find_tenant(store: Store, slug: str) -> Tenant:
    """The tenant of that slug. Raises Refused('unknown_tenant')."""
    async with store.without_tenant() as connection:
        row = await (await connection.execute("SELECT tenant_of_slug(%s)", [slug])).fetchone()
    if row is None or row[0] is None:
        raise Refused("unknown_tenant", f"there is no tenant '{slug}': `ridealong db` lists and creates them")
    async with store.tenant(row[0]) as connection:
        return await this_tenant(connection)


async def find_or_create_tenant(store: Store, slug: str, name: str) -> Tenant:
    """The tenant of that slug, made with that name where there is none."""
    try:
        return await find_tenant(store, slug)
    except Refused as refused:
        if refused.code != "unknown_tenant":
            raise
    return await create_tenant(store, slug, name)


async def this_tenant(connection: AsyncConnection) -> Tenant:
    """The tenant of the transaction. Raises Refused('unknown_tenant')."""
    found = await (await connection.execute("SELECT tenant_id, slug, name FROM tenant")).fetchone()
    if found is None:
        raise Refused("unknown_tenant", "there is no such tenant")
    return Tenant(tenant_id=found[0], slug=found[1], name=found[2])


async def rename_tenant(connection: AsyncConnection, name: str) -> None:
    """The name that people read."""
    await connection.execute("UPDATE tenant SET name = %s WHERE tenant_id = current_tenant()", [name])


async def list_tenants(store: Store) -> list[Tenant]:
    """All tenants by slug. For the operator's command line: it asks as the owner, which the web never does."""
    try:
        async with await AsyncConnection.connect(store.owner_url, connect_timeout=10) as connection:
            await connection.execute("SET ROLE ridealong_lookup")
            cursor = await connection.execute("SELECT tenant_id, slug, name FROM ridealong.tenant ORDER BY slug")
            return [Tenant(tenant_id=row[0], slug=row[1], name=row[2]) for row in await cursor.fetchall()]
    except psycopg.OperationalError as error:
        raise Unavailable("the database is away: try again") from error


# ------------------------------------------------------------------------------------------------ tokens


async def issue_token(
    store: Store,
    tenant_id: UUID,
    scopes: Collection[Scope],
    *,
    call_id: UUID | None = None,
    expires_in: timedelta | None = None,
    author: Author | None = None,
    own: bool = False,
) -> str:
    """A new token. It is shown this once: the database keeps its SHA-256 alone."""
    async with store.tenant(tenant_id) as connection:
        return await issue_token_within(
            connection, scopes, call_id=call_id, expires_in=expires_in, author=author, own=own
        )


async def issue_token_within(
    connection: AsyncConnection,
    scopes: Collection[Scope],
    *,
    call_id: UUID | None = None,
    expires_in: timedelta | None = None,
    label: str = "",
    author: Author | None = None,
    own: bool = False,
) -> str:
    """`issue_token` in a transaction that is open. `own`: it ends with its author, who must be a member then."""
    if not scopes:
        raise Refused("invalid_scopes", "a token needs at least one scope: capture, read or admin")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    await connection.execute(
        "INSERT INTO token (tenant_id, token_id, token_hash, scopes, call_id, expires_at, label, own, author_id,"
        " author_name) VALUES (current_tenant(), %s, %s, %s, %s, now() + %s, %s, %s, %s, %s)",
        [
            uuid4(),
            _hash(token),
            sorted({str(scope) for scope in scopes}),
            call_id,
            expires_in,
            label,
            own,
            None if author is None else author.member_id,
            None if author is None else author.name,
        ],
    )
    return token


async def resolve_token(store: Store, token: str) -> Principal:
    """Who the token speaks for. Raises Refused('unknown_token') for a wrong, expired or revoked one.

    So it does for a member's own whose member is disabled. A key for own use sees and may what its member does, and no
    more.
    """
    row = None
    if token.startswith(TOKEN_PREFIX) and len(token) < 200:
        async with store.without_tenant() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id, scopes, call_id, owner_id, owner_name, owner_role, owner_rep_id"
                " FROM resolve_token(%s)",
                [_hash(token)],
            )
            row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_token", "the token is wrong, expired or revoked")
    tenant_id, scopes, call_id, owner_id, owner_name, role, rep_id = row
    found = Principal(
        tenant_id=tenant_id,
        scopes=frozenset(Scope(scope) for scope in scopes),
        call_id=call_id,
        owner=None if owner_id is None else Author(member_id=owner_id, name=owner_name),
    )
    if role is None or call_id is not None:
        # What is for one call was given for that call; a recording does not break off because somebody's role changed.
        return found
    return replace(
        found,
        tenant_id=OwnCalls(tenant_id, rep_id) if role == MemberRole.REP else tenant_id,
        scopes=found.scopes if role == MemberRole.ADMIN else found.scopes - {Scope.ADMIN},
    )


async def revoke_token(store: Store, tenant_id: UUID, token_id: UUID) -> None:
    """The token is good for nothing from now on. Raises Refused('unknown_token')."""
    async with store.tenant(tenant_id) as connection:
        cursor = await connection.execute(
            "UPDATE token SET revoked_at = coalesce(revoked_at, now()) WHERE token_id = %s", [token_id]
        )
        if cursor.rowcount == 0:
            raise Refused("unknown_token", "this tenant has no such token")


_RECORD_COLUMNS: Final = (
    "token_id, scopes, call_id, created_at, expires_at, revoked_at, label, own, author_id, author_name,"
    " EXISTS (SELECT FROM member m WHERE m.tenant_id = token.tenant_id AND m.member_id = token.author_id"
    " AND m.disabled_at IS NOT NULL)"
)


async def list_tokens(connection: AsyncConnection) -> list[TokenRecord]:
    """The tenant's tokens, newest first, without the tokens themselves."""
    cursor = await connection.execute(f"SELECT {_RECORD_COLUMNS} FROM token ORDER BY created_at DESC")
    return [_token_record(row) for row in await cursor.fetchall()]


async def token_record(connection: AsyncConnection, token: str) -> TokenRecord:
    """How lists show that token of the tenant. Raises Refused('unknown_token')."""
    cursor = await connection.execute(f"SELECT {_RECORD_COLUMNS} FROM token WHERE token_hash = %s", [_hash(token)])
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_token", "this tenant has no such token")
    return _token_record(row)


def _token_record(row: tuple[Any, ...]) -> TokenRecord:
    return TokenRecord(
        token_id=row[0],
        scopes=frozenset(Scope(scope) for scope in row[1]),
        call_id=row[2],
        created_at=row[3],
        expires_at=row[4],
        revoked_at=row[5],
        label=row[6],
        own=row[7],
        author=None if row[9] is None else Author(member_id=row[8], name=row[9]),
        author_disabled=row[10],
    )


def _hash(token: str) -> bytes:
    # Unsalted and fast on purpose: 256 random bits cannot be guessed, and a look-up needs the same hash each time.
    return hashlib.sha256(token.encode(errors="replace")).digest()


# ------------------------------------------------------------------------------------------------ reps


async def put_rep(connection: AsyncConnection, rep_id: str, name: str = "") -> None:
    """Make the rep known; an empty `name` leaves the one that is there."""
    await connection.execute(
        "INSERT INTO rep (tenant_id, rep_id, name) VALUES (current_tenant(), %s, %s)"
        " ON CONFLICT (tenant_id, rep_id) DO UPDATE SET name = EXCLUDED.name WHERE EXCLUDED.name <> ''",
        [rep_id, name],
    )


async def enrol_voice(connection: AsyncConnection, rep_id: str, voiceprint: Sequence[float]) -> None:
    """Keep the rep's voiceprint (512 numbers, see `speech.voiceprint`) in place of an earlier one."""
    if len(voiceprint) != VOICEPRINT_NUMBERS:
        raise InvalidSettings(f"a voiceprint has {VOICEPRINT_NUMBERS} numbers, this one {len(voiceprint)}")
    await put_rep(connection, rep_id)
    await connection.execute(
        "INSERT INTO voiceprint (tenant_id, rep_id, voiceprint) VALUES (current_tenant(), %s, %s)"
        " ON CONFLICT (tenant_id, rep_id) DO UPDATE SET voiceprint = EXCLUDED.voiceprint, enrolled_at = now()",
        [rep_id, Vector(list(voiceprint))],
    )


async def load_voiceprints(connection: AsyncConnection) -> list[Voiceprint]:
    """The enrolled voices of the tenant's reps."""
    cursor = await connection.execute("SELECT rep_id, voiceprint FROM voiceprint ORDER BY rep_id")
    return [
        Voiceprint(rep_id=row[0], voiceprint=tuple(float(number) for number in row[1].to_list()))
        for row in await cursor.fetchall()
    ]


# ------------------------------------------------------------------------------------------------ documents


async def put_document(
    connection: AsyncConnection, kind: DocumentKind, name: str, body: str, author: Author | None = None
) -> Document:
    """Keep `body`, which the caller has validated, as the document's next version, and make that the active one."""
    # Two at once would count to the same version.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(current_tenant()::text || %s || '/' || %s, 0))", [kind, name]
    )
    await connection.execute(
        "UPDATE document SET active = false WHERE kind = %s AND name = %s AND active", [kind, name]
    )
    cursor = await connection.execute(
        "INSERT INTO document (tenant_id, kind, name, version, body, active, author_id, author_name)"
        " SELECT current_tenant(), %(kind)s, %(name)s, coalesce(max(version), 0) + 1, %(body)s, true, %(by)s,"
        " %(by_name)s"
        " FROM document WHERE kind = %(kind)s AND name = %(name)s"
        " RETURNING kind, name, version, body, active, created_at",
        {
            "kind": kind,
            "name": name,
            "body": body,
            "by": None if author is None else author.member_id,
            "by_name": None if author is None else author.name,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise Unavailable("the document was not kept: try again")
    return _document(row)


async def active_document(connection: AsyncConnection, kind: DocumentKind, name: str) -> Document | None:
    """The version in force, None when the tenant has none of its own (the product's default then holds)."""
    cursor = await connection.execute(
        "SELECT kind, name, version, body, active, created_at FROM document WHERE kind = %s AND name = %s AND active",
        [kind, name],
    )
    row = await cursor.fetchone()
    return None if row is None else _document(row)


async def list_documents(connection: AsyncConnection, kind: DocumentKind | None = None) -> list[Document]:
    """The active documents, of one kind or all."""
    cursor = await connection.execute(
        "SELECT kind, name, version, body, active, created_at FROM document"
        " WHERE active AND kind = coalesce(%s, kind) ORDER BY kind, name",
        [kind],
    )
    return [_document(row) for row in await cursor.fetchall()]


async def withdraw_document(connection: AsyncConnection, kind: DocumentKind, name: str) -> None:
    """No version is active any more: the product's default holds again. Raises Refused('unknown_document')."""
    cursor = await connection.execute(
        "UPDATE document SET active = false WHERE kind = %s AND name = %s AND active", [kind, name]
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_document", f"the tenant has no active {kind} '{name}'")


def _document(row: tuple[object, ...]) -> Document:
    kind, name, version, body, active, created_at = row
    assert isinstance(version, int)  # noqa: S101
    assert isinstance(created_at, datetime)  # noqa: S101
    return Document(
        kind=DocumentKind(str(kind)),
        name=str(name),
        version=version,
        body=str(body),
        active=bool(active),
        created_at=created_at,
    )
