"""A tenant's own mail server, by which its reports go out in place of the operator's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.web.access import ADMIN, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Strict

Security = Literal["starttls", "tls", "none"]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9:._-]+$")]


class MailAccount(BaseModel):
    """The password is never shown."""

    host: str
    port: int
    security: Security
    user: str
    has_password: bool
    sender: str
    changed_at: datetime


class MailOfTenant(BaseModel):
    """`account` null: mail goes out by the operator's server, where `server_sends` says that there is one."""

    account: MailAccount | None
    server_sends: bool


class NewMailAccount(Strict):
    """`port`: by default 587, 465 or 25. `password` left out: it stays, while host, port and user do."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    security: Security = "starttls"
    user: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    password: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    sender: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class CheckedMail(BaseModel):
    """`message`: what is wrong; empty where the server let us sign in."""

    works: bool
    message: str


class TestedMail(CheckedMail):
    """`to`: to whom it was sent. `works`: the server took it; whether it arrives, the mailbox shows."""

    to: str


class MailOfTenants(Protocol):
    """All raise Unavailable."""

    async def read(self, tenant_id: UUID) -> MailOfTenant: ...

    async def write(self, tenant_id: UUID, new: NewMailAccount) -> MailAccount:
        """Raises Refused('bad_request') for what cannot be, or MissingPart."""
        ...

    async def drop(self, tenant_id: UUID) -> None: ...

    async def check(self, tenant_id: UUID) -> CheckedMail:
        """Connect and sign in; sends nothing. Raises MissingPart where neither tenant nor operator has a server."""
        ...

    async def send_test(self, tenant_id: UUID, to: str) -> TestedMail:
        """Send one mail to that address. Raises MissingPart as `check`."""
        ...


def mail_api(tokens: Tokens, known: MailOfTenants | None) -> APIRouter:
    """Routes under `/v1/mail`."""
    api = APIRouter(prefix="/v1", tags=["settings"], responses=PROBLEMS)

    def mail() -> MailOfTenants:
        if known is None:
            raise MissingPart("this server sends no mail")
        return known

    @api.get("/mail")
    async def read_mail(token: Token) -> MailOfTenant:
        """The tenant's own mail server, without its password."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await mail().read(principal.tenant_id)

    @api.put("/mail")
    async def write_mail(token: Token, new: NewMailAccount) -> MailAccount:
        """Have the tenant's mail go out by this server."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await mail().write(principal.tenant_id, new)

    @api.delete("/mail", status_code=204)
    async def drop_mail(token: Token) -> Response:
        """Forget it: mail goes out by the operator's server again."""
        principal = await admit(tokens, token, scope=ADMIN)
        await mail().drop(principal.tenant_id)
        return Response(status_code=204)

    @api.post("/mail/check")
    async def check_mail(token: Token) -> CheckedMail:
        """Connect to the server that is used and sign in. Nothing is sent."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await mail().check(principal.tenant_id)

    @api.post("/mail/test")
    async def test_mail(token: Token) -> TestedMail:
        """Send one mail to whoever asks, by the server that is used."""
        principal = await admit(tokens, token, scope=ADMIN)
        if principal.member is None:
            raise Refused("bad_request", "a test mail goes to the member who asks: sign in, or use a key of your own")
        return await mail().send_test(principal.tenant_id, principal.member.email)

    return api
