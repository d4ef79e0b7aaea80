"""How reps and the team do over weeks: numbers over ended calls, counted by the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

from psycopg import AsyncConnection


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """Over `n` calls that have the number; `value` is None where none has."""

    value: float | None
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamFigures:
    """Of one rep (`key` its id) or one week (`key` its Monday, `2026-11-16`)."""

    key: str
    name: str
    calls: int
    talk_ratio: Mean
    questions: Mean
    score: Mean
    nudges: int
    nudges_helpful: int
    nudges_wrong: int
    moments: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which calls are counted: of whom, and begun when. None: all. `started_to` is not included."""

    started_from: datetime | None = None
    started_to: datetime | None = None
    rep_id: str | None = None


_BY: Final[dict[str, tuple[LiteralString, LiteralString]]] = {
    "rep": ("c.rep_id", "coalesce(nullif(max(p.name), ''), c.rep_id)"),
    "week": ("to_char(date_trunc('week', c.started_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD')", "''"),
}


async def team_figures(
    connection: AsyncConnection,
    by: Literal["rep", "week"],
    span: Span,
) -> list[TeamFigures]:
    """Figures of each rep (`by` = "rep") or each week ("week", from Monday, UTC) that has an ended call.

    Scores and statistics are those of each call's newest review; a call without them counts, and is in no mean.
    """
    key, name = _BY[by]
    grouped: LiteralString = "c.rep_id" if by == "rep" else "1"
    values = {"from": span.started_from, "to": span.started_to, "rep": span.rep_id}
    chosen: LiteralString = (
        "c.tenant_id = current_tenant() AND c.status = 'ended'"
        " AND c.started_at >= coalesce(%(from)s, '-infinity'::timestamptz)"
        " AND c.started_at < coalesce(%(to)s, 'infinity'::timestamptz) AND c.rep_id = coalesce(%(rep)s, c.rep_id)"
    )
    cursor = await connection.execute(
        f"SELECT {key}, {name}, count(*),"
        " avg(r.talk), count(r.talk), avg(r.questions), count(r.questions), avg(r.score), count(r.score),"
        " coalesce(sum(m.nudges), 0), coalesce(sum(f.helpful), 0), coalesce(sum(f.wrong), 0)"
        " FROM call c JOIN rep p ON p.tenant_id = c.tenant_id AND p.rep_id = c.rep_id"
        " LEFT JOIN (SELECT DISTINCT ON (call_id) call_id,"
        " (statistics -> 'values' ->> 'talk_ratio_of_speech')::double precision AS talk,"
        " (statistics -> 'values' ->> 'rep_questions')::double precision AS questions,"
        " CASE WHEN assessed THEN score END AS score"
        " FROM review WHERE status = 'finished' ORDER BY call_id, revision DESC) r ON r.call_id = c.call_id"
        " LEFT JOIN (SELECT call_id, count(*) AS nudges FROM moment WHERE tier = 'nudge' GROUP BY call_id) m"
        " ON m.call_id = c.call_id"
        # What the call's own rep said, or anybody where several did: a nudge counts once for each that judged it.
        " LEFT JOIN (SELECT call_id, count(*) FILTER (WHERE verdict = 'helpful') AS helpful,"
        " count(*) FILTER (WHERE verdict = 'wrong') AS wrong FROM moment_feedback GROUP BY call_id) f"
        f" ON f.call_id = c.call_id WHERE {chosen} GROUP BY {grouped} ORDER BY 1",
        values,
    )
    found = {row[0]: _figures(row) for row in await cursor.fetchall()}
    cursor = await connection.execute(
        f"SELECT {key}, m.type, count(*) FROM call c JOIN moment m ON m.tenant_id = c.tenant_id"
        f" AND m.call_id = c.call_id WHERE {chosen} GROUP BY 1, 2 ORDER BY 1, 2",
        values,
    )
    for group, moment_type, number in await cursor.fetchall():
        # A call that ended between the two questions is in the next answer.
        if group in found:
            found[group].moments[moment_type] = number
    return list(found.values())


def _figures(row: tuple[Any, ...]) -> TeamFigures:
    return TeamFigures(
        key=row[0],
        name=row[1],
        calls=row[2],
        talk_ratio=Mean(value=row[3], n=row[4]),
        questions=Mean(value=row[5], n=row[6]),
        score=Mean(value=row[7], n=row[8]),
        nudges=int(row[9]),
        nudges_helpful=int(row[10]),
        nudges_wrong=int(row[11]),
    )
