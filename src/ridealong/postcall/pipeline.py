"""The durable review: named steps on DBOS, results in our own tables, one owner at a time.

What people said never enters DBOS's tables: they know no row-level security and no erasure. Steps take ids and give
counts; each keeps its result through the store, idempotently. A review belongs to whoever holds its advisory lock,
which the database frees when a process dies. Whoever takes an interrupted review up hands the counts of the finished
steps to a new run of the same workflow id, so that they are not done again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from uuid import UUID, uuid4

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from ridealong.core.errors import RidealongError, Unavailable
from ridealong.core.rubric import Rubric, call_score
from ridealong.core.stats import call_statistics
from ridealong.core.transcript import TranscriptId
from ridealong.postcall.render import render
from ridealong.postcall.review import ReviewContext, Reviewer, coach_call, embed_call, review_section
from ridealong.postcall.rubric import DEFAULT_RUBRIC, load_rubric, shipped_rubric_text
from ridealong.postcall.warnings import review_warnings
from ridealong.store.artifacts import load_artifact
from ridealong.store.calls import load_call, load_roles, load_transcript, load_vectors, queue_review
from ridealong.store.moments import load_moments
from ridealong.store.reviews import (
    ReviewRef,
    ReviewStatus,
    StoredReview,
    assessed_sections,
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
    unfinished_reviews,
)
from ridealong.store.tenants import DocumentKind, active_document
from ridealong.telemetry import review_seconds

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.embedding import Embedder
    from ridealong.store import Store

RUBRIC_NAME: Final = "default"
"""The tenant's document of this name is the rubric its calls are reviewed with."""
SWEEP_SECONDS: Final = 3.0
ATTEMPTS: Final = 3
"""How often a step is tried before it counts as failed."""
RETRY_SECONDS: Final = 0.2
AT_ONCE: Final = 2
"""Reviews of this process at the same time: each keeps a core busy for seconds."""
APPLICATION_VERSION: Final = "ridealong"
"""The same for every release: an interrupted review goes on after an upgrade."""

_log = structlog.get_logger()
Result = TypeVar("Result")
Given = ParamSpec("Given")


class _StepFailed(Exception):
    """A step did not work. Holds the kind of error only: DBOS keeps exceptions."""


class _ReviewerFailed(Exception):
    """The reviewer's own failure: unlike the database's, it says something about the review."""


class _Interrupted(Unavailable):
    """The database went away in the middle of the review, which goes on when it is back."""


@dataclass(slots=True)
class _Call:
    """What this process has loaded of a call under review."""

    context: ReviewContext
    rubric: Rubric


@dataclass(slots=True)
class _Open:
    """The reviews this process is making."""

    calls: dict[UUID, _Call] = field(default_factory=dict[UUID, _Call])
    tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict[UUID, "asyncio.Task[None]"])


CLOSING_TRIES: Final = 5


class ReviewPipeline:
    """Makes reviews. One of it in a process; `open` and `close` belong to the same event loop."""

    def __init__(self, store: Store, embedder: Embedder, reviewer: Reviewer) -> None:
        self._store = store
        self._embedder = embedder
        self._reviewer = reviewer
        self._open = _Open()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._sweeper: asyncio.Task[None] | None = None
        self._workflow: Callable[[str, str, dict[str, int]], Coroutine[object, object, int]] | None = None

    @classmethod
    async def open(
        cls, store: Store, embedder: Embedder, reviewer: Reviewer, *, sweep_seconds: float = SWEEP_SECONDS
    ) -> ReviewPipeline:
        """Start DBOS on the store's database and take up what is unfinished. Raises Unavailable."""
        pipeline = cls(store, embedder, reviewer)
        await asyncio.to_thread(_launch_dbos, store.owner_url)

        # A function of its own: DBOS writes attributes on what it registers, and a method takes none.
        async def review(tenant: str, review: str, done: dict[str, int]) -> int:
            return await pipeline._review(tenant, review, done)

        pipeline._workflow = DBOS.workflow(name="review")(review)
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
        # DBOS made its own threads the loop's, and ends them now: others may still need some.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="ridealong"))
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    async def start(self, tenant_id: UUID, call_id: UUID, revision: int = 1) -> None:
        """Begin the review of a call that has ended. Repeating it, also in another process, changes nothing.

        Raises Refused('unknown_call') or Unavailable.
        """
        transcript_id = TranscriptId(call_id=call_id, revision=revision)
        async with self._store.tenant(tenant_id) as connection:
            review_id = await queue_review(connection, transcript_id)
            review = await load_review(connection, review_id)
        if review.status in (ReviewStatus.QUEUED, ReviewStatus.RUNNING):
            self._take_up(ReviewRef(tenant_id=tenant_id, review_id=review_id, transcript_id=transcript_id))

    async def retry(self, tenant_id: UUID, call_id: UUID, revision: int = 1) -> None:
        """Make a finished or failed review again, with the rubric that now holds. Raises Refused or Unavailable."""
        async with self._store.tenant(tenant_id) as connection:
            review = await find_review(connection, call_id, revision)
            if review.status in (ReviewStatus.FINISHED, ReviewStatus.FAILED):
                await requeue_review(connection, review.review_id)
        await self.start(tenant_id, call_id, revision)

    async def wait(self, tenant_id: UUID, call_id: UUID, revision: int = 1) -> ReviewStatus:
        """FINISHED or FAILED, as soon as the review is either, whoever makes it. Raises Refused('unknown_review')."""
        while True:
            async with self._store.tenant(tenant_id) as connection:
                review = await find_review(connection, call_id, revision)
            if review.status in (ReviewStatus.FINISHED, ReviewStatus.FAILED):
                return review.status
            mine = self._open.tasks.get(review.review_id)
            await asyncio.wait([mine] if mine is not None else [asyncio.create_task(asyncio.sleep(0.25))], timeout=1.0)

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
        task.add_done_callback(lambda _: self._open.tasks.pop(ref.review_id, None))

    async def _sweep(self, seconds: float) -> None:
        while True:
            try:
                await self.resume_unfinished()
            except (RidealongError, OSError) as error:
                _log.warning("reviews are not looked for at the moment", error=type(error).__name__)
            await asyncio.sleep(seconds)

    async def _own(self, ref: ReviewRef) -> None:
        """Make the review if nobody else does."""
        try:
            async with self._room, review_lock(self._store, ref.review_id) as mine:
                if mine:
                    await self._make(ref)
        except (RidealongError, OSError) as error:
            # The review stays unfinished, and the next sweep tries again.
            _log.warning("a review was interrupted", review_id=str(ref.review_id), error=type(error).__name__)
        finally:
            self._open.calls.pop(ref.review_id, None)

    async def _make(self, ref: ReviewRef) -> None:
        async with self._store.tenant(ref.tenant_id) as connection:
            review = await load_review(connection, ref.review_id)
        if review.status not in (ReviewStatus.QUEUED, ReviewStatus.RUNNING) or self._workflow is None:
            return
        began = time.monotonic()
        workflow_id = f"review:{ref.transcript_id.call_id}:{ref.transcript_id.revision}"
        done = await _clear_earlier_run(workflow_id)
        if review.status is ReviewStatus.QUEUED:
            # Asked for anew, perhaps with another rubric.
            done = {}
        try:
            with SetWorkflowID(workflow_id):
                handle = await DBOS.start_workflow_async(self._workflow, str(ref.tenant_id), str(ref.review_id), done)
            await handle.get_result()
        except _StepFailed as error:
            _log.warning("a review failed", review_id=str(ref.review_id), step=str(error))
            async with self._store.tenant(ref.tenant_id) as connection:
                await fail_review(connection, ref.review_id, f"{error}. It can be asked for again.")
        review_seconds.observe(time.monotonic() - began)

    async def _review(self, tenant: str, review: str, done: dict[str, int]) -> int:
        """The workflow. Takes and gives ids and counts; everything else is in our own tables."""
        tenant_id, review_id = UUID(tenant), UUID(review)
        away: set[str] = set()
        """Steps whose last try found no database: nothing is known to be wrong with them."""

        async def step(name: str, work: Callable[[], Awaitable[int]]) -> int:
            async def attempt() -> int:
                if name in done:
                    return done[name]
                away.discard(name)
                try:
                    return await work()
                except Exception as error:
                    if isinstance(error, Unavailable):
                        away.add(name)
                    _log.warning("a step did not work", step=name, review_id=review, error=type(error).__name__)
                    # Never the error itself: it may hold words of the call, and DBOS keeps and logs it.
                    raise _StepFailed(f"the step '{name}' failed with {type(error).__name__}") from None

            return await DBOS.run_step_async(
                {
                    "name": name,
                    "retries_allowed": True,
                    "max_attempts": ATTEMPTS,
                    "interval_seconds": RETRY_SECONDS,
                    "backoff_rate": 2.0,
                },
                attempt,
            )

        async def guarded(name: str, work: Callable[[], Awaitable[int]]) -> int | None:
            """The step's count, None when it failed for good."""
            try:
                return await step(name, work)
            except Exception as error:
                _log.warning("a step failed for good", step=name, review_id=review, error=type(error).__name__)
                return None

        def unless_away() -> None:
            if away:
                raise _Interrupted("the database went away during a review")

        loaded = await guarded("load the transcript", lambda: self._load(tenant_id, review_id))
        unless_away()
        if loaded is None:
            raise _StepFailed("the transcript could not be loaded")
        counted = await guarded("statistics", lambda: self._statistics(tenant_id, review_id))
        unless_away()
        if counted is None:
            raise _StepFailed("the statistics could not be computed")
        rubric = (await self._call(tenant_id, review_id)).rubric
        dropped = await asyncio.gather(
            *(
                guarded(f"section {s.id}", lambda p=p, i=s.id: self._section(tenant_id, review_id, p, i))
                for p, s in enumerate(rubric.sections)
            )
        )
        unless_away()
        missing = [s.id for s, count in zip(rubric.sections, dropped, strict=True) if count is None]
        if len(missing) == len(rubric.sections):
            raise _StepFailed("no section of the rubric could be scored")
        coached = await guarded("coaching moments", lambda: self._coach(tenant_id, review_id))
        unless_away()
        count = sum(d or 0 for d in dropped) + (coached or 0)
        finished = await guarded(
            "finish", lambda: self._finish(tenant_id, review_id, missing, count, coached is not None)
        )
        unless_away()
        if finished is None:
            raise _StepFailed("the review could not be stored")
        await guarded("render", lambda: self._render(tenant_id, review_id))
        return count

    # ------------------------------------------------------------------------------------------- the steps' work

    async def _load(self, tenant_id: UUID, review_id: UUID) -> int:
        return len((await self._call(tenant_id, review_id)).context.transcript)

    async def _call(self, tenant_id: UUID, review_id: UUID) -> _Call:
        """The call and its rubric, loaded once in this process. A resumed review keeps the rubric it began with."""
        known = self._open.calls.get(review_id)
        if known is not None:
            return known
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            text = await _rubric_text(connection, review)
            rubric = load_rubric(text, "rubric", moment_types=None)
            await mark_running(
                connection,
                review_id,
                reviewer=self._reviewer.name,
                rubric_id=rubric.id,
                rubric_title=rubric.title,
                rubric=text,
            )
            call = await load_call(connection, review.transcript_id.call_id)
            transcript = await load_transcript(connection, review.transcript_id)
            roles = await load_roles(connection, review.transcript_id)
            moments = tuple(await load_moments(connection, transcript))
            vectors = await load_vectors(connection, review.transcript_id)
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=moments,
            vectors=await asyncio.to_thread(embed_call, transcript, self._embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
        )
        self._open.calls[review_id] = _Call(context=context, rubric=rubric)
        return self._open.calls[review_id]

    async def _statistics(self, tenant_id: UUID, review_id: UUID) -> int:
        context = (await self._call(tenant_id, review_id)).context
        statistics = await asyncio.to_thread(call_statistics, context.transcript, context.roles, context.duration_ms)
        async with self._store.tenant(tenant_id) as connection:
            await save_statistics(connection, review_id, statistics.as_json())
        return len(statistics.values)

    async def _section(self, tenant_id: UUID, review_id: UUID, position: int, section_id: str) -> int:
        call = await self._call(tenant_id, review_id)
        section = call.rubric.section(section_id)
        outcome = await _asked(review_section, self._reviewer, section, call.context)
        vectors = await asyncio.to_thread(self._embedder.embed, [f.claim.statement for f in outcome.review.findings])
        async with self._store.tenant(tenant_id) as connection:
            await save_section(connection, review_id, outcome.review, position=position, vectors=vectors)
        return outcome.dropped

    async def _coach(self, tenant_id: UUID, review_id: UUID) -> int:
        call = await self._call(tenant_id, review_id)
        outcome = await _asked(coach_call, self._reviewer, call.rubric, call.context)
        vectors = await asyncio.to_thread(self._embedder.embed, [c.claim.statement for c in outcome.coaching_moments])
        async with self._store.tenant(tenant_id) as connection:
            await save_coaching_moments(connection, review_id, outcome.coaching_moments, vectors=vectors)
        return outcome.dropped

    async def _finish(self, tenant_id: UUID, review_id: UUID, missing: list[str], dropped: int, coached: bool) -> int:
        call = await self._call(tenant_id, review_id)
        async with self._store.tenant(tenant_id) as connection:
            scores = await assessed_sections(connection, review_id)
            score = call_score(call.rubric, scores)
            await finish_review(
                connection,
                review_id,
                score=score or 0.0,
                assessed=score is not None,
                warnings=review_warnings(call.context, assessed=score is not None, coached=coached),
                missing_sections=missing,
                dropped_drafts=dropped,
            )
        return len(scores)

    async def _render(self, tenant_id: UUID, review_id: UUID) -> int:
        """Characters of the manager's page. Nothing is kept: the page is made of stored rows whenever it is asked for.

        The step shows, while somebody may still notice, that it can be made.
        """
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            artifact = await load_artifact(connection, review.transcript_id.call_id, review.transcript_id.revision)
        return len(await asyncio.to_thread(render, artifact, "manager", "html", lambda _start, _end: ""))


async def _asked(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What the reviewer gives, in a thread. Its being unavailable is told apart from the database's."""
    try:
        return await asyncio.to_thread(work, *given, **named)
    except Unavailable:
        raise _ReviewerFailed from None


async def _rubric_text(connection: AsyncConnection, review: StoredReview) -> str:
    if review.status is ReviewStatus.RUNNING and review.rubric:
        return review.rubric
    own = await active_document(connection, DocumentKind.RUBRIC, RUBRIC_NAME)
    return own.body if own is not None else shipped_rubric_text(DEFAULT_RUBRIC)


async def _clear_earlier_run(workflow_id: str) -> dict[str, int]:
    """The counts of the steps that an interrupted run of this workflow finished; the run itself is removed.

    The caller holds the review's lock, so nobody is running it. DBOS's own recovery goes by executor ids, which say
    nothing about who is alive, and through a polled queue.
    """
    if await DBOS.get_workflow_status_async(workflow_id) is None:
        return {}
    steps = await DBOS.list_workflow_steps_async(workflow_id)
    done = {
        str(step["function_name"]): int(output)
        for step in steps
        if isinstance(output := step["output"], int) and step["error"] is None
    }
    await DBOS.delete_workflow_async(workflow_id)
    # Loading fills this process's memory, and finishing was not reached or asked for again.
    return {name: count for name, count in done.items() if name not in ("load the transcript", "finish", "render")}


def _launch_dbos(owner_url: str) -> None:
    """Start DBOS: quiet, small, talking to nobody but the database.

    DBOS is one for the process by its own design; this file is the only one that knows it.
    """
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    logging.getLogger("dbos").propagate = False
    config: DBOSConfig = {
        "name": "ridealong",
        "system_database_url": owner_url,
        "dbos_system_schema": "dbos",
        "application_version": APPLICATION_VERSION,
        "executor_id": f"{os.getpid()}-{uuid4().hex[:12]}",
        "sys_db_pool_size": 4,
        # These become the default threads of the event loop, for everybody who uses `asyncio.to_thread`.
        "max_executor_threads": 32,
        "enable_otlp": False,
        "use_listen_notify": False,
        # Also how long closing waits for that thread.
        "notification_listener_polling_interval_sec": 1.0,
        "log_level": "CRITICAL",
    }
    try:
        DBOS(config=config)
        DBOS.launch()
    except Exception as error:
        DBOS.destroy(destroy_registry=True)
        raise Unavailable(f"the review pipeline cannot start ({type(error).__name__}): is the database up?") from None
