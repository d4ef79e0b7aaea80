"""The moments that themes are made of, each with its call and its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import numpy as np
from psycopg import AsyncConnection

from ridealong.core.answer import CallNamed
from ridealong.core.themes import ThemeMoment
from ridealong.core.transcript import SpeakerId, Transcript, TranscriptId, Utterance
from ridealong.store.evidence import evidence_of
from ridealong.store.passages import calls_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MOMENTS: Final = 5_000

_MOMENTS: Final[LiteralString] = (
    "SELECT m.moment_id, m.type, m.confidence, m.call_id, u.revision, u.utterance_no, u.speaker_id, u.start_ts,"
    " u.end_ts, u.text, u.overlapped, u.speaker_confidence, coalesce(a.quote_start, m.quote_start),"
    " coalesce(a.quote_end, m.quote_end), m.embedding"
    " FROM moment m JOIN call c ON c.tenant_id = m.tenant_id AND c.call_id = m.call_id"
    " LEFT JOIN LATERAL (SELECT x.revision, x.utterance_no, x.quote_start, x.quote_end FROM moment_anchor x"
    " WHERE x.tenant_id = m.tenant_id AND x.moment_id = m.moment_id AND x.position = 0"
    " ORDER BY x.revision DESC LIMIT 1) a ON true"
    " JOIN utterance u ON u.tenant_id = m.tenant_id AND u.call_id = m.call_id"
    " AND u.revision = coalesce(a.revision, m.revision)"
    " AND u.utterance_no = coalesce(a.utterance_no, m.utterance_no)"
    " WHERE m.tenant_id = current_tenant()"
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundMoment:
    """`vector` [384] is None where the moment has no embedding."""

    moment: ThemeMoment
    vector: NDArray[np.float32] | None


async def moments_of(
    connection: AsyncConnection, calls: Sequence[CallNamed], types: Sequence[str], *, most: int = MOST_MOMENTS
) -> tuple[list[FoundMoment], bool]:
    """The moments of these types in `calls`, of the newest calls first, at most `most`; and whether there are more.

    Each cites the newest transcript that has its words.
    """
    named = {call.call_id: call for call in calls}
    cursor = await connection.execute(
        f"{_MOMENTS} AND m.type = ANY (%s) AND m.call_id = ANY (%s)"
        " ORDER BY c.started_at DESC, m.call_id, m.trigger_ts, m.moment_id LIMIT %s",
        [list(types), list(named), most + 1],
        binary=True,
    )
    rows = await cursor.fetchall()
    return [_found(row, named[row[3]]) for row in rows[:most]], len(rows) > most


async def moments_by_id(connection: AsyncConnection, moment_ids: Sequence[UUID]) -> list[ThemeMoment]:
    """These moments in this order, without those that whoever asks may not see or that are gone."""
    cursor = await connection.execute(
        f"{_MOMENTS} AND m.moment_id = ANY (%s) AND c.status = 'ended'", [list(moment_ids)], binary=True
    )
    rows = {row[0]: row for row in await cursor.fetchall()}
    named = {call.call_id: call for call in await calls_named(connection, {row[3] for row in rows.values()})}
    return [
        _found(rows[one], named[rows[one][3]]).moment
        for one in dict.fromkeys(moment_ids)
        if one in rows and rows[one][3] in named
    ]


def _found(row: tuple[Any, ...], call: CallNamed) -> FoundMoment:
    moment_id: UUID = row[0]
    utterance = Utterance(
        no=row[5],
        speaker=SpeakerId(row[6]),
        start_ts=row[7],
        end_ts=row[8],
        text=row[9],
        overlapped=row[10],
        speaker_confidence=row[11],
    )
    transcript = Transcript.of(TranscriptId(call_id=row[3], revision=row[4]), [utterance])
    return FoundMoment(
        moment=ThemeMoment(
            moment_id=moment_id,
            type=row[1],
            confidence=row[2],
            call=call,
            evidence=evidence_of(transcript, row[5], row[12], row[13]),
        ),
        vector=None if row[14] is None else (row[14].to_numpy() if hasattr(row[14], "to_numpy") else row[14]),
    )
