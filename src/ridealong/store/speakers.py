"""Who the speakers of a call are, as people corrected it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.transcript import Role, SpeakerId, TranscriptId


class _Keep:
    """Leave as it is."""


KEEP: Final = _Keep()


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """`role` and `name` are None where they were not corrected."""

    role: Role | None
    name: str | None
    author: Author


async def correct_speaker(
    connection: AsyncConnection,
    transcript_id: TranscriptId,
    speaker_id: int,
    author: Author,
    *,
    role: Role | None = None,
    name: str | _Keep | None = KEEP,
) -> None:
    """Keep who a speaker is. `role` None leaves the role; `name` None takes a given name away.

    Raises Refused('unknown_speaker') for somebody who does not speak in this transcript.
    """
    key = {"call_id": transcript_id.call_id, "revision": transcript_id.revision, "speaker_id": speaker_id}
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM utterance WHERE call_id = %(call_id)s AND revision = %(revision)s"
        " AND speaker_id = %(speaker_id)s) OR EXISTS (SELECT FROM speaker_role WHERE call_id = %(call_id)s"
        " AND revision = %(revision)s AND speaker_id = %(speaker_id)s)",
        key,
    )
    row = await cursor.fetchone()
    if row is None or not row[0]:
        raise Refused("unknown_speaker", "nobody of that `speaker_id` speaks on this call")
    await connection.execute(
        "INSERT INTO speaker_correction AS c"
        " (tenant_id, call_id, revision, speaker_id, role, name, author_id, author_name)"
        " VALUES (current_tenant(), %(call_id)s, %(revision)s, %(speaker_id)s, %(role)s, %(name)s, %(by)s, %(by_name)s)"
        " ON CONFLICT (tenant_id, call_id, revision, speaker_id) DO UPDATE SET role = coalesce(EXCLUDED.role, c.role),"
        " name = CASE WHEN %(keep)s THEN c.name ELSE EXCLUDED.name END, author_id = EXCLUDED.author_id,"
        " author_name = EXCLUDED.author_name, corrected_at = now()",
        {
            **key,
            "role": None if role is None else role.value,
            "name": None if isinstance(name, _Keep) else name,
            "keep": isinstance(name, _Keep),
            "by": author.member_id,
            "by_name": author.name,
        },
    )


async def load_corrections(connection: AsyncConnection, transcript_id: TranscriptId) -> dict[SpeakerId, Correction]:
    cursor = await connection.execute(
        "SELECT speaker_id, role, name, author_id, author_name FROM speaker_correction"
        " WHERE call_id = %s AND revision = %s",
        [transcript_id.call_id, transcript_id.revision],
    )
    return {
        SpeakerId(row[0]): Correction(
            role=None if row[1] is None else Role(row[1]), name=row[2], author=Author(member_id=row[3], name=row[4])
        )
        for row in await cursor.fetchall()
    }


async def speakers_of(connection: AsyncConnection, transcript_id: TranscriptId) -> list[SpeakerId]:
    """Everybody who speaks in this transcript and is known apart."""
    cursor = await connection.execute(
        "SELECT DISTINCT speaker_id FROM utterance WHERE call_id = %s AND revision = %s AND speaker_id IS NOT NULL"
        " ORDER BY speaker_id",
        [transcript_id.call_id, transcript_id.revision],
    )
    return [SpeakerId(row[0]) for row in await cursor.fetchall()]


async def load_names(connection: AsyncConnection, transcript_id: TranscriptId) -> tuple[str, ...]:
    """The names of the call's rep, speakers, customer and deal, as far as somebody stated them."""
    cursor = await connection.execute(
        "SELECT r.name FROM rep r JOIN call c USING (rep_id) WHERE c.call_id = %(call_id)s AND r.name <> ''"
        " UNION SELECT name FROM speaker_correction WHERE call_id = %(call_id)s AND revision = %(revision)s"
        " AND name IS NOT NULL UNION SELECT unnest(ARRAY[customer, deal]) FROM call"
        " WHERE call_id = %(call_id)s ORDER BY 1",
        {"call_id": transcript_id.call_id, "revision": transcript_id.revision},
    )
    return tuple(row[0] for row in await cursor.fetchall() if row[0].strip())
