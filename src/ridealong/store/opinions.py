"""What people think of claims and moments, and what they marked: beside what it is about, which it never changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.moments import Verdict


class Opinion(StrEnum):
    """Of a claim."""

    AGREE = "agree"
    DISAGREE = "disagree"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVote:
    claim_id: UUID
    verdict: Opinion
    note: str
    author: Author
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFeedback:
    moment_id: UUID
    verdict: Verdict
    author: Author
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMark:
    """`at_ts` in ms of call audio."""

    mark_id: UUID
    at_ts: int
    author: Author
    at: datetime


async def vote(
    connection: AsyncConnection, call_id: UUID, claim_id: UUID, author: Author, *, verdict: Opinion, note: str = ""
) -> None:
    """Keep the author's vote in place of an earlier one. Raises Refused('unknown_claim')."""
    cursor = await connection.execute(
        "INSERT INTO claim_vote (tenant_id, vote_id, call_id, claim_id, verdict, note, author_id, author_name)"
        " SELECT current_tenant(), %s, c.call_id, c.claim_id, %s, %s, %s, %s FROM claim c"
        " WHERE c.claim_id = %s AND c.call_id = %s"
        " ON CONFLICT (tenant_id, claim_id, author_id) DO UPDATE SET verdict = EXCLUDED.verdict, note = EXCLUDED.note,"
        " author_name = EXCLUDED.author_name, voted_at = now()",
        [uuid4(), verdict.value, note, author.member_id, author.name, claim_id, call_id],
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_claim", "the review of this call has no such claim")


async def take_vote_back(connection: AsyncConnection, call_id: UUID, claim_id: UUID, author: Author) -> None:
    """The author has no opinion any more. Repeating it changes nothing."""
    await connection.execute(
        "DELETE FROM claim_vote WHERE call_id = %s AND claim_id = %s AND author_id IS NOT DISTINCT FROM %s",
        [call_id, claim_id, author.member_id],
    )


async def load_votes(connection: AsyncConnection, call_id: UUID, claim_id: UUID | None = None) -> list[StoredVote]:
    """Votes on the claims that the call's reviews state now, oldest first."""
    cursor = await connection.execute(
        "SELECT v.claim_id, v.verdict, v.note, v.author_id, v.author_name, v.voted_at FROM claim_vote v"
        " JOIN claim c ON c.claim_id = v.claim_id"
        " WHERE v.call_id = %s AND v.claim_id = coalesce(%s, v.claim_id) ORDER BY v.voted_at, v.vote_id",
        [call_id, claim_id],
    )
    return [
        StoredVote(
            claim_id=row[0],
            verdict=Opinion(row[1]),
            note=row[2],
            author=Author(member_id=row[3], name=row[4]),
            at=row[5],
        )
        for row in await cursor.fetchall()
    ]


async def give_feedback(
    connection: AsyncConnection, call_id: UUID, moment_id: UUID, author: Author, verdict: Verdict
) -> None:
    """Keep what the author thinks of a moment, in place of earlier. Raises Refused('unknown_moment')."""
    cursor = await connection.execute(
        "INSERT INTO moment_feedback (tenant_id, feedback_id, call_id, moment_id, verdict, author_id, author_name)"
        " SELECT current_tenant(), %s, m.call_id, m.moment_id, %s, %s, %s FROM moment m"
        " WHERE m.moment_id = %s AND m.call_id = %s"
        " ON CONFLICT (tenant_id, moment_id, author_id) DO UPDATE SET verdict = EXCLUDED.verdict,"
        " author_name = EXCLUDED.author_name, given_at = now()",
        [uuid4(), verdict.value, author.member_id, author.name, moment_id, call_id],
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_moment", "this call has no such moment")


async def load_feedback(connection: AsyncConnection, call_id: UUID) -> list[StoredFeedback]:
    cursor = await connection.execute(
        "SELECT moment_id, verdict, author_id, author_name, given_at FROM moment_feedback WHERE call_id = %s"
        " ORDER BY given_at, feedback_id",
        [call_id],
    )
    return [
        StoredFeedback(
            moment_id=row[0], verdict=Verdict(row[1]), author=Author(member_id=row[2], name=row[3]), at=row[4]
        )
        for row in await cursor.fetchall()
    ]


async def mark(
    connection: AsyncConnection, call_id: UUID, at_ts: int, author: Author, mark_id: UUID | None = None
) -> StoredMark:
    """Keep a mark; repeating one under its `mark_id` changes nothing. Raises Refused('unknown_call')."""
    mark_id = mark_id or uuid4()
    await connection.execute(
        "INSERT INTO call_mark (tenant_id, mark_id, call_id, at_ts, author_id, author_name)"
        " SELECT current_tenant(), %s, call_id, %s, %s, %s FROM call WHERE call_id = %s"
        " ON CONFLICT (tenant_id, mark_id) DO NOTHING",
        [mark_id, at_ts, author.member_id, author.name, call_id],
    )
    found = next((m for m in await load_marks(connection, call_id) if m.mark_id == mark_id), None)
    if found is None:
        raise Refused("unknown_call", "this tenant has no such call")
    return found


async def load_marks(connection: AsyncConnection, call_id: UUID) -> list[StoredMark]:
    cursor = await connection.execute(
        "SELECT mark_id, at_ts, author_id, author_name, marked_at FROM call_mark WHERE call_id = %s"
        " ORDER BY at_ts, marked_at",
        [call_id],
    )
    return [
        StoredMark(mark_id=row[0], at_ts=row[1], author=Author(member_id=row[2], name=row[3]), at=row[4])
        for row in await cursor.fetchall()
    ]
