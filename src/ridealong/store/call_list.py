"""The list of a tenant's calls: filtered, sorted, in pages, each row with what a manager looks for first."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.errors import Refused
from ridealong.store.calls import CALL_COLUMNS, StoredCall, call_of_row


class Sort(StrEnum):
    STARTED_AT = "started_at"
    SCORE = "score"
    DURATION = "duration"


class ReviewFilter(StrEnum):
    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFilter:
    """Which calls. None or empty: all. `moments`: calls with at least one moment of one of these types.

    `started_from` is included, `started_to` is not. `external_id`: the call's name where it comes from.
    `customer` and `deal`: as the call's context names them, in capitals or not.
    """

    rep_id: str | None = None
    status: str | None = None
    review: ReviewFilter | None = None
    moments: tuple[str, ...] = ()
    score_min: float | None = None
    score_max: float | None = None
    duration_min_ms: int | None = None
    duration_max_ms: int | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    title: str | None = None
    external_id: str | None = None
    customer: str | None = None
    deal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedCall:
    """`score` 0 to 100, None while nothing could be assessed."""

    call: StoredCall
    rep_name: str
    review_status: str | None
    review_failure: str | None
    score: float | None
    moment_counts: Mapping[str, int]
    nudges: int
    comments: int


@dataclass(frozen=True, slots=True)
class CallPage:
    """`following` is the `before` of the next page, None on the last. `total` counts all pages."""

    calls: Sequence[ListedCall]
    following: str | None
    total: int


_KEYS: Final[dict[Sort, LiteralString]] = {
    Sort.STARTED_AT: "c.started_at",
    Sort.DURATION: "c.audio_ms",
    # Calls without a score come last, whichever way the others are sorted. There is an index for each way.
    Sort.SCORE: "coalesce(c.score, {none})",
}


async def list_page(
    connection: AsyncConnection,
    wanted: CallFilter,
    *,
    sort: Sort = Sort.STARTED_AT,
    descending: bool = True,
    limit: int = 50,
    before: str | None = None,
) -> CallPage:
    """One page of the calls that `wanted` lets through. Raises Refused('bad_request') for another list's `before`."""
    key = _KEYS[sort].format(none="-1" if descending else "1000")
    where, values = _conditions(wanted)
    values |= {"limit": limit + 1}
    # Said here too, though the row filter says it: so the planner can use an index that begins with the tenant.
    chosen: LiteralString = " AND ".join(["c.tenant_id = current_tenant()", *where])
    further: LiteralString = ""
    if before is not None:
        values |= dict(zip(("key", "call"), _read_cursor(before, sort, descending), strict=True))
        further = f" AND ({key}, c.call_id) {'<' if descending else '>'} (%(key)s, %(call)s)"
    order: LiteralString = "DESC" if descending else "ASC"
    # In the order of an index a page is found without looking at other calls. To count them is another question.
    cursor = await connection.execute(
        f"WITH page AS (SELECT c.call_id, {key} AS key FROM call c WHERE {chosen}{further}"
        f" ORDER BY {key} {order}, c.call_id {order} LIMIT %(limit)s)"
        f" SELECT {', '.join(f'c.{column}' for column in CALL_COLUMNS)}, coalesce(nullif(p.name, ''), c.rep_id),"
        " c.review_status, CASE WHEN c.review_status = 'failed' THEN (SELECT v.failure FROM review v"
        " WHERE v.tenant_id = c.tenant_id AND v.call_id = c.call_id ORDER BY v.revision DESC LIMIT 1) END, c.score,"
        " coalesce(m.counts, '{}'), coalesce(m.nudges, 0), (SELECT count(*) FROM comment k"
        " WHERE k.tenant_id = c.tenant_id AND k.call_id = c.call_id AND k.deleted_at IS NULL), page.key"
        " FROM page JOIN call c ON c.tenant_id = current_tenant() AND c.call_id = page.call_id"
        " JOIN rep p ON p.tenant_id = c.tenant_id AND p.rep_id = c.rep_id"
        " LEFT JOIN LATERAL (SELECT jsonb_object_agg(t.type, t.number) AS counts, sum(t.nudges)::int AS nudges"
        " FROM (SELECT o.type, count(*) AS number, count(*) FILTER (WHERE o.tier = 'nudge') AS nudges FROM moment o"
        " WHERE o.tenant_id = c.tenant_id AND o.call_id = c.call_id GROUP BY o.type) t) m ON true"
        f" ORDER BY page.key {order}, page.call_id {order}",
        values,
    )
    rows = await cursor.fetchall()
    page = rows[:limit]
    # A first page that holds all of them has counted them.
    whole = before is None and len(rows) <= limit
    number = len(rows) if whole else await _count(connection, f"SELECT count(*) FROM call c WHERE {chosen}", values)
    following = None
    if len(rows) > limit:
        following = _cursor(sort, descending, page[-1][-1], page[-1][0])
    return CallPage([_listed(row) for row in page], following, number)


async def moment_types(connection: AsyncConnection) -> list[str]:
    """Every type of moment that the tenant's calls have, in the alphabet's order.

    From one type to the next in the index, because there are some dozens of types and perhaps a million moments.
    """
    cursor = await connection.execute(
        "WITH RECURSIVE found AS ("
        " (SELECT type FROM moment WHERE tenant_id = current_tenant() ORDER BY type LIMIT 1)"
        " UNION ALL SELECT (SELECT m.type FROM moment m WHERE m.tenant_id = current_tenant() AND m.type > found.type"
        " ORDER BY m.type LIMIT 1) FROM found WHERE found.type IS NOT NULL)"
        " SELECT type FROM found WHERE type IS NOT NULL"
    )
    return [row[0] for row in await cursor.fetchall()]


async def _count(connection: AsyncConnection, query: LiteralString, values: dict[str, object]) -> int:
    row = await (await connection.execute(query, values)).fetchone()
    return 0 if row is None else row[0]


_REVIEWED: Final[dict[ReviewFilter, LiteralString]] = {
    ReviewFilter.DONE: "c.review_status = 'finished'",
    ReviewFilter.RUNNING: "c.review_status IN ('queued', 'running')",
    ReviewFilter.FAILED: "c.review_status = 'failed'",
    ReviewFilter.NONE: "c.review_status IS NULL",
}


def _conditions(wanted: CallFilter) -> tuple[list[LiteralString], dict[str, object]]:
    """SQL conditions over `call c`, and their values."""
    conditions: dict[str, LiteralString] = {
        "rep_id": "c.rep_id = %(rep_id)s",
        "status": "c.status = %(status)s",
        "moments": "c.moment_types && %(moments)s::text[]",
        "score_min": "c.score >= %(score_min)s",
        "score_max": "c.score <= %(score_max)s",
        "duration_min_ms": "c.audio_ms >= %(duration_min_ms)s",
        "duration_max_ms": "c.audio_ms <= %(duration_max_ms)s",
        "started_from": "c.started_at >= %(started_from)s",
        "started_to": "c.started_at < %(started_to)s",
        # Not LIKE: its signs would be read as such.
        "title": "strpos(lower(c.title), lower(%(title)s)) > 0",
        # Never the empty name: so the partial index can serve it.
        "external_id": "c.external_id = %(external_id)s AND c.external_id <> ''",
        "customer": "c.customer_lower = lower(%(customer)s) AND c.customer <> ''",
        "deal": "c.deal_lower = lower(%(deal)s) AND c.deal <> ''",
    }
    if wanted.review is not None:
        conditions["review"] = _REVIEWED[wanted.review]
    values: dict[str, object] = {}
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if value is not None and value != ():
            values[field.name] = list(value) if field.name == "moments" else value
    return [conditions[name] for name in values], {k: v for k, v in values.items() if k != "review"}


_READ_KEY: Final[dict[Sort, Callable[[Any], object]]] = {
    Sort.STARTED_AT: datetime.fromisoformat,
    Sort.DURATION: int,
    Sort.SCORE: float,
}


def _cursor(sort: Sort, descending: bool, key: object, call_id: UUID) -> str:
    said = key.isoformat() if isinstance(key, datetime) else key
    text = json.dumps([sort.value, descending, said, call_id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str, sort: Sort, descending: bool) -> tuple[object, UUID]:
    try:
        # Python ignores what is no base64 at all; then it is no JSON either.
        was_sort, was_descending, key, call_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # Of the column's own type: compared with another, its index is of no use.
        value: object = _READ_KEY[sort](key)
        call = UUID(call_id)
    except (ValueError, TypeError, AttributeError):
        was_sort = was_descending = value = call = None
    if call is None or (was_sort, was_descending) != (sort.value, descending):
        raise Refused("bad_request", "`before` must be the `next` of the page before, with the same `sort`")
    return value, call


def _listed(row: tuple[Any, ...]) -> ListedCall:
    rep_name, status, failure, score, counts, nudges, comments = row[len(CALL_COLUMNS) : -1]
    return ListedCall(
        call=call_of_row(row),
        rep_name=rep_name,
        review_status=status,
        review_failure=failure,
        score=score,
        moment_counts=counts,
        nudges=nudges,
        comments=comments,
    )
