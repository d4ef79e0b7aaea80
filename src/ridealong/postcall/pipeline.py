"""The durable review: named steps (`postcall.durable`), results in our own tables, one owner at a time.

Steps take ids and give counts; each keeps its result through the store, idempotently. A review belongs to whoever
holds its advisory lock, which the database frees when a process dies. Whoever takes an interrupted review up hands the
counts of the finished steps to a new run of the same workflow id, so that they are not done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import structlog

from ridealong.core.errors import InvalidDocument, ModelFailed, Refused, RidealongError, Unavailable
from ridealong.core.outline import StepKind, StepResult
from ridealong.core.rubric import Rubric, call_score, scored_section
from ridealong.core.stats import call_statistics
from ridealong.core.transcript import TranscriptId
from ridealong.postcall import durable
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.confidence import confidence_of
from ridealong.postcall.consistency import contradictions, settle, statements
from ridealong.postcall.durable import ReviewerFailed, StepCounts, StepFailed, Steps
from ridealong.postcall.effects import ActsOf, judge_effects
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.narrating import list_next_actions, name_gaps, outline_call, write_follow_up
from ridealong.postcall.narrator import CallNarrator, Found
from ridealong.postcall.rehearing import FAILED, NOTHING, Rehearing
from ridealong.postcall.render import render
from ridealong.postcall.review import (
    CallReviewer,
    Checks,
    Counts,
    ProvenDrafts,
    ReviewContext,
    Reviewer,
    StepLog,
    coach_call,
    embed_call,
    review_section,
)
from ridealong.postcall.rubric import DEFAULT_RUBRIC, load_rubric, shipped_rubric_text
from ridealong.postcall.rules import RuleJudge
from ridealong.postcall.tally import by_fate
from ridealong.postcall.warnings import narrator_warnings, review_warnings, step_warnings
from ridealong.store.artifacts import load_artifact, load_made_so_far
from ridealong.store.calls import (
    latest_revision,
    load_call,
    load_roles,
    load_transcript,
    load_vectors,
    queue_review,
)
from ridealong.store.confidence_models import active_confidence
from ridealong.store.earlier import keep_artifact
from ridealong.store.effects import save_effects
from ridealong.store.moments import load_moments
from ridealong.store.outline import save_follow_up, save_gaps, save_next_actions, save_outline, save_result
from ridealong.store.reviews import (
    ReviewRef,
    ReviewStatus,
    StoredReview,
    assessed_sections,
    call_effects,
    fail_review,
    find_review,
    finish_review,
    load_review,
    mark_running,
    requeue_review,
    review_lock,
    save_coaching_moments,
    save_section,
    save_statistics,
    save_steps,
    unfinished_reviews,
)
from ridealong.store.speakers import load_names
from ridealong.store.tenant_settings import load_settings_of
from ridealong.store.tenants import DocumentKind, active_document
from ridealong.telemetry import review_seconds

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.core.rubric import CoachingMoment, Criterion
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.consistency import Said
    from ridealong.store import Store

RUBRIC_NAME: Final = "default"
"""The tenant's document of this name is the rubric its calls are reviewed with, unless it chose another."""
SWEEP_SECONDS: Final = 3.0
AT_ONCE: Final = 2
"""Reviews of this process at the same time: each keeps a core busy for seconds."""
HEARING_AT_ONCE: Final = 4
"""Recordings that are heard again at the same time, beside the reviews: mostly somebody else's work."""

COACHING: Final = "coaching moments"
CONSISTENCY: Final = "consistency"
OUTLINE: Final = "outline"
NEXT_ACTIONS: Final = "next actions"
GAPS: Final = "contradictions and gaps"
FOLLOW_UP: Final = "follow-up"
STOOD_IN: Final = "stood_in"
"""The count of a step that the local narrator made because no model answered in time."""
INSTEAD: Final = "instead: "
"""Before the name of a step that is done again by the reviewer who stands in."""
HEARD_AGAIN: Final = "heard again"

_log = structlog.get_logger()
Result = TypeVar("Result")


@dataclass(slots=True)
class _Call:
    """What this process has loaded of a call under review."""

    context: ReviewContext
    rubric: Rubric
    reviewer: CallReviewer
    checks: Checks


@dataclass(slots=True)
class _Open:
    """The reviews this process is making."""

    calls: dict[UUID, _Call] = field(default_factory=dict[UUID, _Call])
    began: dict[UUID, float] = field(default_factory=dict[UUID, float])
    """When the transcript under review was ready: its seconds count from there."""
    tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict[UUID, "asyncio.Task[None]"])
    stored: dict[UUID, asyncio.Future[None]] = field(default_factory=dict[UUID, "asyncio.Future[None]"])
    """Done as soon as the artifact can be read, which is before the review's last step."""


CLOSING_TRIES: Final = 5


class ReviewPipeline:
    """Makes reviews. One of it in a process; `open` and `close` belong to the same event loop."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        reviewer: Reviewer,
        *,
        at_once: int = AT_ONCE,
        rehearing: Rehearing | None = None,
        finder: EvidenceFinder | None = None,
        acts_of: ActsOf | None = None,
    ) -> None:
        self._acts_of = acts_of
        self._finder = finder or EvidenceFinder(embedder)
        self._store = store
        self._embedder = embedder
        self._reviewer = reviewer
        self._search = AbsenceSearch(self._finder, embedder)
        self._rules = RuleJudge(embedder)
        self._open = _Open()
        self._rehearing = rehearing
        self._room = asyncio.Semaphore(at_once)
        # A long recording that is heard again must not keep the next call's review waiting.
        self._owned = asyncio.Semaphore(at_once + (0 if rehearing is None else HEARING_AT_ONCE))
        self._sweeper: asyncio.Task[None] | None = None
        self._workflow: durable.Workflow | None = None

    @classmethod
    async def open(
        cls,
        store: Store,
        embedder: Embedder,
        reviewer: Reviewer,
        *,
        at_once: int = AT_ONCE,
        rehearing: Rehearing | None = None,
        finder: EvidenceFinder | None = None,
        acts_of: ActsOf | None = None,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> ReviewPipeline:
        """Start DBOS on the store's database and take up what is unfinished. Raises Unavailable.

        `at_once`: reviews of this process at the same time. `rehearing`: makes a better transcript of each call first.
        `finder`: the local reviewer's, so that nothing is prepared twice. `acts_of`: by what it is judged whether
        nudges were acted on; None: it is not.
        """
        pipeline = cls(store, embedder, reviewer, at_once=at_once, rehearing=rehearing, finder=finder, acts_of=acts_of)
        await asyncio.to_thread(durable.launch, store.owner_url)

        async def review(tenant: str, review: str, done: dict[str, StepCounts]) -> int:
            return await pipeline._review(tenant, review, done)

        pipeline._workflow = durable.register("review", review)
        pipeline._sweeper = asyncio.create_task(pipeline._sweep(sweep_seconds))
        return pipeline

    async def close(self, *, grace_seconds: float = 5.0) -> None:
        """Let running reviews end within the grace. What is unfinished then is taken up by the next process."""
        if self._sweeper is not None:
            # A cancellation can be swallowed by a pool that is just connecting: ask again until it is heard.
            for _ in range(CLOSING_TRIES):
                self._sweeper.cancel()
                done, _left = await asyncio.wait({self._sweeper}, timeout=1.0)
                if done:
                    break
        tasks = tuple(self._open.tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await durable.end()

    async def start(self, tenant_id: UUID, call_id: UUID, revision: int | None = None) -> None:
        """Begin the review of a call that has ended. Repeating it, also in another process, changes nothing.

        Without `revision`: the review that the call has, or one of its newest transcript. Raises
        Refused('unknown_call') or Unavailable.
        """
        async with self._store.tenant(tenant_id) as connection:
            review = None
            if revision is None:
                with contextlib.suppress(Refused):
                    review = await find_review(connection, call_id)
            if review is None:
                transcript_id = await latest_revision(connection, call_id)
                if revision is not None:
                    transcript_id = TranscriptId(call_id=call_id, revision=revision)
                review = await load_review(connection, await queue_review(connection, transcript_id))
        if review.status in (ReviewStatus.QUEUED, ReviewStatus.RUNNING):
            self._take_up(
                ReviewRef(tenant_id=tenant_id, review_id=review.review_id, transcript_id=review.transcript_id)
            )

    async def retry(self, tenant_id: UUID, call_id: UUID, revision: int | None = None) -> None:
        """Make a finished or failed review again, with the rubric that now holds. Raises Refused or Unavailable."""
        async with self._store.tenant(tenant_id) as connection:
            review = await find_review(connection, call_id, revision)
            if review.status is ReviewStatus.FINISHED:
                await keep_artifact(connection, review)
            if review.status in (ReviewStatus.FINISHED, ReviewStatus.FAILED):
                await requeue_review(connection, review.review_id)
        await self.start(tenant_id, call_id, revision)

    async def wait(self, tenant_id: UUID, call_id: UUID, revision: int | None = None) -> ReviewStatus:
        """FINISHED or FAILED, as soon as the review is either, whoever makes it. Raises Refused('unknown_review')."""
        while True:
            async with self._store.tenant(tenant_id) as connection:
                review = await find_review(connection, call_id, revision)
            if review.status in (ReviewStatus.FINISHED, ReviewStatus.FAILED):
                return review.status
            mine, stored = self._open.tasks.get(review.review_id), self._open.stored.get(review.review_id)
            if mine is None or stored is None:
                await asyncio.sleep(0.25)
            else:
                await asyncio.wait([mine, stored], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)

    async def resume_unfinished(self) -> int:
        """Take up what is queued or was interrupted and has no owner; how many this process works on now."""
        for ref in await unfinished_reviews(self._store):
            self._take_up(ref)
        return len(self._open.tasks)

    def _take_up(self, ref: ReviewRef) -> None:
        if ref.review_id in self._open.tasks:
            return
        task = asyncio.create_task(self._own(ref))
        self._open.tasks[ref.review_id] = task
        self._open.stored[ref.review_id] = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: self._forget(ref.review_id))

    def _forget(self, review_id: UUID) -> None:
        self._open.tasks.pop(review_id, None)
        self._open.stored.pop(review_id, None)

    async def _sweep(self, seconds: float) -> None:
        # So that the first review finds it read.
        await asyncio.to_thread(_rubric_of, shipped_rubric_text(DEFAULT_RUBRIC))
        while True:
            try:
                await self.resume_unfinished()
            except (RidealongError, OSError) as error:
                _log.warning("reviews are not looked for at the moment", error=type(error).__name__)
            await asyncio.sleep(seconds)

    async def _own(self, ref: ReviewRef) -> None:
        """Make the review if nobody else does."""
        try:
            async with self._owned, review_lock(self._store, ref.review_id) as mine:
                if mine:
                    await self._make(ref)
        except (RidealongError, OSError) as error:
            # The review stays unfinished, and the next sweep tries again.
            _log.warning("a review was interrupted", review_id=str(ref.review_id), error=type(error).__name__)
        finally:
            self._open.calls.pop(ref.review_id, None)
            self._open.began.pop(ref.review_id, None)

    async def _make(self, ref: ReviewRef) -> None:
        async with self._store.tenant(ref.tenant_id) as connection:
            review = await load_review(connection, ref.review_id)
        if review.status not in (ReviewStatus.QUEUED, ReviewStatus.RUNNING) or self._workflow is None:
            return
        # Not by its revision: the review moves to a better transcript in the middle of the workflow.
        workflow_id = f"review:{ref.transcript_id.call_id}:{ref.review_id}"
        done = await durable.clear_earlier_run(workflow_id)
        if review.status is ReviewStatus.QUEUED:
            # Asked for anew, perhaps with another rubric.
            done = {}
        try:
            await durable.run(workflow_id, self._workflow, str(ref.tenant_id), str(ref.review_id), done)
        except StepFailed as error:
            _log.warning("a review failed", review_id=str(ref.review_id), step=str(error))
            async with self._store.tenant(ref.tenant_id) as connection:
                await fail_review(connection, ref.review_id, f"{error}. It can be asked for again.")
        if ref.review_id in self._open.began:
            review_seconds.observe(time.monotonic() - self._open.began[ref.review_id])

    async def _review(self, tenant: str, review: str, done: dict[str, StepCounts]) -> int:
        """The workflow. Takes and gives ids and counts; everything else is in our own tables."""
        tenant_id, review_id = UUID(tenant), UUID(review)
        steps = Steps(review, done)
        heard = {HEARD_AGAIN: NOTHING}
        if self._rehearing is not None:
            heard = await steps.run("transcribe again", lambda: self._hear_again(tenant_id, review_id)) or heard
            steps.unless_away()
        async with self._room:
            self._open.began[review_id] = time.monotonic()
            return await self._judge(tenant_id, review_id, steps, heard_again=heard[HEARD_AGAIN] != FAILED)

    async def _judge(self, tenant_id: UUID, review_id: UUID, steps: Steps, *, heard_again: bool) -> int:
        """The workflow behind the transcript."""

        async def judged(prefix: str = "") -> dict[str, StepCounts | None]:
            """The counts of each section and of the coaching moments, made side by side."""
            # The coaching moments take a model the longest: they begin first.
            works: dict[str, Callable[[], Awaitable[StepCounts]]] = {
                COACHING: lambda: self._coach(tenant_id, review_id, prefix)
            }
            for position, section in enumerate(rubric.sections):
                works[section_step(section.id)] = lambda p=position, i=section.id: self._section(
                    tenant_id, review_id, p, i, prefix
                )
            if not prefix:
                # Last: where a vendor's rate limit is short, the sections have gone first.
                works[OUTLINE] = lambda: self._outline(tenant_id, review_id)
                works[NEXT_ACTIONS] = lambda: self._next_actions(tenant_id, review_id)
            counts = await asyncio.gather(*(steps.run(prefix + name, work) for name, work in works.items()))
            steps.unless_away()
            return dict(zip(works, counts, strict=True))

        loaded = await steps.run("load the transcript", lambda: self._load(tenant_id, review_id))
        steps.unless_away()
        if loaded is None:
            raise StepFailed("the transcript could not be loaded")
        call = await self._call(tenant_id, review_id)
        rubric = call.rubric
        # The statistics are computed while models think, and so is what nudges did. The review stands without that.
        found, counted, _ = await asyncio.gather(
            judged(),
            steps.run("statistics", lambda: self._statistics(tenant_id, review_id)),
            self._did_it_help(steps, tenant_id, review_id),
        )
        steps.unless_away()
        if counted is None:
            raise StepFailed("the statistics could not be computed")
        stood_in = False
        if not any(found[section_step(s.id)] is not None for s in rubric.sections):
            if call.reviewer.otherwise is None:
                raise StepFailed("no section of the rubric could be scored")
            found, stood_in = found | await judged(INSTEAD), True
            if not any(found[section_step(s.id)] is not None for s in rubric.sections):
                raise StepFailed("no section of the rubric could be scored")

        prefix = INSTEAD if stood_in else ""
        found[CONSISTENCY] = await steps.run(CONSISTENCY, lambda: self._consistent(tenant_id, review_id, prefix))
        steps.unless_away()
        # These read what the sections found, so they wait for all of them.
        works = {
            GAPS: lambda: self._gaps(tenant_id, review_id),
            FOLLOW_UP: lambda: self._follow_up(tenant_id, review_id),
        }
        counts = await asyncio.gather(*(steps.run(name, work) for name, work in works.items()))
        steps.unless_away()
        found |= dict(zip(works, counts, strict=True))

        async def finish() -> StepCounts:
            return await self._finish(tenant_id, review_id, found, stood_in=stood_in, heard_again=heard_again)

        finished = await steps.run("finish", finish)
        steps.unless_away()
        if finished is None:
            raise StepFailed("the review could not be stored")
        await steps.run("render", lambda: self._render(tenant_id, review_id))
        return sum(counts.get("dropped", 0) for counts in found.values() if counts is not None)

    # ------------------------------------------------------------------------------------------- the steps' work

    async def _hear_again(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        """HEARD, NOTHING or FAILED. A failure is a result, kept with the workflow: it is told, and not repeated."""
        if self._rehearing is None:
            return {HEARD_AGAIN: NOTHING}
        return {HEARD_AGAIN: await self._rehearing.hear_again(tenant_id, review_id)}

    async def _load(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        began = time.monotonic()
        made = len((await self._call(tenant_id, review_id)).context.transcript)
        async with self._store.tenant(tenant_id) as connection:
            await save_result(connection, review_id, _result("load the transcript", began, made))
        return {"utterances": made}

    async def _call(self, tenant_id: UUID, review_id: UUID) -> _Call:
        """The call and its rubric, loaded once in this process. A resumed review keeps the rubric it began with."""
        known = self._open.calls.get(review_id)
        if known is not None:
            return known
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            text = await _rubric_text(connection, review)
            rubric = await asyncio.to_thread(_rubric_of, text)
            call = await load_call(connection, review.transcript_id.call_id)
            transcript = await load_transcript(connection, review.transcript_id)
            roles = await load_roles(connection, review.transcript_id)
            # One that stayed on an earlier transcript has its utterance's number there, and proves nothing here.
            moments = tuple(
                m
                for m in await load_moments(connection, transcript)
                if m.moment.evidence[0].transcript_id == transcript.id
            )
            vectors = await load_vectors(connection, review.transcript_id)
            names = await load_names(connection, review.transcript_id)
            confidence = confidence_of(await active_confidence(connection))
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=moments,
            vectors=await asyncio.to_thread(embed_call, transcript, self._embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
            names=names,
            about=call.context,
        )
        reviewer = await self._reviewer.begin(tenant_id, rubric, context)
        async with self._store.tenant(tenant_id) as connection:
            await mark_running(
                connection,
                review_id,
                reviewer=reviewer.name,
                rubric_id=rubric.id,
                rubric_title=rubric.title,
                rubric=text,
                roles=roles,
            )
        self._open.calls[review_id] = _Call(
            context=context,
            rubric=rubric,
            reviewer=reviewer,
            checks=Checks(search=self._search, confidence=confidence, rubric=rubric),
        )
        return self._open.calls[review_id]

    async def _statistics(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self._call(tenant_id, review_id)).context
        began = time.monotonic()
        statistics = await asyncio.to_thread(call_statistics, context.transcript, context.roles, context.duration_ms)
        async with self._store.tenant(tenant_id) as connection:
            await save_statistics(connection, review_id, statistics.as_json())
            await save_result(connection, review_id, _result("statistics", began, len(statistics.values)))
        return {"values": len(statistics.values)}

    async def _section(
        self, tenant_id: UUID, review_id: UUID, position: int, section_id: str, prefix: str
    ) -> StepCounts:
        call = await self._call(tenant_id, review_id)
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

    async def _coach(self, tenant_id: UUID, review_id: UUID, prefix: str) -> StepCounts:
        call = await self._call(tenant_id, review_id)
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

    async def _consistent(self, tenant_id: UUID, review_id: UUID, prefix: str) -> StepCounts:
        """Settle what contradicts itself between the sections and the coaching moments; what that came to."""
        call = await self._call(tenant_id, review_id)
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

    async def _did_it_help(self, steps: Steps, tenant_id: UUID, review_id: UUID) -> None:
        acts_of = self._acts_of
        if acts_of is not None:
            await steps.run("did it help", lambda: self._effects(tenant_id, review_id, acts_of))

    async def _effects(self, tenant_id: UUID, review_id: UUID, acts_of: ActsOf) -> StepCounts:
        """Whether the rep acted on what was nudged."""
        context = (await self._call(tenant_id, review_id)).context
        acts = await acts_of(tenant_id)
        async with self._store.tenant(tenant_id) as connection:
            moments = await load_moments(connection, context.transcript)
        found = await asyncio.to_thread(judge_effects, self._finder, moments, acts, context)
        async with self._store.tenant(tenant_id) as connection:
            await save_effects(connection, context.transcript.id.call_id, found)
        return {"judged": len(found)}

    async def _outline(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self._call(tenant_id, review_id)).context
        return await self._narrate(
            tenant_id, review_id, OUTLINE, lambda n, judge, log: outline_call(n, judge, context, log), save_outline
        )

    async def _next_actions(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context = (await self._call(tenant_id, review_id)).context
        return await self._narrate(
            tenant_id,
            review_id,
            NEXT_ACTIONS,
            lambda n, judge, log: list_next_actions(n, judge, context, log),
            save_next_actions,
        )

    async def _gaps(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        context, found = await self._found(tenant_id, review_id)
        return await self._narrate(
            tenant_id, review_id, GAPS, lambda n, judge, log: name_gaps(n, judge, context, found, log), save_gaps
        )

    async def _follow_up(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
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
        context = (await self._call(tenant_id, review_id)).context
        async with self._store.tenant(tenant_id) as connection:
            made = await load_made_so_far(connection, review_id, context.transcript)
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
        call = await self._call(tenant_id, review_id)
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

    async def _finish(
        self,
        tenant_id: UUID,
        review_id: UUID,
        found: Mapping[str, StepCounts | None],
        *,
        stood_in: bool,
        heard_again: bool,
    ) -> StepCounts:
        call = await self._call(tenant_id, review_id)
        missing = [s.id for s in call.rubric.sections if found[section_step(s.id)] is None]
        made = [counts for counts in found.values() if counts is not None]
        totals = {name: sum(counts.get(name, 0) for counts in made) for name in asdict(Counts())}
        reviewer = call.reviewer.name
        if stood_in and call.reviewer.otherwise is not None:
            reviewer = f"{call.reviewer.otherwise.name}, in place of {reviewer}"
        async with self._store.tenant(tenant_id) as connection:
            scores = await assessed_sections(connection, review_id)
            score = call_score(call.rubric, scores, await call_effects(connection, review_id))
            warnings = review_warnings(
                call.context,
                assessed=score is not None,
                coached=found[COACHING] is not None,
                heard_again=heard_again,
            ) + step_warnings(
                call.rubric,
                missing=missing,
                read={s.id: read for s in call.rubric.sections if (read := _read(found[section_step(s.id)]))},
                coaching_read=_read(found[COACHING]),
                utterances=len(call.context.transcript),
                unchecked=totals["unchecked"],
                stood_in=stood_in,
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
        stored = self._open.stored.get(review_id)
        if stored is not None and not stored.done():
            stored.set_result(None)
        return {"sections": len(scores)}

    async def _render(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        """Characters of the manager's page. Nothing is kept: the page is made of stored rows whenever it is asked for.

        The step shows, while somebody may still notice, that it can be made.
        """
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            artifact = await load_artifact(connection, review.transcript_id.call_id, review.transcript_id.revision)
        page = await asyncio.to_thread(render, artifact, "manager", "html", lambda _start, _end: "")
        return {"characters": len(page)}


def section_step(section_id: str) -> str:
    return f"section {section_id}"


def _who(call: _Call, prefix: str) -> CallReviewer:
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


def _read(counts: StepCounts | None) -> int | None:
    return None if counts is None else counts.get("read")


@lru_cache(maxsize=64)
def _rubric_of(text: str) -> Rubric:
    """Reading the YAML takes a quarter of a second of one core: as long as the rest of a hosted review's own work."""
    return load_rubric(text, "rubric", moment_types=None)


async def _asked(answer: Awaitable[Result]) -> Result:
    """What the reviewer gives. Its being unavailable is told apart from the database's."""
    try:
        return await answer
    except Unavailable:
        raise ReviewerFailed from None


async def _rubric_text(connection: AsyncConnection, review: StoredReview) -> str:
    if review.status is ReviewStatus.RUNNING and review.rubric:
        return review.rubric
    return await chosen_rubric_text(connection)


async def chosen_rubric_text(connection: AsyncConnection, name: str | None = None) -> str:
    """The tenant's rubric of that name, its own or the shipped one; None: what its calls are reviewed with."""
    chosen = name or (await load_settings_of(connection)).default_rubric or RUBRIC_NAME
    own = await active_document(connection, DocumentKind.RUBRIC, chosen)
    if own is not None:
        return own.body
    try:
        return shipped_rubric_text(DEFAULT_RUBRIC if chosen == RUBRIC_NAME else chosen)
    except InvalidDocument:
        if name is not None:
            raise
        # It was withdrawn after it was chosen: a review with ours is better than none.
        return shipped_rubric_text(DEFAULT_RUBRIC)
