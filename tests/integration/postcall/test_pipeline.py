"""The durable review on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import psycopg
import pytest

from ridealong.app.bench.spoken import written_call
from ridealong.config import Settings
from ridealong.core.errors import Refused, Unavailable
from ridealong.core.rubric import Section
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import CriterionDraft, InThreads, Refusal, ReviewContext
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.embedded import EmbeddedPostgres
from ridealong.store.reviews import ReviewStatus, find_review, review_lock
from ridealong.store.tenants import DocumentKind, put_document
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.unit.postcall.embedder import LetterEmbedder

if TYPE_CHECKING:
    from ridealong.embedding import Vectors


class CountingReviewer(LocalReviewer):
    """The local reviewer, which notes what it is asked for; sections in `broken` fail."""

    def __init__(self, *, broken: Sequence[str] = (), seconds: float = 0.0) -> None:
        super().__init__(LetterEmbedder())
        self.asked: list[str] = []
        self.broken = list(broken)
        self.seconds = seconds

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        self.asked.append(section.id)
        time.sleep(self.seconds)
        if section.id in self.broken:
            said = context.transcript.utterances[4].text
            raise Unavailable(f"the model refused: {said}")
        return super().draft_section(section, context, refused)


async def opened(store: Store, reviewer: LocalReviewer) -> ReviewPipeline:
    return await ReviewPipeline.open(store, LetterEmbedder(), InThreads(reviewer), sweep_seconds=0.3)


async def test_a_review_goes_from_a_queued_row_to_an_artifact(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    pipeline = await opened(store, CountingReviewer())
    try:
        await pipeline.start(tenant_id, call_id)
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert artifact.rubric_id == "discovery"
    assert artifact.sections[0].section_id == "opening"
    assert artifact.statistics["version"] == 1
    assert artifact.coaching_moments
    assert artifact.missing_sections == ()


class NotingEmbedder(LetterEmbedder):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts |= set(texts)
        return super().embed(texts)


async def test_embeddings_that_the_live_path_stored_are_used_and_not_computed_again(store: Store) -> None:
    tenant_id = await new_tenant(store)
    texts = [u.text for u in written_call()[0]]
    call_id = await ended_call(store, tenant_id, vectors=LetterEmbedder().embed(texts))
    embedder = NotingEmbedder()
    pipeline = await ReviewPipeline.open(store, embedder, InThreads(CountingReviewer()), sweep_seconds=0.3)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert artifact.assessed
    # The pipeline's own embedder made the statements' vectors and no utterance's.
    assert {f.claim.statement for s in artifact.sections for f in s.findings} <= embedder.texts
    assert not embedder.texts & set(texts)


async def test_the_sweeper_finds_a_queued_review_that_nobody_started(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    pipeline = await opened(store, CountingReviewer())
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()


async def test_the_same_call_is_never_reviewed_twice(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    reviewer = CountingReviewer()
    pipeline = await opened(store, reviewer)
    try:
        await asyncio.gather(*(pipeline.start(tenant_id, call_id) for _ in range(5)))
        await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120)
        await pipeline.start(tenant_id, call_id)
        await asyncio.sleep(0.8)
    finally:
        await pipeline.close()
    assert sorted(reviewer.asked) == sorted(set(reviewer.asked))


async def test_a_review_that_another_process_owns_is_left_alone(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    async with store.tenant(tenant_id) as connection:
        review_id = (await find_review(connection, call_id)).review_id
    reviewer = CountingReviewer()
    async with review_lock(store, review_id) as mine:
        assert mine
        pipeline = await opened(store, reviewer)
        await pipeline.start(tenant_id, call_id)
        await asyncio.sleep(1.0)
        assert reviewer.asked == []
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()


async def test_a_section_that_fails_is_retried_then_listed_and_never_invented(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    reviewer = CountingReviewer(broken=["listening"])
    pipeline = await opened(store, reviewer)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert artifact.missing_sections == ("listening",)
    assert "listening" not in [s.section_id for s in artifact.sections]
    assert reviewer.asked.count("listening") == 3


class WaitingReviewer(CountingReviewer):
    """Says when it is asked for the first section, and waits."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        self.begun.set()
        self.go.wait(60)
        return super().draft_section(section, context, refused)


@pytest.mark.timeout(300)
async def test_a_database_that_goes_away_during_a_review_costs_no_section(
    store: Store, postgres: EmbeddedPostgres
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    reviewer = WaitingReviewer()
    pipeline = await opened(store, reviewer)
    try:
        assert await asyncio.to_thread(reviewer.begun.wait, 60)
        await asyncio.to_thread(postgres.stop_server)
        try:
            reviewer.go.set()
            # Longer than all tries of a step: three, each of which waits three seconds for a connection.
            await asyncio.sleep(12)
        finally:
            await asyncio.to_thread(postgres.start_server)
        async with asyncio.timeout(120):
            while True:
                with contextlib.suppress(Unavailable):
                    assert await pipeline.wait(tenant_id, call_id) is ReviewStatus.FINISHED
                    break
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert artifact.missing_sections == ()
    assert artifact.coaching_moments


class DeafStore:
    """A store whose search for unfinished reviews swallows the first cancellation, as a pool that is just connecting
    does; everything else is the real one's.
    """

    def __init__(self, real: Store) -> None:
        self._real = real
        self.searching = asyncio.Event()
        self.swallowed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def without_tenant(self) -> Any:
        return self._deaf()

    @contextlib.asynccontextmanager
    async def _deaf(self) -> AsyncIterator[Any]:
        self.searching.set()
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            self.swallowed += 1
        async with self._real.without_tenant() as connection:
            yield connection


async def test_closing_ends_the_sweeper_even_where_a_cancellation_is_swallowed(store: Store) -> None:
    deaf = DeafStore(store)
    pipeline = await ReviewPipeline.open(cast("Store", deaf), LetterEmbedder(), CountingReviewer(), sweep_seconds=3600)
    await deaf.searching.wait()
    async with asyncio.timeout(60):
        await pipeline.close()
    assert deaf.swallowed == 1
    running = {getattr(task.get_coro(), "__name__", "") for task in asyncio.all_tasks()}
    assert "_sweep" not in running, "the sweeper runs on"


async def test_a_review_of_which_every_section_fails_says_so_and_can_be_asked_for_again(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    sections = ["opening", "understanding", "listening", "objections", "qualification", "next_step"]
    reviewer = CountingReviewer(broken=sections)
    pipeline = await opened(store, reviewer)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FAILED
        async with store.tenant(tenant_id) as connection:
            failure = (await find_review(connection, call_id)).failure
        assert failure is not None
        assert "no section" in failure
        reviewer.broken.clear()
        await pipeline.retry(tenant_id, call_id)
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()


async def test_nothing_that_was_said_enters_the_tables_of_the_workflow_engine(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    pipeline = await opened(store, CountingReviewer(broken=["listening"]))
    try:
        await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120)
    finally:
        await pipeline.close()
    dump = dump_of(store.owner_url, "dbos")
    assert str(call_id) in dump
    written = capfd.readouterr()
    for place in (dump, written.err, written.out):
        for word in ("courier", "Karen", "scanner", "Packfast", "warehouse", "ben@example.org"):
            assert word.casefold() not in place.casefold()


def dump_of(url: str, schema: str) -> str:
    """Everything in the tables of `schema`, binary values decoded."""
    lines: list[str] = []
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            [schema],
        ).fetchall()
        for (table,) in tables:
            for (row,) in connection.execute(f'SELECT to_jsonb(t)::text FROM "{schema}"."{table}" t').fetchall():
                lines.append(row)
                lines += [decoded(part) for part in row.split('"') if len(part) > 16]
    return "\n".join(lines)


def decoded(text: str) -> str:
    """`text` read as base64, as DBOS writes pickles; nothing where it is none."""
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""


async def test_a_silent_call_is_reviewed_and_says_that_there_is_nothing(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id, empty=True)
    pipeline = await opened(store, CountingReviewer())
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert not artifact.assessed
    assert artifact.as_json()["score"] is None
    assert any("Nobody spoke" in w for w in artifact.warnings)


async def test_the_tenants_own_rubric_is_used_and_kept_with_the_review(store: Store) -> None:
    tenant_id = await new_tenant(store)
    own = (
        "id: own\ntitle: Our own\nsections:\n  - id: only\n    title: Only\n    criteria:\n"
        "      - id: asked\n        question: Did the rep ask?\n        role: rep\n"
        '        shown_by: ["How do orders come in at the moment?"]\n'
    )
    async with store.tenant(tenant_id) as connection:
        await put_document(connection, DocumentKind.RUBRIC, "default", own)
    call_id = await ended_call(store, tenant_id)
    pipeline = await opened(store, CountingReviewer())
    try:
        await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120)
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        review = await find_review(connection, call_id)
    assert (review.rubric_id, review.rubric) == ("own", own)


async def test_a_review_of_an_unknown_call_is_refused(store: Store) -> None:
    tenant_id = await new_tenant(store)
    pipeline = await opened(store, CountingReviewer())
    try:
        with pytest.raises(Refused):
            await pipeline.start(tenant_id, UUID(int=99))
    finally:
        await pipeline.close()


_KILLED = """
import asyncio, os, sys, time
from uuid import UUID
from pathlib import Path
from pydantic import SecretStr
from ridealong.config import Settings
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store
from tests.unit.postcall.embedder import LetterEmbedder

class Slow(LocalReviewer):
    def draft_section(self, section, context, refused=()):
        if section.id in ("qualification", "next_step"):
            with open(sys.argv[2], "a") as file: file.write("began " + section.id + "\\n")
            time.sleep(float(sys.argv[3]))
        drafts = super().draft_section(section, context, refused)
        with open(sys.argv[2], "a") as file: file.write(section.id + "\\n")
        return drafts

async def main():
    store = await Store.open(Settings(data_dir=Path(sys.argv[4]), database_url=SecretStr(sys.argv[1])))
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), InThreads(Slow(LetterEmbedder())), sweep_seconds=0.2)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_process_resumes_at_the_unfinished_step(
    store: Store, store_settings: Settings, tmp_path: Path
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    notes = tmp_path / "notes"
    notes.touch()
    database = store_settings.database_url
    assert database is not None

    def process(seconds: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", _KILLED, database.get_secret_value(), str(notes), seconds, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def scored() -> list[str]:
        return [line for line in notes.read_text().splitlines() if not line.startswith("began")]

    first = process("60")
    try:
        deadline = time.monotonic() + 120
        # Another process writes the notes: there is nothing to await but the file.
        while (len(scored()) < 4 or "began next_step" not in notes.read_text()) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        # The notes are written before the step's result is: give the four a moment to be kept.
        async with store.tenant(tenant_id) as connection:
            while time.monotonic() < deadline:
                kept = "SELECT count(*) FROM review_step_result WHERE step LIKE 'section %'"
                row = await (await connection.execute(kept)).fetchone()
                if row is not None and row[0] >= 4:
                    break
                await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert sorted(scored()) == ["listening", "objections", "opening", "understanding"]
    second = process("0")
    try:
        deadline = time.monotonic() + 120
        status = ReviewStatus.RUNNING
        while status is ReviewStatus.RUNNING and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            async with store.tenant(tenant_id) as connection:
                status = (await find_review(connection, call_id)).status
    finally:
        second.kill()
        second.wait()
    assert status is ReviewStatus.FINISHED
    assert sorted(scored()) == ["listening", "next_step", "objections", "opening", "qualification", "understanding"]
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert len(artifact.sections) == 6
