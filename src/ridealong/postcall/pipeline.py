"""The durable review: named steps (`postcall.durable`), results in our own tables, one owner at a time.

Steps take ids and give counts; each keeps its result through the store, idempotently. A review belongs to whoever
holds its advisory lock, which the database frees when a process dies. Whoever takes an interrupted review up hands the
counts of the finished steps to a new run of the same workflow id, so that they are not done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.core.errors import Refused, RidealongError
from ridealong.core.transcript import TranscriptId
from ridealong.postcall import durable
from ridealong.postcall.chosen_rubric import rubric_of
from ridealong.postcall.durable import StepCounts, StepFailed, Steps
from ridealong.postcall.effects import ActsOf
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.rehearing import FAILED, NOTHING, Rehearing
from ridealong.postcall.review_steps import ReviewSteps
from ridealong.postcall.reviewer import Reviewer
from ridealong.postcall.rubric import DEFAULT_RUBRIC, shipped_rubric_text
from ridealong.postcall.step_names import (
    COACHING,
    CONSISTENCY,
    FOLLOW_UP,
    GAPS,
    NEXT_ACTIONS,
    OUTLINE,
    section_step,
)
from ridealong.store.calls import (
    latest_revision,
    queue_review,
)
from ridealong.store.earlier import keep_artifact
from ridealong.store.reviews import (
    ReviewRef,
    ReviewStatus,
    fail_review,
    find_review,
    load_review,
    requeue_review,
    review_lock,
    unfinished_reviews,
)
from ridealong.telemetry import review_seconds

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.store import Store

SWEEP_SECONDS: Final = 3.0
AT_ONCE: Final = 2
"""Reviews of this process at the same time: each keeps a core busy for seconds."""
HEARING_AT_ONCE: Final = 4
"""Recordings that are heard again at the same time, beside the reviews: mostly somebody else's work."""

KnowMore = Callable[[UUID, UUID], Awaitable[int]]
"""Fills in what others know of a call (tenant, call) beside its words; how many parts. Never keeps a review long."""

INSTEAD: Final = "instead: "
"""Before the name of a step that is done again by the reviewer who stands in."""
HEARD_AGAIN: Final = "heard again"

_log = structlog.get_logger()


@dataclass(slots=True)
class _Open:
    """The reviews this process is making."""

    began: dict[UUID, float] = field(default_factory=dict[UUID, float])
    """When the transcript under review was ready: its seconds count from there."""
    tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict[UUID, "asyncio.Task[None]"])
    stored: dict[UUID, asyncio.Future[None]] = field(default_factory=dict[UUID, "asyncio.Future[None]"])
    """Done as soon as the artifact can be read, which is before the review's last step."""

    def tell_stored(self, review_id: UUID) -> None:
        stored = self.stored.get(review_id)
        if stored is not None and not stored.done():
            stored.set_result(None)


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
        know_more: KnowMore | None = None,
    ) -> None:
        self._store = store
        self._know_more = know_more
        self._open = _Open()
        self._steps = ReviewSteps(
            store, embedder, reviewer, finder=finder, acts_of=acts_of, stored=self._open.tell_stored
        )
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
        know_more: KnowMore | None = None,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> ReviewPipeline:
        """Start DBOS on the store's database and take up what is unfinished. Raises Unavailable.

        `at_once`: reviews of this process at the same time. `rehearing`: makes a better transcript of each call first.
        `finder`: the local reviewer's, so that nothing is prepared twice. `acts_of`: by what it is judged whether
        nudges were acted on; None: it is not. `know_more`: what fills in a call's context before it is judged.
        """
        pipeline = cls(
            store,
            embedder,
            reviewer,
            at_once=at_once,
            rehearing=rehearing,
            finder=finder,
            acts_of=acts_of,
            know_more=know_more,
        )
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
        """Make a finished or failed review again, with the rubric that now holds, and of the newest transcript.

        Raises Refused or Unavailable.
        """
        async with self._store.tenant(tenant_id) as connection:
            review = await find_review(connection, call_id, revision)
            newest = await latest_revision(connection, call_id)
            if revision is None and review.transcript_id.revision < newest.revision:
                # The one of the older transcript stays as it is.
                revision = newest.revision
                review = await load_review(connection, await queue_review(connection, newest))
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
        await asyncio.to_thread(rubric_of, shipped_rubric_text(DEFAULT_RUBRIC))
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
            self._steps.forget(ref.review_id)
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
        if self._know_more is not None:
            # A rubric may depend on it. Outside the room: it waits for others' servers, and keeps no core busy.
            await steps.run("context", lambda: self._fill_context(tenant_id, review_id))
            steps.unless_away()
        async with self._room:
            self._open.began[review_id] = time.monotonic()
            return await self._judge(tenant_id, review_id, steps, heard_again=heard[HEARD_AGAIN] != FAILED)

    async def _judge(self, tenant_id: UUID, review_id: UUID, steps: Steps, *, heard_again: bool) -> int:
        """The workflow behind the transcript."""
        work = self._steps

        async def judged(prefix: str = "") -> dict[str, StepCounts | None]:
            """The counts of each section and of the coaching moments, made side by side."""
            # The coaching moments take a model the longest: they begin first.
            works: dict[str, Callable[[], Awaitable[StepCounts]]] = {
                COACHING: lambda: work.coach(tenant_id, review_id, prefix)
            }
            for position, section in enumerate(rubric.sections):
                works[section_step(section.id)] = lambda p=position, i=section.id: work.section(
                    tenant_id, review_id, p, i, prefix
                )
            if not prefix:
                # Last: where a vendor's rate limit is short, the sections have gone first.
                works[OUTLINE] = lambda: work.outline(tenant_id, review_id)
                works[NEXT_ACTIONS] = lambda: work.next_actions(tenant_id, review_id)
            counts = await asyncio.gather(*(steps.run(prefix + name, work) for name, work in works.items()))
            steps.unless_away()
            return dict(zip(works, counts, strict=True))

        loaded = await steps.run("load the transcript", lambda: work.load(tenant_id, review_id))
        steps.unless_away()
        if loaded is None:
            raise StepFailed("the transcript could not be loaded")
        call = await work.call(tenant_id, review_id)
        rubric = call.rubric
        call.reviewer.plan(
            [s for s in rubric.sections if steps.open(section_step(s.id))],
            told=steps.open(OUTLINE) and steps.open(NEXT_ACTIONS),
        )
        # The statistics are computed while models think, and so is what nudges did. The review stands without that.
        found, counted, _ = await asyncio.gather(
            judged(),
            steps.run("statistics", lambda: work.statistics(tenant_id, review_id)),
            steps.run("did it help", lambda: work.effects(tenant_id, review_id)),
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
        found[CONSISTENCY] = await steps.run(CONSISTENCY, lambda: work.consistent(tenant_id, review_id, prefix))
        steps.unless_away()
        # These read what the sections found, so they wait for all of them.
        works = {
            GAPS: lambda: work.gaps(tenant_id, review_id),
            FOLLOW_UP: lambda: work.follow_up(tenant_id, review_id),
        }
        counts = await asyncio.gather(*(steps.run(name, work) for name, work in works.items()))
        steps.unless_away()
        found |= dict(zip(works, counts, strict=True))

        async def finish() -> StepCounts:
            return await work.finish(tenant_id, review_id, found, stood_in=stood_in, heard_again=heard_again)

        finished = await steps.run("finish", finish)
        steps.unless_away()
        if finished is None:
            raise StepFailed("the review could not be stored")
        await steps.run("render", lambda: work.render(tenant_id, review_id))
        return sum(counts.get("dropped", 0) for counts in found.values() if counts is not None)

    async def _fill_context(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
        if self._know_more is None:
            return {"filled": 0}
        return {"filled": await self._know_more(tenant_id, review.transcript_id.call_id)}

    async def _hear_again(self, tenant_id: UUID, review_id: UUID) -> StepCounts:
        """HEARD, NOTHING or FAILED. A failure is a result, kept with the workflow: it is told, and not repeated."""
        if self._rehearing is None:
            return {HEARD_AGAIN: NOTHING}
        return {HEARD_AGAIN: await self._rehearing.hear_again(tenant_id, review_id)}
