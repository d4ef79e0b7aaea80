"""The report of a call, its audio, and short-lived links to both."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.web.access import MANAGE, READ, admit, allows
from ridealong.web.asking import PROBLEMS, CallId, Token, View, is_view
from ridealong.web.audio import wav_response
from ridealong.web.bodies import Strict
from ridealong.web.services import ReportForm, Services
from ridealong.web.sharing import call_reader, opened_with

MOST_LINK_S: Final = 24 * 3600
DEFAULT_TEMPLATE: Final = "manager"


class LinkWanted(Strict):
    expires_s: int = Field(default=3600, ge=10, le=MOST_LINK_S)


class Link(BaseModel):
    """Addresses that a browser can open without a header, until they expire. Whoever has one can read the call."""

    view: str
    expires_s: int
    report: str
    audio: str


async def chosen_template(services: Services, tenant_id: UUID, form: ReportForm, audience: str | None = None) -> str:
    """The template of a report for which none is asked: the audience's, else the tenant's where it has this form."""
    if audience is not None:
        if services.audiences is None:
            return DEFAULT_TEMPLATE
        return await services.audiences.template(tenant_id, audience, form)
    if services.settings is None or services.documents is None:
        return DEFAULT_TEMPLATE
    chosen = (await services.settings.read(tenant_id)).default_template
    try:
        await services.documents.read(tenant_id, "template", f"{chosen}.{form}")
    except Refused:
        # Withdrawn since, or written in the other form alone: a report of ours is better than none.
        return DEFAULT_TEMPLATE
    return chosen


_MEDIA_TYPES: Final[dict[ReportForm, str]] = {
    "html": "text/html",
    "md": "text/markdown",
    "email": "message/rfc822",
    "slack": "application/json",
    "txt": "text/plain",
    "json": "application/json",
}


def report_api(services: Services) -> APIRouter:
    """The routes under `/v1/calls/{call_id}` that a person opens."""
    api = APIRouter(prefix="/v1", tags=["reports"], responses=PROBLEMS)
    tokens = services.tokens

    @api.get("/calls/{call_id}/report")
    async def report(
        request: Request,
        call_id: CallId,
        viewer: View,
        *,
        template: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = None,
        form: Annotated[ReportForm, Query(alias="format")] = "html",
        audience: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = None,
    ) -> Response:
        """The review rendered with a template, by default the one that the tenant chose, for `audience` if named.

        As HTML it carries no script and loads nothing but the call's audio. `email` is the whole message without
        addresses, `slack` what a Slack-compatible incoming webhook takes.
        """
        tenant_id = await call_reader(services, viewer, call_id, "report")
        template = template or await chosen_template(services, tenant_id, form, audience)
        audio = str(request.app.url_path_for("audio", call_id=str(call_id)))
        # The page's own player cannot send a header, so it gets what the page itself was opened with.
        audio_url = f"{audio}{opened_with(viewer)}"
        text = await services.render(tenant_id, call_id, template=template, form=form, audio_url=audio_url)
        return Response(text, media_type=_MEDIA_TYPES[form])

    @api.head("/calls/{call_id}/audio.wav", response_class=Response, include_in_schema=False, name="audio_head")
    @api.get("/calls/{call_id}/audio.wav", response_class=Response)
    async def audio(request: Request, call_id: CallId, viewer: View) -> Response:
        """The recording as PCM16 WAV; byte ranges are understood. Position 0 is `start_ts` 0."""
        tenant_id = await call_reader(services, viewer, call_id, "audio")
        recording = await services.recordings.open(tenant_id, call_id)
        return wav_response(request, recording, tag=call_id.hex)

    @api.post("/calls/{call_id}/links", status_code=201)
    async def links(request: Request, call_id: CallId, token: Token, wanted: LinkWanted | None = None) -> Link:
        """Short-lived addresses of the report and the audio, for a browser."""
        wanted = wanted or LinkWanted()
        principal = await admit(tokens, token, scope=READ, call_id=call_id)
        if is_view(principal):
            # Otherwise a link could be prolonged for ever by whoever was sent it.
            raise Refused("forbidden", "a view token makes no further links")
        await services.library.call(principal.tenant_id, call_id)
        if principal.member is not None and not allows(principal, MANAGE):
            raise Refused("forbidden", "a manager or an admin can share this call")
        view = await tokens.issue(
            principal.tenant_id,
            scopes=frozenset({READ}),
            call_id=call_id,
            lifetime_s=wanted.expires_s,
            owner=principal.owner,
        )
        path = request.app.url_path_for
        return Link(
            view=view,
            expires_s=wanted.expires_s,
            report=f"{path('report', call_id=str(call_id))}?view={view}",
            audio=f"{path('audio', call_id=str(call_id))}?view={view}",
        )

    return api
