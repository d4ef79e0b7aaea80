"""What the steps behind the sections made: claims of their own kinds, the stages' spans, what became of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.core.claims import Claim
from ridealong.core.outline import (
    FollowUpPart,
    FollowUpSentence,
    Gap,
    GapKind,
    NextAction,
    Stage,
    StepKind,
    StepResult,
    Who,
)
from ridealong.core.transcript import Transcript
from ridealong.store.claim_rows import insert_claims
from ridealong.store.reviews import open_review

if TYPE_CHECKING:
    from psycopg import AsyncConnection


async def save_outline(connection: AsyncConnection, review_id: UUID, stages: Sequence[Stage]) -> None:
    """Keep the outline, in place of what an earlier attempt kept. Raises like `reviews.save_section`."""
    ids = await _save(connection, review_id, "stage", [{} for _ in stages], [s.summary for s in stages])
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO outline_stage (tenant_id, claim_id, call_id, revision, stage, first_no, last_no)"
            " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s)",
            [
                [claim_id, of.call_id, of.revision, stage.stage, stage.first_no, stage.last_no]
                for claim_id, stage in zip(ids, stages, strict=True)
                for of in (stage.summary.evidence[0].transcript_id,)
            ],
        )


async def save_gaps(connection: AsyncConnection, review_id: UUID, gaps: Sequence[Gap]) -> None:
    """As `save_outline`, for what does not fit together."""
    rows = [{"gap": g.gap.value, "title": g.title, "sections": list(g.sections)} for g in gaps]
    await _save(connection, review_id, "gap", rows, [g.claim for g in gaps])


async def save_next_actions(connection: AsyncConnection, review_id: UUID, actions: Sequence[NextAction]) -> None:
    """As `save_outline`, for what was said will be done."""
    rows = [{"who": a.who.value, "due": a.due} for a in actions]
    await _save(connection, review_id, "next_action", rows, [a.claim for a in actions])


async def save_follow_up(connection: AsyncConnection, review_id: UUID, sentences: Sequence[FollowUpSentence]) -> None:
    """As `save_outline`, for the sentences of the draft e-mail."""
    await _save(
        connection, review_id, "follow_up", [{"part": s.part.value} for s in sentences], [s.claim for s in sentences]
    )


async def _save(
    connection: AsyncConnection,
    review_id: UUID,
    kind: str,
    rows: Sequence[Mapping[str, object]],
    claims: Sequence[Claim],
) -> list[UUID]:
    transcript_id = await open_review(connection, review_id)
    await connection.execute("DELETE FROM claim WHERE review_id = %s AND kind = %s", [review_id, kind])
    # Without an embedding: a search finds what was said and the findings, and these say the same once more.
    return await insert_claims(
        connection,
        review_id,
        transcript_id,
        rows=[{"kind": kind, **row} for row in rows],
        claims=claims,
        vectors=None,
    )


async def load_spans(connection: AsyncConnection, review_id: UUID) -> dict[UUID, tuple[str, int, int]]:
    """By the summary's claim: the stage, and the numbers of its first and last utterance."""
    cursor = await connection.execute(
        "SELECT o.claim_id, o.stage, o.first_no, o.last_no FROM outline_stage o"
        " JOIN claim c USING (tenant_id, claim_id) WHERE c.review_id = %s",
        [review_id],
    )
    return {row[0]: (row[1], row[2], row[3]) for row in await cursor.fetchall()}


class LaterClaims:
    """Sorts stored claims of the later steps, in the order in which they come."""

    def __init__(self) -> None:
        self._summaries: list[Claim] = []
        self.gaps: list[Gap] = []
        self.next_actions: list[NextAction] = []
        self.follow_up: list[FollowUpSentence] = []

    def take(
        self,
        kind: str,
        claim: Claim,
        *,
        title: str | None,
        gap: str | None,
        sections: Sequence[str] | None,
        who: str | None,
        due: str | None,
        part: str | None,
    ) -> None:
        """Add one claim. The database's rules say which of the columns its kind has."""
        match kind:
            case "stage":
                self._summaries.append(claim)
            case "gap":
                self.gaps.append(Gap(gap=GapKind(gap), title=title or "", sections=tuple(sections or ()), claim=claim))
            case "next_action":
                self.next_actions.append(NextAction(who=Who(who), due=due, claim=claim))
            case _:
                self.follow_up.append(FollowUpSentence(part=FollowUpPart(part), claim=claim))

    def outline(self, transcript: Transcript, spans: Mapping[UUID, tuple[str, int, int]]) -> tuple[Stage, ...]:
        """The stages, each with its span. Raises Ungrounded where the transcript lacks its utterances."""
        return tuple(
            Stage.of(transcript, *spans[claim.claim_id], claim)
            for claim in self._summaries
            if claim.claim_id is not None and claim.claim_id in spans
        )


async def save_result(connection: AsyncConnection, review_id: UUID, result: StepResult) -> None:
    """Keep what a step made, in place of what an earlier attempt at it kept."""
    await connection.execute(
        "DELETE FROM review_step_result WHERE review_id = %s AND step = %s", [review_id, result.step]
    )
    await connection.execute(
        "INSERT INTO review_step_result (tenant_id, review_id, step, kind, made_by, seconds, made, dropped, removed,"
        " lowered, unchecked) VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            *(review_id, result.step, result.kind.value, result.by, result.seconds, result.made),
            *(result.dropped, result.removed, result.lowered, result.unchecked),
        ],
    )


async def load_results(connection: AsyncConnection, review_id: UUID) -> list[StepResult]:
    """What each finished step of a review made, in the order in which they were finished."""
    cursor = await connection.execute(
        "SELECT step, kind, made_by, seconds, made, dropped, removed, lowered, unchecked FROM review_step_result"
        " WHERE review_id = %s ORDER BY finished_at, step",
        [review_id],
    )
    return [
        StepResult(
            step=row[0],
            kind=StepKind(row[1]),
            by=row[2],
            seconds=row[3],
            made=row[4],
            dropped=row[5],
            removed=row[6],
            lowered=row[7],
            unchecked=row[8],
        )
        for row in await cursor.fetchall()
    ]
