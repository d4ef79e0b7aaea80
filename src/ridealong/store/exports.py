"""Findings and moments of many calls as flat rows, call by call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from ridealong.store import Store

ExportKind = Literal["findings", "moments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """`kind`: `text`, `id`, `time` (with its zone), `whole` or `real`."""

    name: str
    kind: Literal["text", "id", "time", "whole", "real"]
    sql: str


_CALL: Final = (
    Column(name="call_id", kind="id", sql="c.call_id"),
    Column(name="call_title", kind="text", sql="c.title"),
    Column(name="call_started_at", kind="time", sql="c.started_at"),
    Column(name="rep_id", kind="text", sql="c.rep_id"),
    Column(name="revision", kind="whole", sql="f.revision"),
)
_EVIDENCE: Final = (
    Column(name="utterance_no", kind="whole", sql="f.utterance_no"),
    Column(name="speaker_id", kind="whole", sql="f.speaker_id"),
    Column(name="start_ts", kind="whole", sql="f.start_ts"),
    Column(name="end_ts", kind="whole", sql="f.end_ts"),
    Column(name="quote", kind="text", sql="substr(u.text, f.quote_start + 1, f.quote_end - f.quote_start)"),
)
"""Of the first, the strongest evidence; `*_ts` in ms of call audio."""

COLUMNS: Final[dict[ExportKind, tuple[Column, ...]]] = {
    "findings": (
        *_CALL,
        Column(name="claim_id", kind="id", sql="f.claim_id"),
        Column(name="rubric_id", kind="text", sql="r.rubric_id"),
        Column(name="section_id", kind="text", sql="f.section_id"),
        Column(name="criterion_id", kind="text", sql="f.criterion_id"),
        Column(name="score", kind="text", sql="f.score"),
        Column(name="confidence", kind="real", sql="f.confidence"),
        Column(name="statement", kind="text", sql="f.statement"),
        Column(name="through", kind="whole", sql="f.through"),
        Column(name="cited_as", kind="text", sql="f.cited_as"),
        *_EVIDENCE,
    ),
    "moments": (
        *_CALL,
        Column(name="moment_id", kind="id", sql="f.moment_id"),
        Column(name="type", kind="text", sql="f.type"),
        Column(name="tier", kind="text", sql="f.tier"),
        Column(name="reason", kind="text", sql="f.reason"),
        Column(name="confidence", kind="real", sql="f.confidence"),
        Column(name="nudge", kind="text", sql="f.nudge"),
        Column(name="trigger_ts", kind="whole", sql="f.trigger_ts"),
        Column(name="decided_by", kind="text", sql="f.decided_by"),
        *_EVIDENCE,
    ),
}

_FROM: Final[dict[ExportKind, str]] = {
    # Of each call the newest review that is finished: an earlier one would count its findings twice.
    "findings": "claim f JOIN review r USING (tenant_id, review_id) JOIN call c ON c.tenant_id = f.tenant_id"
    " AND c.call_id = f.call_id JOIN utterance u ON u.tenant_id = f.tenant_id AND u.call_id = f.call_id"
    " AND u.revision = f.revision AND u.utterance_no = f.utterance_no"
    " WHERE f.kind = 'finding' AND f.call_id = ANY (%s) AND r.revision = (SELECT max(n.revision) FROM review n"
    " WHERE n.call_id = f.call_id AND n.status = 'finished')"
    " ORDER BY c.started_at, c.call_id, f.section_id, f.position, f.claim_id",
    "moments": "moment f JOIN call c USING (tenant_id, call_id) JOIN utterance u ON u.tenant_id = f.tenant_id"
    " AND u.call_id = f.call_id AND u.revision = f.revision AND u.utterance_no = f.utterance_no"
    " WHERE f.call_id = ANY (%s) ORDER BY c.started_at, c.call_id, f.trigger_ts, f.moment_id",
}


async def export_rows(
    store: Store,
    tenant_id: UUID,
    kind: ExportKind,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    at_once: int = 50,
) -> AsyncGenerator[list[tuple[Any, ...]]]:
    """Rows of `COLUMNS[kind]` of the ended calls that started from `since` on and before `before`, `at_once` together.

    Each piece is a transaction of its own: whoever reads slowly holds no connection. Raises Unavailable.
    """
    columns = ", ".join(column.sql for column in COLUMNS[kind])
    async with aclosing(_calls(store, tenant_id, since, before, at_once)) as pages:
        async for call_ids in pages:
            async with store.tenant(tenant_id) as connection:
                cursor = await connection.execute(f"SELECT {columns} FROM {_FROM[kind]}", [call_ids])  # pyright: ignore
                rows = await cursor.fetchall()
            if rows:
                yield rows


async def _calls(
    store: Store, tenant_id: UUID, since: datetime | None, before: datetime | None, at_once: int
) -> AsyncGenerator[Sequence[UUID]]:
    last: tuple[datetime, UUID] | None = None
    while True:
        async with store.tenant(tenant_id) as connection:
            page = await _page(connection, since, before, last, at_once)
        if page:
            yield [call_id for _, call_id in page]
        if len(page) < at_once:
            return
        last = page[-1]


async def _page(
    connection: AsyncConnection,
    since: datetime | None,
    before: datetime | None,
    last: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[datetime, UUID]]:
    at, after = (None, None) if last is None else last
    cursor = await connection.execute(
        "SELECT started_at, call_id FROM call WHERE status = 'ended'"
        " AND (%(since)s::timestamptz IS NULL OR started_at >= %(since)s)"
        " AND (%(before)s::timestamptz IS NULL OR started_at < %(before)s)"
        " AND (%(at)s::timestamptz IS NULL OR (started_at, call_id) > (%(at)s, %(after)s::uuid))"
        " ORDER BY started_at, call_id LIMIT %(limit)s",
        {"since": since, "before": before, "at": at, "after": after, "limit": limit},
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]
