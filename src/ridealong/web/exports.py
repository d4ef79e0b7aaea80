"""Findings and moments as files, for a spreadsheet or a warehouse."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from ridealong.core.errors import MissingPart
from ridealong.web.access import READ, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token

ExportFormat = Literal["csv", "parquet"]
_MEDIA_TYPES: Final[dict[ExportFormat, str]] = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


class Exports(Protocol):
    async def open(
        self,
        tenant_id: UUID,
        kind: Literal["findings", "moments"],
        form: ExportFormat,
        *,
        since: date | None,
        until: date | None,
    ) -> AsyncGenerator[bytes]:
        """The file, piece by piece. Raises Refused('bad_request'), or MissingPart for a format that is not there."""
        ...


def exports_api(tokens: Tokens, known: Exports | None) -> APIRouter:
    """The route `/v1/exports/{kind}`."""
    api = APIRouter(prefix="/v1", tags=["delivery"], responses=PROBLEMS)

    @api.get("/exports/{kind}", response_class=Response)
    async def export_of_calls(
        token: Token,
        kind: Literal["findings", "moments"],
        form: Annotated[ExportFormat, Query(alias="format")] = "csv",
        since: Annotated[date | None, Query(alias="from", description="The first day, in UTC.")] = None,
        until: Annotated[date | None, Query(alias="to", description="The last day, in UTC.")] = None,
    ) -> Response:
        """One row for each finding of the newest review, or each moment, of the ended calls that began in these days.

        Times in a call are ms of its audio; `quote` is what the first, the strongest evidence says. A rep gets those of
        own calls.
        """
        principal = await admit(tokens, token, scope=READ)
        if known is None:
            raise MissingPart("this server exports nothing")
        pieces = await known.open(principal.tenant_id, kind, form, since=since, until=until)
        name = f"{kind}.{form}"
        return StreamingResponse(
            pieces,
            media_type=_MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    return api
