"""What a review asked of models, step by step, and what that took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.core.artifact import ReviewStep, StepOutcome

if TYPE_CHECKING:
    from psycopg import AsyncConnection


async def save_steps(connection: AsyncConnection, review_id: UUID, step: str, asked: Sequence[ReviewStep]) -> None:
    """Keep what one step asked of models, in place of what an earlier attempt at the step kept."""
    await connection.execute("DELETE FROM review_step WHERE review_id = %s AND step = %s", [review_id, step])
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO review_step (tenant_id, review_id, step, position, part, model, outcome, attempts,"
            " input_tokens, cache_read_tokens, cache_written_tokens, output_tokens, cost_usd, seconds, prompt)"
            " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                [
                    *(review_id, step, position, one.part, one.model, one.outcome.value, one.attempts),
                    *(one.input_tokens, one.cache_read_tokens, one.cache_written_tokens, one.output_tokens),
                    *(one.cost_usd, one.seconds, one.prompt),
                ]
                for position, one in enumerate(asked)
            ],
        )


async def load_steps(connection: AsyncConnection, review_id: UUID) -> list[ReviewStep]:
    """What was asked of models for a review, by step and in the order in which it was asked."""
    cursor = await connection.execute(
        "SELECT step, part, model, outcome, attempts, input_tokens, cache_read_tokens, cache_written_tokens,"
        " output_tokens, cost_usd, seconds, prompt FROM review_step WHERE review_id = %s ORDER BY step, position",
        [review_id],
    )
    return [
        ReviewStep(
            step=row[0],
            part=row[1],
            model=row[2],
            outcome=StepOutcome(row[3]),
            attempts=row[4],
            input_tokens=row[5],
            cache_read_tokens=row[6],
            cache_written_tokens=row[7],
            output_tokens=row[8],
            cost_usd=row[9],
            seconds=row[10],
            prompt=row[11],
        )
        for row in await cursor.fetchall()
    ]
