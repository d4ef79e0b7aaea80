"""How long the artifact of a long call takes, whole: `python -m ridealong.app.bench.review`.

A written call stretched to 60 minutes, on an embedded database of its own, with the local reviewer: from the start of
the review to the stored artifact, with the utterances' embeddings stored by the live path (as they are after a call)
and without. `--questions FOLDER` also measures the retrieval on QMSum's meetings.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import numpy as np
import typer

from ridealong.app.bench.spoken import written_call
from ridealong.config import Settings
from ridealong.core.errors import Unavailable
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.postcall.rubric import DEFAULT_RUBRIC, shipped_rubric
from ridealong.store import Store
from ridealong.store.calls import NewCall, append_utterances, begin_call, end_call, record_role
from ridealong.store.moments import record_moments
from ridealong.store.reviews import ReviewStatus
from ridealong.store.tenants import create_tenant

if TYPE_CHECKING:
    from ridealong.embedding import Embedder

BEST = 5


def main(
    minutes: Annotated[float, typer.Option(help="Length of the call.")] = 60.0,
    runs: Annotated[int, typer.Option(help="Reviews to time, of each kind.")] = 5,
    questions: Annotated[Path | None, typer.Option(help="Folder with QMSum's meetings.")] = None,
) -> None:
    """Print the figures as JSON."""
    report = asyncio.run(measure(minutes, runs))
    if questions is not None:
        report["qmsum"] = hits(questions, load_embedder())
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


async def measure(minutes: float, runs: int) -> dict[str, object]:
    embedder = load_embedder()
    reviewer = LocalReviewer(embedder)
    began = time.perf_counter()
    reviewer.warm(shipped_rubric(DEFAULT_RUBRIC))
    report: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "minutes": minutes,
        "utterances": len(written_call(minutes=minutes)[0]),
        "warm_s": round(time.perf_counter() - began, 2),
    }
    # Not in a long path: a socket's address has room for about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="ridealong-") as folder:
        store = await Store.open(Settings(data_dir=Path(folder)))
        pipeline = await ReviewPipeline.open(store, embedder, InThreads(reviewer), finder=reviewer.finder)
        try:
            tenant_id = (await create_tenant(store, "bench", "Bench")).tenant_id
            for name, with_vectors in (("artifact_s", True), ("artifact_without_stored_embeddings_s", False)):
                used: list[float] = []
                times = [
                    await one_review(
                        store, pipeline, tenant_id, minutes, embedder, with_vectors=with_vectors, used=used
                    )
                    for _ in range(runs)
                ]
                report[name] = _spread(times) | {"processor_p50": _spread(used)["p50"]}
        finally:
            await pipeline.close()
            await store.close()
    return report


async def one_review(
    store: Store,
    pipeline: ReviewPipeline,
    tenant_id: UUID,
    minutes: float,
    embedder: Embedder,
    *,
    with_vectors: bool,
    used: list[float] | None = None,
) -> float:
    """Seconds from the start of the review of a written call to its stored artifact. Raises Unavailable.

    `used` is given the processor's seconds of this process, all threads together, without the database's.
    """
    transcript, roles, moments, duration_ms = written_call(minutes=minutes, call_id=uuid4())
    texts = [u.text for u in transcript]
    vectors = await asyncio.to_thread(embedder.embed, texts) if with_vectors else None
    call = NewCall(
        call_id=transcript.id.call_id,
        rep_id="rep",
        consent="a written call",
        encoding="transcript",
        sample_rate=0,
        channels=1,
        layout="mixed",
    )
    async with store.tenant(tenant_id) as connection:
        await begin_call(connection, call)
        await append_utterances(connection, transcript.id, transcript.utterances, vectors)
        for role in roles.values():
            await record_role(connection, transcript.id, role)
        await record_moments(connection, moments)
        await end_call(connection, call.call_id, audio_ms=duration_ms, reason="stopped")
    began, processor = time.perf_counter(), time.process_time()
    await pipeline.start(tenant_id, call.call_id)
    status = await pipeline.wait(tenant_id, call.call_id)
    seconds = time.perf_counter() - began
    if used is not None:
        used.append(time.process_time() - processor)
    if status is not ReviewStatus.FINISHED:
        # A review that fails is quick, and no figure.
        raise Unavailable(f"the review is {status}: nothing was measured")
    return seconds


def _spread(times: list[float]) -> dict[str, float]:
    cuts = quantiles(times, n=20, method="inclusive") if len(times) > 1 else times * 19
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3)}


def hits(folder: Path, embedder: Embedder) -> dict[str, float]:
    """QMSum's specific questions: how often one of the five nearest turns lies in the spans that answer it.

    Turns are compared as the reviewer does it, by sentence where there are several.
    """
    asked = found = 0
    for path in sorted(folder.glob("*.json")):
        meeting: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (turn, part)
            for turn, said in enumerate(meeting["meeting_transcripts"])
            for part in said["content"].split(". ")
            if len(part.split()) >= 4
        ]
        vectors = embedder.embed([part for _, part in rows])
        for question in meeting["specific_query_list"]:
            similar = vectors @ embedder.embed([question["query"]])[0]
            best: list[int] = []
            for row in np.argsort(-similar):
                if rows[row][0] not in best:
                    best.append(rows[row][0])
                if len(best) == BEST:
                    break
            gold = [(int(a), int(b)) for a, b in question["relevant_text_span"]]
            asked += 1
            found += any(a <= turn <= b for turn in best for a, b in gold)
    return {"questions": asked, "hit_in_5": round(found / max(1, asked), 3)}


if __name__ == "__main__":
    typer.run(main)
