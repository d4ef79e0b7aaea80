"""The tenant's members and its programs' keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.core.people import MemberRole
from ridealong.web import people
from ridealong.web.access import ADMIN, MANAGE, admit
from ridealong.web.answers import Author
from ridealong.web.asking import PROBLEMS, Problem, Token
from ridealong.web.bodies import Name, Strict
from ridealong.web.people import join_path
from ridealong.web.services import Services
from ridealong.web.sessions import Email, Member, people_of

_ANSWERS: Final = PROBLEMS | {409: {"model": Problem, "description": "It would leave no admin, or is there already"}}

MemberId = Annotated[UUID, Path(description="The member")]


class Members(BaseModel):
    members: list[Member]


class NewMember(Strict):
    email: Email
    name: Name
    role: MemberRole
    rep_id: Name | None = None
    """Whose calls are the own ones; the e-mail address where it is left out."""


class MemberAdded(BaseModel):
    member: Member
    invite: str
    """Where the member chooses a password: once, within 7 days. Send it to nobody else."""


class MemberChange(Strict):
    """What is left out stays as it is."""

    name: Name | None = None
    role: MemberRole | None = None
    rep_id: Name | None = None
    disabled: bool | None = None


class Invite(BaseModel):
    invite: str


class ApiKey(BaseModel):
    """A program's token; the token itself is told once, when it is made.

    `own`: it sees and may no more than the member who made it, and ends with them. `by` is null where a program made
    it, or where that was not kept. `by_disabled`: who made it may not sign in any more.
    """

    token_id: UUID
    label: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    own: bool
    by: Author | None
    by_disabled: bool

    @classmethod
    def of(cls, key: people.ApiKey) -> ApiKey:
        return cls(
            token_id=key.token_id,
            label=key.label,
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            own=key.own,
            by=None if key.author is None else Author(member_id=key.author.member_id, name=key.author.name),
            by_disabled=key.author_disabled,
        )


class ApiKeys(BaseModel):
    api_keys: list[ApiKey]


class NewApiKey(Strict):
    label: Name
    scopes: Annotated[list[Literal["capture", "read", "admin"]], Field(min_length=1, max_length=3)]
    expires_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    own: bool = False
    """For own use: it ends with whoever makes it. Else it is the organisation's, and stays until it is revoked."""


class ApiKeyAdded(BaseModel):
    token: str
    api_key: ApiKey


def members_api(services: Services) -> APIRouter:
    """Routes under `/v1/members` and `/v1/api-keys`."""
    api = APIRouter(prefix="/v1", tags=["people"], responses=_ANSWERS)
    tokens = services.tokens

    @api.get("/members")
    async def members(token: Token) -> Members:
        """The tenant's members, disabled ones last."""
        principal = await admit(tokens, token, scope=MANAGE)
        return Members(members=[Member.of(m) for m in await people_of(services).members(principal.tenant_id)])

    @api.post("/members", status_code=201)
    async def add_member(token: Token, new: NewMember) -> MemberAdded:
        """Add a member. The address that is answered lets the member choose a password."""
        principal = await admit(tokens, token, scope=ADMIN)
        member, invite = await people_of(services).add_member(
            principal.tenant_id, email=new.email, name=new.name, role=new.role, rep_id=new.rep_id
        )
        return MemberAdded(member=Member.of(member), invite=join_path(invite))

    @api.patch("/members/{member_id}")
    async def change_member(token: Token, member_id: MemberId, change: MemberChange) -> Member:
        """Change a member. The last admin stays one.

        Who is disabled is out at once: sessions, recordings, links to reports and audio, keys for own use. What they
        made for others stays until it is revoked: see `GET /shares` and `GET /api-keys`.
        """
        principal = await admit(tokens, token, scope=ADMIN)
        changed = await people_of(services).change_member(
            principal.tenant_id,
            member_id,
            name=change.name,
            role=change.role,
            rep_id=change.rep_id,
            disabled=change.disabled,
        )
        return Member.of(changed)

    @api.post("/members/{member_id}/invite")
    async def invite_again(token: Token, member_id: MemberId) -> Invite:
        """A new invitation, for who lost the first one or the password."""
        principal = await admit(tokens, token, scope=ADMIN)
        return Invite(invite=join_path(await people_of(services).invite(principal.tenant_id, member_id)))

    @api.get("/api-keys")
    async def api_keys(token: Token) -> ApiKeys:
        """The tenant's keys for programs, newest first; without those that are limited to one call."""
        principal = await admit(tokens, token, scope=ADMIN)
        return ApiKeys(api_keys=[ApiKey.of(k) for k in await people_of(services).api_keys(principal.tenant_id)])

    @api.post("/api-keys", status_code=201)
    async def add_api_key(token: Token, new: NewApiKey) -> ApiKeyAdded:
        """Make a key. Its token is told this once."""
        principal = await admit(tokens, token, scope=ADMIN)
        if new.own and principal.owner is None:
            raise Refused("bad_request", "`own`: only a member has keys of their own; sign in, or leave it out")
        expires_in = None if new.expires_days is None else timedelta(days=new.expires_days)
        made, key = await people_of(services).add_api_key(
            principal.tenant_id,
            label=new.label,
            scopes=frozenset(new.scopes),
            expires_in=expires_in,
            author=principal.owner,
            # A key that a member's own one makes outlives the member no more than that does.
            own=new.own or (principal.owner is not None and principal.member is None),
        )
        return ApiKeyAdded(token=made, api_key=ApiKey.of(key))

    @api.delete("/api-keys/{token_id}", status_code=204)
    async def revoke_api_key(token: Token, token_id: UUID) -> Response:
        """The key is good for nothing from now on."""
        principal = await admit(tokens, token, scope=ADMIN)
        await people_of(services).revoke_api_key(principal.tenant_id, token_id)
        return Response(status_code=204)

    return api
