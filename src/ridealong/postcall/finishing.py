"""The end of a review: the call's score, what is told of how it was made, and from then on nobody changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from ridealong.core.artifact import StepOutcome
from ridealong.core.rubric import call_score
from ridealong.postcall.proving import Counts
from ridealong.postcall.step_names import COACHING, FOLLOW_UP, GAPS, NEXT_ACTIONS, OUTLINE, STOOD_IN, section_step
from ridealong.postcall.tally import by_fate
from ridealong.postcall.warnings import narrator_warnings, review_warnings, step_warnings
from ridealong.store.review_questions import load_steps
from ridealong.store.reviews import assessed_sections, call_effects, finish_review

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from ridealong.postcall.durable import StepCounts
    from ridealong.postcall.under_review import LoadedCall


async def finish(
    connection: AsyncConnection,
    review_id: UUID,
    call: LoadedCall,
    found: Mapping[str, StepCounts | None],
    *,
    stood_in: bool,
    heard_again: bool,
) -> int:
    """Store what the steps came to; how many sections were scored. `found`: each step's counts, None where it failed.

    `stood_in`: the reviewer who stands in made the sections.
    """
    missing = [s.id for s in call.rubric.sections if found[section_step(s.id)] is None]
    made = [counts for counts in found.values() if counts is not None]
    totals = {name: sum(counts.get(name, 0) for counts in made) for name in asdict(Counts())}
    reviewer = call.reviewer.name
    if stood_in and call.reviewer.otherwise is not None:
        reviewer = f"{call.reviewer.otherwise.name}, in place of {reviewer}"
    scores = await assessed_sections(connection, review_id)
    score = call_score(call.rubric, scores, await call_effects(connection, review_id))
    warnings = review_warnings(
        call.context,
        assessed=score is not None,
        coached=found[COACHING] is not None,
        heard_again=heard_again,
        dropped=totals["dropped"],
    ) + step_warnings(
        call.rubric,
        missing=missing,
        read={s.id: read for s in call.rubric.sections if (read := _read(found[section_step(s.id)]))},
        coaching_read=_read(found[COACHING]),
        utterances=len(call.context.transcript),
        unchecked=totals["unchecked"],
        stood_in=stood_in,
        tokens_spent=any(s.outcome is StepOutcome.BUDGET_SPENT for s in await load_steps(connection, review_id)),
    )
    # What the local reviewer makes in the place of models is told once.
    told = {name: found[name] for name in (OUTLINE, NEXT_ACTIONS, GAPS, FOLLOW_UP)}
    warnings += narrator_warnings(
        missing=[name for name, counts in told.items() if counts is None],
        stood_in=[] if stood_in else [n for n, counts in told.items() if counts and counts.get(STOOD_IN)],
    )
    await finish_review(
        connection,
        review_id,
        reviewer=reviewer,
        score=score or 0.0,
        assessed=score is not None,
        warnings=warnings,
        missing_sections=missing,
        dropped_drafts=totals["dropped"],
        removed_claims=totals["removed"],
        lowered_claims=totals["lowered"],
        unchecked_claims=totals["unchecked"],
        checks=by_fate(made),
        confidence_version=None if call.checks.confidence is None else call.checks.confidence.version,
    )
    return len(scores)


def _read(counts: StepCounts | None) -> int | None:
    return None if counts is None else counts.get("read")
