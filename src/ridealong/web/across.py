"""Over many calls: a question and its answer, the deals, and what customers keep saying."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, Field, StringConstraints
from starlette.responses import Response

from ridealong.core.answer import Scope
from ridealong.core.errors import Refused
from ridealong.core.transcript import Role
from ridealong.web.access import READ, admit
from ridealong.web.answers.across import AnswerShown, DealsAnswer, DealShown, ThemeMomentsAnswer, ThemesAnswer
from ridealong.web.asking import PROBLEMS, Body, Text, Token, json_answer
from ridealong.web.services import Services
from ridealong.web.shelves import there

MomentType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
NameWanted = Annotated[Text, Field(min_length=1, max_length=300)]


class QuestionWanted(Body):
    """What is left out is read out of the question ("this month", a customer's name, "objections"), else it is all."""

    question: Annotated[Text, Field(min_length=1, max_length=500)]
    started_from: Annotated[AwareDatetime | None, Field(alias="from")] = None
    started_to: Annotated[AwareDatetime | None, Field(alias="to", description="Not included itself")] = None
    rep_id: NameWanted | None = None
    customer: NameWanted | None = None
    deal: NameWanted | None = None
    role: Literal["rep", "customer"] | None = None
    moments: Annotated[tuple[MomentType, ...], Field(max_length=30)] = ()

    def scope(self) -> Scope:
        return Scope(
            started_from=self.started_from,
            started_to=self.started_to,
            rep_id=self.rep_id,
            customer=self.customer,
            deal=self.deal,
            role=Role.UNKNOWN if self.role is None else Role(self.role),
            moments=self.moments,
        )


def _span(
    started_from: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    started_to: Annotated[AwareDatetime | None, Query(alias="to", description="Not included itself")] = None,
    rep_id: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
    customer: Annotated[Text | None, Query(min_length=1, max_length=300)] = None,
) -> Scope:
    return Scope(started_from=started_from, started_to=started_to, rep_id=rep_id, customer=customer)


def across_api(services: Services) -> APIRouter:
    """Routes `/v1/ask`, `/v1/deals` and `/v1/themes`, and what stands below them."""
    api = APIRouter(prefix="/v1", tags=["across calls"], responses=PROBLEMS)
    tokens = services.tokens

    @api.post("/ask", response_model=AnswerShown)
    async def ask(token: Token, wanted: QuestionWanted) -> Response:
        """Answer a question from what was said in the tenant's calls: every sentence is cited and can be played.

        Where nothing answers it, `sentences` is empty. A rep asks over own calls.
        """
        principal = await admit(tokens, token, scope=READ)
        scope = wanted.scope()
        _ordered(scope.started_from, scope.started_to)
        return json_answer(await there(services.across).ask(principal.tenant_id, wanted.question, scope))

    @api.get("/deals", response_model=DealsAnswer)
    async def deals(token: Token) -> Response:
        """Customers and their deals as the calls name them, the one that was spoken about last first; at most 500."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer({"deals": await there(services.across).deals(principal.tenant_id)})

    @api.get("/deals/{customer:path}", response_model=DealShown)
    async def deal(
        token: Token,
        customer: Annotated[Text, Path(min_length=1, max_length=300, description="As the calls name it")],
        deal: Annotated[Text | None, Query(min_length=1, max_length=300, description="One of its deals")] = None,
    ) -> Response:
        """The MEDDIC fields over all calls of a customer or of one deal, with the claims that set and changed them.

        Values are found in reviews whose rubric has these sections, and locally in calls that were reviewed otherwise.
        """
        principal = await admit(tokens, token, scope=READ)
        return json_answer(await there(services.across).deal(principal.tenant_id, customer, deal))

    @api.get("/themes", response_model=ThemesAnswer)
    async def themes(
        token: Token,
        scope: Annotated[Scope, Depends(_span)],
        moments: Annotated[int, Query(ge=1, le=200, description="Moments to show in full of each theme")] = 20,
    ) -> Response:
        """Objections, problems and wishes that were said alike, and the alternatives that were named, by week."""
        principal = await admit(tokens, token, scope=READ)
        _ordered(scope.started_from, scope.started_to)
        return json_answer(await there(services.across).themes(principal.tenant_id, scope, most=moments))

    @api.get("/themes/moments", response_model=ThemeMomentsAnswer)
    async def theme_moments(
        token: Token,
        moment_id: Annotated[list[UUID], Query(min_length=1, max_length=100, description="Of a theme's `moment_ids`")],
    ) -> Response:
        """Moments in full: what a count of a theme or a week stands for. Those that are gone are left out."""
        principal = await admit(tokens, token, scope=READ)
        return json_answer(await there(services.across).moments(principal.tenant_id, moment_id))

    return api


def _ordered(started_from: datetime | None, started_to: datetime | None) -> None:
    if started_from is not None and started_to is not None and started_from >= started_to:
        raise Refused("bad_request", "`from` must lie before `to`")
