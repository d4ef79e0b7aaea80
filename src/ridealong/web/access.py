"""Who is asking, and what they may do. A token never enters a log, and a URL only as a short-lived view token."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.people import Member, MemberRole, Session
from ridealong.core.sight import OwnCalls

CAPTURE: Final = "capture"
"""Start calls."""
READ: Final = "read"
"""Read calls, watch them, hear them."""
ADMIN: Final = "admin"
"""Erase calls, change the tenant's documents, settings and members."""
COMMENT: Final = "comment"
"""Say something about a call that one may read: a vote, a comment, a mark."""
MANAGE: Final = "manage"
"""Correct speakers, share, see who is on a call, the team."""

MAY: Final[Mapping[MemberRole, frozenset[str]]] = MappingProxyType(
    {
        MemberRole.REP: frozenset({CAPTURE, READ, COMMENT}),
        MemberRole.MANAGER: frozenset({CAPTURE, READ, COMMENT, MANAGE}),
        MemberRole.ADMIN: frozenset({CAPTURE, READ, COMMENT, MANAGE, ADMIN}),
    }
)
"""What a member may do, by role; the one place that says so. Of whose calls: `principal_of`."""

_PEOPLES: Final = frozenset({COMMENT, MANAGE})
"""What no program's token names: one with `admin` may it."""


class Principal(Protocol):
    """Who asks: a program by its token, or a person by the cookie of a session."""

    @property
    def tenant_id(self) -> UUID:
        """Whose rows are seen. A rep's is `OwnCalls`: pass it on as it is, and own calls are all that there is."""
        ...

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def call_id(self) -> UUID | None:
        """The one call that the token is limited to, None when it is the tenant's."""
        ...

    @property
    def member(self) -> Member | None:
        """The person, None for a program."""
        ...

    @property
    def owner(self) -> Author | None:
        """The member with whom all of this ends, and what is issued by it: the person, or whose own token it is."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """A `Principal` made of its parts."""

    tenant_id: UUID
    scopes: frozenset[str]
    call_id: UUID | None = None
    member: Member | None = None

    @property
    def owner(self) -> Author | None:
        return None if self.member is None else Author(member_id=self.member.member_id, name=self.member.name)


def principal_of(session: Session) -> Bearer:
    """What a signed-in member may do, and of which calls."""
    member = session.member
    seen = OwnCalls(session.tenant_id, member.rep_id) if member.role is MemberRole.REP else session.tenant_id
    return Bearer(tenant_id=seen, scopes=MAY[member.role], member=member)


class Sessions(Protocol):
    """The sessions of people."""

    async def session_of(self, token: str) -> Session:
        """Raises Refused('signed_out') or Unavailable."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookie:
    """A session's cookie as a request brought it, with what shows that one of our own pages sent the request.

    A browser adds the cookie to whatever any page asks of us. So what changes something needs a word that only our
    pages can read (`csrf_of`), and no page of another origin (`foreign`) changes anything or opens a socket.
    """

    token: str = field(repr=False)
    sessions: Sessions
    changes: bool
    """Whether the method is one that changes something."""
    foreign: bool
    """Whether the browser names another origin than the server's own, or none where it always names one."""
    csrf: str | None = field(default=None, repr=False)

    async def session(self) -> Session:
        """Raises Refused('signed_out' | 'foreign_origin' | 'bad_csrf')."""
        if self.foreign:
            raise Refused("foreign_origin", "another site's page may not do this: open Ridealong at its own address")
        if self.changes and not secrets.compare_digest(csrf_of(self.token).encode(), (self.csrf or "").encode()):
            raise Refused("bad_csrf", "send the session's `csrf` as `X-CSRF-Token`: GET /v1/session tells it")
        return await self.sessions.session_of(self.token)


def csrf_of(token: str) -> str:
    """The word that a page must repeat. Made of the session's token, which it does not give away."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"ridealong csrf\0" + token.encode()).digest()).decode().rstrip("=")


Credential = str | Cookie
"""A bearer token, or a session's cookie."""


class Tokens(Protocol):
    """The store's tokens."""

    async def resolve(self, token: str) -> Principal:
        """Raises Refused('unknown_token' | 'expired_token' | 'unknown_tenant') or Unavailable."""
        ...

    async def issue(
        self,
        tenant_id: UUID,
        *,
        scopes: frozenset[str],
        call_id: UUID,
        lifetime_s: float,
        owner: Author | None = None,
    ) -> str:
        """A new token limited to one call, which ends with `owner` where there is one. Raises Unavailable."""
        ...


def bearer_of(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header, None when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def admit(tokens: Tokens, credential: Credential | None, *, scope: str, call_id: UUID | None = None) -> Principal:
    """Who asks. Checks that they may `scope`, and of a token for one call that it is for `call_id`.

    Raises Refused('missing_token' | 'unknown_token' | 'expired_token' | 'unknown_tenant' | 'forbidden'), and as
    `Cookie.session`.
    """
    if not credential:
        raise Refused("missing_token", "sign in, or send a token: `Authorization: Bearer …`, or the message's own key")
    if isinstance(credential, Cookie):
        principal: Principal = principal_of(await credential.session())
    else:
        principal = await tokens.resolve(credential)
    if not allows(principal, scope):
        who = "this token" if principal.member is None else f"the role `{principal.member.role}`"
        raise Refused("forbidden", f"{who} does not allow `{scope}`")
    if principal.call_id is not None and principal.call_id != call_id:
        raise Refused("forbidden", "this token is limited to another call")
    return principal


def allows(principal: Principal, scope: str) -> bool:
    """Whether `principal` may do `scope` at all."""
    return scope in principal.scopes or (scope in _PEOPLES and ADMIN in principal.scopes)


PROGRAM: Final = "API"
"""The name under which a program's votes and comments stand."""


def author_of(principal: Principal) -> Author:
    """Who writes: the member who is signed in, else a program."""
    member = principal.member
    return Author(
        member_id=None if member is None else member.member_id, name=PROGRAM if member is None else member.name
    )
