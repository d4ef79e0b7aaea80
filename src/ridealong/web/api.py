"""The JSON API over what is stored: calls, transcripts, moments, artifacts, search; and for whoever runs the server.

Every answer is for one tenant, the token's. Another tenant's call is 404, like one that never was.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, StringConstraints
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.store.call_list import CallFilter, ReviewFilter, Sort
from ridealong.web.access import ADMIN, READ, admit
from ridealong.web.answers.artifact import ArtifactShown, MomentsAnswer, MomentTypesAnswer
from ridealong.web.answers.calls import CallDetail, CallPage, SearchAnswer, TranscriptShown
from ridealong.web.asking import PROBLEMS, CallId, Text, Token, View, json_answer
from ridealong.web.services import Services
from ridealong.web.sharing import call_reader

MomentType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _wanted(  # noqa: PLR0917 - FastAPI calls it by name
    rep_id: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
    status: Literal["live", "ended"] | None = None,
    review: ReviewFilter | None = None,
    moment: Annotated[
        list[MomentType], Query(max_length=30, description="Calls with a moment of this type; may be repeated")
    ] = [],  # noqa: B006 - FastAPI copies it
    score_min: Annotated[float | None, Query(ge=0, le=100)] = None,
    score_max: Annotated[float | None, Query(ge=0, le=100)] = None,
    duration_min_s: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    duration_max_s: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    started_from: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    started_to: Annotated[AwareDatetime | None, Query(alias="to", description="Not included itself")] = None,
    q: Annotated[Text | None, Query(max_length=300, description="Words of the title")] = None,
    external_id: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
    customer: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
    deal: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
) -> CallFilter:
    """Which calls. `external_id`: their name where they come from, for example a carrier's call id.
    `customer`, `deal`: as the call's context names them, in capitals or not.
    """
    return CallFilter(
        rep_id=rep_id,
        status=status,
        review=review,
        moments=tuple(moment),
        score_min=score_min,
        score_max=score_max,
        duration_min_ms=None if duration_min_s is None else round(duration_min_s * 1000),
        duration_max_ms=None if duration_max_s is None else round(duration_max_s * 1000),
        started_from=started_from,
        started_to=started_to,
        title=(q or "").strip() or None,
        external_id=external_id,
        customer=None if customer is None else " ".join(customer.split()),
        deal=None if deal is None else " ".join(deal.split()),
    )


def calls_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls`, and `/v1/search`."""
    api = APIRouter(prefix="/v1", tags=["calls"], responses=PROBLEMS)
    library, tokens = services.library, services.tokens

    @api.get("/calls", response_model=CallPage)
    async def list_calls(  # noqa: PLR0917 - FastAPI calls it by name
        token: Token,
        wanted: Annotated[CallFilter, Depends(_wanted)],
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[Text | None, Query(max_length=300)] = None,
        sort: Sort = Sort.STARTED_AT,
        order: Literal["asc", "desc"] = "desc",
    ) -> Response:
        """The tenant's calls, filtered and sorted, by default the newest first.

        `next` is the `before` of the next page, null on the last; it belongs to one `sort` and `order`.
        """
        principal = await admit(tokens, token, scope=READ)
        return json_answer(
            await library.calls(
                principal.tenant_id, wanted, sort=sort, descending=order == "desc", limit=limit, before=before
            )
        )

    @api.get("/moment-types", response_model=MomentTypesAnswer)
    async def moment_types(token: Token) -> Response:
        """The types of moments that one's calls have: what `GET /calls` can be asked for as `moment`."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"types": await library.moment_types(principal.tenant_id)})

    @api.get("/calls/{call_id}", response_model=CallDetail)
    async def call(call_id: CallId, viewer: View) -> Response:
        """The call: its state, speakers, gaps, marks, length and the state of its review."""
        tenant_id = await call_reader(services, viewer, call_id, "report")
        return json_answer(await library.call(tenant_id, call_id))

    @api.get("/calls/{call_id}/transcript", response_model=TranscriptShown)
    async def transcript(
        call_id: CallId, viewer: View, revision: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
    ) -> Response:
        """The utterances of the newest revision, or of the one asked for."""
        tenant_id = await call_reader(services, viewer, call_id, "call")
        return json_answer(await library.transcript(tenant_id, call_id, revision=revision))

    @api.get("/calls/{call_id}/moments", response_model=MomentsAnswer)
    async def moments(call_id: CallId, viewer: View) -> Response:
        """Every moment of the call with its tier, reason, evidence, and what the rep said of it."""
        tenant_id = await call_reader(services, viewer, call_id, "call")
        return json_answer({"moments": await library.moments(tenant_id, call_id)})

    @api.get("/calls/{call_id}/artifact", response_model=ArtifactShown)
    async def artifact(call_id: CallId, viewer: View) -> Response:
        """The review. `not_reviewed` while there is none yet."""
        tenant_id = await call_reader(services, viewer, call_id, "report")
        return json_answer(await library.artifact(tenant_id, call_id))

    @api.delete("/calls/{call_id}", status_code=204)
    async def erase(call_id: CallId, token: Token) -> Response:
        """Erase the call: audio, transcript, and everything that cites it. It cannot be undone."""
        principal = await admit(tokens, token, scope=ADMIN, call_id=call_id)
        await library.erase(principal.tenant_id, call_id)
        return Response(status_code=204)

    @api.get("/search", response_model=SearchAnswer)
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
