"""Reviews: asked for when a call ends, owned by one process at a time, and written section by section."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from ridealong.core.errors import Refused, Unavailable
from ridealong.core.rubric import CoachingMoment, SectionReview
from ridealong.core.rules import Effect, Reach, RuleState
from ridealong.core.transcript import Roles, TranscriptId
from ridealong.core.workings import effect_of, workings_json
from ridealong.store.claim_rows import insert_claims

if TYPE_CHECKING:
    from ridealong.core.context import CallContext
    from ridealong.store import Store
    from ridealong.store.evidence import Vectors


class ReviewStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRef:
    """Which review of which tenant; nothing about it."""

    tenant_id: UUID
    review_id: UUID
    transcript_id: TranscriptId


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredReview:
    """A review as the database has it. `rubric` is the text of the rubric that it was made with."""

    review_id: UUID
    transcript_id: TranscriptId
    status: ReviewStatus
    reviewer: str | None
    rubric_id: str | None
    rubric_title: str | None
    rubric: str | None
    statistics: Mapping[str, object]
    score: float | None
    assessed: bool | None
    warnings: tuple[str, ...]
    missing_sections: tuple[str, ...]
    dropped_drafts: int
    failure: str | None
    removed_claims: int
    lowered_claims: int
    unchecked_claims: int
    checks: Mapping[str, Mapping[str, int]]
    confidence_version: str | None


async def unfinished_reviews(store: Store) -> list[ReviewRef]:
    """All tenants' reviews that are queued or were interrupted, oldest first."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, review_id, call_id, revision FROM unfinished_reviews()")
        return [
            ReviewRef(tenant_id=row[0], review_id=row[1], transcript_id=TranscriptId(call_id=row[2], revision=row[3]))
            for row in await cursor.fetchall()
        ]


@asynccontextmanager
async def review_lock(store: Store, review_id: UUID) -> AsyncGenerator[bool]:
    """True while this process alone may make the review, False when another one does.

    A session of the database holds the lock: it ends with the process, however that ends. Raises Unavailable.
    """
    key = int.from_bytes(hashlib.sha256(b"review " + review_id.bytes).digest()[:8], "big", signed=True)
    try:
        connection = await AsyncConnection.connect(store.app_conninfo, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Unavailable("the database is away: try again") from error
    try:
        try:
            row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [key])).fetchone()
        except psycopg.OperationalError as error:
            raise Unavailable("the database is away: try again") from error
        yield row is not None and bool(row[0])
    finally:
        await connection.close()


_REVIEW_COLUMNS: Final = (
    "review_id, call_id, revision, status, reviewer, rubric_id, rubric_title, rubric, statistics, score, assessed,"
    " warnings, missing_sections, dropped_drafts, failure, removed_claims, lowered_claims, unchecked_claims, checks,"
    " confidence_version"
)


async def load_review(connection: AsyncConnection, review_id: UUID) -> StoredReview:
    """Raises Refused('unknown_review')."""
    cursor = await connection.execute(f"SELECT {_REVIEW_COLUMNS} FROM review WHERE review_id = %s", [review_id])
    return _review(await cursor.fetchone())


async def find_review(connection: AsyncConnection, call_id: UUID, revision: int | None = None) -> StoredReview:
    """The review of that revision, by default of the newest that was asked for. Raises Refused('unknown_review')."""
    cursor = await connection.execute(
        f"SELECT {_REVIEW_COLUMNS} FROM review WHERE call_id = %s AND revision = coalesce(%s, revision)"
        " ORDER BY revision DESC LIMIT 1",
        [call_id, revision],
    )
    return _review(await cursor.fetchone())


async def mark_running(
    connection: AsyncConnection,
    review_id: UUID,
    *,
    reviewer: str,
    rubric_id: str,
    rubric_title: str,
    rubric: str,
    roles: Roles | None = None,
    context: CallContext | None = None,
) -> bool:
    """The review has begun, with a copy of the rubric, the roles and the context that it is made with.

    False when it is finished.
    """
    cursor = await connection.execute(
        "UPDATE review SET status = 'running', started_at = coalesce(started_at, now()), reviewer = %s, rubric_id = %s,"
        " rubric_title = %s, rubric = %s, roles = %s, context = %s, failure = NULL"
        " WHERE review_id = %s AND status <> 'finished'",
        [
            *(reviewer, rubric_id, rubric_title, rubric),
            None if roles is None else json.dumps({str(a.speaker_id): a.role.value for a in roles.values()}),
            None if context is None else json.dumps(context.as_json(), ensure_ascii=False),
            review_id,
        ],
    )
    if cursor.rowcount == 0:
        await load_review(connection, review_id)
        return False
    return True


async def save_statistics(connection: AsyncConnection, review_id: UUID, statistics: Mapping[str, object]) -> None:
    """Keep the call's statistics: a name each, with anything JSON can say. Raises Refused('review_finished')."""
    cursor = await connection.execute(
        "UPDATE review SET statistics = %s WHERE review_id = %s AND status <> 'finished'",
        [json.dumps(dict(statistics), ensure_ascii=False), review_id],
    )
    if cursor.rowcount == 0:
        await open_review(connection, review_id)


async def correct_statistics(
    connection: AsyncConnection, transcript_id: TranscriptId, statistics: Mapping[str, object]
) -> None:
    """Put the statistics of one transcript's review right, finished or not: somebody said who the speakers are."""
    await connection.execute(
        "UPDATE review SET statistics = %s WHERE call_id = %s AND revision = %s",
        [json.dumps(dict(statistics), ensure_ascii=False), transcript_id.call_id, transcript_id.revision],
    )


async def save_section(
    connection: AsyncConnection,
    review_id: UUID,
    section: SectionReview,
    *,
    position: int = 0,
    vectors: Vectors | None = None,
) -> None:
    """Keep a section and its findings, in place of what an earlier attempt kept.

    `position` orders sections; `vectors` [len(section.findings), 384] are the statements' embeddings. Raises
    Ungrounded when the database finds a claim's evidence wrong, Refused when the review is finished.
    """
    transcript_id = await open_review(connection, review_id)
    await connection.execute(
        "DELETE FROM claim WHERE review_id = %s AND section_id = %s", [review_id, section.section_id]
    )
    await connection.execute(
        "INSERT INTO review_section (tenant_id, review_id, section_id, position, title, score, confidence,"
        " not_assessed, workings) VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, review_id, section_id) DO UPDATE"
        " SET position = EXCLUDED.position, title = EXCLUDED.title, score = EXCLUDED.score,"
        " confidence = EXCLUDED.confidence, not_assessed = EXCLUDED.not_assessed, workings = EXCLUDED.workings",
        [
            *(review_id, section.section_id, position, section.title, section.score, section.confidence),
            list(section.not_assessed),
            json.dumps(workings_json(section)),
        ],
    )
    rows = [
        {
            "kind": "finding",
            "section_id": section.section_id,
            "criterion_id": finding.criterion_id,
            "score": finding.score,
            "title": None,
            "advice": None,
        }
        for finding in section.findings
    ]
    await insert_claims(
        connection, review_id, transcript_id, rows=rows, claims=[f.claim for f in section.findings], vectors=vectors
    )


async def assessed_sections(connection: AsyncConnection, review_id: UUID) -> dict[str, float]:
    """The score of each section kept so far that could be assessed."""
    cursor = await connection.execute(
        "SELECT section_id, score FROM review_section s WHERE review_id = %s"
        " AND coalesce((workings ->> 'assessed')::boolean, EXISTS (SELECT FROM claim c"
        " WHERE c.review_id = s.review_id AND c.section_id = s.section_id))",
        [review_id],
    )
    return dict(await cursor.fetchall())


async def call_effects(connection: AsyncConnection, review_id: UUID) -> list[Effect]:
    """What the broken rules of the sections kept so far do to the call's score."""
    cursor = await connection.execute(
        "SELECT r -> 'effect' FROM review_section, jsonb_array_elements(coalesce(workings -> 'rules', '[]')) r"
        " WHERE review_id = %s AND r ->> 'state' = %s AND r -> 'effect' ->> 'of' = %s",
        [review_id, RuleState.BROKEN, Reach.CALL],
    )
    return [effect_of(row[0]) for row in await cursor.fetchall()]


async def save_coaching_moments(
    connection: AsyncConnection,
    review_id: UUID,
    coaching_moments: Sequence[CoachingMoment],
    *,
    vectors: Vectors | None = None,
) -> None:
    """Keep the coaching moments, in place of those an earlier attempt kept. Raises like `save_section`."""
    transcript_id = await open_review(connection, review_id)
    await connection.execute("DELETE FROM claim WHERE review_id = %s AND kind = 'coaching_moment'", [review_id])
    rows = [
        {
            "kind": "coaching_moment",
            "section_id": None,
            "criterion_id": None,
            "score": None,
            "title": coaching.title,
            "advice": coaching.advice,
            "why": coaching.why or None,
        }
        for coaching in coaching_moments
    ]
    await insert_claims(
        connection, review_id, transcript_id, rows=rows, claims=[c.claim for c in coaching_moments], vectors=vectors
    )


async def finish_review(
    connection: AsyncConnection,
    review_id: UUID,
    *,
    score: float,
    assessed: bool,
    warnings: Sequence[str] = (),
    missing_sections: Sequence[str] = (),
    dropped_drafts: int = 0,
    removed_claims: int = 0,
    lowered_claims: int = 0,
    unchecked_claims: int = 0,
    reviewer: str | None = None,
    checks: Mapping[str, Mapping[str, int]] | None = None,
    confidence_version: str | None = None,
) -> None:
    """The artifact is complete. `score` 0 to 100. `reviewer`: who made it in the end, where that is not who began.
    `checks`: what became of statements with a fault (fate, fault, how many); `confidence_version`: whose weights made
    the claims' confidence.

    Repeating it changes nothing.
    """
    cursor = await connection.execute(
        "UPDATE review SET status = 'finished', finished_at = now(), score = %s, assessed = %s, warnings = %s,"
        " missing_sections = %s, dropped_drafts = %s, removed_claims = %s, lowered_claims = %s, unchecked_claims = %s,"
        " reviewer = coalesce(%s, reviewer), checks = %s, confidence_version = %s, failure = NULL"
        " WHERE review_id = %s AND status <> 'finished'",
        [
            *(score, assessed, list(warnings), list(missing_sections), dropped_drafts),
            *(removed_claims, lowered_claims, unchecked_claims, reviewer, json.dumps(checks or {})),
            *(confidence_version, review_id),
        ],
    )
    if cursor.rowcount == 0:
        await load_review(connection, review_id)


async def fail_review(connection: AsyncConnection, review_id: UUID, failure: str) -> None:
    """Nothing will make this review by itself any more; `failure` says why, without any words of the call."""
    await connection.execute(
        "UPDATE review SET status = 'failed', failure = %s WHERE review_id = %s AND status <> 'finished'",
        [failure, review_id],
    )


async def requeue_review(connection: AsyncConnection, review_id: UUID) -> None:
    """Ask for the review again, finished or failed, for example with another rubric."""
    cursor = await connection.execute(
        "UPDATE review SET status = 'queued', queued_at = now(), started_at = NULL, finished_at = NULL, failure = NULL"
        " WHERE review_id = %s",
        [review_id],
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_review", "this tenant has no such review")
    await connection.execute("DELETE FROM claim WHERE review_id = %s", [review_id])
    await connection.execute("DELETE FROM review_section WHERE review_id = %s", [review_id])
    await connection.execute("DELETE FROM review_step WHERE review_id = %s", [review_id])
    await connection.execute("DELETE FROM review_step_result WHERE review_id = %s", [review_id])


async def open_review(connection: AsyncConnection, review_id: UUID) -> TranscriptId:
    """The transcript of a review that may still be written. Raises Refused."""
    review = await load_review(connection, review_id)
    if review.status is ReviewStatus.FINISHED:
        raise Refused("review_finished", "the review is finished: ask for it again to change it")
    return review.transcript_id


def _review(row: tuple[Any, ...] | None) -> StoredReview:
    if row is None:
        raise Refused("unknown_review", "this tenant has no such review")
    return StoredReview(
        review_id=row[0],
        transcript_id=TranscriptId(call_id=row[1], revision=row[2]),
        status=ReviewStatus(row[3]),
        reviewer=row[4],
        rubric_id=row[5],
        rubric_title=row[6],
        rubric=row[7],
        statistics=row[8],
        score=row[9],
        assessed=row[10],
        warnings=tuple(row[11]),
        missing_sections=tuple(row[12]),
        dropped_drafts=row[13],
        failure=row[14],
        removed_claims=row[15],
        lowered_claims=row[16],
        unchecked_claims=row[17],
        checks=row[18],
        confidence_version=row[19],
    )
