"""What the server is given to know people: members, sessions, invitations, and where a company's people sign in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.people import Member, MemberRole, Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A session that was just opened, and the token that the browser keeps."""

    token: str = field(repr=False)
    session: Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """What an invitation shows to whoever opens it."""

    email: str
    name: str
    organisation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A program's token as lists show it."""

    token_id: UUID
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    own: bool
    """Whether it ends with the member who made it."""
    author: Author | None
    author_disabled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whom an identity provider vouches for, once all that it said was checked."""

    subject: str
    """The provider's own name for the person, with the provider: it never changes hands, as addresses do."""
    email: str
    name: str


class IdentityProvider(Protocol):
    """A company's own sign-in (OpenID Connect)."""

    @property
    def name(self) -> str:
        """What the button says."""
        ...

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises Unavailable while the provider does not answer."""
        ...

    async def identify(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with `code`. Raises Refused('oidc_refused') or Unavailable."""
        ...


class People(Protocol):
    """Members and their sessions. All methods raise Unavailable while the database is away."""

    async def setup_needed(self) -> bool:
        """Whether there is nobody yet who could sign in."""
        ...

    async def set_up(self, *, code: str, organisation: str, name: str, email: str, password: str) -> Opened:
        """Make the first admin. Raises Refused('already_set_up' | 'wrong_setup_code' | …)."""
        ...

    async def session_of(self, token: str) -> Session:
        """Who is signed in with it. Raises Refused('signed_out')."""
        ...

    async def sign_in(self, email: str, password: str) -> Opened:
        """Raises Refused('wrong_credentials'), in the same time for an unknown address, or Refused('too_busy')."""
        ...

    async def sign_in_identified(self, identity: Identity) -> Opened:
        """Raises Refused('oidc_refused') for somebody who may not."""
        ...

    async def sign_out(self, token: str) -> None:
        """That session is over; it is no mistake if it was before."""
        ...

    async def change_password(self, session: Session, *, old: str, new: str) -> None:
        """And end the member's other sessions. Raises Refused('wrong_password' | 'weak_password')."""
        ...

    async def members(self, tenant_id: UUID) -> Sequence[Member]: ...

    async def add_member(
        self, tenant_id: UUID, *, email: str, name: str, role: MemberRole, rep_id: str | None
    ) -> tuple[Member, str]:
        """The member, and the token of an invitation. Raises Refused('email_taken' | 'bad_email')."""
        ...

    async def change_member(
        self,
        tenant_id: UUID,
        member_id: UUID,
        *,
        name: str | None = None,
        role: MemberRole | None = None,
        rep_id: str | None = None,
        disabled: bool | None = None,
    ) -> Member:
        """Raises Refused('unknown_member' | 'last_admin')."""
        ...

    async def invite(self, tenant_id: UUID, member_id: UUID) -> str:
        """A new invitation's token; an earlier one holds no more. Raises Refused('unknown_member')."""
        ...

    async def invitation(self, token: str) -> Invitation:
        """Raises Refused('unknown_invite')."""
        ...

    async def accept(self, token: str, password: str) -> Opened:
        """Use the invitation up: the password is set, and all earlier sessions are over. Raises as `invitation`."""
        ...

    async def api_keys(self, tenant_id: UUID) -> Sequence[ApiKey]: ...

    async def add_api_key(
        self,
        tenant_id: UUID,
        *,
        label: str,
        scopes: frozenset[str],
        expires_in: timedelta | None,
        author: Author | None,
        own: bool,
    ) -> tuple[str, ApiKey]:
        """The token, told this once, and how lists show it. `own`: it ends with `author`, who is a member then."""
        ...

    async def revoke_api_key(self, tenant_id: UUID, token_id: UUID) -> None:
        """Raises Refused('not_found')."""
        ...


def join_path(invite: str) -> str:
    """The page on which the invitation's token is used."""
    return f"/join?invite={quote(invite, safe='')}"
