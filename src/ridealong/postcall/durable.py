"""Durable named steps: the one file that knows DBOS.

What people said never enters DBOS's tables: they know no row-level security and no erasure. Steps take ids and give
counts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast
from uuid import uuid4

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from ridealong.core.errors import ModelFailed, Unavailable

ATTEMPTS: Final = 3
"""How often a step is tried before it counts as failed."""
RETRY_SECONDS: Final = 0.2
APPLICATION_VERSION: Final = "ridealong"
"""The same for every release: an interrupted review goes on after an upgrade."""
MISSING: Final = "missing"
"""The count of a step that no model answered in time. Whoever resumes the review tries it again."""

StepCounts = dict[str, int]
"""What a step gives: numbers with names."""

Workflow = Callable[[str, str, dict[str, StepCounts]], Coroutine[object, object, int]]
"""Takes a tenant, a review and the counts of the steps that an interrupted run finished."""

_log = structlog.get_logger()


class StepFailed(Exception):
    """A step did not work. Holds the kind of error only: DBOS keeps exceptions."""


class ReviewerFailed(Exception):
    """The reviewer's own failure: unlike the database's, it says something about the review."""


class Interrupted(Unavailable):
    """The database went away in the middle of the review, which goes on when it is back."""


class Steps:
    """Runs the named steps of one workflow. `done`: the counts of those that need not run again."""

    def __init__(self, review: str, done: dict[str, StepCounts]) -> None:
        self._review = review
        self._done = done
        self._away: set[str] = set()

    def unless_away(self) -> None:
        """Raises Interrupted when the last try of a step found no database: nothing is known to be wrong with it."""
        if self._away:
            raise Interrupted("the database went away during a review")

    async def run(self, name: str, work: Callable[[], Awaitable[StepCounts]]) -> StepCounts | None:
        """The step's counts, None when it failed for good."""
        try:
            found = await self._durably(name, work)
        except Exception as error:
            _log.warning("a step failed for good", step=name, review_id=self._review, error=type(error).__name__)
            return None
        return None if MISSING in found else found

    async def _durably(self, name: str, work: Callable[[], Awaitable[StepCounts]]) -> StepCounts:
        async def attempt() -> StepCounts:
            if name in self._done:
                return self._done[name]
            self._away.discard(name)
            try:
                return await work()
            except ModelFailed as error:
                # The reviewer has tried what it can within the review's time: no use in doing it all again.
                # The models' errors are written by us and hold nothing of the call.
                told = {"error": type(error).__name__, "reason": str(error)}
                _log.warning("no model answered", step=name, review_id=self._review, **told)
                return {MISSING: 1}
            except Exception as error:
                if isinstance(error, Unavailable):
                    self._away.add(name)
                _log.warning("a step did not work", step=name, review_id=self._review, error=type(error).__name__)
                # Never the error itself: it may hold words of the call, and DBOS keeps and logs it.
                raise StepFailed(f"the step '{name}' failed with {type(error).__name__}") from None

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


def register(name: str, workflow: Workflow) -> Workflow:
    """`workflow` as DBOS runs it. It must be a function: DBOS writes attributes on it, and a method takes none."""
    return DBOS.workflow(name=name)(workflow)


async def run(workflow_id: str, workflow: Workflow, tenant: str, review: str, done: dict[str, StepCounts]) -> None:
    """Run a registered workflow to its end. Raises what it raises."""
    with SetWorkflowID(workflow_id):
        handle = await DBOS.start_workflow_async(workflow, tenant, review, done)
    await handle.get_result()


async def clear_earlier_run(workflow_id: str) -> dict[str, StepCounts]:
    """The counts of the steps that an interrupted run of this workflow finished; the run itself is removed.

    The caller holds the review's lock, so nobody is running it. DBOS's own recovery goes by executor ids, which say
    nothing about who is alive, and through a polled queue.
    """
    if await DBOS.get_workflow_status_async(workflow_id) is None:
        return {}
    steps = await DBOS.list_workflow_steps_async(workflow_id)
    done = {
        str(step["function_name"]): counts
        for step in steps
        if step["error"] is None and (counts := _counts_of(step["output"])) is not None and MISSING not in counts
    }
    await DBOS.delete_workflow_async(workflow_id)
    # Loading fills this process's memory, and finishing was not reached or asked for again.
    return {name: count for name, count in done.items() if name not in ("load the transcript", "finish", "render")}


def _counts_of(output: object) -> StepCounts | None:
    """What a step gave; until 0.1 that was one number, of dropped drafts."""
    if isinstance(output, int):
        return {"dropped": output}
    if not isinstance(output, dict):
        return None
    return {str(name): int(count) for name, count in cast("dict[object, int]", output).items()}


def launch(owner_url: str) -> None:
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
        dbos = DBOS(config=config)
        DBOS.launch()
        _stop_polling(dbos)
    except Exception as error:
        DBOS.destroy(destroy_registry=True)
        raise Unavailable(f"the review pipeline cannot start ({type(error).__name__}): is the database up?") from None


def _stop_polling(dbos: DBOS) -> None:
    """End the threads of DBOS that ask the database every second for queued, delayed, scheduled or timed-out workflows.

    Ours are started directly and wait for nothing, and an idle server would spend most of its time on the questions.
    """
    for event in dbos.background_thread_stop_events:
        event.set()
    dbos._background_jobs_stop_event.set()  # pyright: ignore[reportPrivateUsage]


async def end() -> None:
    """End DBOS, on the event loop that launched it."""
    # DBOS made its own threads the loop's, and ends them now: others may still need some.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="ridealong"))
    await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
