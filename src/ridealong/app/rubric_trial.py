"""What a rubric would make of a call: a whole artifact, of which nothing is stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.core.artifact import Artifact
from ridealong.core.rubric import Rubric, SectionReview, call_score
from ridealong.core.stats import call_statistics
from ridealong.postcall.confidence import shipped_confidence
from ridealong.postcall.proving import Checks
from ridealong.postcall.review import coach_call, review_section
from ridealong.postcall.reviewer import ReviewContext, StepLog

if TYPE_CHECKING:
    from ridealong.postcall.absence import AbsenceSearch
    from ridealong.postcall.reviewer import Reviewer
    from ridealong.postcall.rules import RuleJudge


async def try_rubric(
    rubric: Rubric,
    context: ReviewContext,
    *,
    reviewer: Reviewer,
    rules: RuleJudge,
    tenant_id: UUID,
    title: str,
    search: AbsenceSearch | None = None,
) -> Artifact:
    """Review the call under `rubric`, one section after the other: a trial must leave a core to calls that run.

    Raises what the reviewer raises.
    """
    checks = Checks(search=search, confidence=shipped_confidence(), rubric=rubric)
    judge = await reviewer.begin(tenant_id, rubric, context)
    sections: list[SectionReview] = []
    dropped = 0
    for section in rubric.sections:
        judged = await asyncio.to_thread(rules.judge, section, context) if section.rules else ()
        outcome = await review_section(judge, section, context, StepLog(step=section.id), rules=judged, checks=checks)
        sections.append(outcome.review)
        dropped += outcome.counts.dropped
    coaching = await coach_call(judge, context, StepLog(step="coaching moments"), checks=checks)
    score = call_score(
        rubric,
        {s.section_id: s.score for s in sections if s.assessed},
        [effect for s in sections for effect in s.call_effects],
    )
    statistics = await asyncio.to_thread(call_statistics, context.transcript, context.roles, context.duration_ms)
    return Artifact(
        # No review: nothing of this is stored.
        review_id=UUID(int=0),
        transcript_id=context.transcript.id,
        title=title,
        rubric_id=rubric.id,
        rubric_title=rubric.title,
        reviewer=judge.name,
        score=score or 0.0,
        assessed=score is not None,
        duration_ms=context.duration_ms,
        sections=tuple(sections),
        coaching_moments=coaching.coaching_moments,
        moments=context.moments,
        statistics=statistics.as_json(),
        speakers=tuple(context.roles.values()),
        dropped_drafts=dropped + coaching.counts.dropped,
    )
