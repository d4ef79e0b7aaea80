"""What a review was made with, beside what holds now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.context import CallContext
from ridealong.core.transcript import Role, Roles, TranscriptId
from ridealong.store.calls import load_call, load_roles


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeWith:
    """Of the newest review of a call, which is finished. `rubric` is its text."""

    newer_transcript: bool
    other_roles: bool
    context: CallContext | None
    """None: made before this was kept."""
    context_now: CallContext
    rubric: str


async def made_with(connection: AsyncConnection, call_id: UUID) -> MadeWith | None:
    """None where the call has no finished review. Raises Refused('unknown_call')."""
    cursor = await connection.execute(
        "SELECT r.revision, r.roles, r.status, r.context, coalesce(r.rubric, ''), t.revision FROM review r,"
        " LATERAL (SELECT max(revision) AS revision FROM transcript WHERE call_id = r.call_id) t"
        " WHERE r.call_id = %s ORDER BY r.revision DESC LIMIT 1",
        [call_id],
    )
    row = await cursor.fetchone()
    if row is None or row[2] != "finished":
        return None
    return MadeWith(
        newer_transcript=row[5] > row[0],
        other_roles=await _other_roles(connection, TranscriptId(call_id=call_id, revision=row[0]), row[1]),
        context=None if row[3] is None else CallContext(**row[3]),
        context_now=(await load_call(connection, call_id)).context,
        rubric=row[4],
    )


async def _other_roles(
    connection: AsyncConnection, transcript_id: TranscriptId, made: Mapping[str, Any] | None
) -> bool:
    now = _named(await load_roles(connection, transcript_id))
    if made is None:
        # Made before roles were kept with it: then with what was heard.
        return now != _named(await load_roles(connection, transcript_id, corrected=False))
    return now != {speaker: role for speaker, role in made.items() if role != Role.UNKNOWN.value}


def _named(roles: Roles) -> dict[str, str]:
    """The roles that are known. Not knowing a speaker is the same as not listing it."""
    return {str(a.speaker_id): a.role.value for a in roles.values() if a.role is not Role.UNKNOWN}
