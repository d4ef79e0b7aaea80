"""The nudge policy, tried on past calls."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.document import MAX_BYTES
from ridealong.web.access import READ, admit
from ridealong.web.answers.policy import ReplayAnswer
from ridealong.web.asking import PROBLEMS, Body, Token, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there

MOST_CALLS: Final = 100


class ReplayWanted(Body):
    """`policy`: what changes, as YAML (`policy:` and `types:`); `taxonomy`: a whole one in place of the tenant's."""

    call_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CALLS)]
    policy: Annotated[str, Field(max_length=MAX_BYTES)] = ""
    taxonomy: Annotated[str, Field(max_length=MAX_BYTES)] = ""


def policy_api(services: Services) -> APIRouter:
    """Route `/v1/policy/replay`."""
    api = APIRouter(prefix="/v1", tags=["documents"], responses=PROBLEMS)

    @api.post("/policy/replay", response_model=ReplayAnswer)
    async def replay_policy(token: Token, wanted: ReplayWanted) -> Response:
        """What would have been nudged on past calls under a changed policy, beside what was. Nothing is stored."""
        principal = await admit(services.tokens, token, scope=READ)
        if "\x00" in wanted.policy + wanted.taxonomy:
            raise Refused("bad_request", "a document must be text: it holds a NUL character")
        found = await there(services.policy_replays)(
            principal.tenant_id, wanted.call_ids, policy=wanted.policy, taxonomy=wanted.taxonomy
        )
        return json_answer(found)

    return api
