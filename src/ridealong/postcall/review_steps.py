"""What each step of a review does: it reads and writes our own tables, takes ids and gives counts.

The order of the steps, and what happens where one fails, is `postcall.pipeline`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from ridealong.core.errors import ModelFailed, Unavailable
from ridealong.core.outline import StepKind, StepResult
from ridealong.core.rubric import scored_section
from ridealong.core.stats import call_statistics
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.consistency import contradictions, settle, statements
from ridealong.postcall.durable import ReviewerFailed, StepCounts
from ridealong.postcall.effects import ActsOf, judge_effects
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.finishing import finish
from ridealong.postcall.narrating import list_next_actions, name_gaps, outline_call, write_follow_up
from ridealong.postcall.narrator import CallNarrator, Found
from ridealong.postcall.proving import Counts, ProvenDrafts
from ridealong.postcall.render import render
from ridealong.postcall.review import coach_call, review_section
from ridealong.postcall.reviewer import CallReviewer, ReviewContext, Reviewer, StepLog
from ridealong.postcall.rules import RuleJudge
from ridealong.postcall.step_names import (
    COACHING,
    CONSISTENCY,
    FOLLOW_UP,
    GAPS,
    NEXT_ACTIONS,
    OUTLINE,
    STOOD_IN,
    section_step,
)
from ridealong.postcall.under_review import CallsUnderReview, LoadedCall
from ridealong.store.artifacts import load_artifact, load_made_so_far
from ridealong.store.effects import save_effects
from ridealong.store.moments import load_moments
from ridealong.store.outline import save_follow_up, save_gaps, save_next_actions, save_outline, save_result
from ridealong.store.review_questions import save_steps
from ridealong.store.reviews import (
    load_review,
    save_coaching_moments,
    save_section,
    save_statistics,
)

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.core.rubric import CoachingMoment, Criterion
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.consistency import Said
    from ridealong.store import Store

Result = TypeVar("Result")


class ReviewSteps:
    """The steps' work, over what this process has loaded of the calls under review. One of it in a process."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        reviewer: Reviewer,
        *,
        finder: EvidenceFinder | None,
        acts_of: ActsOf | None,
        stored: Callable[[UUID], None],
    ) -> None:
        """`stored` is told each review whose artifact can be read."""
        self._store = store
        self._embedder = embedder
        self._finder = finder or EvidenceFinder(embedder)
        self._acts_of = acts_of
        self._stored = stored
        self._search = AbsenceSearch(self._finder, embedder)
        self._rules = RuleJudge(embedder)
        self._under_review = CallsUnderReview(store, embedder, reviewer, self._search)

    def forget(self, review_id: UUID) -> None:
        """Keep what was loaded for this review no longer."""
        self._under_review.forget(review_id)

    async def call(self, tenant_id: UUID, review_id: UUID) -> LoadedCall:
        """The call, loaded once in this process."""
        return await self._under_review.call(tenant_id, review_id)

    async def load(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        began = time.monotonic()
        made = len((await self.call(tenant_id, review_id)).context.transcript)
        async with self._store.tenant(tenant_id) as connection:
            await save_result(connection, review_id, _result("load the transcript", began, made))
        return {"utterances": made}

    async def statistics(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self.call(tenant_id, review_id)).context
        began = time.monotonic()
        statistics = await asyncio.to_thread(call_statistics, context.transcript, context.roles, context.duration_ms)
        # What the first answer is held against, looked up while it is waited for.
        await asyncio.to_thread(context.of_call.names, context.transcript)
        async with self._store.tenant(tenant_id) as connection:
            await save_statistics(connection, review_id, statistics.as_json())
            await save_result(connection, review_id, _result("statistics", began, len(statistics.values)))
        return {"values": len(statistics.values)}

    async def section(
        self, tenant_id: UUID, review_id: UUID, position: int, section_id: str, prefix: str
    ) -> StepCounts:
        call = await self.call(tenant_id, review_id)
        log = StepLog(step=prefix + section_step(section_id))
        began = time.monotonic()
        section = call.rubric.section(section_id)
        try:
            rules = await asyncio.to_thread(self._rules.judge, section, call.context) if section.rules else ()
            outcome = await _asked(
                review_section(
                    _who(call, prefix), section, call.context, log, self._embed, rules=rules, checks=call.checks
                )
            )
        except ModelFailed:
            await self._keep_steps(tenant_id, review_id, log)
            raise
        async with self._store.tenant(tenant_id) as connection:
            await save_section(connection, review_id, outcome.review, position=position, vectors=outcome.vectors)
            await save_steps(connection, review_id, log.step, log.asked)
            result = _result(log.step, began, len(outcome.review.findings), outcome.counts, _who(call, prefix))
            await save_result(connection, review_id, result)
        return _step_counts(outcome.counts, log) | outcome.tally.flat()

    async def coach(self, tenant_id: UUID, review_id: UUID, prefix: str) -> StepCounts:
        call = await self.call(tenant_id, review_id)
        log = StepLog(step=prefix + COACHING)
        began = time.monotonic()
        try:
            outcome = await _asked(coach_call(_who(call, prefix), call.context, log, self._embed, checks=call.checks))
        except ModelFailed:
            await self._keep_steps(tenant_id, review_id, log)
            raise
        async with self._store.tenant(tenant_id) as connection:
            await save_coaching_moments(connection, review_id, outcome.coaching_moments, vectors=outcome.vectors)
            await save_steps(connection, review_id, log.step, log.asked)
            result = _result(log.step, began, len(outcome.coaching_moments), outcome.counts, _who(call, prefix))
            await save_result(connection, review_id, result)
        return _step_counts(outcome.counts, log) | outcome.tally.flat()

    async def consistent(self, tenant_id: UUID, review_id: UUID, prefix: str) -> StepCounts:
        """Settle what contradicts itself between the sections and the coaching moments; what that came to."""
        call = await self.call(tenant_id, review_id)
        async with self._store.tenant(tenant_id) as connection:
            made = await load_made_so_far(connection, review_id, call.context.transcript)
        sections, coaching = made.sections, made.coaching_moments

        def found() -> list[tuple[Said, Said]]:
            def about(moment: CoachingMoment) -> Criterion | None:
                return self._search.subject(moment, call.rubric, call.context)

            return contradictions(statements(sections, coaching, about))

        log = StepLog(step=prefix + CONSISTENCY)
        settled = await settle(await asyncio.to_thread(found), _who(call, prefix), log, call.checks.confidence)
        if not settled.dropped and not settled.lowered:
            call.made = made
            return {}
        kept, moments = settled.apply(sections, coaching)
        places = {s.id: n for n, s in enumerate(call.rubric.sections)}
        rescored = [
            scored_section(call.rubric.section(new.section_id), new.findings, new.not_applicable, new.rules)
            for old, new in zip(sections, kept, strict=True)
            if [f.claim for f in old.findings] != [f.claim for f in new.findings]
        ]
        vectors = {s.section_id: await self._embed([f.claim.statement for f in s.findings]) for s in rescored}
        coached = await self._embed([m.claim.statement for m in moments])
        async with self._store.tenant(tenant_id) as connection:
            for section in rescored:
                await save_section(
                    connection,
                    review_id,
                    section,
                    position=places[section.section_id],
                    vectors=vectors[section.section_id],
                )
            await save_coaching_moments(connection, review_id, moments, vectors=coached)
            await save_steps(connection, review_id, log.step, log.asked)
        counts = {"removed": len(settled.dropped), "lowered": len(settled.lowered)}
        return counts | settled.tally.flat()

    async def effects(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        """Whether the rep acted on what was nudged; nothing where nobody says by what that is judged."""
        if self._acts_of is None:
            return {}
        context = (await self.call(tenant_id, review_id)).context
        acts = await self._acts_of(tenant_id)
        async with self._store.tenant(tenant_id) as connection:
            moments = await load_moments(connection, context.transcript)
        found = await asyncio.to_thread(judge_effects, self._finder, moments, acts, context)
        async with self._store.tenant(tenant_id) as connection:
            await save_effects(connection, context.transcript.id.call_id, found)
        return {"judged": len(found)}

    async def outline(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self.call(tenant_id, review_id)).context
        return await self._narrate(
            tenant_id, review_id, OUTLINE, lambda n, judge, log: outline_call(n, judge, context, log), save_outline
        )

    async def next_actions(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self.call(tenant_id, review_id)).context
        return await self._narrate(
            tenant_id,
            review_id,
            NEXT_ACTIONS,
            lambda n, judge, log: list_next_actions(n, judge, context, log),
            save_next_actions,
        )

    async def gaps(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context, found = await self._found(tenant_id, review_id)
        return await self._narrate(
            tenant_id, review_id, GAPS, lambda n, judge, log: name_gaps(n, judge, context, found, log), save_gaps
        )

    async def follow_up(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context, found = await self._found(tenant_id, review_id)
        return await self._narrate(
            tenant_id,
            review_id,
            FOLLOW_UP,
            lambda n, judge, log: write_follow_up(n, judge, context, found, log),
            save_follow_up,
        )

    async def _found(self, tenant_id: UUID, review_id: UUID) -> tuple[ReviewContext, Found]:
        """What the steps before have stored: another process may have made them."""
        call = await self.call(tenant_id, review_id)
        context, made = call.context, call.made
        if made is None:
            async with self._store.tenant(tenant_id) as connection:
                made = call.made = await load_made_so_far(connection, review_id, context.transcript)
        return context, Found(
            sections=made.sections,
            coaching_moments=made.coaching_moments,
            outline=made.outline,
            next_actions=made.next_actions,
        )

    async def _narrate(
        self,
        tenant_id: UUID,
        review_id: UUID,
        step: str,
        tell: Callable[[CallNarrator, CallReviewer, StepLog], Awaitable[ProvenDrafts[Result]]],
        save: Callable[[AsyncConnection, UUID, Sequence[Result]], Awaitable[None]],
    ) -> StepCounts:
        """One step of the narrator; of the one who stands in for it, where no model answers in time."""
        call = await self.call(tenant_id, review_id)
        log, began = StepLog(step=step), time.monotonic()
        judge, narrator, stood_in = call.reviewer, call.reviewer.narrator, False
        try:
            proven = await _asked(tell(narrator, judge, log))
        except ModelFailed:
            if narrator.otherwise is None or judge.otherwise is None:
                await self._keep_steps(tenant_id, review_id, log)
                raise
            judge, narrator, stood_in = judge.otherwise, narrator.otherwise, True
            proven = await _asked(tell(narrator, judge, log))
        async with self._store.tenant(tenant_id) as connection:
            await save(connection, review_id, proven.found)
            await save_steps(connection, review_id, step, log.asked)
            result = _result(step, began, len(proven.found), proven.counts, judge)
            await save_result(connection, review_id, replace(result, by=narrator.name))
        return _step_counts(proven.counts, log) | proven.tally.flat() | ({STOOD_IN: 1} if stood_in else {})

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self._embedder.embed, texts)

    async def _keep_steps(self, tenant_id: UUID, review_id: UUID, log: StepLog) -> None:
        """What was asked in vain was paid for all the same."""
        async with self._store.tenant(tenant_id) as connection:
            await save_steps(connection, review_id, log.step, log.asked)

    async def finish(
        self,
        tenant_id: UUID,
        review_id: UUID,
        found: Mapping[str, StepCounts | None],
        *,
        stood_in: bool,
        heard_again: bool,
    ) -> StepCounts:
        call = await self.call(tenant_id, review_id)
        async with self._store.tenant(tenant_id) as connection:
            sections = await finish(connection, review_id, call, found, stood_in=stood_in, heard_again=heard_again)
        self._stored(review_id)
        return {"sections": sections}

    async def render(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        """Characters of the manager's page. Nothing is kept: the page is made of stored rows whenever it is asked for.

        The step shows, while somebody may still notice, that it can be made.
        """
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            artifact = await load_artifact(connection, review.transcript_id.call_id, review.transcript_id.revision)
        page = await asyncio.to_thread(render, artifact, "manager", "html", lambda _start, _end: "")
        return {"characters": len(page)}


def _who(call: LoadedCall, prefix: str) -> CallReviewer:
    other = call.reviewer.otherwise
    return other if prefix and other is not None else call.reviewer


def _result(
    step: str, began: float, made: int, counts: Counts | None = None, reviewer: CallReviewer | None = None
) -> StepResult:
    """What a step made. `began` by the monotonic clock; no `reviewer`: this machine computed it."""
    counts = counts or Counts()
    hosted = reviewer is not None and reviewer.narrator.hosted
    return StepResult(
        step=step,
        kind=StepKind.MODEL if hosted else StepKind.LOCAL,
        by="" if reviewer is None else reviewer.name,
        seconds=time.monotonic() - began,
        made=made,
        **asdict(counts),
    )


def _step_counts(counts: Counts, log: StepLog) -> StepCounts:
    return asdict(counts) | ({} if log.read is None else {"read": log.read})


async def _asked(answer: Awaitable[Result]) -> Result:
    """What the reviewer gives. Its being unavailable is told apart from the database's."""
    try:
        return await answer
    except Unavailable:
        raise ReviewerFailed from None
