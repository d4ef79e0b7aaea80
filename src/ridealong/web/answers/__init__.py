"""What the JSON API answers, as models: `/openapi.json` is made of them, and the browser's client of that.

Routes send what the library gives as it is, without a second pass through these models: a transcript of an hour has
ten thousand words. A test reads every answer of a real server with the model that describes it, and nothing may be
missing or left over.

Times `*_ts` and `*_ms` are whole milliseconds of call audio; wall-clock times are ISO 8601 with their zone.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of every model here. A client should ignore keys that it does not know: new ones may appear."""

    model_config = ConfigDict(frozen=True)


class Author(Answer):
    """Who wrote something. `member_id` is null where it was a program with a token."""

    member_id: UUID | None
    name: str
