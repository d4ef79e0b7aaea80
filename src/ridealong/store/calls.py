"""Calls and their transcripts: begun, appended to, ended in one transaction with the request for their review.

Every function takes a connection of `Store.tenant`: what it reads and writes is that tenant's and no one else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidUtterance, Refused
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
    Word,
)
from ridealong.store.evidence import Vectors, refuse_unkeepable, vector_for, words_json
from ridealong.store.tenants import put_rep

if TYPE_CHECKING:
    from ridealong.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCall:
    """What is known of a call when it starts."""

    call_id: UUID
    rep_id: str
    consent: str
    title: str = ""
    encoding: str
    """The name of the audio's encoding on the wire, or `transcript` when the words come as text."""
    sample_rate: int
    """Hz; 0 when there is no audio."""
    channels: int
    layout: str
    language: str = "en"
    rep_speaker: int | None = None
    external_id: str = ""
    """The call's name where it comes from; empty where it has none."""
    context: CallContext = field(default_factory=CallContext)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCall:
    """A call as the database has it. Times without a zone word are ms of call audio."""

    call_id: UUID
    rep_id: str
    consent: str
    title: str
    encoding: str
    sample_rate: int
    channels: int
    layout: str
    language: str
    rep_speaker: int | None
    status: str
    """`live` or `ended`."""
    started_at: datetime
    ended_at: datetime | None
    ended_reason: str | None
    audio_ms: int
    external_id: str
    context: CallContext

    @property
    def live(self) -> bool:
        return self.status == "live"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Audio that never arrived: at `at_ts` about `duration_ms` are missing."""

    at_ts: int
    duration_ms: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRef:
    """Which call of which tenant; nothing about it."""

    tenant_id: UUID
    call_id: UUID


CALL_COLUMNS: Final[tuple[LiteralString, ...]] = (
    *("call_id", "rep_id", "consent", "title", "encoding", "sample_rate", "channels", "layout", "language"),
    *("rep_speaker", "status", "started_at", "ended_at", "ended_reason", "audio_ms", "external_id"),
    *("customer", "deal", "call_type", "stage"),
)
"""What `call_of_row` reads, first in its row and in this order."""
_CALL_COLUMNS: Final = ", ".join(CALL_COLUMNS)


async def begin_call(connection: AsyncConnection, call: NewCall) -> TranscriptId:
    """Write the call, its rep and its first, empty transcript. Repeating it for the same call changes nothing."""
    await put_rep(connection, call.rep_id)
    await connection.execute(
        "INSERT INTO call (tenant_id, call_id, rep_id, consent, title, encoding, sample_rate, channels, layout,"
        " language, rep_speaker, external_id, customer, deal, call_type, stage)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, call_id) DO NOTHING",
        [
            *(call.call_id, call.rep_id, call.consent, call.title, call.encoding, call.sample_rate, call.channels),
            *(call.layout, call.language, call.rep_speaker, call.external_id),
            *(call.context.customer, call.context.deal, call.context.call_type, call.context.stage),
        ],
    )
    return await begin_revision(connection, TranscriptId(call_id=call.call_id))


async def begin_revision(connection: AsyncConnection, transcript_id: TranscriptId) -> TranscriptId:
    """An empty transcript of that revision, unless it is there."""
    await connection.execute(
        "INSERT INTO transcript (tenant_id, call_id, revision) VALUES (current_tenant(), %s, %s)"
        " ON CONFLICT DO NOTHING",
        [transcript_id.call_id, transcript_id.revision],
    )
    return transcript_id


async def append_utterances(
    connection: AsyncConnection,
    transcript_id: TranscriptId,
    utterances: Sequence[Utterance],
    vectors: Vectors | None = None,
) -> None:
    """Add finished utterances, with their embeddings [len(utterances), 384] where there are.

    Repeating an append whose answer was lost changes nothing. Raises InvalidUtterance for a number that does not
    grow, another utterance under a number that is taken, or text that no database can keep.
    """
    if not utterances:
        return
    for utterance in utterances:
        refuse_unkeepable(utterance)
    key = {"call_id": transcript_id.call_id, "revision": transcript_id.revision}
    numbers = [u.no for u in utterances]
    # Two writers at once must not interleave their numbers.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(call_id)s::text, %(revision)s))", key)
    cursor = await connection.execute(
        "SELECT (SELECT max(utterance_no) FROM utterance u WHERE u.call_id = t.call_id AND u.revision = t.revision),"
        " ARRAY(SELECT utterance_no FROM utterance u WHERE u.call_id = t.call_id AND u.revision = t.revision"
        " AND utterance_no = ANY (%(numbers)s)) FROM transcript t"
        " WHERE t.call_id = %(call_id)s AND t.revision = %(revision)s",
        {**key, "numbers": numbers},
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_call", "there is no such transcript: begin the call first")
    last: int = -1 if row[0] is None else row[0]
    there: set[int] = set(row[1])
    for no in numbers:
        if no not in there and no <= last:
            raise InvalidUtterance(f"utterance {no} comes after utterance {last}: numbers only grow")
        last = max(last, no)
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text,"
            " words, overlapped, speaker_confidence, embedding)"
            " VALUES (current_tenant(), %(call_id)s, %(revision)s, %(no)s, %(speaker_id)s,"
            " %(start_ts)s, %(end_ts)s, %(text)s, %(words)s, %(overlapped)s, %(speaker_confidence)s,"
            " %(embedding)s) ON CONFLICT (tenant_id, call_id, revision, utterance_no) DO NOTHING",
            [
                {
                    **key,
                    "no": u.no,
                    "speaker_id": None if u.speaker is UNATTRIBUTED else u.speaker,
                    "start_ts": u.start_ts,
                    "end_ts": u.end_ts,
                    "text": u.text,
                    "words": words_json(u),
                    "overlapped": u.overlapped,
                    "speaker_confidence": u.speaker_confidence,
                    "embedding": vector_for(vectors, index),
                }
                for index, u in enumerate(utterances)
            ],
        )
    if there or len(set(numbers)) < len(numbers):
        await _refuse_other_words(connection, transcript_id, utterances)


async def _refuse_other_words(
    connection: AsyncConnection, transcript_id: TranscriptId, utterances: Sequence[Utterance]
) -> None:
    cursor = await connection.execute(
        f"SELECT {_UTTERANCE_COLUMNS} FROM utterance WHERE call_id = %s AND revision = %s AND utterance_no = ANY (%s)",
        [transcript_id.call_id, transcript_id.revision, [u.no for u in utterances]],
    )
    stored = {row[0]: _utterance(row) for row in await cursor.fetchall()}
    for utterance in utterances:
        if _said(stored[utterance.no]) != _said(utterance):
            raise InvalidUtterance(
                f"utterance {utterance.no} is there already and says something else: what was said never changes"
            )


def _said(utterance: Utterance) -> tuple[object, ...]:
    return utterance.speaker, utterance.start_ts, utterance.end_ts, utterance.text


async def record_role(connection: AsyncConnection, transcript_id: TranscriptId, assignment: RoleAssignment) -> None:
    """Keep who a speaker is, in place of what was thought before."""
    await connection.execute(
        "INSERT INTO speaker_role (tenant_id, call_id, revision, speaker_id, role, source, confidence)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, call_id, revision, speaker_id) DO UPDATE SET role = EXCLUDED.role,"
        " source = EXCLUDED.source, confidence = EXCLUDED.confidence, recorded_at = now()",
        [
            *(transcript_id.call_id, transcript_id.revision, assignment.speaker_id),
            *(assignment.role, assignment.source, assignment.confidence),
        ],
    )


async def record_gap(connection: AsyncConnection, call_id: UUID, gap: Gap) -> None:
    """Keep a gap; repeating it changes nothing."""
    await connection.execute(
        "INSERT INTO gap (tenant_id, call_id, at_ts, duration_ms, reason) VALUES (current_tenant(), %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [call_id, gap.at_ts, gap.duration_ms, gap.reason],
    )


async def end_call(connection: AsyncConnection, call_id: UUID, *, audio_ms: int, reason: str) -> UUID:
    """The call is over: write it, and ask for its review, once. Returns the review's id.

    Belongs into the transaction of the last append. Repeating it changes nothing. Raises Refused('unknown_call').
    """
    cursor = await connection.execute(
        "UPDATE call SET status = 'ended', ended_at = now(), ended_reason = %s, audio_ms = %s"
        " WHERE call_id = %s AND status = 'live'",
        [reason, audio_ms, call_id],
    )
    if cursor.rowcount == 0:
        await load_call(connection, call_id)
        # Its review may be about a later transcript by now.
        cursor = await connection.execute(
            "SELECT review_id FROM review WHERE call_id = %s ORDER BY revision DESC LIMIT 1", [call_id]
        )
        row = await cursor.fetchone()
        if row is not None:
            return row[0]
    return await queue_review(connection, TranscriptId(call_id=call_id))


async def queue_review(connection: AsyncConnection, transcript_id: TranscriptId) -> UUID:
    """Ask for the review of one revision; there is one of it at most. Returns its id."""
    key = [transcript_id.call_id, transcript_id.revision]
    await connection.execute(
        "INSERT INTO review (tenant_id, review_id, call_id, revision) VALUES (current_tenant(), %s, %s, %s)"
        " ON CONFLICT (tenant_id, call_id, revision) DO NOTHING",
        [uuid4(), *key],
    )
    cursor = await connection.execute("SELECT review_id FROM review WHERE call_id = %s AND revision = %s", key)
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_call", "there is no such transcript")
    return row[0]


async def load_call(connection: AsyncConnection, call_id: UUID) -> StoredCall:
    """Raises Refused('unknown_call')."""
    cursor = await connection.execute(f"SELECT {_CALL_COLUMNS} FROM call WHERE call_id = %s", [call_id])
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_call", "this tenant has no such call")
    return call_of_row(row)


async def change_context(connection: AsyncConnection, call_id: UUID, context: CallContext) -> None:
    """Keep what is now known of the call beside its words. Raises Refused('unknown_call')."""
    cursor = await connection.execute(
        "UPDATE call SET customer = %s, deal = %s, call_type = %s, stage = %s WHERE call_id = %s",
        [context.customer, context.deal, context.call_type, context.stage, call_id],
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_call", "this tenant has no such call")


async def list_calls(
    connection: AsyncConnection,
    *,
    limit: int = 50,
    before: datetime | None = None,
    live: bool | None = None,
    external_id: str | None = None,
) -> list[StoredCall]:
    """The tenant's calls, newest first; `before` pages on from the last one's `started_at`."""
    # Only where it is asked for, and never for the empty name: so the partial index can serve it.
    named = "" if external_id is None else " AND external_id = %s AND external_id <> ''"
    status = None if live is None else ("live" if live else "ended")
    cursor = await connection.execute(
        f"SELECT {_CALL_COLUMNS} FROM call WHERE started_at < coalesce(%s, 'infinity'::timestamptz)"
        f" AND status = coalesce(%s, status){named} ORDER BY started_at DESC, call_id LIMIT %s",
        [before, status, *([] if external_id is None else [external_id]), limit],
    )
    return [call_of_row(row) for row in await cursor.fetchall()]


async def rep_name(connection: AsyncConnection, rep_id: str) -> str:
    """What the rep is called; its id where nobody gave it a name."""
    cursor = await connection.execute("SELECT nullif(name, '') FROM rep WHERE rep_id = %s", [rep_id])
    row = await cursor.fetchone()
    return rep_id if row is None or row[0] is None else row[0]


async def live_calls(store: Store) -> list[CallRef]:
    """All tenants' calls that are not ended, oldest first: what a server takes up again after a restart."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, call_id FROM live_calls()")
        return [CallRef(tenant_id=row[0], call_id=row[1]) for row in await cursor.fetchall()]


async def latest_revision(connection: AsyncConnection, call_id: UUID) -> TranscriptId:
    """The newest transcript of the call. Raises Refused('unknown_call')."""
    cursor = await connection.execute("SELECT max(revision) FROM transcript WHERE call_id = %s", [call_id])
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        raise Refused("unknown_call", "this tenant has no such call")
    return TranscriptId(call_id=call_id, revision=row[0])


_UTTERANCE_COLUMNS: Final = "utterance_no, speaker_id, start_ts, end_ts, text, words, overlapped, speaker_confidence"
_WORDLESS_COLUMNS: Final = "utterance_no, speaker_id, start_ts, end_ts, text, NULL, overlapped, speaker_confidence"

StoredWords = Sequence[tuple[str, int, int, bool]]
"""Each its text, start_ts, end_ts (ms of call audio), and whether its time is an estimate."""


async def load_transcript(
    connection: AsyncConnection, transcript_id: TranscriptId, *, words: bool = True
) -> Transcript:
    """All utterances of one revision, in order. Raises Refused('unknown_call').

    `words=False`: without the times of single words, which nothing that cites an utterance needs. An hour has ten
    thousand of them, and to read them takes ten times as long as all the rest.
    """
    columns: LiteralString = _UTTERANCE_COLUMNS if words else _WORDLESS_COLUMNS
    cursor = await connection.execute(
        f"SELECT {columns} FROM utterance WHERE call_id = %s AND revision = %s ORDER BY utterance_no",
        [transcript_id.call_id, transcript_id.revision],
    )
    rows = await cursor.fetchall()
    if not rows:
        await load_call(connection, transcript_id.call_id)
    return Transcript.of(transcript_id, (_utterance(row) for row in rows))


async def load_words(connection: AsyncConnection, transcript_id: TranscriptId) -> dict[int, StoredWords]:
    """The words of this revision as they are kept, by utterance number: for whoever only hands them on."""
    cursor = await connection.execute(
        "SELECT utterance_no, words FROM utterance WHERE call_id = %s AND revision = %s",
        [transcript_id.call_id, transcript_id.revision],
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def load_vectors(connection: AsyncConnection, transcript_id: TranscriptId) -> dict[int, Any]:
    """The embeddings [384] that utterances of this revision have, by utterance number."""
    cursor = await connection.execute(
        "SELECT utterance_no, embedding FROM utterance WHERE call_id = %s AND revision = %s AND embedding IS NOT NULL",
        [transcript_id.call_id, transcript_id.revision],
        # As text, the vectors of a call of an hour take a third of a second of the event loop.
        binary=True,
    )
    # pgvector hands out its own type: an array is what everybody computes with.
    return {row[0]: row[1].to_numpy() if hasattr(row[1], "to_numpy") else row[1] for row in await cursor.fetchall()}


async def load_roles(connection: AsyncConnection, transcript_id: TranscriptId, *, corrected: bool = True) -> Roles:
    """Who the speakers are. What a person corrected holds against what was heard, also if that was heard later.

    `corrected=False`: as it was heard.
    """
    cursor = await connection.execute(
        "SELECT coalesce(h.speaker_id, c.speaker_id), coalesce(c.role, h.role),"
        " CASE WHEN c.role IS NULL THEN h.source ELSE 'stated' END,"
        " CASE WHEN c.role IS NULL THEN h.confidence ELSE 1 END"
        " FROM (SELECT * FROM speaker_role WHERE call_id = %(call_id)s AND revision = %(revision)s) h FULL JOIN"
        " (SELECT speaker_id, role FROM speaker_correction WHERE call_id = %(call_id)s AND revision = %(revision)s"
        " AND role IS NOT NULL AND %(corrected)s) c ON c.speaker_id = h.speaker_id ORDER BY 1",
        {"call_id": transcript_id.call_id, "revision": transcript_id.revision, "corrected": corrected},
    )
    return Roles(
        RoleAssignment(speaker_id=SpeakerId(row[0]), role=Role(row[1]), source=RoleSource(row[2]), confidence=row[3])
        for row in await cursor.fetchall()
    )


async def load_gaps(connection: AsyncConnection, call_id: UUID) -> list[Gap]:
    cursor = await connection.execute(
        "SELECT at_ts, duration_ms, reason FROM gap WHERE call_id = %s ORDER BY at_ts", [call_id]
    )
    return [Gap(at_ts=row[0], duration_ms=row[1], reason=row[2]) for row in await cursor.fetchall()]


def call_of_row(row: tuple[Any, ...]) -> StoredCall:
    """A call of a row that begins with `CALL_COLUMNS`."""
    return StoredCall(
        call_id=row[0],
        rep_id=row[1],
        consent=row[2],
        title=row[3],
        encoding=row[4],
        sample_rate=row[5],
        channels=row[6],
        layout=row[7],
        language=row[8],
        rep_speaker=row[9],
        status=row[10],
        started_at=row[11],
        ended_at=row[12],
        ended_reason=row[13],
        audio_ms=row[14],
        external_id=row[15],
        context=CallContext(customer=row[16], deal=row[17], call_type=row[18], stage=row[19]),
    )


def _utterance(row: tuple[Any, ...]) -> Utterance:
    return Utterance(
        no=row[0],
        speaker=UNATTRIBUTED if row[1] is None else SpeakerId(row[1]),
        start_ts=row[2],
        end_ts=row[3],
        text=row[4],
        words=tuple(Word(text=w[0], start_ts=w[1], end_ts=w[2], estimated=w[3]) for w in row[5] or ()),
        overlapped=row[6],
        speaker_confidence=row[7],
    )
