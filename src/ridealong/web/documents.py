"""A tenant's own documents and voices: taxonomy, rubrics, templates, and how its reps sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.document import MAX_BYTES
from ridealong.web.access import ADMIN, READ, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token, json_answer
from ridealong.web.services import DocumentKind, Documents, Services, Voices

MOST_VOICE_BYTES: Final = 16 * 1024 * 1024
"""Two minutes of 48 kHz in two channels are 23 MB; thirty seconds are enough to know a voice."""

_KINDS: Final[dict[str, DocumentKind]] = {"taxonomies": "taxonomy", "rubrics": "rubric", "templates": "template"}
Name = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}(\.(html|md))?$",
        description="The document's name; a template's ends in `.html` or `.md`",
    ),
]


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

    @api.post("/reps/{rep_id}/voice", tags=["reps"], status_code=201)
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

    @api.put(f"/{plural}/{{name}}", tags=["documents"], status_code=204, name=f"write_{kind}")
    async def _(request: Request, name: Name, token: Token) -> Response:
        """Put a document in place of the shipped one. A mistake is told with its line, and then nothing changes."""
        principal = await admit(tokens, token, scope=ADMIN)
        body = await whole_body(request, MAX_BYTES)
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            line = body[: error.start].count(b"\n") + 1
            raise Refused("bad_request", f"the document must be UTF-8 text: line {line} is not") from None
        if "\x00" in text:
            raise Refused("bad_request", "the document must be text: it holds a NUL character")
        await documents().write(principal.tenant_id, kind, name, text)
        return Response(status_code=204)
