"""What a tenant's admin chooses: retention, the rubric and template in use, and how consent is asked for."""

from __future__ import annotations

from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, CAPTURE, MANAGE, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Name, Strict


def _prose(text: str) -> str:
    text = text.strip()
    if not text or any(ord(character) < 0x20 and character not in "\t\n\r" for character in text):
        raise ValueError("write what is said, without control characters")
    return text


class Consent(Strict):
    """How consent to record is asked for in a region."""

    region: Name
    text: Annotated[str, Field(max_length=2000), AfterValidator(_prose)]


class Consents(BaseModel):
    consents: Annotated[list[Consent], Field(max_length=100)]


DocumentName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class TenantSettings(Strict):
    """`retention_days`: calls are erased so many days after they ended, at the server's next daily sweep."""

    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None
    default_rubric: DocumentName
    """What calls are reviewed with."""
    default_template: DocumentName
    """What a report looks like where none is asked for."""
    consents: Annotated[list[Consent], Field(max_length=100)]


class SettingsOfTenants(Protocol):
    """What tenants chose. Raises Unavailable."""

    async def read(self, tenant_id: UUID) -> TenantSettings: ...

    async def write(self, tenant_id: UUID, settings: TenantSettings) -> TenantSettings:
        """Raises Refused('not_found') for a rubric or template that there is not, Refused('bad_request')."""
        ...

    async def write_consents(self, tenant_id: UUID, consents: list[Consent]) -> list[Consent]:
        """None: the product's own wording holds again. Raises Refused('bad_request') for a region named twice."""
        ...


def settings_api(tokens: Tokens, known: SettingsOfTenants | None) -> APIRouter:
    """Routes under `/v1/settings` and `/v1/consents`."""
    api = APIRouter(prefix="/v1", tags=["settings"], responses=PROBLEMS)

    def settings() -> SettingsOfTenants:
        if known is None:
            raise MissingPart("this server keeps no settings of tenants")
        return known

    @api.get("/settings")
    async def read_settings(token: Token) -> TenantSettings:
        """What holds for the tenant, chosen or not."""
        principal = await admit(tokens, token, scope=MANAGE)
        return await settings().read(principal.tenant_id)

    @api.put("/settings")
    async def write_settings(token: Token, wanted: TenantSettings) -> TenantSettings:
        """Choose all of it. A mistake is told, and then nothing changes."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await settings().write(principal.tenant_id, wanted)

    @api.get("/consents")
    async def read_consents(token: Token) -> Consents:
        """How consent is asked for, for whoever starts calls: the tenant's own words, else the product's."""
        principal = await admit(tokens, token, scope=CAPTURE)
        return Consents(consents=(await settings().read(principal.tenant_id)).consents)

    @api.put("/consents")
    async def write_consents(token: Token, wanted: Consents) -> Consents:
        """In place of all earlier ones; an empty list: the product's own wording."""
        principal = await admit(tokens, token, scope=ADMIN)
        return Consents(consents=await settings().write_consents(principal.tenant_id, wanted.consents))

    return api
