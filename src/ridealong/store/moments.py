"""Moments in the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.artifact import StoredMoment
from ridealong.core.moments import Circumstances, Moment, Reason, Tier
from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.store.calls import load_transcript
from ridealong.store.evidence import COLUMN_LIST, VALUE_LIST, Vectors, by_owner, columns_of, evidence_of, vector_for


async def record_moments(
    connection: AsyncConnection,
    moments: Sequence[StoredMoment],
    vectors: Vectors | Sequence[Vectors | None] | None = None,
) -> None:
    """Keep moments; repeating one under its `moment_id` changes nothing.

    `vectors`, one of 384 numbers for each moment, are what search compares; without one a moment takes the embedding
    of the utterance
    that its first evidence cites. Raises Ungrounded when the database finds no such utterance.
    """
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO moment (tenant_id, moment_id, type, tier, reason, confidence, nudge, trigger_ts, decided_by,"
            f" decided_ts, rep_speaking, role_known, {COLUMN_LIST}, embedding) VALUES (current_tenant(),"
            " %(moment_id)s, %(type)s, %(tier)s, %(reason)s, %(confidence)s, %(nudge)s, %(trigger_ts)s,"
            f" %(decided_by)s, %(decided_ts)s, %(rep_speaking)s, %(role_known)s, {VALUE_LIST},"
            " coalesce(%(embedding)s::vector,"
            " (SELECT u.embedding FROM utterance u WHERE u.call_id = %(call_id)s AND u.revision = %(revision)s"
            " AND u.utterance_no = %(utterance_no)s)))"
            " ON CONFLICT (tenant_id, moment_id) DO NOTHING",
            [
                {
                    "moment_id": stored.moment_id,
                    "type": stored.moment.type,
                    "tier": stored.moment.tier,
                    "reason": stored.moment.reason,
                    "confidence": stored.moment.confidence,
                    "nudge": stored.moment.nudge,
                    "trigger_ts": stored.moment.trigger_ts,
                    "decided_by": stored.moment.decided_by,
                    **_circumstance_values(stored.moment.circumstances),
                    "embedding": vector_for(vectors, index),
                    **columns_of(stored.moment.evidence[0]),
                }
                for index, stored in enumerate(moments)
            ],
        )
        further = [
            {"moment_id": stored.moment_id, "position": position, **columns_of(evidence)}
            for stored in moments
            for position, evidence in enumerate(stored.moment.evidence[1:], start=1)
        ]
        if further:
            await writing.executemany(
                f"INSERT INTO moment_evidence (tenant_id, moment_id, position, {COLUMN_LIST})"
                f" VALUES (current_tenant(), %(moment_id)s, %(position)s, {VALUE_LIST})"
                " ON CONFLICT (tenant_id, moment_id, position) DO NOTHING",
                further,
            )


async def load_moments(connection: AsyncConnection, transcript: Transcript) -> list[StoredMoment]:
    """The call's moments as they stand in this transcript, in order of their trigger; each quote proved once more.

    A moment of an earlier revision cites this one where its words were found in it, and else the one it was made from:
    its evidence says which.
    """
    key = [transcript.id.call_id, transcript.id.revision]
    cursor = await connection.execute(
        "SELECT moment_id, utterance_no, quote_start, quote_end FROM moment_anchor"
        " WHERE call_id = %s AND revision = %s ORDER BY moment_id, position",
        key,
    )
    anchored = by_owner(await cursor.fetchall())
    cursor = await connection.execute(
        "SELECT moment_id, utterance_no, quote_start, quote_end FROM moment_evidence"
        " WHERE call_id = %s AND revision <= %s ORDER BY moment_id, position",
        key,
    )
    further = by_owner(await cursor.fetchall())
    cursor = await connection.execute(
        "SELECT moment_id, type, tier, reason, confidence, nudge, trigger_ts, utterance_no, quote_start, quote_end,"
        " revision, decided_by, decided_ts, rep_speaking, role_known FROM moment WHERE call_id = %s AND revision <= %s"
        " ORDER BY trigger_ts, created_at, moment_id",
        key,
    )
    rows = await cursor.fetchall()
    transcripts = {transcript.id.revision: transcript}
    found: list[StoredMoment] = []
    for row in rows:
        places, revision = anchored.get(row[0]), transcript.id.revision
        if places is None:
            places, revision = [(row[7], row[8], row[9]), *further.get(row[0], [])], row[10]
        if revision not in transcripts:
            earlier = TranscriptId(call_id=transcript.id.call_id, revision=revision)
            transcripts[revision] = await load_transcript(connection, earlier)
        cited = transcripts[revision]
        moment = Moment(
            type=row[1],
            tier=Tier(row[2]),
            reason=Reason(row[3]),
            confidence=row[4],
            nudge=row[5],
            trigger_ts=row[6],
            evidence=tuple(evidence_of(cited, *place) for place in places),
            decided_by=row[11],
            circumstances=None
            if row[12] is None
            else Circumstances(decided_ts=row[12], rep_speaking=row[13], role_known=row[14]),
        )
        found.append(StoredMoment(moment_id=row[0], moment=moment))
    return found


async def decision_order(connection: AsyncConnection, call_id: UUID) -> dict[UUID, int]:
    """Numbers of the call's moments that grow in the order in which they were decided."""
    cursor = await connection.execute("SELECT moment_id, decision_no FROM moment WHERE call_id = %s", [call_id])
    return dict(await cursor.fetchall())


def _circumstance_values(known: Circumstances | None) -> dict[str, object]:
    if known is None:
        return {"decided_ts": None, "rep_speaking": None, "role_known": None}
    return {
        "decided_ts": known.decided_ts,
        "rep_speaking": known.rep_speaking,
        "role_known": known.role_known,
    }
