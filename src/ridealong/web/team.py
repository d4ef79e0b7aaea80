"""For managers: the calls that run now, a word to the rep on one of them, and how the team does over weeks."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.web.access import MANAGE, READ, admit, author_of
from ridealong.web.answers.talk import MessageSent
from ridealong.web.answers.team import LiveAnswer, TeamAnswer
from ridealong.web.asking import PROBLEMS, Body, CallId, Text, Token, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there

LONGEST_MESSAGE: Final = 140
"""Characters: it is read at a glance while somebody else talks."""


class MessageWanted(Body):
    text: Annotated[Text, Field(min_length=1, max_length=LONGEST_MESSAGE)]


def team_api(services: Services) -> APIRouter:
    """Routes `/v1/live`, `/v1/team` and `/v1/calls/{call_id}/messages`."""
    api = APIRouter(prefix="/v1", tags=["team"], responses=PROBLEMS)
    tokens = services.tokens

    @api.get("/live", response_model=LiveAnswer)
    async def live(token: Token) -> Response:
        """The calls that run now, the newest first, each with its last moments."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"calls": await there(services.team).live(principal.tenant_id)})

    @api.post("/calls/{call_id}/messages", status_code=201, response_model=MessageSent)
    async def send_message(call_id: CallId, token: Token, wanted: MessageWanted) -> Response:
        """A short word to the rep on a running call: a `message` event, which the rep's phone shows as a card."""
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        # One line: a card has no room for more, and no watch shows it.
        text = " ".join(wanted.text.split())
        if not text:
            raise Refused("bad_request", "`text` must say something")
        call = await services.calls.find(principal.tenant_id, call_id)
        author = author_of(principal)
        at_ts = call.message(text, author)
        return json_answer({"text": text, "by": author.as_json(), "at_ts": at_ts}, status=201)

    @api.get("/team", response_model=TeamAnswer)
    async def team(
        token: Token,
        started_from: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        started_to: Annotated[AwareDatetime | None, Query(alias="to", description="Not included itself")] = None,
        bucket: Literal["week"] = "week",  # noqa: ARG001 - the only one yet
        rep_id: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
    ) -> Response:
        """Each rep and each week: talk ratio, questions, scores, moments, nudges and what reps said of them.

        Every number says over how many calls it is counted, and which query lists them. A rep sees own numbers.
        """
        principal = await admit(tokens, token, scope=READ)
        return json_answer(
            await there(services.team).figures(
                principal.tenant_id, started_from=started_from, started_to=started_to, rep_id=rep_id
            )
        )

    return api
