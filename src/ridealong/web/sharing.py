"""Shares: a link with which somebody without an account reads one call, and the one place that says how much of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.web.access import MANAGE, admit, author_of
from ridealong.web.answers.talk import NewShare, SharedCall, SharesAnswer, WorkingSharesAnswer
from ridealong.web.asking import PROBLEMS, Body, CallId, Token, Viewer, insider, json_answer, reader
from ridealong.web.services import Services
from ridealong.web.shelves import Opened, there

SharedPart = Literal["report", "call", "audio"]
"""`report`: the call, its review, statistics; `call`: also transcript, moments, waveform; `audio`: the recording."""

MOST_SHARE_S: Final = 90 * 24 * 3600


class ShareWanted(Body):
    expires_s: int = Field(default=7 * 24 * 3600, ge=60, le=MOST_SHARE_S)
    scope: Literal["report", "call"] = "report"
    audio: bool = False


def _shows(opened: Opened, part: SharedPart) -> bool:
    match part:
        case "report":
            return True
        case "call":
            return opened.scope == "call"
        case "audio":
            return opened.audio


async def call_reader(services: Services, viewer: Viewer, call_id: UUID, part: SharedPart) -> UUID:
    """The tenant whose call is read: by a token, a view token or a share. Raises Refused as `reader` does."""
    if viewer.token is None and viewer.view is None and viewer.share is not None:
        opened = await there(services.shares).open(viewer.share)
        if opened.call_id != call_id:
            raise Refused("unknown_call", "there is no such call")
        if not _shows(opened, part):
            raise Refused("forbidden", "this link does not show that part of the call")
        return opened.tenant_id
    return (await reader(services.tokens, viewer, call_id)).tenant_id


def opened_with(viewer: Viewer) -> str:
    """The query with which a page that `viewer` opened finds what belongs to it; empty for who sends a header."""
    if viewer.token is not None:
        return ""
    if viewer.view:
        return f"?view={viewer.view}"
    return f"?share={viewer.share}" if viewer.share else ""


def sharing_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls/{call_id}/shares`, and `/v1/shared`."""
    api = APIRouter(prefix="/v1", tags=["shares"], responses=PROBLEMS)
    tokens = services.tokens

    @api.post("/calls/{call_id}/shares", status_code=201, response_model=NewShare)
    async def make_share(call_id: CallId, token: Token, wanted: ShareWanted | None = None) -> Response:
        """A link to this call, read-only, for whoever has it. It is told once. For managers."""
        wanted = wanted or ShareWanted()
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        made, share = await there(services.shares).make(
            principal.tenant_id,
            call_id,
            author_of(principal),
            scope=wanted.scope,
            audio=wanted.audio,
            expires_s=wanted.expires_s,
        )
        told = {name: made[name] for name in ("share_id", "expires_at", "scope", "audio")}
        return json_answer({**told, "url": f"/shared/{share}"}, status=201)

    @api.get("/calls/{call_id}/shares", response_model=SharesAnswer)
    async def list_shares(call_id: CallId, token: Token) -> Response:
        """The call's shares, the newest first, also those that have expired or were revoked."""
        principal = await insider(tokens, token, call_id)
        return json_answer({"shares": await there(services.shares).of(principal.tenant_id, call_id)})

    @api.get("/shares", response_model=WorkingSharesAnswer)
    async def working_shares(token: Token) -> Response:
        """The links of all calls that open something now, the newest first; also those of members who are disabled."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer({"shares": await there(services.shares).working(principal.tenant_id)})

    @api.delete("/calls/{call_id}/shares/{share_id}", status_code=204)
    async def revoke_share(call_id: CallId, share_id: UUID, token: Token) -> Response:
        """The link opens nothing from now on."""
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        await there(services.shares).revoke(principal.tenant_id, call_id, share_id)
        return Response(status_code=204)

    @api.get("/shared/{share}", response_model=SharedCall)
    async def shared(share: Annotated[str, Path(max_length=200)]) -> Response:
        """What a share opens. The parts of the call are read at their own addresses with `?share=`."""
        opened = await there(services.shares).open(share)
        call = await services.library.call(opened.tenant_id, opened.call_id)
        return json_answer(
            {
                "call": call,
                "scope": opened.scope,
                "audio": opened.audio,
                "expires_at": opened.expires_at.isoformat(),
            }
        )

    return api
