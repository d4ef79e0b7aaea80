"""The first set-up, and invitations: how somebody becomes able to sign in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.web.sessions import ANSWERS, Email, Name, Password, Reception, SignedIn, Strict, refuse_foreign

InviteToken = Annotated[str, Field(min_length=1, max_length=200)]


class Setup(Strict):
    setup_code: Annotated[str, Field(max_length=200)]
    organisation: Name
    name: Name
    email: Email
    password: Password


class Acceptance(Strict):
    invite: InviteToken
    password: Password


class Invitation(BaseModel):
    email: str
    name: str
    organisation: str


def joining_api(reception: Reception) -> APIRouter:
    """Routes under `/v1/setup` and `/v1/invites`."""
    api = APIRouter(prefix="/v1", tags=["people"], responses=ANSWERS)
    guesses = reception.guesses

    @api.post("/setup", status_code=201)
    async def setup(request: Request, response: Response, wanted: Setup) -> SignedIn:
        """Make the first admin, with the code that the server printed when it started."""
        refuse_foreign(request)
        known = reception.people
        async with guesses.one(request):
            new = await known.set_up(
                code=wanted.setup_code.strip(),
                organisation=wanted.organisation,
                name=wanted.name,
                email=wanted.email,
                password=wanted.password.get_secret_value(),
            )
        return await reception.opened(request, response, new)

    @api.get("/invites")
    async def invitation(request: Request, invite: Annotated[str, Query(min_length=1, max_length=200)]) -> Invitation:
        """Whom an invitation is for. It stays good."""
        known = reception.people
        async with guesses.one(request):
            found = await known.invitation(invite)
        return Invitation(email=found.email, name=found.name, organisation=found.organisation)

    @api.post("/invites", status_code=201)
    async def accept(request: Request, response: Response, acceptance: Acceptance) -> SignedIn:
        """Choose a password with an invitation, which is used up, and be signed in."""
        refuse_foreign(request)
        known = reception.people
        async with guesses.one(request):
            new = await known.accept(acceptance.invite, acceptance.password.get_secret_value())
        return await reception.opened(request, response, new)

    return api
