"""A tenant's confidence over HTTP: what its people's votes made of it, learn from them now, go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, MANAGE, Tokens, admit
from ridealong.web.answers.confidence import ConfidenceVersion, ConfidenceVersions
from ridealong.web.asking import PROBLEMS, Token, json_answer

Json = Mapping[str, object]
Number = Annotated[int, Path(ge=0, le=2**31 - 1)]


class ConfidenceOfTenants(Protocol):
    """What makes a probability of a claim's signals. Every method sees one tenant. Raises Unavailable."""

    async def versions(self, tenant_id: UUID) -> Json: ...

    async def calibrate(self, tenant_id: UUID) -> Json:
        """Fit a version to the votes and use it. Raises Refused('too_few_votes')."""
        ...

    async def take_up(self, tenant_id: UUID, version: int) -> Json:
        """Use an earlier version, 0: the shipped one. Raises Refused('unknown_version')."""
        ...


def confidence_api(tokens: Tokens, known: ConfidenceOfTenants | None) -> APIRouter:
    """Routes under `/v1/confidence`."""
    api = APIRouter(prefix="/v1/confidence/versions", tags=["confidence"], responses=PROBLEMS)

    def confidence() -> ConfidenceOfTenants:
        if known is None:
            raise MissingPart("this server learns no confidence from votes")
        return known

    @api.get("", response_model=ConfidenceVersions)
    async def list_confidence_versions(token: Token) -> Response:
        """Every version with the calibration error before and after it, and how many votes there are to learn from."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await confidence().versions(principal.tenant_id))

    @api.post("", status_code=201, response_model=ConfidenceVersion)
    async def calibrate_confidence(token: Token) -> Response:
        """Learn from the votes on claims as they stand. Reviews from now on are weighed with what comes of it; those
        that are finished keep the confidence that they were read with.
        """
        principal = await admit(tokens, token, scope=ADMIN)
        return json_answer(await confidence().calibrate(principal.tenant_id), status=201)

    @api.post("/{version}/use", response_model=ConfidenceVersions)
    async def use_confidence_version(token: Token, version: Number) -> Response:
        """Weigh reviews from now on with an earlier version; 0 are the shipped weights."""
        principal = await admit(tokens, token, scope=ADMIN)
        return json_answer(await confidence().take_up(principal.tenant_id, version))

    return api
