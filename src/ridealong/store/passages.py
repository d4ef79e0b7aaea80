"""What a question over many calls is answered from: which calls, and the stretches of them that come nearest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import numpy as np
from psycopg import AsyncConnection

from ridealong.core.answer import CallNamed, Scope
from ridealong.core.transcript import UNATTRIBUTED, SpeakerId, Transcript, TranscriptId, Utterance

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CALLS: Final = 5_000
"""Calls that one question looks at, the newest."""
AROUND: Final = 8
"""Utterances read before and after one that was found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One utterance of one transcript."""

    transcript_id: TranscriptId
    utterance_no: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretches:
    """Parts of one call: the utterances that were found and those around them, and their embeddings [384] by number."""

    transcript: Transcript
    found: frozenset[int]
    vectors: Mapping[int, NDArray[np.float32]]


_CALLS: Final[LiteralString] = (
    "SELECT c.call_id, c.title, c.started_at, c.rep_id, coalesce(nullif(p.name, ''), c.rep_id), c.customer, c.deal"
    " FROM call c JOIN rep p ON p.tenant_id = c.tenant_id AND p.rep_id = c.rep_id"
)
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "started_from": "c.started_at >= %(started_from)s",
    "started_to": "c.started_at < %(started_to)s",
    "rep_id": "c.rep_id = %(rep_id)s",
    "customer": "c.customer_lower = lower(%(customer)s) AND c.customer <> ''",
    "deal": "c.deal_lower = lower(%(deal)s) AND c.deal <> ''",
}


async def calls_in(connection: AsyncConnection, scope: Scope, *, most: int = MOST_CALLS) -> list[CallNamed]:
    """The ended calls of that scope, the newest first, at most `most`. The scope's role and moments play no part."""
    values = {f.name: getattr(scope, f.name) for f in fields(scope) if f.name in _CONDITIONS}
    always: list[LiteralString] = ["c.tenant_id = current_tenant()", "c.status = 'ended'"]
    wanted: list[LiteralString] = [_CONDITIONS[name] for name, value in values.items() if value is not None]
    return await _newest(connection, " AND ".join([*always, *wanted]), values | {"most": most})


async def ended_calls(connection: AsyncConnection, call_ids: Collection[UUID], *, most: int) -> list[CallNamed]:
    """Those of these calls that have ended, the newest first, at most `most`."""
    chosen: LiteralString = "c.tenant_id = current_tenant() AND c.status = 'ended' AND c.call_id = ANY (%(calls)s)"
    return await _newest(connection, chosen, {"calls": list(call_ids), "most": most})


async def _newest(connection: AsyncConnection, chosen: LiteralString, values: Mapping[str, Any]) -> list[CallNamed]:
    cursor = await connection.execute(
        f"{_CALLS} WHERE {chosen} ORDER BY c.started_at DESC, c.call_id DESC LIMIT %(most)s", values
    )
    return [_call(row) for row in await cursor.fetchall()]


async def calls_named(connection: AsyncConnection, call_ids: Collection[UUID]) -> list[CallNamed]:
    """These calls, as far as whoever asks sees them, in no order."""
    cursor = await connection.execute(
        f"{_CALLS} WHERE c.tenant_id = current_tenant() AND c.call_id = ANY (%s)", [list(call_ids)]
    )
    return [_call(row) for row in await cursor.fetchall()]


def _call(row: tuple[Any, ...]) -> CallNamed:
    return CallNamed(
        call_id=row[0],
        title=row[1],
        started_at=row[2],
        rep_id=row[3],
        rep_name=row[4],
        customer=row[5],
        deal=row[6],
    )


async def names_known(connection: AsyncConnection) -> tuple[dict[str, str], list[str]]:
    """The tenant's reps (names by id) and customers, as far as whoever asks sees a call of theirs."""
    cursor = await connection.execute(
        "SELECT DISTINCT c.rep_id, coalesce(nullif(p.name, ''), c.rep_id) FROM call c"
        " JOIN rep p ON p.tenant_id = c.tenant_id AND p.rep_id = c.rep_id WHERE c.tenant_id = current_tenant()"
    )
    reps = dict(await cursor.fetchall())
    cursor = await connection.execute(
        "SELECT min(customer) FROM call WHERE tenant_id = current_tenant() AND customer <> '' GROUP BY lower(customer)"
    )
    return reps, [row[0] for row in await cursor.fetchall()]


async def nearest(
    connection: AsyncConnection,
    *,
    words: Sequence[str],
    vector: NDArray[np.float32],
    calls: Sequence[UUID],
    moments: Sequence[str] = (),
    limit: int,
) -> list[Place]:
    """The utterances of `calls` nearest to a question, of its `words` and its `vector` [384], best first.

    With `moments` only those in which a moment of one of these types was found.
    """
    if moments:
        cursor = await connection.execute(
            # A moment is found where the newest transcript that has its words has them.
            "SELECT m.call_id, coalesce(a.revision, m.revision), coalesce(a.utterance_no, m.utterance_no) AS no"
            " FROM moment m JOIN LATERAL (SELECT max(t.revision) AS revision FROM transcript t"
            " WHERE t.tenant_id = m.tenant_id AND t.call_id = m.call_id) newest ON true"
            " LEFT JOIN moment_anchor a ON a.tenant_id = m.tenant_id AND a.moment_id = m.moment_id AND a.position = 0"
            " AND a.revision = newest.revision"
            " WHERE m.tenant_id = current_tenant() AND m.type = ANY (%(moments)s) AND m.call_id = ANY (%(calls)s)"
            " AND coalesce(a.revision, m.revision) = newest.revision"
            " GROUP BY 1, 2, 3 ORDER BY min(m.embedding <#> %(vector)s) NULLS LAST, 1, 3 LIMIT %(limit)s",
            {"moments": list(moments), "calls": list(calls), "vector": vector, "limit": limit},
        )
    else:
        # Words are alternatives here: a question has more of them than any one answer.
        query = " or ".join(f'"{word}"' for word in words)
        cursor = await connection.execute(
            "SELECT call_id, revision, utterance_no FROM search_calls(%s, %s, %s, %s)",
            [query, vector, list(calls), limit],
        )
    return [
        Place(transcript_id=TranscriptId(call_id=row[0], revision=row[1]), utterance_no=row[2])
        for row in await cursor.fetchall()
    ]


async def stretches(connection: AsyncConnection, places: Sequence[Place], *, around: int = AROUND) -> list[Stretches]:
    """The utterances at `places` with those around them, by call, the call of the best place first."""
    found: dict[TranscriptId, set[int]] = {}
    for place in places:
        found.setdefault(place.transcript_id, set()).add(place.utterance_no)
    cursor = await connection.execute(
        "SELECT DISTINCT ON (u.call_id, u.revision, u.utterance_no) u.call_id, u.revision, u.utterance_no,"
        " u.speaker_id, u.start_ts, u.end_ts, u.text, u.overlapped, u.speaker_confidence, u.embedding"
        " FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS p (call_id, revision, utterance_no)"
        " JOIN utterance u ON u.tenant_id = current_tenant() AND u.call_id = p.call_id AND u.revision = p.revision"
        " AND u.utterance_no BETWEEN p.utterance_no - %s AND p.utterance_no + %s"
        " ORDER BY u.call_id, u.revision, u.utterance_no",
        [
            [p.transcript_id.call_id for p in places],
            [p.transcript_id.revision for p in places],
            [p.utterance_no for p in places],
            *(around, around),
        ],
        binary=True,
    )
    rows: dict[TranscriptId, list[tuple[Any, ...]]] = {}
    for row in await cursor.fetchall():
        rows.setdefault(TranscriptId(call_id=row[0], revision=row[1]), []).append(row)
    return [
        Stretches(
            transcript=Transcript.of(transcript_id, [_utterance(row) for row in rows[transcript_id]]),
            found=frozenset(numbers),
            vectors={row[2]: _array(row[9]) for row in rows[transcript_id] if row[9] is not None},
        )
        # A call that was erased in between has no rows any more.
        for transcript_id, numbers in found.items()
        if transcript_id in rows
    ]


def _array(vector: Any) -> NDArray[np.float32]:
    return vector.to_numpy() if hasattr(vector, "to_numpy") else vector


def _utterance(row: tuple[Any, ...]) -> Utterance:
    return Utterance(
        no=row[2],
        speaker=UNATTRIBUTED if row[3] is None else SpeakerId(row[3]),
        start_ts=row[4],
        end_ts=row[5],
        text=row[6],
        overlapped=row[7],
        speaker_confidence=row[8],
    )
