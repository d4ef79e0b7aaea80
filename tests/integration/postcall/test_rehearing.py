"""A better transcript after the call, on a real PostgreSQL: stored whole, cited by the review, never made twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
import pytest

from ridealong.app.bench.spoken import written_call
from ridealong.config import Settings
from ridealong.core.errors import Unavailable, Ungrounded
from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.llm.capabilities import load_capabilities
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.rehearing import Billing, RecordedCall, Rehearing
from ridealong.postcall.reviewer import InThreads
from ridealong.speech import Audio, Hearing, SpokenWord
from ridealong.speech.providers.replay import spread
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.calls import end_call, latest_revision, load_roles, load_transcript
from ridealong.store.erase import erase_call
from ridealong.store.moments import load_moments
from ridealong.store.reviews import ReviewStatus, find_review
from ridealong.store.search import HitKind, search
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.unit.postcall.embedder import LetterEmbedder

LATER_MS = 120
MISHEARD = 24
"""The utterance of which the better transcript has other words: its moment has to stay."""


class BetterEars:
    """A recogniser that numbers the voices the other way round and hears one sentence differently."""

    def __init__(
        self,
        *,
        fails: int = 0,
        seconds: float = 0.0,
        silent: bool = False,
        voices: tuple[Speaker, ...] = (SpeakerId(1), SpeakerId(0)),
        asks_away: float | None = None,
    ) -> None:
        """`voices`: whom it takes each speaker for, the last one for all further ones."""
        self.voices = voices
        self.asks_away = asks_away
        self.asked = 0
        self.fails = fails
        self.seconds = seconds
        self.silent = silent

    async def transcribe(self, audio: AsyncIterable[Audio], hearing: Hearing) -> Sequence[SpokenWord]:
        self.asked += 1
        async for _ in audio:
            pass
        await asyncio.sleep(self.seconds)
        if self.asked <= self.fails:
            error = Unavailable("away: And what does it cost?")
            error.retry_after_s = self.asks_away
            raise error
        words: list[SpokenWord] = []
        for u in written_call()[0]:
            for w in spread(u):
                text = "price" if u.no == MISHEARD and w.text.startswith("cost") else w.text.upper()
                start, end = w.start_ts + LATER_MS, w.end_ts + LATER_MS
                speaker = self.voices[min(int(u.speaker), len(self.voices) - 1)]  # type: ignore[arg-type]
                words.append(SpokenWord(text=text, start_ts=start, end_ts=end, speaker=speaker))
        return [] if self.silent else words

    async def close(self) -> None:
        pass


async def recorded(tenant_id: UUID, call_id: UUID) -> RecordedCall | None:
    async def audio() -> AsyncIterator[Audio]:
        yield Audio(start_ts=0, samples=np.zeros((16_000, 1), np.float32))

    return RecordedCall(audio=audio, hearing=Hearing())


async def no_recording(tenant_id: UUID, call_id: UUID) -> RecordedCall | None:
    return None


@asynccontextmanager
async def pipeline(
    store: Store, ears: BetterEars, *, source: object = recorded, **budget: object
) -> AsyncIterator[ReviewPipeline]:
    embedder = LetterEmbedder()
    rehearing = Rehearing(store, embedder, ears, source, **budget)  # type: ignore[arg-type]
    opened = await ReviewPipeline.open(
        store, embedder, InThreads(LocalReviewer(embedder)), rehearing=rehearing, sweep_seconds=0.3
    )
    try:
        yield opened
    finally:
        await opened.close()


async def reviewed(store: Store, ears: BetterEars, tenant_id: UUID, call_id: UUID, **more: object) -> None:
    async with pipeline(store, ears, **more) as opened:  # type: ignore[arg-type]
        await opened.start(tenant_id, call_id)
        assert await asyncio.wait_for(opened.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED


async def test_the_review_cites_the_better_transcript_and_the_moments_move_to_it(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    ears = BetterEars()
    await reviewed(store, ears, tenant_id, call_id)
    assert ears.asked == 1
    async with store.tenant(tenant_id) as conn:
        newest = await latest_revision(conn, call_id)
        transcript = await load_transcript(conn, newest)
        first = await load_transcript(conn, type(newest)(call_id=call_id, revision=1))
        before, after = await load_moments(conn, first), await load_moments(conn, transcript)
        roles, old_roles = await load_roles(conn, newest), await load_roles(conn, first.id)
        artifact = await load_artifact(conn, call_id)
        hits = await search(
            conn,
            text="price or objection",
            vector=LetterEmbedder().embed(["and what does it cost"])[0],
            kinds=[HitKind.MOMENT],
        )
    assert newest.revision == 2
    assert [u.text for u in first] == [u.text for u in written_call()[0]]
    # The same people under the same ids, although the recogniser counts them the other way round.
    speaker_at = {u.start_ts: u.speaker for u in first}
    assert all(speaker_at[u.start_ts - LATER_MS] == u.speaker for u in transcript)
    assert dict(roles) == dict(old_roles)
    assert artifact.transcript_id == newest
    assert artifact.warnings == ()
    cited = [f.claim for s in artifact.sections for f in s.findings] + [c.claim for c in artifact.coaching_moments]
    assert cited
    assert {e.transcript_id for claim in cited for e in claim.evidence} == {newest}
    # Every moment moved but the one whose words are not there any more; no moment is lost.
    assert {m.moment_id for m in after} == {m.moment_id for m in before}
    stayed = [m.moment for m in after if m.moment.evidence[0].transcript_id != newest]
    assert [m.type for m in stayed] == ["price_asked"]
    old_times = {m.moment_id: m.moment.evidence[0].start_ts for m in before}
    for m in after:
        assert abs(m.moment.evidence[0].start_ts - old_times[m.moment_id]) <= LATER_MS
        if m.moment not in stayed:
            assert m.moment.evidence[0].quote.isupper()
    shown = {m["type"]: m["revision"] for m in artifact.as_json()["moments"]}  # type: ignore[attr-defined,index]
    assert shown["price_asked"] == 1
    assert {revision for kind, revision in shown.items() if kind != "price_asked"} == {2}
    # A search leads to the words as they are now.
    found = {(hit.type, hit.revision) for hit in hits}
    assert {("price_asked", 1), ("objection_raised", 2)} <= found <= set(shown.items())
    assert all(hit.quote.isupper() for hit in hits if hit.revision == 2)


async def test_what_hearing_again_cost_stands_with_the_review(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    price = load_capabilities().transcription["deepgram:nova-3"]
    billing = Billing(model=price.id, cost=price.cost)
    await reviewed(store, BetterEars(fails=1), tenant_id, call_id, billing=billing)
    async with store.tenant(tenant_id) as conn:
        artifact = await load_artifact(conn, call_id)
    (step,) = artifact.steps
    assert (step.step, step.part, step.model) == ("transcription", "transcribe", "deepgram:nova-3")
    assert step.cost_usd == pytest.approx((0.0043 + 0.0020) * artifact.duration_ms / 60_000)


async def test_what_was_said_live_stays_and_erasing_removes_both(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    await reviewed(store, BetterEars(), tenant_id, call_id)
    async with store.tenant(tenant_id) as conn:
        erased = await erase_call(conn, call_id)
    assert erased["transcript"] == 2
    assert erased["moment_anchor"] == erased["moment"] - 1 > 0
    with psycopg.connect(store.owner_url) as owner:
        for table in ("transcript", "utterance", "moment", "moment_anchor", "review", "claim", "speaker_role"):
            owner.execute("SELECT set_config('ridealong.tenant', %s, true)", [str(tenant_id)])
            assert owner.execute(f"SELECT count(*) FROM ridealong.{table}").fetchone() == (0,)  # pyright: ignore


async def test_ending_and_asking_again_make_no_second_review_and_hear_nothing_again(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    ears = BetterEars()
    async with pipeline(store, ears) as opened:
        await opened.start(tenant_id, call_id)
        await asyncio.wait_for(opened.wait(tenant_id, call_id), 120)
        async with store.tenant(tenant_id) as conn:
            # A server that died before it could mark the call as stored says it all once more.
            await end_call(conn, call_id, audio_ms=234_695, reason="stopped")
        await opened.start(tenant_id, call_id)
        await opened.retry(tenant_id, call_id)
        assert await asyncio.wait_for(opened.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    assert ears.asked == 1
    async with store.tenant(tenant_id) as conn:
        count = await (await conn.execute("SELECT count(*), max(revision) FROM review")).fetchone()
        assert count == (1, 2)
        assert (await load_artifact(conn, call_id)).transcript_id.revision == 2


@pytest.mark.parametrize(
    ("ears", "budget", "asked"),
    [
        (BetterEars(fails=99), {}, 3),
        (BetterEars(seconds=30), {"budget_s": 0.3, "budget_per_call": 0.0}, 1),
        (BetterEars(silent=True), {}, 1),
        (BetterEars(voices=(SpeakerId(0),)), {}, 1),
        (BetterEars(voices=(UNATTRIBUTED,)), {}, 1),
        (BetterEars(fails=99, asks_away=900.0), {}, 1),
    ],
    ids=["away", "too slow", "deaf", "one voice", "no voice", "asks to stay away"],
)
async def test_a_recogniser_that_fails_leaves_the_review_on_what_was_heard_live_and_says_so(
    store: Store, capfd: pytest.CaptureFixture[str], ears: BetterEars, budget: dict[str, float], asked: int
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    await reviewed(store, ears, tenant_id, call_id, **budget)
    assert ears.asked == asked
    async with store.tenant(tenant_id) as conn:
        artifact = await load_artifact(conn, call_id)
        assert (await latest_revision(conn, call_id)).revision == 1
    assert artifact.transcript_id.revision == 1
    assert any("could not be transcribed again" in warning for warning in artifact.warnings)
    assert artifact.sections
    assert "what does it cost" not in "".join(capfd.readouterr())


async def test_a_recogniser_that_comes_back_is_asked_again(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    ears = BetterEars(fails=1)
    await reviewed(store, ears, tenant_id, call_id)
    async with store.tenant(tenant_id) as conn:
        assert (await load_artifact(conn, call_id)).transcript_id.revision == 2


async def test_a_call_without_a_recording_is_reviewed_as_it_is(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    ears = BetterEars()
    await reviewed(store, ears, tenant_id, call_id, source=no_recording)
    async with store.tenant(tenant_id) as conn:
        artifact = await load_artifact(conn, call_id)
    assert (ears.asked, artifact.transcript_id.revision, artifact.warnings) == (0, 1, ())


async def test_an_anchor_that_cites_something_else_is_refused_by_the_database(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    await reviewed(store, BetterEars(), tenant_id, call_id)
    columns = "call_id, utterance_no, start_ts, end_ts, text_length, quote_start, quote_end"

    async def copy(revision: str, position: str, speaker: str) -> None:
        async with store.tenant(tenant_id) as conn:
            await conn.execute(
                f"INSERT INTO moment_anchor (tenant_id, moment_id, revision, position, speaker_id, {columns})"
                f" SELECT current_tenant(), moment_id, {revision}, {position}, {speaker}, {columns}"
                " FROM moment_anchor WHERE position = 0 LIMIT 1"
            )

    for revision, position, speaker in (
        ("2", "1", "1 - speaker_id"),
        ("1", "0", "speaker_id"),
        ("3", "1", "speaker_id"),
    ):
        with pytest.raises(Ungrounded):
            await copy(revision, position, speaker)
    await copy("2", "1", "speaker_id")
    with pytest.raises(Exception, match="refuses"):
        async with store.tenant(tenant_id) as conn:
            await conn.execute("UPDATE moment_anchor SET quote_start = 0")


_KILLED = """
import asyncio, sys
from pathlib import Path
from pydantic import SecretStr
from ridealong.config import Settings
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.postcall.rehearing import Rehearing
from ridealong.store import Store
from tests.integration.postcall.test_rehearing import BetterEars, recorded
from tests.unit.postcall.embedder import LetterEmbedder

def note(text):
    with open(sys.argv[2], "a") as file: file.write(text + "\\n")

class Noting(BetterEars):
    async def transcribe(self, audio, hearing):
        note("hears")
        return await super().transcribe(audio, hearing)

class Slow(LocalReviewer):
    def draft_section(self, section, context, refused=()):
        import time
        note("scores revision %d" % context.transcript.id.revision)
        time.sleep(float(sys.argv[4]))
        return super().draft_section(section, context, refused)

async def main():
    store = await Store.open(Settings(data_dir=Path(sys.argv[5]), database_url=SecretStr(sys.argv[1])))
    embedder = LetterEmbedder()
    ears = Noting(seconds=float(sys.argv[3]))
    await ReviewPipeline.open(store, embedder, InThreads(Slow(embedder)),
        rehearing=Rehearing(store, embedder, ears, recorded), sweep_seconds=0.2)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("killed_while", ["hears", "scores"])
async def test_a_process_killed_in_the_middle_hears_the_call_once_to_its_end(
    store: Store, store_settings: Settings, tmp_path: Path, killed_while: str
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    notes = tmp_path / "notes"
    notes.touch()
    database = store_settings.database_url
    assert database is not None

    def process(hearing_s: float, scoring_s: float) -> subprocess.Popen[bytes]:
        arguments = [database.get_secret_value(), str(notes), str(hearing_s), str(scoring_s), str(tmp_path)]
        return subprocess.Popen(
            [sys.executable, "-c", _KILLED, *arguments], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )

    first = process(60, 0) if killed_while == "hears" else process(0, 60)
    try:
        deadline = time.monotonic() + 120
        while killed_while not in notes.read_text() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    second = process(0, 0)
    try:
        deadline = time.monotonic() + 120
        status = ReviewStatus.RUNNING
        while status in (ReviewStatus.RUNNING, ReviewStatus.QUEUED) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            async with store.tenant(tenant_id) as conn:
                status = (await find_review(conn, call_id)).status
    finally:
        second.kill()
        second.wait()
    assert status is ReviewStatus.FINISHED
    heard = notes.read_text().splitlines()
    assert heard.count("hears") == (2 if killed_while == "hears" else 1)
    assert "scores revision 1" not in heard
    async with store.tenant(tenant_id) as conn:
        assert (await load_artifact(conn, call_id)).transcript_id.revision == 2
        rows = await (await conn.execute("SELECT count(*), max(revision) FROM transcript")).fetchone()
    assert rows == (2, 2)
