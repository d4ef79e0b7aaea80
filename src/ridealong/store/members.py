"""Members, their sessions and their invitations.

A token of a session or an invitation is told once; the database keeps its SHA-256 alone, as with tenants' tokens.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.errors import Refused
from ridealong.core.people import Member, MemberRole, Session
from ridealong.store.tenants import put_rep

if TYPE_CHECKING:
    from ridealong.store import Store

SESSION_LIFE: Final = timedelta(days=30)
INVITE_LIFE: Final = timedelta(days=7)
_EXTEND_AFTER: Final = timedelta(days=1)
"""A session slides on by writing, so not at each request."""

_COLUMNS: Final = "member_id, email, name, role, rep_id, created_at, disabled_at"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What signing in needs to know of an address."""

    tenant_id: UUID
    member_id: UUID
    password_hash: str | None


async def any_member(store: Store) -> bool:
    """Whether there is a member of any tenant."""
    async with store.without_tenant() as connection:
        row = await (await connection.execute("SELECT any_member()")).fetchone()
    return bool(row and row[0])


async def hold_first_setup(connection: AsyncConnection) -> bool:
    """Whether there is no member of any tenant; until the transaction ends nobody else is told so."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ridealong: the first member', 0))")
    row = await (await connection.execute("SELECT any_member()")).fetchone()
    return not (row and row[0])


async def known_by_email(store: Store, email: str) -> Known | None:
    """Whose address it is, among all tenants; None for nobody's and for a disabled member's."""
    if "\x00" in email:
        # The database's text cannot hold it, so it is nobody's.
        return None
    async with store.without_tenant() as connection:
        cursor = await connection.execute(
            "SELECT tenant_id, member_id, password_hash FROM member_of_email(%s)", [email]
        )
        row = await cursor.fetchone()
    return None if row is None else Known(tenant_id=row[0], member_id=row[1], password_hash=row[2])


# ------------------------------------------------------------------------------------------------ members


async def add_member(
    connection: AsyncConnection,
    *,
    email: str,
    name: str,
    role: MemberRole,
    rep_id: str | None = None,
    password_hash: str | None = None,
    oidc_subject: str | None = None,
) -> Member:
    """A new member; `rep_id` is the e-mail address where it is left out. Raises Refused('email_taken')."""
    rep_id = rep_id or email
    await put_rep(connection, rep_id, name)
    cursor = await connection.execute(
        "INSERT INTO member (tenant_id, member_id, email, name, role, rep_id, password_hash, oidc_subject)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s)"
        f" ON CONFLICT ON CONSTRAINT member_email_is_taken DO NOTHING RETURNING {_COLUMNS}",
        [uuid4(), email, name, role, rep_id, password_hash, oidc_subject],
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("email_taken", "there is a member with this e-mail address already")
    return _member(row)


async def list_members(connection: AsyncConnection) -> list[Member]:
    """The tenant's members by name, disabled ones last."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM member ORDER BY disabled_at IS NOT NULL, lower(name), email"
    )
    return [_member(row) for row in await cursor.fetchall()]


async def find_member(connection: AsyncConnection, member_id: UUID) -> Member:
    """Raises Refused('unknown_member')."""
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM member WHERE member_id = %s", [member_id])
    return _member(_there(await cursor.fetchone()))


async def member_of_subject(connection: AsyncConnection, subject: str) -> Member | None:
    """The tenant's member whom the identity provider calls so."""
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM member WHERE oidc_subject = %s", [subject])
    row = await cursor.fetchone()
    return None if row is None else _member(row)


async def change_member(
    connection: AsyncConnection,
    member_id: UUID,
    *,
    name: str | None = None,
    role: MemberRole | None = None,
    rep_id: str | None = None,
    disabled: bool | None = None,
) -> Member:
    """Change what is not None. Who is disabled is signed out everywhere.

    Raises Refused('unknown_member'), or Refused('last_admin') where the tenant would have none left.
    """
    # All admins, not only this one: two who demote each other at once would both see one left.
    cursor = await connection.execute(
        "SELECT member_id FROM member WHERE role = 'admin' AND disabled_at IS NULL ORDER BY member_id FOR UPDATE"
    )
    admins = {row[0] for row in await cursor.fetchall()}
    before = await find_member(connection, member_id)
    gone = disabled or (role is not None and role is not MemberRole.ADMIN)
    if gone and admins == {member_id}:
        raise Refused("last_admin", "this is the only admin: make somebody else an admin first")
    if rep_id is not None:
        await put_rep(connection, rep_id, name or before.name)
    elif name is not None:
        await put_rep(connection, before.rep_id, name)
    cursor = await connection.execute(
        "UPDATE member SET name = coalesce(%(name)s, name), role = coalesce(%(role)s, role),"
        " rep_id = coalesce(%(rep_id)s, rep_id), disabled_at = CASE WHEN %(disabled)s::boolean IS NULL THEN disabled_at"
        " WHEN %(disabled)s THEN coalesce(disabled_at, now()) END"
        f" WHERE member_id = %(member_id)s RETURNING {_COLUMNS}",
        {"member_id": member_id, "name": name, "role": role, "rep_id": rep_id, "disabled": disabled},
    )
    changed = _member(_there(await cursor.fetchone()))
    if disabled:
        await end_sessions(connection, member_id)
        await connection.execute("DELETE FROM invite WHERE member_id = %s", [member_id])
    return changed


async def password_hash_of(connection: AsyncConnection, member_id: UUID) -> str | None:
    cursor = await connection.execute("SELECT password_hash FROM member WHERE member_id = %s", [member_id])
    return _there(await cursor.fetchone())[0]


async def put_password(connection: AsyncConnection, member_id: UUID, password_hash: str) -> None:
    await connection.execute("UPDATE member SET password_hash = %s WHERE member_id = %s", [password_hash, member_id])


async def take_subject(connection: AsyncConnection, member_id: UUID, subject: str) -> None:
    """From now on the identity provider's name for the member counts, not the address.

    Raises Refused('oidc_refused') for a member whom the provider knows by another name: the address changed hands.
    """
    cursor = await connection.execute(
        "UPDATE member SET oidc_subject = %s WHERE member_id = %s AND oidc_subject IS NULL", [subject, member_id]
    )
    if cursor.rowcount == 0:
        raise Refused("oidc_refused", "this address belongs to another account of your company: ask an admin")


def _there(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise Refused("unknown_member", "there is no such member")
    return row


def _member(row: tuple[Any, ...]) -> Member:
    return Member(
        member_id=row[0],
        email=row[1],
        name=row[2],
        role=MemberRole(row[3]),
        rep_id=row[4],
        created_at=row[5],
        disabled_at=row[6],
    )


# ------------------------------------------------------------------------------------------------ sessions


async def open_session(connection: AsyncConnection, member_id: UUID) -> str:
    """Sign the member in; returns the session's token, always a new one. Sessions that are over are forgotten."""
    await connection.execute("DELETE FROM session WHERE member_id = %s AND expires_at < now()", [member_id])
    token = secrets.token_urlsafe(32)
    await connection.execute(
        "INSERT INTO session (tenant_id, session_id, member_id, token_hash, expires_at)"
        " VALUES (current_tenant(), %s, %s, %s, now() + %s)",
        [uuid4(), member_id, _hash(token), SESSION_LIFE],
    )
    return token


async def resolve_session(store: Store, token: str) -> Session | None:
    """Who is signed in with it, None when nobody is (any more). It is good for 30 more days then."""
    if not 0 < len(token) < 200:
        return None
    async with store.without_tenant() as connection:
        cursor = await connection.execute(
            "SELECT tenant_id, session_id, expires_at, slug, organisation, member_id, email, name, role, rep_id,"
            " member_since, NULL, expires_at < now() + %s FROM resolve_session(%s)",
            [SESSION_LIFE - _EXTEND_AFTER, _hash(token)],
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    session = Session(
        tenant_id=row[0],
        session_id=row[1],
        expires_at=row[2],
        slug=row[3],
        organisation=row[4],
        member=_member(row[5:12]),
    )
    if row[12]:
        async with store.tenant(session.tenant_id) as connection:
            await connection.execute(
                "UPDATE session SET expires_at = now() + %s WHERE session_id = %s", [SESSION_LIFE, session.session_id]
            )
    return session


async def end_session(connection: AsyncConnection, session_id: UUID) -> None:
    await connection.execute("DELETE FROM session WHERE session_id = %s", [session_id])


async def end_sessions(connection: AsyncConnection, member_id: UUID, *, but: UUID | None = None) -> None:
    """Sign the member out everywhere, but for one session."""
    await connection.execute(
        "DELETE FROM session WHERE member_id = %s AND session_id IS DISTINCT FROM %s", [member_id, but]
    )


# ------------------------------------------------------------------------------------------------ invitations


async def make_invite(connection: AsyncConnection, member_id: UUID) -> str:
    """A token that lets the member choose a password, once, within a week; an earlier one is worth nothing then.

    Raises Refused('unknown_member' | 'member_disabled').
    """
    if (await find_member(connection, member_id)).disabled_at is not None:
        raise Refused("member_disabled", "this member is disabled: enable them first")
    token = secrets.token_urlsafe(32)
    await connection.execute(
        "INSERT INTO invite (tenant_id, member_id, token_hash, expires_at)"
        " VALUES (current_tenant(), %s, %s, now() + %s)"
        " ON CONFLICT (tenant_id, member_id) DO UPDATE SET token_hash = EXCLUDED.token_hash, created_at = now(),"
        " expires_at = EXCLUDED.expires_at",
        [member_id, _hash(token), INVITE_LIFE],
    )
    return token


async def resolve_invite(store: Store, token: str) -> tuple[UUID, UUID]:
    """(tenant, member) of an invitation that still holds. Raises Refused('unknown_invite')."""
    row = None
    if 0 < len(token) < 200:
        async with store.without_tenant() as connection:
            cursor = await connection.execute("SELECT tenant_id, member_id FROM resolve_invite(%s)", [_hash(token)])
            row = await cursor.fetchone()
    if row is None:
        raise _unknown_invite()
    return row[0], row[1]


async def use_invite(connection: AsyncConnection, token: str) -> None:
    """The invitation is used up. Raises Refused('unknown_invite') when somebody was faster."""
    cursor = await connection.execute("DELETE FROM invite WHERE token_hash = %s AND expires_at > now()", [_hash(token)])
    if cursor.rowcount == 0:
        raise _unknown_invite()


def _unknown_invite() -> Refused:
    return Refused("unknown_invite", "this invitation was used or is too old: ask an admin for a new one")


def _hash(token: str) -> bytes:
    # Unsalted and fast on purpose, as for tenants' tokens: 256 random bits cannot be guessed.
    return hashlib.sha256(token.encode(errors="replace")).digest()
