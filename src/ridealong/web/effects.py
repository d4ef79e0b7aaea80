"""Did nudges help: of one call, and over weeks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from ridealong.web.access import READ, admit
from ridealong.web.answers.effects import CallEffects, EffectsAnswer
from ridealong.web.asking import PROBLEMS, CallId, Text, Token, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there


def effects_api(services: Services) -> APIRouter:
    """Routes `/v1/calls/{call_id}/effects` and `/v1/team/effects`."""
    api = APIRouter(prefix="/v1", tags=["team"], responses=PROBLEMS)

    @api.get("/calls/{call_id}/effects", response_model=CallEffects)
    async def call_effects(call_id: CallId, token: Token) -> Response:
        """Each nudge of a call: sent, seen, felt late, acted on with the rep's words, and how the call came out."""
        principal = await admit(services.tokens, token, scope=READ)
        return json_answer(await there(services.effects).of_call(principal.tenant_id, call_id))

    @api.get("/team/effects", response_model=EffectsAnswer)
    async def team_effects(
        token: Token,
        started_from: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        started_to: Annotated[AwareDatetime | None, Query(alias="to", description="Not included itself")] = None,
        rep_id: Annotated[Text | None, Query(), Field(min_length=1, max_length=300)] = None,
    ) -> Response:
        """Of each type and each rep: how often nudges were seen, felt late and acted on, with intervals.

        Where the policy holds some out, also by how much nudging changes what reps do. A rep sees own numbers.
        """
        principal = await admit(services.tokens, token, scope=READ)
        return json_answer(
            await there(services.effects).figures(
                principal.tenant_id, started_from=started_from, started_to=started_to, rep_id=rep_id
            )
        )

    return api
