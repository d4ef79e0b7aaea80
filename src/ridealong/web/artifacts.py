"""The artifacts of a call over time: a review that is made again leaves the one before it, and says what changed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from ridealong.postcall.changes import changes_as_markdown
from ridealong.web.answers.difference import ArtifactDifference, ArtifactVersions
from ridealong.web.asking import PROBLEMS, CallId, View, json_answer
from ridealong.web.services import Services
from ridealong.web.sharing import call_reader
from ridealong.web.shelves import there


def artifacts_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls/{call_id}` about what its review was and is."""
    api = APIRouter(prefix="/v1/calls/{call_id}", tags=["calls"], responses=PROBLEMS)

    @api.get("/artifacts", response_model=ArtifactVersions)
    async def versions(call_id: CallId, viewer: View) -> Response:
        """The call's artifacts, numbered from 1, oldest first. The last one holds; `earlier` ones were made again."""
        tenant_id = await call_reader(services, viewer, call_id, "report")
        return json_answer({"artifacts": await there(services.artifacts).all(tenant_id, call_id)})

    @api.get("/artifact/diff", response_model=ArtifactDifference)
    async def difference(
        call_id: CallId,
        viewer: View,
        before: Annotated[int, Query(alias="from", ge=1, le=2**31 - 1)],
        after: Annotated[int, Query(alias="to", ge=1, le=2**31 - 1)],
        form: Annotated[Literal["json", "md"], Query(alias="format")] = "json",
    ) -> Response:
        """What changed between two of them: claims added, gone and changed, and the sections' scores."""
        tenant_id = await call_reader(services, viewer, call_id, "report")
        found = await there(services.artifacts).difference(tenant_id, call_id, before, after)
        if form == "md":
            return Response(changes_as_markdown(found), media_type="text/markdown")
        return json_answer(found)

    return api
