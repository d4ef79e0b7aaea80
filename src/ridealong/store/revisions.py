"""A better transcript of an ended call: a new revision, what carries over, and the review that is now about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.transcript import Evidence, RoleAssignment, Transcript, TranscriptId
from ridealong.store.calls import append_utterances, begin_revision, record_role
from ridealong.store.evidence import COLUMN_LIST, VALUE_LIST, Vectors, columns_of


async def revisable(connection: AsyncConnection, review_id: UUID) -> TranscriptId | None:
    """The transcript that the review is about, while nothing of the review cites it yet; None from then on.

    Holds the review's row to the end of the transaction.
    """
    cursor = await connection.execute(
        "SELECT call_id, revision FROM review r WHERE review_id = %s AND status <> 'finished'"
        " AND NOT EXISTS (SELECT FROM claim c WHERE c.review_id = r.review_id)"
        " AND NOT EXISTS (SELECT FROM review_section s WHERE s.review_id = r.review_id) FOR UPDATE",
        [review_id],
    )
    row = await cursor.fetchone()
    return None if row is None else TranscriptId(call_id=row[0], revision=row[1])


async def store_revision(
    connection: AsyncConnection,
    review_id: UUID,
    transcript: Transcript,
    *,
    roles: Sequence[RoleAssignment],
    anchors: Mapping[UUID, Sequence[Evidence]],
    vectors: Vectors | None = None,
) -> bool:
    """Keep `transcript` as the call's next revision, and make the review be about it.

    `anchors`: each moment's evidence in it. All or nothing, in the caller's transaction. False when the review is about
    another revision already: nothing is written then. Raises Ungrounded when the database finds an anchor wrong.
    """
    now = await revisable(connection, review_id)
    if now != TranscriptId(call_id=transcript.id.call_id, revision=transcript.id.revision - 1):
        return False
    await begin_revision(connection, transcript.id)
    await append_utterances(connection, transcript.id, transcript.utterances, vectors)
    for assignment in roles:
        await record_role(connection, transcript.id, assignment)
    async with connection.cursor() as writing:
        await writing.executemany(
            f"INSERT INTO moment_anchor (tenant_id, moment_id, position, {COLUMN_LIST})"
            f" VALUES (current_tenant(), %(moment_id)s, %(position)s, {VALUE_LIST})",
            [
                {"moment_id": moment_id, "position": position, **columns_of(evidence)}
                for moment_id, pieces in anchors.items()
                for position, evidence in enumerate(pieces)
            ],
        )
    await connection.execute(
        "UPDATE review SET revision = %s WHERE review_id = %s", [transcript.id.revision, review_id]
    )
    return True
