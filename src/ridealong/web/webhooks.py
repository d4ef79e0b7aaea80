"""Whom a tenant wants told when a call ended or its review is done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Strict

Event = Literal["call.ended", "review.done"]
Events = Annotated[list[Event], Field(min_length=1, max_length=2)]
Url = Annotated[str, Field(max_length=2000, pattern=r"^[!-~]+$")]


class Webhook(BaseModel):
    """`last_status`: what the address answered last; null before the first time, and when it did not answer."""

    webhook_id: UUID
    url: str
    events: list[Event]
    active: bool
    last_status: int | None
    last_at: datetime | None


class Webhooks(BaseModel):
    webhooks: list[Webhook]


class NewWebhook(Strict):
    url: Url
    events: Events


class WebhookAdded(BaseModel):
    secret: str
    """What signs each message (Standard Webhooks). Told this once."""
    webhook: Webhook


class WebhookChange(Strict):
    """What is left out stays as it is."""

    url: Url | None = None
    events: Events | None = None
    active: bool | None = None


class WebhooksOfTenants(Protocol):
    """Tenants' webhooks. All raise Unavailable, and Refused('not_found') for one that there is not."""

    async def all(self, tenant_id: UUID) -> list[Webhook]: ...

    async def add(self, tenant_id: UUID, *, url: str, events: list[Event]) -> tuple[Webhook, str]:
        """The webhook and its secret. Raises Refused('bad_request') for an address that cannot be, or MissingPart."""
        ...

    async def change(
        self, tenant_id: UUID, webhook_id: UUID, *, url: str | None, events: list[Event] | None, active: bool | None
    ) -> Webhook: ...

    async def remove(self, tenant_id: UUID, webhook_id: UUID) -> None: ...


def webhooks_api(tokens: Tokens, known: WebhooksOfTenants | None) -> APIRouter:
    """Routes under `/v1/webhooks`."""
    api = APIRouter(prefix="/v1", tags=["settings"], responses=PROBLEMS)

    def webhooks() -> WebhooksOfTenants:
        if known is None:
            raise MissingPart("this server tells nobody")
        return known

    @api.get("/webhooks")
    async def read_webhooks(token: Token) -> Webhooks:
        """The tenant's webhooks, oldest first, with how the last message went."""
        principal = await admit(tokens, token, scope=ADMIN)
        return Webhooks(webhooks=await webhooks().all(principal.tenant_id))

    @api.post("/webhooks", status_code=201)
    async def add_webhook(token: Token, new: NewWebhook) -> WebhookAdded:
        """Add one. The secret with which messages are signed is told this once."""
        principal = await admit(tokens, token, scope=ADMIN)
        webhook, secret = await webhooks().add(principal.tenant_id, url=new.url, events=new.events)
        return WebhookAdded(secret=secret, webhook=webhook)

    @api.patch("/webhooks/{webhook_id}")
    async def change_webhook(token: Token, webhook_id: UUID, change: WebhookChange) -> Webhook:
        """Change one. What waits for one that is not active any more is given up."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await webhooks().change(
            principal.tenant_id, webhook_id, url=change.url, events=change.events, active=change.active
        )

    @api.delete("/webhooks/{webhook_id}", status_code=204)
    async def remove_webhook(token: Token, webhook_id: UUID) -> Response:
        """Remove one, with all that waits for it."""
        principal = await admit(tokens, token, scope=ADMIN)
        await webhooks().remove(principal.tenant_id, webhook_id)
        return Response(status_code=204)

    return api
