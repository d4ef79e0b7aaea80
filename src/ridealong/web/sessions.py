"""Signing in and out, and what a page is told of who is signed in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from starlette.responses import Response

from ridealong.core import people
from ridealong.core.errors import MissingPart, Refused
from ridealong.core.people import MemberRole
from ridealong.web.access import csrf_of
from ridealong.web.asking import PROBLEMS, Problem
from ridealong.web.credentials import cookie_of, drop_cookie, own_origin, set_cookie
from ridealong.web.people import Opened, People
from ridealong.web.services import Services
from ridealong.web.throttle import Throttle, network_of


def one_line(text: str) -> str:
    """A name as people read it. Raises ValueError for what is none."""
    text = text.strip()
    if not text or any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("write a name, in one line")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
Email = Annotated[str, Field(max_length=300)]
Password = Annotated[SecretStr, Field(max_length=1000)]


class Strict(BaseModel):
    """A body in which a word that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(BaseModel):
    """A person of the tenant."""

    member_id: UUID
    email: str
    name: str
    role: MemberRole
    rep_id: str
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, member: people.Member) -> Member:
        return cls(
            member_id=member.member_id,
            email=member.email,
            name=member.name,
            role=member.role,
            rep_id=member.rep_id,
            created_at=member.created_at,
            disabled_at=member.disabled_at,
        )


class Organisation(BaseModel):
    slug: str
    name: str


class Oidc(BaseModel):
    """The company's own sign-in: `/v1/oidc/start`."""

    name: str


class SignedOut(BaseModel):
    signed_in: Literal[False] = False
    setup_needed: bool
    oidc: Oidc | None


class SignedIn(BaseModel):
    signed_in: Literal[True] = True
    csrf: str
    """To be sent as `X-CSRF-Token` with whatever changes something."""
    member: Member
    tenant: Organisation
    setup_needed: Literal[False] = False
    oidc: Oidc | None


class Credentials(Strict):
    email: Email
    password: Password


class NewPassword(Strict):
    old: Password
    new: Password


ANSWERS: Final = PROBLEMS | {
    429: {"model": Problem, "description": "Too many attempts: `Retry-After` says when the next one is taken"}
}


class Guesses:
    """Who may still guess. By address of the network, and by what is guessed at: each alone is got around."""

    def __init__(self) -> None:
        self._of_network = Throttle(most=40, every_s=15)
        self._of_email = Throttle(most=8, every_s=60)

    @asynccontextmanager
    async def one(self, request: Request, about: str | None = None) -> AsyncGenerator[None]:
        """Around one attempt; it counts unless it succeeds. Raises TooManyAttempts."""
        network = network_of(request.client.host if request.client else None)
        self._of_network.take(network)
        if about is not None:
            self._of_email.take(about)
        yield
        self._of_network.give_back(network)
        if about is not None:
            self._of_email.forget(about)


def people_of(services: Services) -> People:
    """Raises MissingPart."""
    if services.people is None:
        raise MissingPart("this server knows no people: use a token")
    return services.people


class Reception:
    """Where sessions are opened, and told to pages."""

    def __init__(self, services: Services) -> None:
        self.guesses = Guesses()
        self._services = services
        self.oidc = None if services.identity is None else Oidc(name=services.identity.name)

    @property
    def people(self) -> People:
        """Raises MissingPart."""
        return people_of(self._services)

    def signed_in(self, token: str, session: people.Session) -> SignedIn:
        return SignedIn(
            csrf=csrf_of(token),
            member=Member.of(session.member),
            tenant=Organisation(slug=session.slug, name=session.organisation),
            oidc=self.oidc,
        )

    async def opened(self, request: Request, response: Response, new: Opened) -> SignedIn:
        """Give the browser the new session in place of an earlier one."""
        # Never an earlier one's token: whoever knew that must not be signed in now.
        earlier = cookie_of(request)
        if earlier is not None:
            await self.people.sign_out(earlier.token)
        set_cookie(response, request, new.token)
        return self.signed_in(new.token, new.session)


def sessions_api(reception: Reception) -> APIRouter:
    """Routes under `/v1/session`."""
    api = APIRouter(prefix="/v1", tags=["people"], responses=ANSWERS)
    guesses = reception.guesses

    @api.get("/session")
    async def session(request: Request, response: Response) -> SignedIn | SignedOut:
        """Who is signed in, with the word (`csrf`) that changes need; or what a sign-in page has to know."""
        known = reception.people
        cookie = cookie_of(request)
        if cookie is not None:
            try:
                found = await cookie.session()
            except Refused:
                drop_cookie(response, request)
            else:
                # The browser forgets it 30 days after it last heard so.
                set_cookie(response, request, cookie.token)
                return reception.signed_in(cookie.token, found)
        return SignedOut(setup_needed=await known.setup_needed(), oidc=reception.oidc)

    @api.post("/session")
    async def sign_in(request: Request, response: Response, credentials: Credentials) -> SignedIn:
        """Sign in. An unknown address is answered like a wrong password."""
        refuse_foreign(request)
        known = reception.people
        # What is tried is counted as it is compared, however it was written.
        async with guesses.one(request, about=credentials.email.strip().lower()):
            new = await known.sign_in(credentials.email, credentials.password.get_secret_value())
        return await reception.opened(request, response, new)

    @api.delete("/session", status_code=204)
    async def sign_out(request: Request) -> Response:
        """Sign out, in this browser."""
        response = Response(status_code=204)
        cookie = cookie_of(request)
        if cookie is not None:
            try:
                await cookie.session()
                await reception.people.sign_out(cookie.token)
            except Refused as error:
                if error.code != "signed_out":
                    raise
        drop_cookie(response, request)
        return response

    @api.post("/session/password", status_code=204)
    async def change_password(request: Request, change: NewPassword) -> Response:
        """Choose another password. The member's other sessions are over then."""
        cookie = cookie_of(request)
        if cookie is None:
            raise Refused("signed_out", "sign in first")
        found = await cookie.session()
        async with guesses.one(request, about=found.member.email):
            await reception.people.change_password(
                found, old=change.old.get_secret_value(), new=change.new.get_secret_value()
            )
        return Response(status_code=204)

    return api


def refuse_foreign(request: Request) -> None:
    """Nobody is signed in yet, so there is no word to repeat; but no other site signs anybody in. Raises Refused."""
    if request.headers.get("origin") is not None and not own_origin(request):
        raise Refused("foreign_origin", "another site's page may not do this: open Ridealong at its own address")
