"""What people say that an utterance is: the examples that a tenant's classifier learns from.

Each is a row that cites the utterance. The words are not copied: erasing a call erases its examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID, uuid4

import numpy as np
from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.moments import TIMING_TYPES, Verdict
from ridealong.core.transcript import TranscriptId
from ridealong.store.evidence import COLUMN_LIST, VALUE_LIST, columns_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.transcript import Evidence

LabelSource = Literal["agreed", "corrected", "added", "queue"]

MOST_STATEMENTS: Final = 4000
"""Newest first: what is older taught the versions before."""

VIEW: Final = 768
"""Numbers in what the model sees of one piece of text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Where something was said: one utterance of one revision."""

    call_id: UUID
    revision: int
    utterance_no: int

    @property
    def transcript_id(self) -> TranscriptId:
        return TranscriptId(call_id=self.call_id, revision=self.revision)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLabel:
    """`holds`: it is a moment of `type`; else it is none."""

    said: Said
    type: str
    holds: bool
    source: str
    moment_id: UUID | None
    author: Author
    at: datetime


async def put_label(
    connection: AsyncConnection,
    evidence: Evidence,
    author: Author,
    *,
    type_id: str,
    holds: bool,
    source: LabelSource,
    moment_id: UUID | None = None,
) -> None:
    """Keep what the author says of the utterance, in place of what they said before. Raises Ungrounded."""
    await connection.execute(
        f"INSERT INTO moment_label (tenant_id, label_id, type, holds, source, moment_id, author_id, author_name,"
        f" {COLUMN_LIST}) VALUES (current_tenant(), %(label_id)s, %(type)s, %(holds)s, %(source)s, %(moment_id)s,"
        f" %(author_id)s, %(author_name)s, {VALUE_LIST})"
        " ON CONFLICT (tenant_id, call_id, revision, utterance_no, type, author_id) DO UPDATE SET"
        " holds = EXCLUDED.holds, source = EXCLUDED.source, moment_id = EXCLUDED.moment_id,"
        " author_name = EXCLUDED.author_name, given_at = now(), quote_start = EXCLUDED.quote_start,"
        " quote_end = EXCLUDED.quote_end",
        {
            "label_id": uuid4(),
            "type": type_id,
            "holds": holds,
            "source": source,
            "moment_id": moment_id,
            "author_id": author.member_id,
            "author_name": author.name,
            **columns_of(evidence),
        },
    )


async def take_labels_back(connection: AsyncConnection, call_id: UUID, moment_id: UUID, author: Author) -> None:
    """Forget what the author said of the moment."""
    await connection.execute(
        "DELETE FROM moment_label WHERE call_id = %s AND moment_id = %s AND author_id IS NOT DISTINCT FROM %s",
        [call_id, moment_id, author.member_id],
    )


async def take_answer_back(connection: AsyncConnection, said: Said, author: Author, *, type_id: str) -> None:
    """Forget what the author answered to the queue about the utterance and the type."""
    await connection.execute(
        "DELETE FROM moment_label WHERE call_id = %s AND revision = %s AND utterance_no = %s AND type = %s"
        " AND source = 'queue' AND author_id IS NOT DISTINCT FROM %s",
        [said.call_id, said.revision, said.utterance_no, type_id, author.member_id],
    )


async def place_of_moment(connection: AsyncConnection, call_id: UUID, moment_id: UUID) -> tuple[str, Said, int, int]:
    """(type, where, quote_start, quote_end) of a moment as it was found. Raises Refused('unknown_moment')."""
    cursor = await connection.execute(
        "SELECT type, revision, utterance_no, quote_start, quote_end FROM moment WHERE call_id = %s AND moment_id = %s",
        [call_id, moment_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_moment", "this call has no such moment")
    return row[0], Said(call_id=call_id, revision=row[1], utterance_no=row[2]), row[3], row[4]


async def list_labels(connection: AsyncConnection, call_id: UUID | None = None) -> list[StoredLabel]:
    """Labels of one call, or of all, newest first."""
    cursor = await connection.execute(
        "SELECT call_id, revision, utterance_no, type, holds, source, moment_id, author_id, author_name, given_at"
        " FROM moment_label WHERE call_id = coalesce(%s, call_id) ORDER BY given_at DESC, label_id LIMIT %s",
        [call_id, MOST_STATEMENTS],
    )
    return [
        StoredLabel(
            said=Said(call_id=row[0], revision=row[1], utterance_no=row[2]),
            type=row[3],
            holds=row[4],
            source=row[5],
            moment_id=row[6],
            author=Author(member_id=row[7], name=row[8]),
            at=row[9],
        )
        for row in await cursor.fetchall()
    ]


async def feedback_labels(connection: AsyncConnection) -> list[StoredLabel]:
    """What reps' verdicts say of the utterances that their moments cite, newest first. The clock's types are left out:
    no words would make them right."""
    cursor = await connection.execute(
        "SELECT m.call_id, m.revision, m.utterance_no, m.type, f.verdict, m.moment_id, f.author_id, f.author_name,"
        " f.given_at FROM moment_feedback f JOIN moment m USING (moment_id, call_id)"
        " WHERE m.type <> ALL (%s) ORDER BY f.given_at DESC, f.feedback_id LIMIT %s",
        [list(TIMING_TYPES), MOST_STATEMENTS],
    )
    return [
        StoredLabel(
            said=Said(call_id=row[0], revision=row[1], utterance_no=row[2]),
            type=row[3],
            holds=row[4] != Verdict.WRONG.value,
            source=row[4],
            moment_id=row[5],
            author=Author(member_id=row[6], name=row[7]),
            at=row[8],
        )
        for row in await cursor.fetchall()
    ]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Unsure:
    """A moment that was recorded, with the embedding of its utterance where it has one."""

    said: Said
    type: str
    confidence: float
    moment_id: UUID
    vector: NDArray[np.float32] | None


async def recorded_moments(connection: AsyncConnection, *, limit: int) -> list[Unsure]:
    """Moments of the words of the latest calls."""
    cursor = await connection.execute(
        "SELECT m.call_id, m.revision, m.utterance_no, m.type, m.confidence, m.moment_id, m.embedding"
        " FROM moment m JOIN call c USING (call_id) WHERE m.type <> ALL (%s) AND m.reason <> 'added'"
        " ORDER BY c.started_at DESC, m.trigger_ts LIMIT %s",
        [list(TIMING_TYPES), limit],
    )
    return [
        Unsure(
            said=Said(call_id=row[0], revision=row[1], utterance_no=row[2]),
            type=row[3],
            confidence=row[4],
            moment_id=row[5],
            vector=None if row[6] is None else _vector(row[6]),
        )
        for row in await cursor.fetchall()
    ]


async def utterance_vectors(connection: AsyncConnection, places: Sequence[Said]) -> dict[Said, NDArray[np.float32]]:
    """The stored embeddings of those utterances that are still there."""
    cursor = await connection.execute(
        "SELECT u.call_id, u.revision, u.utterance_no, u.embedding FROM utterance u"
        " JOIN unnest(%s::uuid[], %s::int[], %s::int[]) AS w (call_id, revision, utterance_no)"
        " USING (call_id, revision, utterance_no) WHERE u.embedding IS NOT NULL",
        [[p.call_id for p in places], [p.revision for p in places], [p.utterance_no for p in places]],
    )
    return {
        Said(call_id=row[0], revision=row[1], utterance_no=row[2]): _vector(row[3]) for row in await cursor.fetchall()
    }


# ---- what the model saw, kept


async def known_utterance_views(
    connection: AsyncConnection, call_ids: Sequence[UUID], features: str
) -> dict[Said, NDArray[np.float16]]:
    cursor = await connection.execute(
        "SELECT call_id, revision, utterance_no, views FROM utterance_view WHERE call_id = ANY (%s) AND features = %s",
        [list(call_ids), features],
    )
    return {
        Said(call_id=row[0], revision=row[1], utterance_no=row[2]): _views(row[3]) for row in await cursor.fetchall()
    }


async def keep_utterance_views(
    connection: AsyncConnection, views: Mapping[Said, NDArray[np.float16]], features: str
) -> None:
    """Those of utterances that were erased meanwhile are let go."""
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO utterance_view (tenant_id, call_id, revision, utterance_no, features, views)"
            " SELECT current_tenant(), call_id, revision, utterance_no, %s, %s FROM utterance"
            " WHERE call_id = %s AND revision = %s AND utterance_no = %s"
            " ON CONFLICT (tenant_id, call_id, revision, utterance_no)"
            " DO UPDATE SET features = EXCLUDED.features, views = EXCLUDED.views",
            [
                (features, np.ascontiguousarray(v, np.float16).tobytes(), p.call_id, p.revision, p.utterance_no)
                for p, v in views.items()
            ],
        )


async def known_example_views(
    connection: AsyncConnection, hashes: Sequence[bytes], features: str
) -> dict[bytes, NDArray[np.float16]]:
    cursor = await connection.execute(
        "SELECT text_hash, views FROM example_view WHERE text_hash = ANY (%s) AND features = %s",
        [list(hashes), features],
    )
    return {bytes(row[0]): _views(row[1]) for row in await cursor.fetchall()}


async def keep_example_views(
    connection: AsyncConnection, views: Mapping[bytes, NDArray[np.float16]], wanted: Sequence[bytes], features: str
) -> None:
    """Keep `views`; what is not `wanted` any more stands in no document and goes."""
    # One statement: two thousand take half a second of their own.
    await connection.execute(
        "INSERT INTO example_view (tenant_id, text_hash, features, views)"
        " SELECT current_tenant(), text_hash, %s, views FROM unnest(%s::bytea[], %s::bytea[]) AS v (text_hash, views)"
        " ON CONFLICT (tenant_id, text_hash) DO UPDATE SET features = EXCLUDED.features, views = EXCLUDED.views",
        [features, list(views), [np.ascontiguousarray(v, np.float16).tobytes() for v in views.values()]],
    )
    await connection.execute("DELETE FROM example_view WHERE text_hash <> ALL (%s)", [list(wanted)])


def _vector(kept: Any) -> NDArray[np.float32]:
    return np.asarray(kept.to_numpy() if hasattr(kept, "to_numpy") else kept, np.float32)


def _views(kept: bytes) -> NDArray[np.float16]:
    return np.frombuffer(bytes(kept), np.float16).reshape(-1, VIEW)
