"""Search by meaning and by words at once: one ranked list of places in calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.errors import Refused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_QUERY: Final = 1000
"""Characters. A question is a sentence or two."""
MOST_HITS: Final = 200


class HitKind(StrEnum):
    UTTERANCE = "utterance"
    MOMENT = "moment"
    FINDING = "finding"
    COACHING_MOMENT = "coaching_moment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One place to click. `quote` is what was said there; `text` what was found (the utterance, nudge or statement).

    `score` orders the list of one search (higher is better) and means nothing across searches. `speaker_id` is None
    for an utterance whose speaker is not known. Times in ms of call audio.
    """

    kind: HitKind
    call_id: UUID
    revision: int
    utterance_no: int
    speaker_id: int | None
    start_ts: int
    end_ts: int
    quote: str
    text: str
    score: float
    id: UUID | None = None
    """The moment's or claim's id; None for an utterance."""
    type: str | None = None
    """The moment's type."""


async def search(
    connection: AsyncConnection,
    *,
    text: str,
    vector: NDArray[np.float32],
    limit: int = 20,
    kinds: Collection[HitKind] = tuple(HitKind),
    call_id: UUID | None = None,
) -> list[Hit]:
    """The tenant's `limit` best hits for `text` and its embedding `vector` [384], best first.

    `text` may use "exact phrases", `or` and `-not`. Raises Refused('empty_query' or 'query_too_long').
    """
    wanted = text.replace("\x00", " ").strip()
    if not wanted:
        raise Refused("empty_query", "say what to search for: a few words or a question")
    if len(wanted) > LONGEST_QUERY:
        raise Refused("query_too_long", f"a search takes at most {LONGEST_QUERY} characters")
    limit = max(1, min(limit, MOST_HITS))
    cursor = await connection.execute(
        "SELECT kind, id, call_id, revision, utterance_no, score FROM search(%s, %s, %s, %s, %s)",
        [wanted, vector, [str(kind) for kind in kinds], call_id, max(limit, 50)],
    )
    found = (await cursor.fetchall())[:limit]
    spans = await _spans(connection, found)
    # A row that was erased in between has no span any more.
    return [spans[row[:5]](row[5]) for row in found if row[:5] in spans]


@dataclass(frozen=True, slots=True)
class _Span:
    row: tuple[Any, ...]

    def __call__(self, score: float) -> Hit:
        kind, hit_id, call_id, _, _, speaker_id, start_ts, end_ts, quote, text, moment_type, revision, no = self.row
        return Hit(
            kind=HitKind(kind),
            id=hit_id,
            call_id=call_id,
            revision=revision,
            utterance_no=no,
            speaker_id=speaker_id,
            start_ts=start_ts,
            end_ts=end_ts,
            quote=quote,
            text=text,
            type=moment_type,
            score=score,
        )


async def _spans(connection: AsyncConnection, found: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], _Span]:
    """The words of each found row, read under the tenant's own row filter."""
    cursor = await connection.execute(
        "WITH found AS (SELECT * FROM unnest(%s::text[], %s::uuid[], %s::uuid[], %s::int[], %s::int[])"
        " AS f (kind, id, call_id, revision, utterance_no))"
        " SELECT f.kind, f.id, f.call_id, f.revision, f.utterance_no, u.speaker_id, u.start_ts, u.end_ts,"
        " CASE WHEN f.id IS NULL THEN u.text ELSE substr(u.text,"
        " coalesce(a.quote_start, m.quote_start, c.quote_start) + 1, coalesce(a.quote_end, m.quote_end, c.quote_end)"
        " - coalesce(a.quote_start, m.quote_start, c.quote_start)) END,"
        " coalesce(m.nudge, c.statement, u.text), m.type, u.revision, u.utterance_no"
        # A moment is shown where the newest transcript that has its words has them.
        " FROM found f LEFT JOIN LATERAL (SELECT x.revision, x.utterance_no, x.quote_start, x.quote_end"
        " FROM moment_anchor x WHERE f.kind = 'moment' AND x.moment_id = f.id AND x.position = 0"
        " ORDER BY x.revision DESC LIMIT 1) a ON true"
        " JOIN utterance u ON u.call_id = f.call_id AND u.revision = coalesce(a.revision, f.revision)"
        " AND u.utterance_no = coalesce(a.utterance_no, f.utterance_no)"
        " LEFT JOIN moment m ON f.kind = 'moment' AND m.moment_id = f.id"
        " LEFT JOIN claim c ON f.kind IN ('finding', 'coaching_moment') AND c.claim_id = f.id"
        " WHERE u.tenant_id = current_tenant() AND (f.id IS NULL OR m.moment_id IS NOT NULL OR c.claim_id IS NOT NULL)",
        [[row[column] for row in found] for column in range(5)],
    )
    return {row[:5]: _Span(row) for row in await cursor.fetchall()}
