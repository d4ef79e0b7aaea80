"""Which template a report for an audience is made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, MANAGE, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Strict
from ridealong.web.services import ReportForm
from ridealong.web.settings import DocumentName

AudienceName = DocumentName


class AudienceTemplate(Strict):
    """A report for `audience` in `form` is rendered by `template`, a name without its form."""

    audience: AudienceName
    form: ReportForm
    template: DocumentName


class AudienceTemplates(BaseModel):
    audiences: Annotated[list[AudienceTemplate], Field(max_length=100)]


class Audiences(Protocol):
    """Raises Unavailable."""

    async def read(self, tenant_id: UUID) -> list[AudienceTemplate]:
        """What the tenant chose; nothing where it chose nothing."""
        ...

    async def write(self, tenant_id: UUID, chosen: Sequence[AudienceTemplate]) -> None:
        """In place of all earlier ones. Raises Refused('not_found') for a template that there is not."""
        ...

    async def template(self, tenant_id: UUID, audience: str, form: ReportForm) -> str:
        """The template's name for a report. There is always one."""
        ...


def audiences_api(tokens: Tokens, known: Audiences | None) -> APIRouter:
    """Routes under `/v1/settings/audiences`."""
    api = APIRouter(prefix="/v1", tags=["settings"], responses=PROBLEMS)

    def audiences() -> Audiences:
        if known is None:
            raise MissingPart("this server keeps no settings of tenants")
        return known

    @api.get("/settings/audiences")
    async def read_audiences(token: Token) -> AudienceTemplates:
        """Which template an audience gets in which form, where the tenant chose."""
        principal = await admit(tokens, token, scope=MANAGE)
        return AudienceTemplates(audiences=await audiences().read(principal.tenant_id))

    @api.put("/settings/audiences")
    async def write_audiences(token: Token, wanted: AudienceTemplates) -> AudienceTemplates:
        """In place of all earlier choices. Without one an audience gets the template of its own name."""
        principal = await admit(tokens, token, scope=ADMIN)
        await audiences().write(principal.tenant_id, wanted.audiences)
        return AudienceTemplates(audiences=await audiences().read(principal.tenant_id))

    return api
