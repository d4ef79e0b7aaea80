"""What happened to calls, as a feed that a program reads on from where it was."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from ridealong.core.errors import MissingPart
from ridealong.web.access import READ, Tokens, admit
from ridealong.web.asking import PROBLEMS, Token
from ridealong.web.webhooks import Event

Position = Annotated[int, Query(ge=0, le=2**53, description="The position of the last event that you have; 0: all.")]


class EventData(BaseModel):
    """`subject_id`: the review of `review.done`, the moment of `moment.found`. What was said is asked of the API."""

    call_id: UUID
    subject_id: UUID | None


class EventTold(BaseModel):
    """The same that a webhook is told: `webhook-id` is `msg_` and the `event_id` without its hyphens."""

    event_id: UUID
    position: int
    type: Event
    timestamp: datetime
    data: EventData


class EventsAnswer(BaseModel):
    """`next`: the `after` of the next page, also when there is nothing new yet."""

    events: list[EventTold]
    next: int


class Events(Protocol):
    async def after(self, tenant_id: UUID, position: int, *, types: list[Event] | None, limit: int) -> list[EventTold]:
        """Raises Unavailable."""
        ...


def events_api(tokens: Tokens, known: Events | None) -> APIRouter:
    """The route `/v1/events`."""
    api = APIRouter(prefix="/v1", tags=["delivery"], responses=PROBLEMS)

    @api.get("/events")
    async def read_events(
        token: Token,
        after: Position = 0,
        type: Annotated[list[Event] | None, Query(description="Only these.")] = None,  # noqa: A002 - as in the answer
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> EventsAnswer:
        """The events behind a position, in order, none missing. Kept for 90 days; those of an erased call go with it.

        A rep sees those of own calls.
        """
        principal = await admit(tokens, token, scope=READ)
        if known is None:
            raise MissingPart("this server keeps no events")
        events = await known.after(principal.tenant_id, after, types=type, limit=limit)
        return EventsAnswer(events=events, next=events[-1].position if events else after)

    return api
