"""A tenant's calendars, which say what a call was: feeds that are read, and invitations that are sent here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.core.sight import only_rep
from ridealong.web.access import ADMIN, CAPTURE, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Name, Strict

LONGEST_INVITATION = 256 * 1024
Domain = Annotated[str, Field(max_length=250, pattern=r"^[a-z0-9.-]+\.[a-z]{2,63}$")]
CallType = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9_]*$")]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=50)]


class CallTypeWords(Strict):
    """The words of a meeting's title that mean a type of call."""

    call_type: CallType
    words: Words


class CalendarReading(Strict):
    """`own_domains`: of your people's addresses, beside those of members: who has another one is a customer.

    `call_types`: the first one whose words are in the title.
    """

    own_domains: Annotated[list[Domain], Field(max_length=50, default_factory=list)]
    call_types: Annotated[list[CallTypeWords], Field(max_length=50, default_factory=list)]


class CalendarFeed(BaseModel):
    """The address is a secret: `host` is what is shown of it. `last_fault`: why it could not be read last."""

    feed_id: UUID
    label: str
    rep_id: str
    host: str
    last_at: datetime | None
    last_fault: str


class Calendars(BaseModel):
    reading: CalendarReading
    feeds: list[CalendarFeed]


class NewCalendarFeed(Strict):
    """`url`: an address that gives iCalendar. `rep_id`: whose calendar it is; empty: of several."""

    label: Name
    url: Annotated[str, Field(max_length=2000, pattern=r"^[!-~]+$")]
    rep_id: Annotated[str, Field(max_length=300)] = ""


class InvitationTaken(BaseModel):
    """`kept`: false where a newer one of the same meeting was here already, or there was none to call off."""

    uid: str
    cancelled: bool
    kept: bool


class CalendarsOfTenants(Protocol):
    """All raise Unavailable."""

    async def read(self, tenant_id: UUID) -> Calendars: ...

    async def write_reading(self, tenant_id: UUID, reading: CalendarReading) -> None: ...

    async def add_feed(self, tenant_id: UUID, new: NewCalendarFeed) -> CalendarFeed:
        """Raises Refused('bad_request') for an address that may not be read, or MissingPart."""
        ...

    async def remove_feed(self, tenant_id: UUID, feed_id: UUID) -> None:
        """Raises Refused('not_found')."""
        ...

    async def take_invitation(self, tenant_id: UUID, text: str) -> InvitationTaken:
        """Raises InvalidDocument for one that is none."""
        ...


def calendars_api(tokens: Tokens, known: CalendarsOfTenants | None) -> APIRouter:
    """Routes under `/v1/calendars`."""
    api = APIRouter(prefix="/v1", tags=["crm"], responses=PROBLEMS)

    def calendars() -> CalendarsOfTenants:
        if known is None:
            raise MissingPart("this server reads no calendars")
        return known

    @api.get("/calendars")
    async def read_calendars(token: Token) -> Calendars:
        """How meetings are read, and the calendars that are."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await calendars().read(principal.tenant_id)

    @api.put("/calendars/reading")
    async def write_calendar_reading(token: Token, reading: CalendarReading) -> CalendarReading:
        """Say whose addresses are your own, and which words of a title mean which type of call."""
        principal = await admit(tokens, token, scope=ADMIN)
        await calendars().write_reading(principal.tenant_id, reading)
        return reading

    @api.post("/calendars/feeds", status_code=201)
    async def add_calendar_feed(token: Token, new: NewCalendarFeed) -> CalendarFeed:
        """Add a calendar by its address. It is read when a call needs it."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await calendars().add_feed(principal.tenant_id, new)

    @api.delete("/calendars/feeds/{feed_id}", status_code=204)
    async def remove_calendar_feed(token: Token, feed_id: UUID) -> Response:
        """Remove it. What it said of calls stays."""
        principal = await admit(tokens, token, scope=ADMIN)
        await calendars().remove_feed(principal.tenant_id, feed_id)
        return Response(status_code=204)

    @api.post(
        "/calendars/invitations",
        openapi_extra={"requestBody": {"required": True, "content": {"text/calendar": {"schema": {"type": "string"}}}}},
    )
    async def take_invitation(token: Token, request: Request) -> InvitationTaken:
        """Take an invitation as calendars send it (`text/calendar`), a newer one, or its cancellation."""
        principal = await admit(tokens, token, scope=CAPTURE)
        if only_rep(principal.tenant_id) is not None:
            raise Refused("forbidden", "the role `rep` does not allow to say what others' meetings are")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_INVITATION:
                raise Refused("bad_request", f"an invitation has at most {LONGEST_INVITATION // 1024} KiB")
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused("bad_request", "send the invitation as UTF-8") from None
        if "\0" in text:
            raise Refused("bad_request", "an invitation holds no zero bytes")
        return await calendars().take_invitation(principal.tenant_id, text)

    return api
