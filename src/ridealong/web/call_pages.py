"""What a call's page shows beyond the call: waveform, statistics, corrected speakers, the review again, export."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response

from ridealong.web.access import COMMENT, admit, author_of
from ridealong.web.answers.calls import CallDetail, StatisticsAnswer, Waveform
from ridealong.web.asking import PROBLEMS, Body, CallId, Text, Token, View, json_answer
from ridealong.web.report import chosen_template
from ridealong.web.services import Services
from ridealong.web.sharing import call_reader, opened_with
from ridealong.web.shelves import there

_TYPES = {"md": "text/markdown", "html": "text/html", "json": "application/json"}


class SpeakerChange(Body):
    """What is left out stays. `name` null takes a given name away."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Annotated[Text | None, Field(max_length=100)] = None
    role: Literal["rep", "customer", "unknown"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> SpeakerChange:
        if not self.model_fields_set or ("role" in self.model_fields_set and self.role is None):
            raise ValueError("give a `name`, null for none, or a `role`")
        return self


class ContextChange(Body):
    """What is left out stays; an empty text takes it away."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    customer: Annotated[Text, Field(max_length=300)] = ""
    deal: Annotated[Text, Field(max_length=300)] = ""
    call_type: Annotated[Text, Field(max_length=64)] = ""
    stage: Annotated[Text, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _says_something(self) -> ContextChange:
        if not self.model_fields_set:
            raise ValueError("give `customer`, `deal`, `call_type` or `stage`")
        return self


def call_pages_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls/{call_id}`."""
    api = APIRouter(prefix="/v1/calls/{call_id}", tags=["calls"], responses=PROBLEMS)
    tokens = services.tokens

    @api.get("/waveform", response_model=Waveform)
    async def waveform(
        call_id: CallId, viewer: View, points: Annotated[int, Query(ge=10, le=20_000)] = 2000
    ) -> Response:
        """How loud each speaker is over the call, in at most `points` equal parts."""
        tenant_id = await call_reader(services, viewer, call_id, "call")
        return json_answer(await there(services.call_pages).waveform(tenant_id, call_id, points=points))

    @api.get("/statistics", response_model=StatisticsAnswer)
    async def statistics(call_id: CallId, viewer: View) -> Response:
        """Every statistic of the call and of its speakers, each with its formula and where that comes from."""
        tenant_id = await call_reader(services, viewer, call_id, "report")
        return json_answer({"statistics": await there(services.call_pages).statistics(tenant_id, call_id)})

    @api.put("/speakers/{speaker_id}", response_model=CallDetail)
    async def correct_speaker(
        call_id: CallId, speaker_id: Annotated[int, Path(ge=0, le=2**31 - 1)], token: Token, change: SpeakerChange
    ) -> Response:
        """Say who a speaker is. Transcript and statistics follow at once; `review_outdated` says whether the review was
        made with other roles, and `POST …/review` makes it again.
        """
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        given = {name: getattr(change, name) for name in change.model_fields_set}
        if "name" in given:
            given["name"] = (given["name"] or "").strip() or None
        return json_answer(
            await there(services.call_pages).correct_speaker(
                principal.tenant_id, call_id, speaker_id, author_of(principal), given
            )
        )

    @api.put("/context", response_model=CallDetail)
    async def change_context(call_id: CallId, token: Token, change: ContextChange) -> Response:
        """Say whose deal the call belongs to and what kind of call it is, also when it is over. A review that
        was made with another `call_type` or `stage` is outdated then (`outdated_by`); `POST …/review` makes it again.
        """
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        given = {name: getattr(change, name) for name in change.model_fields_set}
        return json_answer(await there(services.call_pages).change_context(principal.tenant_id, call_id, given))

    @api.post("/review", status_code=202, response_model=CallDetail)
    async def review_again(call_id: CallId, token: Token) -> Response:
        """Make the review again, with the roles and rubric that now hold. Votes on claims that it states again stay."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        await there(services.call_pages).review_again(principal.tenant_id, call_id)
        return json_answer(await services.library.call(principal.tenant_id, call_id), status=202)

    @api.get("/export", response_class=Response)
    async def export(
        request: Request,
        call_id: CallId,
        viewer: View,
        form: Annotated[Literal["md", "html", "json"], Query(alias="format")] = "md",
        template: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = None,
    ) -> Response:
        """The call as a file: its report by a template, or as `json` everything that is known of it.

        By default the template is the one that the tenant chose.
        """
        # Everything holds the transcript too: a share of the report alone does not show it.
        tenant_id = await call_reader(services, viewer, call_id, "call" if form == "json" else "report")
        audio = f"{request.app.url_path_for('audio', call_id=str(call_id))}{opened_with(viewer)}"
        # A file is opened away from the server: its links must lead back to it.
        audio_url = (services.public_url or str(request.base_url).rstrip("/")) + audio
        if form != "json":
            template = template or await chosen_template(services, tenant_id, form)
        text = await there(services.call_pages).export(
            tenant_id, call_id, form=form, template=template or "", audio_url=audio_url
        )
        return Response(
            text,
            media_type=_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="call-{call_id}.{form}"'},
        )

    return api
