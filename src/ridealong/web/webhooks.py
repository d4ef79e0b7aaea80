"""Whom a tenant wants told when a call ended or its review is done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.bodies import Strict

Event = Literal["call.ended", "review.done", "moment.found"]
Events = Annotated[list[Event], Field(min_length=1, max_length=3)]
Kind = Literal["webhook", "slack", "email"]
Audience = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Url = Annotated[str, Field(max_length=2000, pattern=r"^[!-~]+$")]


class Webhook(BaseModel):
    """`last_status`: what the address answered last; null before the first time, and when it did not answer.

    `kind`: `webhook` is told what happened, signed; `slack` and `email` get the report for `audience`. The address of
    `slack` is a secret: `url` shows its host.
    """

    webhook_id: UUID
    kind: Kind
    audience: str
    url: str
    events: list[Event]
    active: bool
    last_status: int | None
    last_at: datetime | None


class Webhooks(BaseModel):
    webhooks: list[Webhook]


class NewWebhook(Strict):
    """`url` of `email`: mailto:rep (whose call it is), mailto:managers (admins too) or mailto: with an address.

    `slack` and `email` send the report, so their events are `review.done` alone. `audience`: by default `rep` for
    mailto:rep, else `manager`.
    """

    url: Url
    events: Events
    kind: Kind = "webhook"
    audience: Audience | None = None


class WebhookAdded(BaseModel):
    secret: str
    """What signs each message (Standard Webhooks). Told this once; empty where nothing is signed."""
    webhook: Webhook


class WebhookChange(Strict):
    """What is left out stays as it is."""

    url: Url | None = None
    events: Events | None = None
    active: bool | None = None
    audience: Audience | None = None


class DeliveryAttempt(BaseModel):
    """`answer`: the status of HTTP or SMTP, null where there was none."""

    tried_at: datetime
    outcome: Literal["taken", "refused", "not reached", "too late", "not made"]
    answer: int | None
    duration_ms: int


class LoggedDelivery(BaseModel):
    """`position`: the event's in `/v1/events`. `due_at`: when it is tried next, while it waits."""

    delivery_id: UUID
    event_id: UUID
    position: int | None
    event: Event
    call_id: UUID
    recipient: str
    happened_at: datetime
    status: Literal["waiting", "delivered", "dead"]
    due_at: datetime | None
    settled_at: datetime | None
    attempts: list[DeliveryAttempt]


class Deliveries(BaseModel):
    """The newest first."""

    deliveries: list[LoggedDelivery]


class Replay(Strict):
    """What is behind the position `after`, up to and with `until`; null: to the newest."""

    after: Annotated[int, Field(ge=0, le=2**53)]
    until: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Replayed(BaseModel):
    """How many messages are sent again."""

    queued: int


class WebhooksOfTenants(Protocol):
    """Tenants' webhooks. All raise Unavailable, and Refused('not_found') for one that there is not."""

    async def all(self, tenant_id: UUID) -> list[Webhook]: ...

    async def add(self, tenant_id: UUID, new: NewWebhook) -> tuple[Webhook, str]:
        """The webhook and its secret. Raises Refused('bad_request') for an address that cannot be, or MissingPart."""
        ...

    async def change(self, tenant_id: UUID, webhook_id: UUID, change: WebhookChange) -> Webhook: ...

    async def remove(self, tenant_id: UUID, webhook_id: UUID) -> None: ...

    async def deliveries(
        self, tenant_id: UUID, webhook_id: UUID, *, status: str | None, limit: int
    ) -> list[LoggedDelivery]: ...

    async def replay(self, tenant_id: UUID, webhook_id: UUID, wanted: Replay) -> int:
        """How many messages wait to be sent again."""
        ...


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
        webhook, secret = await webhooks().add(principal.tenant_id, new)
        return WebhookAdded(secret=secret, webhook=webhook)

    @api.patch("/webhooks/{webhook_id}")
    async def change_webhook(token: Token, webhook_id: UUID, change: WebhookChange) -> Webhook:
        """Change one. What waits for one that is not active any more is given up."""
        principal = await admit(tokens, token, scope=ADMIN)
        return await webhooks().change(principal.tenant_id, webhook_id, change)

    @api.delete("/webhooks/{webhook_id}", status_code=204)
    async def remove_webhook(token: Token, webhook_id: UUID) -> Response:
        """Remove one, with all that waits for it."""
        principal = await admit(tokens, token, scope=ADMIN)
        await webhooks().remove(principal.tenant_id, webhook_id)
        return Response(status_code=204)

    @api.get("/webhooks/{webhook_id}/deliveries", tags=["delivery"])
    async def read_deliveries(
        token: Token,
        webhook_id: UUID,
        status: Literal["waiting", "delivered", "dead"] | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Deliveries:
        """What was sent or is still to be sent, with every attempt. Kept for 30 days after the last."""
        principal = await admit(tokens, token, scope=ADMIN)
        found = await webhooks().deliveries(principal.tenant_id, webhook_id, status=status, limit=limit)
        return Deliveries(deliveries=found)

    @api.post("/webhooks/{webhook_id}/replay", tags=["delivery"], status_code=202)
    async def replay_events(token: Token, webhook_id: UUID, wanted: Replay) -> Replayed:
        """Send what happened behind a position of `/v1/events` once more, under the same `webhook-id`."""
        principal = await admit(tokens, token, scope=ADMIN)
        return Replayed(queued=await webhooks().replay(principal.tenant_id, webhook_id, wanted))

    return api
