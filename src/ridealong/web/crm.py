"""A tenant's CRM: its account and mapping, what was written of each call, and what is known of it beside its words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.web.access import ADMIN, READ, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Strict

Vendor = Literal["hubspot", "salesforce"]
CrmStatus = Literal["linked", "waiting", "written", "partly", "dead"]
DealId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z]+$")]


class CrmSettings(BaseModel):
    """The secret is never shown."""

    vendor: Vendor
    url: str
    client_id: str
    write_back: bool
    mapping: str
    secret_set_at: datetime


class CrmOfTenant(BaseModel):
    """Null where the tenant has none."""

    crm: CrmSettings | None


class NewCrm(Strict):
    """`secret`: HubSpot's private-app token; of Salesforce an access token, or with `client_id` the client's secret.

    Left out, it stays as it is, while vendor, address and client do. `url`: of HubSpot by default its own. `mapping`:
    YAML, which value goes to which property. `write_back`: whether each review that is done is written.
    """

    vendor: Vendor
    url: Annotated[str, Field(max_length=500)] = ""
    client_id: Annotated[str, Field(max_length=500, pattern=r"^[!-~]*$")] = ""
    secret: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[!-~]+$")] | None = None
    write_back: bool = True
    mapping: Annotated[str, Field(max_length=65_536)] = ""


class CrmMappingText(Strict):
    """A mapping that is being written, for a CRM of that vendor."""

    vendor: Vendor
    mapping: Annotated[str, Field(max_length=65_536)]


class MappedValue(BaseModel):
    """`value`: a field of the deal view, `summary` or `next_steps`. `link` null: the play link ends the value."""

    value: str
    property: str
    link: str | None


class CrmMappingRead(BaseModel):
    """What a mapping comes to. `stages`: the CRM's stage, by id or label, to the word of rubrics."""

    writes: list[MappedValue]
    note: bool
    overwrite: Literal["own", "all"]
    min_confidence: float
    stages: dict[str, str]


class CheckedCrm(BaseModel):
    """`problems`: properties of the mapping that cannot be written. `reason`: why the CRM could not be asked."""

    works: bool
    account: str
    reason: str
    message: str
    problems: list[str]


class CrmAttempt(BaseModel):
    """`kept`: properties into which somebody wrote by hand. `missing`: those that cannot be written."""

    tried_at: datetime
    outcome: Literal["written", "unchanged", "partly", "failed"]
    reason: str
    note: Literal["untouched", "made", "rewritten"]
    written: list[str]
    kept: list[str]
    missing: list[str]
    answer: int | None
    duration_ms: int


class CrmCall(BaseModel):
    """`due_at`: when it is tried next, while it waits. `deal_id`: empty while nothing says which deal it is."""

    call_id: UUID
    title: str
    vendor: Vendor
    deal_id: str
    status: CrmStatus
    due_at: datetime | None
    settled_at: datetime | None
    attempts: list[CrmAttempt]


class CrmCalls(BaseModel):
    """The newest call first."""

    calls: list[CrmCall]


class CrmDealOfCall(Strict):
    """The CRM's id of the deal that the call belongs to."""

    deal_id: DealId


class ContextOrigin(BaseModel):
    """`detail`: for example the deal's or the meeting's id."""

    source: Literal["person", "crm", "calendar"]
    detail: str
    stated_at: datetime | None


class CallContextTold(BaseModel):
    """`sources` by part; a part without one was said by whoever began the call. `reasons`: why nothing was found."""

    customer: str
    deal: str
    call_type: str
    stage: str
    sources: dict[str, ContextOrigin]
    reasons: list[str] = []


class Crms(Protocol):
    """All raise Unavailable; those that take a `call_id` Refused('unknown_call')."""

    async def read(self, tenant_id: UUID) -> CrmSettings | None: ...

    async def write(self, tenant_id: UUID, new: NewCrm) -> CrmSettings:
        """Raises Refused('bad_request'), InvalidDocument with the line of a mistake in the mapping, or MissingPart."""
        ...

    def read_mapping(self, written: CrmMappingText) -> CrmMappingRead:
        """Stores nothing. Raises InvalidDocument with the line of the mistake."""
        ...

    async def drop(self, tenant_id: UUID) -> None: ...

    async def check(self, tenant_id: UUID) -> CheckedCrm:
        """Raises Refused('not_found') where the tenant has none; so do the next ones."""
        ...

    async def log(self, tenant_id: UUID, *, status: CrmStatus | None, limit: int) -> list[CrmCall]: ...

    async def of_call(self, tenant_id: UUID, call_id: UUID) -> CrmCall | None: ...

    async def state_deal(self, tenant_id: UUID, call_id: UUID, deal_id: str) -> None: ...

    async def push(self, tenant_id: UUID, call_id: UUID) -> None:
        """Have the call's review written. Raises Refused('not_reviewed')."""
        ...

    async def context(self, tenant_id: UUID, call_id: UUID) -> CallContextTold: ...

    async def pull(self, tenant_id: UUID, call_id: UUID) -> CallContextTold:
        """Look into CRM and calendars now, and fill what nobody said."""
        ...


def crm_api(tokens: Tokens, known: Crms | None) -> APIRouter:
    """Routes under `/v1/crm` and of a call."""
    api = APIRouter(prefix="/v1", tags=["crm"], responses=PROBLEMS)

    def crms() -> Crms:
        if known is None:
            raise MissingPart("this server speaks with no CRM")
        return known

    @api.get("/crm")
    async def read_crm(token: Token) -> CrmOfTenant:
        """The tenant's CRM, without its secret."""
        principal = await admit(tokens, token, scope=ADMIN)
        return CrmOfTenant(crm=await crms().read(principal.tenant_id))

    @api.put("/crm")
    async def write_crm(token: Token, new: NewCrm) -> CrmSettings:
        """Set it up, or change it. A mistake in the mapping is told with its line."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await crms().write(principal.tenant_id, new)

    @api.delete("/crm", status_code=204)
    async def drop_crm(token: Token) -> Response:
        """Forget it with its secret, and what was linked. What was written there stays there."""
        principal = await admit(tokens, token, scope=ADMIN)
        await crms().drop(principal.tenant_id)
        return Response(status_code=204)

    @api.post("/crm/mapping/check")
    async def check_crm_mapping(token: Token, written: CrmMappingText) -> CrmMappingRead:
        """What a mapping would write where; a mistake is told with its line. Stores nothing, asks no CRM."""
        await admit(tokens, token, scope=ADMIN)
        return crms().read_mapping(written)

    @api.post("/crm/check")
    async def check_crm(token: Token) -> CheckedCrm:
        """Ask the CRM whether it takes the token and has the properties that the mapping names. Writes nothing."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await crms().check(principal.tenant_id)

    @api.get("/crm/calls")
    async def read_crm_calls(
        token: Token, status: CrmStatus | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> CrmCalls:
        """What was written of each call, or is still to be, with every attempt of the last 30 days."""
        principal = await admit(tokens, token, scope=ADMIN)
        return CrmCalls(calls=await crms().log(principal.tenant_id, status=status, limit=limit))

    @api.get("/calls/{call_id}/crm")
    async def read_crm_of_call(token: Token, call_id: UUID) -> CrmCall:
        """The deal that the call belongs to, and what was written of it."""
        principal = await admit(tokens, token, scope=READ, call_id=call_id)
        found = await crms().of_call(principal.tenant_id, call_id)
        if found is None:
            raise Refused("not_found", "the call has no part in the CRM")
        return found

    @api.put("/calls/{call_id}/crm", status_code=204)
    async def write_deal_of_call(token: Token, call_id: UUID, wanted: CrmDealOfCall) -> Response:
        """Say which deal the call belongs to. A note that was written to another deal stays there."""
        principal = await admit(tokens, token, scope=ADMIN)
        await crms().state_deal(principal.tenant_id, call_id, wanted.deal_id)
        return Response(status_code=204)

    @api.post("/calls/{call_id}/crm/push", status_code=202)
    async def push_to_crm(token: Token, call_id: UUID) -> Response:
        """Write the call's review into the CRM, beside this request. Once more changes nothing that is there."""
        principal = await admit(tokens, token, scope=ADMIN)
        await crms().push(principal.tenant_id, call_id)
        return Response(status_code=202)

    @api.get("/calls/{call_id}/context")
    async def read_context(token: Token, call_id: UUID) -> CallContextTold:
        """What is known of the call beside its words, and who said it."""
        principal = await admit(tokens, token, scope=READ, call_id=call_id)
        return await crms().context(principal.tenant_id, call_id)

    @api.post("/calls/{call_id}/context/pull")
    async def pull_context(token: Token, call_id: UUID) -> CallContextTold:
        """Look into the CRM and the calendars now. What a person said, and what the call began with, stays."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await crms().pull(principal.tenant_id, call_id)

    return api
