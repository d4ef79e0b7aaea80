"""How fast search is over many utterances: `python -m ridealong.app.bench.search`.

Fills a temporary embedded database with one big tenant, two middling ones and a small one, and asks each the same
questions through `store.search` as the application does: its own login, its row filter, fetching the words included.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import numpy as np
import psycopg
import typer
from pgvector.psycopg import register_vector

from ridealong.config import Settings
from ridealong.store import Store
from ridealong.store.embedded import DATABASE, SUPERUSER, EmbeddedPostgres
from ridealong.store.search import search
from ridealong.store.tenants import create_tenant

if TYPE_CHECKING:
    from numpy.typing import NDArray

UTTERANCES_PER_CALL = 250
DIMENSIONS = 384
TOPICS = 400
"""Sentences of real calls lie in clusters, not evenly on the sphere; evenly spread ones are the index's worst case."""

_WORDS = (  # our own words; what matters is that some stand in many utterances
    "about after agree already another answer approve because before best better board budget build busy buy call"
    " cannot careful change cheap check choose clear compare contract cost could customer data date deal decide"
    " delay demo different discount driver during early easy effort engineer enough every expect export fast"
    " feature feel field finance first fleet follow forecast friday fuel fully garage going good great happy"
    " hardware help honest hour idea import improve integrate invoice issue january keep know large later launch"
    " lead learn legal license list little long lower make manager market maybe meeting migrate monday month"
    " morning move much need network never next nothing number offer office often open option order other outage"
    " owner paper partner pay people perhaps phone pilot plan point policy present price problem process product"
    " promise proof quarter question quick quote rather reach ready really reason report request review risk roll"
    " route safe sales schedule season security send seriously service setup share short sign simple slow"
    " software somebody soon sort spend spreadsheet staff start step stop store strange strong summer support"
    " sure switch system talk team tender test thanks think time today together tomorrow tool total trial truck"
    " trust tuesday update useful usual value vendor version wait want warehouse week welcome winter without"
    " wonder work worry write wrong year yesterday"
)
VOCABULARY = _WORDS.split()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Milliseconds, one a question."""

    p50: float
    p95: float
    worst: float
    hits: float


def main(
    utterances: Annotated[int, typer.Option(help="Rows of the big tenant.")] = 200_000,
    questions: Annotated[int, typer.Option(help="Questions for each tenant.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object and nothing else.")] = False,
) -> None:
    """Measure hybrid search."""
    # Not the default: its path is too long for a socket, and often on a disk in memory.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-bench-"))
    try:
        result = asyncio.run(measure(Settings(data_dir=folder, database_url=None), utterances, questions))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    typer.echo(json.dumps(result) if as_json else json.dumps(result, indent=2))


async def measure(settings: Settings, utterances: int, questions: int) -> dict[str, object]:
    rng = np.random.default_rng(7)
    topics = _unit(rng.standard_normal((TOPICS, DIMENSIONS)).astype(np.float32))
    sizes = {
        "big": utterances,
        "middle": utterances // 10,
        "second-middle": utterances // 10,
        "small": utterances // 400,
    }
    store = await Store.open(settings)
    try:
        server = store.server
        if server is None:
            raise RuntimeError("the bench runs on an embedded database of its own")
        tenants = {slug: (await create_tenant(store, slug, slug)).tenant_id for slug in sizes}
        began = time.perf_counter()
        await asyncio.to_thread(_fill, server, {tenants[slug]: size for slug, size in sizes.items()}, rng, topics)
        filled = time.perf_counter() - began
        asked = {slug: await _ask(store, tenant_id, questions, rng, topics) for slug, tenant_id in tenants.items()}
    finally:
        await store.close()
    return {
        "bench": "search",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "fill_s": round(filled, 1),
        "questions": questions,
        "tenants": {
            slug: {
                "utterances": sizes[slug],
                "p50_ms": round(found.p50, 1),
                "p95_ms": round(found.p95, 1),
                "max_ms": round(found.worst, 1),
                "mean_hits": round(found.hits, 1),
            }
            for slug, found in asked.items()
        },
    }


async def _ask(
    store: Store, tenant_id: UUID, questions: int, rng: np.random.Generator, topics: NDArray[np.float32]
) -> Asked:
    took: list[float] = []
    hits = 0
    for number in range(questions + 5):
        text = " ".join(rng.choice(VOCABULARY, size=int(rng.integers(1, 4))))
        vector = _around(rng, topics, 1)[0]
        began = time.perf_counter()
        async with store.tenant(tenant_id) as connection:
            found = await search(connection, text=text, vector=vector, limit=20)
        if number >= 5:  # the first few fill the caches of the connections
            took.append((time.perf_counter() - began) * 1000)
            hits += len(found)
    p50, p95 = np.percentile(took, [50, 95])
    return Asked(p50=float(p50), p95=float(p95), worst=max(took), hits=hits / questions)


def _fill(
    server: EmbeddedPostgres, sizes: dict[UUID, int], rng: np.random.Generator, topics: NDArray[np.float32]
) -> None:
    with psycopg.connect(server.url(user=SUPERUSER, database=DATABASE), autocommit=True) as connection:
        register_vector(connection)
        connection.execute("SET maintenance_work_mem = '700MB'")
        connection.execute("SET max_parallel_maintenance_workers = 2")
        # Built at the end, at once: row by row, as on a running server, 200,000 take many minutes.
        connection.execute("DROP INDEX ridealong.utterance_by_meaning")
        connection.execute("DROP INDEX ridealong.utterance_by_terms")
        for tenant_id, size in sizes.items():
            calls = [uuid4() for _ in range(-(-size // UTTERANCES_PER_CALL))]
            connection.execute("INSERT INTO ridealong.rep (tenant_id, rep_id) VALUES (%s, 'bench')", [tenant_id])
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO ridealong.call (tenant_id, call_id, rep_id, consent, encoding, sample_rate, channels,"
                    " layout, language) VALUES (%s, %s, 'bench', 'synthetic', 'transcript', 0, 1, 'mixed', 'en')",
                    [(tenant_id, call_id) for call_id in calls],
                )
                cursor.executemany(
                    "INSERT INTO ridealong.transcript (tenant_id, call_id, revision) VALUES (%s, %s, 1)",
                    [(tenant_id, call_id) for call_id in calls],
                )
                with cursor.copy(
                    "COPY ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts,"
                    " end_ts, text, embedding) FROM STDIN (FORMAT binary)"
                ) as copy:
                    copy.set_types(["uuid", "uuid", "int4", "int4", "int4", "int4", "int4", "text", "vector"])
                    for row in _rows(tenant_id, calls, size, rng, topics):
                        copy.write_row(row)
        connection.execute(
            "CREATE INDEX utterance_by_terms ON ridealong.utterance USING gin (terms) WITH (fastupdate = off)"
        )
        connection.execute(
            "CREATE INDEX utterance_by_meaning ON ridealong.utterance USING hnsw (embedding vector_ip_ops)"
        )
        connection.execute("VACUUM ANALYZE ridealong.utterance")


def _rows(
    tenant_id: UUID, calls: list[UUID], size: int, rng: np.random.Generator, topics: NDArray[np.float32]
) -> Iterator[tuple[object, ...]]:
    for call_number, call_id in enumerate(calls):
        count = min(UTTERANCES_PER_CALL, size - call_number * UTTERANCES_PER_CALL)
        vectors = _around(rng, topics, count)
        for no in range(count):
            text = " ".join(rng.choice(VOCABULARY, size=int(rng.integers(4, 18))))
            yield tenant_id, call_id, 1, no, no % 2, no * 4000, no * 4000 + 3500, text, vectors[no]


def _around(rng: np.random.Generator, topics: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Random sentences' vectors: each near a topic, about as near as two sentences on one subject are."""
    centre = topics[rng.integers(0, len(topics), size=count)]
    noise = _unit(rng.standard_normal((count, DIMENSIONS)).astype(np.float32))
    return _unit(centre + noise)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    typer.run(main)
