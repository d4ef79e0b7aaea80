"""The artifacts of a call that were there before its review was asked for again: kept without the words they quote.

Where an artifact cites, the place of the words is kept (`quote_start`, `quote_end`). Reading it looks them up in the
utterance and checks speaker and times once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from ridealong.core.errors import Refused, Ungrounded
from ridealong.core.transcript import Transcript, TranscriptId, Unattributed
from ridealong.store.artifacts import load_artifact
from ridealong.store.calls import load_call, load_transcript

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.store.reviews import StoredReview

Json = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactVersion:
    """One artifact of a call. `number` counts from 1, oldest first; the last one is the one that holds."""

    number: int
    revision: int
    made_at: datetime
    rubric_title: str
    reviewer: str
    score: float | None
    earlier: bool


async def keep_artifact(connection: AsyncConnection, review: StoredReview) -> None:
    """Keep a finished review's artifact, which is about to be made again. Repeating it changes nothing."""
    transcript_id = review.transcript_id
    artifact = await load_artifact(connection, transcript_id.call_id, transcript_id.revision)
    transcripts = await _transcripts(connection, transcript_id)
    kept = _each_citation(artifact.as_json(), transcripts, transcript_id.revision, _without_words)
    await connection.execute(
        "INSERT INTO earlier_artifact (tenant_id, review_id, made_at, call_id, revision, artifact)"
        " SELECT tenant_id, review_id, finished_at, call_id, revision, %s FROM review WHERE review_id = %s"
        " ON CONFLICT DO NOTHING",
        [json.dumps(kept, ensure_ascii=False), review.review_id],
    )


async def list_artifacts(connection: AsyncConnection, call_id: UUID) -> list[ArtifactVersion]:
    """All artifacts of a call, oldest first. Raises Refused('unknown_call')."""
    await load_call(connection, call_id)
    return [
        ArtifactVersion(
            number=number,
            revision=row[1],
            made_at=row[2],
            rubric_title=row[3],
            reviewer=row[4],
            score=row[5],
            earlier=row[6],
        )
        for number, row in enumerate(await _rows(connection, call_id), start=1)
    ]


async def load_numbered(connection: AsyncConnection, call_id: UUID, number: int) -> Json:
    """Artifact `number` of a call as JSON. Raises Refused('unknown_call' | 'unknown_artifact'), Ungrounded."""
    await load_call(connection, call_id)
    rows = await _rows(connection, call_id)
    if not 1 <= number <= len(rows):
        there = f"has the artifacts 1 to {len(rows)}"
        if len(rows) < 2:
            there = "has one artifact, and a second once its review is made again" if rows else "has no artifact yet"
        raise Refused("unknown_artifact", f"the call {there}: there is no number {number}")
    row = rows[number - 1]
    if not row[6]:
        return (await load_artifact(connection, call_id, row[1])).as_json()
    cursor = await connection.execute(
        "SELECT artifact FROM earlier_artifact WHERE review_id = %s AND made_at = %s", [row[0], row[2]]
    )
    stored = await cursor.fetchone()
    if stored is None:
        raise Refused("unknown_artifact", "the artifact is gone: ask again")
    transcripts = await _transcripts(connection, TranscriptId(call_id=call_id, revision=row[1]))
    return _each_citation(stored[0], transcripts, row[1], _with_words)


async def _rows(connection: AsyncConnection, call_id: UUID) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(
        "SELECT review_id, revision, made_at, artifact -> 'rubric' ->> 'title', artifact ->> 'reviewer',"
        " (artifact ->> 'score')::double precision, true FROM earlier_artifact WHERE call_id = %(call_id)s"
        " UNION ALL SELECT review_id, revision, finished_at, rubric_title, reviewer,"
        " CASE WHEN assessed THEN score END, false FROM review WHERE call_id = %(call_id)s AND status = 'finished'"
        " ORDER BY 3, 1",
        {"call_id": call_id},
    )
    return await cursor.fetchall()


async def _transcripts(connection: AsyncConnection, transcript_id: TranscriptId) -> dict[int, Transcript]:
    """By revision, up to that one: a moment may still cite the transcript that was heard live."""
    return {
        revision: await load_transcript(connection, TranscriptId(call_id=transcript_id.call_id, revision=revision))
        for revision in range(1, transcript_id.revision + 1)
    }


def _each_citation(
    artifact: Json,
    transcripts: Mapping[int, Transcript],
    revision: int,
    change: Callable[[dict[str, object], str], dict[str, object]],
) -> dict[str, object]:
    """The artifact with every piece of evidence changed, told the text of its utterance. Raises Ungrounded."""

    def walk(value: object, of: int) -> object:
        if isinstance(value, list):
            return [walk(item, of) for item in cast("list[object]", value)]
        if not isinstance(value, Mapping):
            return value
        found = dict(cast("Mapping[str, object]", value))
        if "utterance_no" in found and ("quote" in found or "quote_start" in found):
            return change(found, _cited(found, transcripts[of]))
        at = found.get("revision")
        of = at if isinstance(at, int) and "evidence" in found else of
        return {key: walk(item, of) for key, item in found.items()}

    return cast("dict[str, object]", walk(artifact, revision))


def _cited(evidence: Mapping[str, object], transcript: Transcript) -> str:
    """The text of the utterance that the evidence is about. Raises Ungrounded where anything of it is wrong."""
    no = evidence["utterance_no"]
    if not isinstance(no, int) or no not in transcript:
        raise Ungrounded(f"there is no utterance {no}")
    said = transcript[no]
    stands = (evidence["speaker_id"], evidence["start_ts"], evidence["end_ts"])
    if isinstance(said.speaker, Unattributed) or stands != (int(said.speaker), said.start_ts, said.end_ts):
        raise Ungrounded(f"utterance {no} was said by somebody else, or at another time")
    return said.text


def _without_words(evidence: dict[str, object], text: str) -> dict[str, object]:
    quote = str(evidence.pop("quote"))
    at = text.find(quote)
    if at < 0:
        raise Ungrounded("the utterance does not contain the quote")
    return {**evidence, "quote_start": at, "quote_end": at + len(quote)}


def _with_words(evidence: dict[str, object], text: str) -> dict[str, object]:
    start, end = evidence.pop("quote_start"), evidence.pop("quote_end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(text):
        raise Ungrounded("the quote lies outside the utterance")
    return {**evidence, "quote": text[start:end]}
