"""A tenant's taxonomy in its parts: read, and changed without writing the document anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from ridealong.core.author import Author
from ridealong.live.taxonomy_change import TaxonomyChange
from ridealong.web.access import ADMIN, READ, Tokens, admit, author_of
from ridealong.web.answers.taxonomy import TaxonomyShown
from ridealong.web.asking import PROBLEMS, Token, json_answer
from ridealong.web.bodies import Strict
from ridealong.web.shelves import there

Json = Mapping[str, object]


class TaxonomyOfTenants(Protocol):
    """Every method sees one tenant. Raises Unavailable."""

    async def read(self, tenant_id: UUID) -> Json: ...

    async def change(self, tenant_id: UUID, change: TaxonomyChange, author: Author) -> Json:
        """The taxonomy as it is now: the document's next version. Raises InvalidDocument, and then nothing changes."""
        ...


class TaxonomyChangeWanted(Strict, TaxonomyChange):
    """What changes; what is left out stays. Lists (`trackers`, `examples`, `not_examples`) are whole."""


def taxonomy_api(tokens: Tokens, known: TaxonomyOfTenants | None) -> APIRouter:
    """Routes `/v1/taxonomy`."""
    api = APIRouter(prefix="/v1", tags=["taxonomy"], responses=PROBLEMS)

    @api.get("/taxonomy", response_model=TaxonomyShown)
    async def read_taxonomy_parts(token: Token) -> Response:
        """The taxonomy that the next call begins with: policy, types with their examples, trackers."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer(await there(known).read(principal.tenant_id))

    @api.patch("/taxonomy", response_model=TaxonomyShown)
    async def change_taxonomy(token: Token, wanted: TaxonomyChangeWanted) -> Response:
        """Change parts of the taxonomy. Its document gets a next version; comments and order in it stay."""
        principal = await admit(tokens, token, scope=ADMIN)
        return json_answer(await there(known).change(principal.tenant_id, wanted, author_of(principal)))

    return api
