"""How soon a page of the list of calls is there: a tenant with 20,000 calls, beside one with 2,000.

What is measured is what the server does for `GET /v1/calls`: its own login, its row filter, all rows of the page with
their counts. The database is one of its own, filled by SQL: what is listed are rows, however they came.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from ridealong.app.bench.measure import Row, percentile
from ridealong.config import Settings
from ridealong.core.sight import OwnCalls
from ridealong.store import Store
from ridealong.store.call_list import CallFilter, ReviewFilter, Sort, list_page
from ridealong.store.embedded import DATABASE, SUPERUSER, EmbeddedPostgres
from ridealong.store.tenants import create_tenant

if TYPE_CHECKING:
    from uuid import UUID

CALLS: Final = 20_000
BESIDE: Final = 2_000
"""Calls of the other tenant."""
DEEP: Final = 5_000
"""How many calls lie before the page that is called deep; of a list that is shorter, the last."""
STRIDE: Final = 200
"""Calls of a page on the way there."""
TIMES: Final = 9
PAGE: Final = 50
FLOOR_MS: Final = 50.0

_SPRING: Final = datetime(2026, 3, 1, tzinfo=UTC)
_SUMMER: Final = datetime(2026, 6, 1, tzinfo=UTC)


ALL: Final = CallFilter()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """A list that somebody asks for."""

    what: str
    wanted: CallFilter = ALL
    sort: Sort = Sort.STARTED_AT
    descending: bool = True
    rep: str | None = None
    """Who asks, where it is a rep, who sees own calls alone."""


QUESTIONS: Final = (
    _Question(what="newest first"),
    _Question(what="oldest first", descending=False),
    _Question(what="longest first", sort=Sort.DURATION),
    _Question(what="shortest first", sort=Sort.DURATION, descending=False),
    _Question(what="best score first", sort=Sort.SCORE),
    _Question(what="worst score first", sort=Sort.SCORE, descending=False),
    _Question(what="of a rep", wanted=CallFilter(rep_id="rep-7")),
    _Question(what="of a rep, best first", wanted=CallFilter(rep_id="rep-7"), sort=Sort.SCORE),
    _Question(what="running", wanted=CallFilter(status="live")),
    _Question(what="review failed", wanted=CallFilter(review=ReviewFilter.FAILED)),
    _Question(what="reviewed", wanted=CallFilter(review=ReviewFilter.DONE)),
    _Question(what="with a frequent moment", wanted=CallFilter(moments=("type_0",))),
    _Question(what="with a frequent moment, worst first", wanted=CallFilter(moments=("type_0",)), sort=Sort.SCORE,
              descending=False),
    _Question(what="with any of three moments", wanted=CallFilter(moments=("type_1", "type_4", "type_11"))),
    _Question(what="with a rare moment", wanted=CallFilter(moments=("type_11",))),
    _Question(what="score 20 to 40", wanted=CallFilter(score_min=20, score_max=40)),
    _Question(what="score 20 to 40, longest first", wanted=CallFilter(score_min=20, score_max=40), sort=Sort.DURATION),
    _Question(what="30 to 40 minutes", wanted=CallFilter(duration_min_ms=30 * 60_000, duration_max_ms=40 * 60_000)),
    _Question(what="of three months", wanted=CallFilter(started_from=_SPRING, started_to=_SUMMER)),
    _Question(what="of three months, best first", wanted=CallFilter(started_from=_SPRING, started_to=_SUMMER),
              sort=Sort.SCORE),
    _Question(what="a word of the title", wanted=CallFilter(title="renewal 77")),
    _Question(what="a word of every title", wanted=CallFilter(title="call"), sort=Sort.SCORE),
    _Question(what="of a customer", wanted=CallFilter(customer="Customer 12")),
    _Question(what="everything at once", wanted=CallFilter(rep_id="rep-7", moments=("type_0", "type_3"), score_min=30,
              duration_min_ms=10 * 60_000, started_from=_SPRING), sort=Sort.SCORE),
    _Question(what="a rep's own, newest first", rep="rep-7"),
    _Question(what="a rep's own, best first", rep="rep-7", sort=Sort.SCORE),
    _Question(what="a rep's own with a moment", rep="rep-7", wanted=CallFilter(moments=("type_0",))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Took:
    """Medians in ms, and how many calls the list has."""

    what: str
    first: float
    deep: float
    total: int


def rows() -> list[Row]:
    """The slowest first page and the slowest deep page of all lists."""
    took = asyncio.run(measure())
    found: list[Row] = []
    for name, times in (("the first", [one.first for one in took]), ("a deep", [one.deep for one in took])):
        slowest = max(range(len(times)), key=times.__getitem__)
        found.append(
            Row(
                part="list",
                what=f"{name} page of {CALLS:,} calls: the slowest of {len(took)} lists ({took[slowest].what})",
                value=f"median {times[slowest]:.0f} ms; of all lists {percentile(times, 50):.0f} ms",
                floor=f"≤ {FLOOR_MS:.0f} ms",
                ok=times[slowest] <= FLOOR_MS,
                numbers={"slowest_ms": times[slowest], "p50_ms": percentile(times, 50)},
            )
        )
    return found


async def measure(calls: int = CALLS) -> list[_Took]:
    """Every list's first and deep page."""
    # Not the default: its path is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-bench-"))
    try:
        store = await Store.open(Settings(data_dir=folder, database_url=None))
        try:
            assert store.server is not None  # noqa: S101 - an embedded database was asked for
            tenants = [(await create_tenant(store, slug, slug)).tenant_id for slug in ("big", "beside")]
            await asyncio.to_thread(fill, store.server, dict(zip(tenants, (calls, calls // 10), strict=True)))
            return [await _ask(store, tenants[0], question) for question in QUESTIONS]
        finally:
            await store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _ask(store: Store, tenant_id: UUID, question: _Question) -> _Took:
    seen = tenant_id if question.rep is None else OwnCalls(tenant_id, question.rep)

    async def page(before: str | None, limit: int = PAGE) -> tuple[float, str | None, int]:
        began = time.perf_counter()
        async with store.tenant(seen) as connection:
            found = await list_page(
                connection,
                question.wanted,
                sort=question.sort,
                descending=question.descending,
                limit=limit,
                before=before,
            )
        return (time.perf_counter() - began) * 1000, found.following, found.total

    async def median(before: str | None) -> float:
        return percentile([(await page(before))[0] for _ in range(TIMES)], 50)

    at: str | None = None
    for _ in range(DEEP // STRIDE):
        _, following, _ = await page(at, STRIDE)
        if following is None:
            break
        at = following
    _, _, total = await page(None)
    return _Took(question.what, await median(None), await median(at), total)


def fill(server: EmbeddedPostgres, sizes: dict[UUID, int]) -> None:
    """Calls of 40 reps, all but some reviewed, twelve moments each of the twelve types, from frequent to rare."""
    with psycopg.connect(server.url(user=SUPERUSER, database=DATABASE), autocommit=True) as connection:
        # What must hold of rows is no part of the question, and checking it takes minutes.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET search_path = ridealong, public")
        connection.execute("SELECT setseed(0.5)")
        # No list asks it, and row by row it takes a minute.
        connection.execute("DROP INDEX moment_by_terms")
        for tenant_id, size in sizes.items():
            for statement in _FILL:
                connection.execute(statement, {"tenant": tenant_id, "calls": size})
        connection.execute("VACUUM ANALYZE")


_FILL: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO rep (tenant_id, rep_id, name)
    SELECT %(tenant)s, 'rep-' || n, 'Rep ' || n FROM generate_series(0, 39) n
    """,
    """
    INSERT INTO call (tenant_id, call_id, rep_id, title, consent, encoding, sample_rate, channels, layout, language,
        status, started_at, ended_at, ended_reason, audio_ms, customer, deal)
    SELECT %(tenant)s, gen_random_uuid(), 'rep-' || (random() * 39)::int,
        (ARRAY['Discovery', 'Demo', 'Renewal', 'Pricing'])[1 + n %% 4] || ' ' || n || ' call',
        'yes', 'pcm16', 16000, 1, 'mixed', 'en', CASE WHEN n < 3 THEN 'live' ELSE 'ended' END, began.at,
        CASE WHEN n >= 3 THEN began.at + interval '1 hour' END, CASE WHEN n >= 3 THEN 'stopped' END,
        (60000 + random() * 3600000)::int, 'Customer ' || n %% 400, 'Deal ' || n %% 900
    FROM generate_series(0, %(calls)s - 1) n,
        LATERAL (SELECT timestamptz '2026-11-01' - n * interval '25 minutes' AS at) began
    """,
    """
    INSERT INTO transcript (tenant_id, call_id, revision)
    SELECT tenant_id, call_id, 1 FROM call WHERE tenant_id = %(tenant)s
    """,
    # Every tenth was heard again, and reviewed again after that.
    """
    INSERT INTO transcript (tenant_id, call_id, revision)
    SELECT tenant_id, call_id, 2 FROM call WHERE tenant_id = %(tenant)s AND audio_ms %% 10 = 0
    """,
    """
    INSERT INTO utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text)
    SELECT tenant_id, call_id, 1, 0, 0, 0, 900, 'How much is it?' FROM call WHERE tenant_id = %(tenant)s
    """,
    """
    INSERT INTO moment (tenant_id, moment_id, call_id, revision, type, tier, reason, confidence, nudge, trigger_ts,
        utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end)
    SELECT tenant_id, gen_random_uuid(), call_id, 1, 'type_' || floor(12 * power(random(), 3)),
        CASE WHEN random() < 0.3 THEN 'nudge' ELSE 'noted' END, 'delivered', 0.9, 'Ask what it is compared to', 900,
        0, 0, 0, 900, text_length, 0, text_length
    FROM utterance, generate_series(1, 12) WHERE tenant_id = %(tenant)s
    """,
    """
    INSERT INTO review (tenant_id, review_id, call_id, revision, status, reviewer, rubric_id, rubric_title, score,
        assessed, failure, finished_at)
    SELECT tenant_id, gen_random_uuid(), call_id, revision, made.status, 'local', 'r', 'R', random() * 100,
        random() < 0.95, CASE made.status WHEN 'failed' THEN 'no model answered' END, now()
    FROM transcript, LATERAL (SELECT CASE WHEN random() < 0.02 THEN 'failed' ELSE 'finished' END AS status
        WHERE call_id IS NOT NULL) made
    WHERE tenant_id = %(tenant)s AND random() < 0.97
    """,
    """
    INSERT INTO comment (tenant_id, comment_id, call_id, at_ts, text, author_name)
    SELECT tenant_id, gen_random_uuid(), call_id, 0, 'Good.', 'Anna' FROM call
    WHERE tenant_id = %(tenant)s AND random() < 0.3
    """,
    # What triggers do where rows come one by one.
    """
    UPDATE call c SET review_status = r.status,
        score = CASE WHEN r.status = 'finished' AND r.assessed THEN r.score END
    FROM review r WHERE r.tenant_id = c.tenant_id AND r.call_id = c.call_id AND c.tenant_id = %(tenant)s
        AND NOT EXISTS (SELECT FROM review n WHERE n.tenant_id = r.tenant_id AND n.call_id = r.call_id
            AND n.revision > r.revision)
    """,
    """
    UPDATE call c SET moment_types = m.types
    FROM (SELECT call_id, array_agg(DISTINCT type) AS types FROM moment WHERE tenant_id = %(tenant)s GROUP BY call_id) m
    WHERE c.tenant_id = %(tenant)s AND c.call_id = m.call_id
    """,
)
