"""A tenant's own documents and voices: taxonomy, rubrics, templates, and how its reps sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.document import MAX_BYTES
from ridealong.web.access import ADMIN, READ, Tokens, admit, author_of
from ridealong.web.answers.documents import DocumentFine, DocumentPreview, DocumentsAnswer, VersionsAnswer
from ridealong.web.answers.voices import VoiceEnrolled
from ridealong.web.asking import PROBLEMS, Body, Token, json_answer
from ridealong.web.services import DocumentKind, Documents, ReportForm, Services, Voices
from ridealong.web.shelves import there

MOST_VOICE_BYTES: Final = 16 * 1024 * 1024
"""Two minutes of 48 kHz in two channels are 23 MB; thirty seconds are enough to know a voice."""

_KINDS: Final[dict[str, DocumentKind]] = {"taxonomies": "taxonomy", "rubrics": "rubric", "templates": "template"}
Name = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}(\.(html|md|email|slack|txt|json))?$",
        description="The document's name; a template's ends in its form: .html, .md, .email, .slack, .txt or .json",
    ),
]

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
_TEXT_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}
}


async def whole_body(request: Request, most: int) -> bytes:
    """The body, of at most `most` bytes, however long it says it is. Raises Refused('body_too_large')."""
    stated = request.headers.get("content-length", "0")
    body = bytearray()
    if stated.isdigit() and int(stated) <= most:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise Refused("body_too_large", f"at most {most // 1024} KiB are taken here")


def documents_api(services: Services) -> APIRouter:
    """Routes under `/v1/taxonomies`, `/v1/rubrics`, `/v1/templates` and `/v1/reps`."""
    api = APIRouter(prefix="/v1", responses=PROBLEMS)
    tokens = services.tokens

    def documents() -> Documents:
        if services.documents is None:
            raise MissingPart("this server keeps no documents of tenants")
        return services.documents

    def voices() -> Voices:
        if services.voices is None:
            raise MissingPart("this server enrols no voices")
        return services.voices

    for plural, kind in _KINDS.items():
        _one_kind(api, tokens, documents, plural, kind)
    _all_kinds(api, services, documents)

    @api.post("/reps/{rep_id}/voice", tags=["reps"], status_code=201, response_model=VoiceEnrolled)
    async def enrol(
        request: Request,
        rep_id: Annotated[str, Path(min_length=1, max_length=300)],
        token: Token,
    ) -> Response:
        """Learn a rep's voice from a WAV of at least 10 s in which nobody else speaks."""
        principal = await admit(tokens, token, scope=ADMIN)
        if any(ord(character) < 0x20 for character in rep_id):
            raise Refused("bad_request", "`rep_id` holds a control character")
        wav = await whole_body(request, MOST_VOICE_BYTES)
        return json_answer(await voices().enrol(principal.tenant_id, rep_id, wav), status=201)

    return api


def _one_kind(
    api: APIRouter, tokens: Tokens, documents: Callable[[], Documents], plural: str, kind: DocumentKind
) -> None:
    @api.get(f"/{plural}/{{name}}", tags=["documents"], response_class=Response, name=f"read_{kind}")
    async def _(name: Name, token: Token) -> Response:
        """The tenant's own document of that name, else the one that ships, as it was written."""
        principal = await admit(tokens, token, scope=READ)
        text = await documents().read(principal.tenant_id, kind, name)
        return Response(text, media_type="text/plain" if kind == "template" else "application/yaml")

    @api.put(f"/{plural}/{{name}}", tags=["documents"], status_code=204, name=f"write_{kind}", openapi_extra=_TEXT_BODY)
    async def _(request: Request, name: Name, token: Token) -> Response:
        """Put a document in place of the shipped one. A mistake is told with its line, and then nothing changes."""
        principal = await admit(tokens, token, scope=ADMIN)
        text = await _text(request)
        await documents().write(principal.tenant_id, kind, name, text, author_of(principal))
        return Response(status_code=204)


async def _text(request: Request) -> str:
    body = await whole_body(request, MAX_BYTES)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise Refused("bad_request", f"the document must be UTF-8 text: line {line} is not") from None
    if "\x00" in text:
        raise Refused("bad_request", "the document must be text: it holds a NUL character")
    return text


class PreviewWanted(Body):
    """A document as it is being written, and the call to try it on. `format`: of a template whose name says none."""

    text: str = Field(max_length=MAX_BYTES)
    call_id: UUID
    format: ReportForm = "html"


def _all_kinds(api: APIRouter, services: Services, documents: Callable[[], Documents]) -> None:
    tokens = services.tokens
    place = "/documents/{kind}/{name}"

    @api.get("/documents", tags=["documents"], response_model=DocumentsAnswer)
    async def list_documents(token: Token) -> Response:
        """What holds: the tenant's own documents, and those that ship where it has none of that name."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"documents": await documents().all(principal.tenant_id)})

    @api.get(f"{place}/versions", tags=["documents"], response_model=VersionsAnswer)
    async def list_versions(kind: DocumentKind, name: Name, token: Token) -> Response:
        """Every version that the tenant ever kept, the newest first. Empty for one that ships and was never changed."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"versions": await documents().versions(principal.tenant_id, kind, name)})

    @api.get(f"{place}/versions/{{version}}", tags=["documents"], response_class=PlainTextResponse)
    async def read_version(kind: DocumentKind, name: Name, version: Version, token: Token) -> Response:
        """One version as it was written."""
        principal = await admit(tokens, token, scope=READ)
        return PlainTextResponse(await documents().version(principal.tenant_id, kind, name, version))

    @api.post(f"{place}/versions/{{version}}/activate", tags=["documents"], status_code=204)
    async def activate_version(kind: DocumentKind, name: Name, version: Version, token: Token) -> Response:
        """Roll back, or forward: that version holds from the next call or review on."""
        principal = await admit(tokens, token, scope=ADMIN)
        await documents().activate(principal.tenant_id, kind, name, version)
        return Response(status_code=204)

    @api.delete(place, tags=["documents"], status_code=204)
    async def withdraw_document(kind: DocumentKind, name: Name, token: Token) -> Response:
        """Let the shipped one hold again. The tenant's versions stay and can be put in force again."""
        principal = await admit(tokens, token, scope=ADMIN)
        await documents().withdraw(principal.tenant_id, kind, name)
        return Response(status_code=204)

    @api.post(f"{place}/check", tags=["documents"], response_model=DocumentFine, openapi_extra=_TEXT_BODY)
    async def check_document(request: Request, kind: DocumentKind, name: Name, token: Token) -> Response:
        """Whether a document can be kept, without keeping it. A mistake is 422 `bad_document` with its line.

        `warnings`: what can be kept and should be looked at, such as a claim that a template prints without its link.
        """
        principal = await admit(tokens, token, scope=ADMIN)
        warnings = await documents().check(kind, name, await _text(request), principal.tenant_id)
        return json_answer({"ok": True, "warnings": list(warnings)})

    @api.post(f"{place}/preview", tags=["documents"], response_model=DocumentPreview)
    async def preview_document(kind: DocumentKind, name: Name, token: Token, wanted: PreviewWanted) -> Response:
        """What a document would make of a past call. Nothing of it is stored."""
        principal = await admit(tokens, token, scope=ADMIN)
        if "\x00" in wanted.text:
            raise Refused("bad_request", "the document must be text: it holds a NUL character")
        if len(wanted.text.encode()) > MAX_BYTES:
            raise Refused("body_too_large", f"a document has at most {MAX_BYTES // 1024} KiB")
        found = await there(services.previews)(
            principal.tenant_id, kind, name, wanted.text, call_id=wanted.call_id, form=wanted.format
        )
        return json_answer({**dict.fromkeys(DocumentPreview.model_fields), **found})
