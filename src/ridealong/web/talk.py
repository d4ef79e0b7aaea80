"""What people say about a call: votes on claims, feedback on nudges, marks and comments. None of it changes a claim."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.core.moments import Verdict
from ridealong.web.access import ADMIN, COMMENT, admit, allows, author_of
from ridealong.web.answers.artifact import FeedbackAnswer
from ridealong.web.answers.calls import Mark
from ridealong.web.answers.talk import Comment, CommentsAnswer, VotesAnswer
from ridealong.web.asking import PROBLEMS, At, Body, CallId, Text, Token, insider, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there


class VoteWanted(Body):
    """`verdict` null takes the vote back."""

    verdict: Literal["agree", "disagree"] | None
    note: Annotated[Text, Field(max_length=2000)] = ""


class FeedbackWanted(Body):
    verdict: Verdict


class MarkWanted(Body):
    at_ts: At


class CommentWanted(Body):
    at_ts: At
    text: Annotated[Text, Field(min_length=1, max_length=4000)]
    reply_to: UUID | None = None


def talk_api(services: Services) -> APIRouter:
    """Routes under `/v1/calls/{call_id}`."""
    api = APIRouter(prefix="/v1/calls/{call_id}", tags=["talk"], responses=PROBLEMS)
    tokens = services.tokens

    @api.get("/votes", response_model=VotesAnswer)
    async def list_votes(call_id: CallId, token: Token) -> Response:
        """Every vote on the claims of the call's review."""
        principal = await insider(tokens, token, call_id)
        return json_answer({"votes": await there(services.talk).votes(principal.tenant_id, call_id)})

    @api.post("/claims/{claim_id}/votes", response_model=VotesAnswer)
    async def vote(call_id: CallId, claim_id: UUID, token: Token, wanted: VoteWanted) -> Response:
        """Agree or disagree with a claim, in place of one's earlier vote. Answers with the claim's votes."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        votes = await there(services.talk).vote(
            principal.tenant_id,
            call_id,
            claim_id,
            author_of(principal),
            verdict=wanted.verdict,
            note=wanted.note.strip(),
        )
        return json_answer({"votes": votes})

    @api.post("/moments/{moment_id}/feedback", response_model=FeedbackAnswer)
    async def feedback(call_id: CallId, moment_id: UUID, token: Token, wanted: FeedbackWanted) -> Response:
        """Say whether a nudge helped, in place of what one said before. Answers with the moment's feedback."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        found = await there(services.talk).feedback(
            principal.tenant_id, call_id, moment_id, author_of(principal), wanted.verdict
        )
        return json_answer({"feedback": found})

    @api.post("/marks", status_code=201, response_model=Mark)
    async def mark(call_id: CallId, token: Token, wanted: MarkWanted) -> Response:
        """Mark a time of the call: it matters."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        made = await there(services.talk).mark(principal.tenant_id, call_id, author_of(principal), at_ts=wanted.at_ts)
        return json_answer(made, status=201)

    @api.get("/comments", response_model=CommentsAnswer)
    async def list_comments(call_id: CallId, token: Token) -> Response:
        """The call's comments in its order. A deleted one stays as a place for its replies, without its text."""
        principal = await insider(tokens, token, call_id)
        return json_answer({"comments": await there(services.talk).comments(principal.tenant_id, call_id)})

    @api.post("/comments", status_code=201, response_model=Comment)
    async def comment(call_id: CallId, token: Token, wanted: CommentWanted) -> Response:
        """Comment on a time of the call, or reply to a comment."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        if not wanted.text.strip():
            raise Refused("bad_request", "`text` must say something")
        made = await there(services.talk).comment(
            principal.tenant_id,
            call_id,
            author_of(principal),
            at_ts=wanted.at_ts,
            text=wanted.text.strip(),
            reply_to=wanted.reply_to,
        )
        return json_answer(made, status=201)

    @api.delete("/comments/{comment_id}", status_code=204)
    async def delete_comment(call_id: CallId, comment_id: UUID, token: Token) -> Response:
        """Take a comment's text away: one's own, or as an admin anybody's."""
        principal = await admit(tokens, token, scope=COMMENT, call_id=call_id)
        await there(services.talk).delete_comment(
            principal.tenant_id, call_id, comment_id, by=author_of(principal), anyones=allows(principal, ADMIN)
        )
        return Response(status_code=204)

    return api
