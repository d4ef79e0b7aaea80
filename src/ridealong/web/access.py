"""Who is asking, and what they may do. A token never enters a log, and a URL only as a short-lived view token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.errors import Refused

CAPTURE: Final = "capture"
"""Start calls."""
READ: Final = "read"
"""Read calls, watch them, hear them."""
ADMIN: Final = "admin"
"""Erase calls, change the tenant's documents."""


class Principal(Protocol):
    """Whom a token stands for."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def call_id(self) -> UUID | None:
        """The one call that the token is limited to, None when it is the tenant's."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """A `Principal` made of its parts."""

    tenant_id: UUID
    scopes: frozenset[str]
    call_id: UUID | None = None


class Tokens(Protocol):
    """The store's tokens."""

    async def resolve(self, token: str) -> Principal:
        """Raises Refused('unknown_token' | 'expired_token' | 'unknown_tenant') or Unavailable."""
        ...

    async def issue(self, tenant_id: UUID, *, scopes: frozenset[str], call_id: UUID, lifetime_s: float) -> str:
        """A new token limited to one call. Raises Unavailable."""
        ...


def bearer_of(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header, None when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def admit(tokens: Tokens, token: str | None, *, scope: str, call_id: UUID | None = None) -> Principal:
    """Resolve `token` and check that it allows `scope`, and `call_id` where one is asked for.

    Raises Refused('missing_token' | 'unknown_token' | 'expired_token' | 'unknown_tenant' | 'forbidden').
    """
    if not token:
        raise Refused("missing_token", "send a token: `Authorization: Bearer …`, or the message's own key")
    principal = await tokens.resolve(token)
    if scope not in principal.scopes:
        raise Refused("forbidden", f"this token does not allow `{scope}`")
    if principal.call_id is not None and principal.call_id != call_id:
        raise Refused("forbidden", "this token is limited to another call")
    return principal


PROGRAM: Final = "API"
"""The name under which a program's votes and comments stand."""


def author_of(principal: Principal) -> Author:
    """Who writes: the member who is signed in, else a program."""
    member = getattr(principal, "member", None)
    if member is None:
        return Author(member_id=None, name=PROGRAM)
    return Author(member_id=member.member_id, name=member.name)


def manages(principal: Principal) -> bool:
    """Whether it may do what a manager may, for the whole tenant."""
    role = getattr(principal, "role", None)
    return role in {"manager", "admin"} if role is not None else ADMIN in principal.scopes


def administers(principal: Principal) -> bool:
    """Whether it may do what an admin may."""
    role = getattr(principal, "role", None)
    return role == "admin" if role is not None else ADMIN in principal.scopes


async def admit_writer(
    tokens: Tokens, token: str | None, *, call_id: UUID | None = None, manager: bool = False
) -> Principal:
    """Who writes about a call, or about the tenant's calls: a member, or a program with `admin`.

    `manager`: a rep may not. Raises as `admit` does.
    """
    principal = await admit(tokens, token, scope=READ, call_id=call_id)
    member = getattr(principal, "member", None)
    if member is None and ADMIN not in principal.scopes:
        raise Refused("forbidden", f"this token does not allow `{ADMIN}`, which a program needs to write here")
    if manager and not manages(principal):
        raise Refused("forbidden", "this is for managers")
    return principal
