"""Playlists of stretches of calls."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.web.access import MANAGE, READ, admit, author_of
from ridealong.web.answers.talk import Playlist, PlaylistItem, PlaylistsAnswer, PlaylistShown
from ridealong.web.asking import PROBLEMS, At, Body, Text, Token, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there


class PlaylistWanted(Body):
    name: Annotated[Text, Field(min_length=1, max_length=200)]


class ItemWanted(Body):
    """A stretch of a call. With `moment_id` or `claim_id` it cites what that one cites, else what is said in it."""

    call_id: UUID
    start_ts: At
    end_ts: At
    note: Annotated[Text, Field(max_length=2000)] = ""
    moment_id: UUID | None = None
    claim_id: UUID | None = None

    @model_validator(mode="after")
    def _one_stretch_of_one_thing(self) -> ItemWanted:
        if self.end_ts <= self.start_ts:
            raise ValueError("`end_ts` must lie behind `start_ts`")
        if self.moment_id is not None and self.claim_id is not None:
            raise ValueError("an item is of a moment or of a claim, not of both")
        return self


def playlists_api(services: Services) -> APIRouter:
    """Routes under `/v1/playlists`. Whoever may read calls reads them; managers change them."""
    api = APIRouter(prefix="/v1/playlists", tags=["playlists"], responses=PROBLEMS)
    tokens = services.tokens

    @api.get("", response_model=PlaylistsAnswer)
    async def list_playlists(token: Token) -> Response:
        """The tenant's playlists by name."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"playlists": await there(services.playlists).all(principal.tenant_id)})

    @api.post("", status_code=201, response_model=Playlist)
    async def make_playlist(token: Token, wanted: PlaylistWanted) -> Response:
        """A new, empty playlist."""
        principal = await admit(tokens, token, scope=MANAGE)
        if not wanted.name.strip():
            raise Refused("bad_request", "`name` must say something")
        made = await there(services.playlists).make(principal.tenant_id, author_of(principal), wanted.name.strip())
        return json_answer(made, status=201)

    @api.get("/{playlist_id}", response_model=PlaylistShown)
    async def read_playlist(playlist_id: UUID, token: Token) -> Response:
        """A playlist with its items in their order."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer(await there(services.playlists).read(principal.tenant_id, playlist_id))

    @api.delete("/{playlist_id}", status_code=204)
    async def delete_playlist(playlist_id: UUID, token: Token) -> Response:
        """Delete a playlist; the calls stay."""
        principal = await admit(tokens, token, scope=MANAGE)
        await there(services.playlists).delete(principal.tenant_id, playlist_id)
        return Response(status_code=204)

    @api.post("/{playlist_id}/items", status_code=201, response_model=PlaylistItem)
    async def add_item(playlist_id: UUID, token: Token, wanted: ItemWanted) -> Response:
        """Add a stretch of a call. `ungrounded` where it holds no words of somebody known, or not those cited."""
        principal = await admit(tokens, token, scope=MANAGE)
        made = await there(services.playlists).add(
            principal.tenant_id,
            playlist_id,
            author_of(principal),
            call_id=wanted.call_id,
            start_ts=wanted.start_ts,
            end_ts=wanted.end_ts,
            note=wanted.note.strip(),
            moment_id=wanted.moment_id,
            claim_id=wanted.claim_id,
        )
        return json_answer(made, status=201)

    @api.delete("/{playlist_id}/items/{item_id}", status_code=204)
    async def remove_item(playlist_id: UUID, item_id: UUID, token: Token) -> Response:
        """Take an item out."""
        principal = await admit(tokens, token, scope=MANAGE)
        await there(services.playlists).remove(principal.tenant_id, playlist_id, item_id)
        return Response(status_code=204)

    return api
