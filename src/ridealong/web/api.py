"""The JSON API over what is stored: calls, transcripts, moments, artifacts, search; and for whoever runs the server.

Every answer is for one tenant, the token's. Another tenant's call is 404, like one that never was.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.web.access import ADMIN, READ, admit
from ridealong.web.asking import PROBLEMS, CallId, Token, View, json_answer, reader
from ridealong.web.services import Services


def calls_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls`, and `/v1/search`."""
    api = APIRouter(prefix="/v1", tags=["calls"], responses=PROBLEMS)
    library, tokens = services.library, services.tokens

    @api.get("/calls")
    async def list_calls(
        token: Token,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[str | None, Query(max_length=100)] = None,
        external_id: Annotated[str | None, Query(min_length=1, max_length=300)] = None,
    ) -> Response:
        """The tenant's calls, newest first; `next` is the `before` of the next page, null on the last.

        `external_id`: only calls of that name where they come from, for example a carrier's call id.
        """
        principal = await admit(tokens, token, scope=READ)
        if external_id is not None and "\x00" in external_id:
            raise Refused("bad_request", "`external_id` is a call's name where it comes from")
        calls, following = await library.calls(principal.tenant_id, limit=limit, before=before, external_id=external_id)
        return json_answer({"calls": calls, "next": following})

    @api.get("/calls/{call_id}")
    async def call(call_id: CallId, viewer: View) -> Response:
        """The call: its state, roles, gaps, length and the state of its review."""
        principal = await reader(tokens, viewer, call_id)
        return json_answer(await library.call(principal.tenant_id, call_id))

    @api.get("/calls/{call_id}/transcript")
    async def transcript(
        call_id: CallId, viewer: View, revision: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
    ) -> Response:
        """The utterances of the newest revision, or of the one asked for."""
        principal = await reader(tokens, viewer, call_id)
        return json_answer(await library.transcript(principal.tenant_id, call_id, revision=revision))

    @api.get("/calls/{call_id}/moments")
    async def moments(call_id: CallId, viewer: View) -> Response:
        """Every moment of the call with its tier, reason and evidence."""
        principal = await reader(tokens, viewer, call_id)
        return json_answer({"moments": await library.moments(principal.tenant_id, call_id)})

    @api.get("/calls/{call_id}/artifact")
    async def artifact(call_id: CallId, viewer: View) -> Response:
        """The review. `not_reviewed` while there is none yet."""
        principal = await reader(tokens, viewer, call_id)
        return json_answer(await library.artifact(principal.tenant_id, call_id))

    @api.delete("/calls/{call_id}", status_code=204)
    async def erase(call_id: CallId, token: Token) -> Response:
        """Erase the call: audio, transcript, and everything that cites it. It cannot be undone."""
        principal = await admit(tokens, token, scope=ADMIN, call_id=call_id)
        await library.erase(principal.tenant_id, call_id)
        return Response(status_code=204)

    @api.get("/search")
    async def search(
        token: Token,
        q: Annotated[str, Query(min_length=1, max_length=500)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        call_id: Annotated[UUID | None, Query()] = None,
    ) -> Response:
        """Utterances, moments and claims by meaning and by words: one ranked list, each hit a span of its call."""
        principal = await admit(tokens, token, scope=READ, call_id=call_id)
        if not q.strip() or "\x00" in q:
            raise Refused("bad_request", "`q` must hold what to look for")
        hits = await library.search(principal.tenant_id, q.strip(), limit=limit, call_id=call_id)
        return json_answer({"hits": hits})

    return api


def operations_api(services: Services) -> APIRouter:
    """For whoever runs the server. Nothing of any tenant is in it, so no token is asked for."""
    api = APIRouter(tags=["operations"])

    @api.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @api.get("/readyz", responses={503: PROBLEMS[503]})
    async def readyz() -> dict[str, str]:
        """Calls can be taken: the database answers and the models are loaded."""
        await services.ready()
        return {"status": "ready"}

    @api.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api
