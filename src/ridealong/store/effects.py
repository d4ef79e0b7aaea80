"""How far nudges got, and whether reps did what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.effects import Effect, EffectCounts, NudgeOutcome
from ridealong.core.events import NudgeSighted
from ridealong.core.moments import Reason, Tier, Verdict
from ridealong.core.transcript import Transcript
from ridealong.store.evidence import COLUMNS, columns_of, evidence_of
from ridealong.store.team import Span

_CITED: Final = COLUMNS[1:]
"""Without the call, which every row has."""

_CITED_LIST: Final = ", ".join(_CITED)
_VALUE_LIST: Final = ", ".join(f"%({column})s" for column in _CITED)
_CHANGED_LIST: Final = ", ".join(f"{column} = EXCLUDED.{column}" for column in _CITED)


async def record_sighting(connection: AsyncConnection, call_id: UUID, sighted: NudgeSighted) -> None:
    """Keep how far a nudge got; the first time counts."""
    await connection.execute(
        "INSERT INTO nudge_sighting (tenant_id, moment_id, call_id, sight, at_ts)"
        " VALUES (current_tenant(), %s, %s, %s, %s) ON CONFLICT (tenant_id, moment_id, sight) DO NOTHING",
        [sighted.moment_id, call_id, sighted.sight.value, sighted.at_ts],
    )


async def save_effects(connection: AsyncConnection, call_id: UUID, effects: Sequence[Effect]) -> None:
    """Keep what was judged of a call's nudges, in place of earlier judgements. Raises Ungrounded."""
    async with connection.cursor() as writing:
        await writing.executemany(
            f"INSERT INTO nudge_effect (tenant_id, moment_id, call_id, acted_on, confidence, {_CITED_LIST})"
            f" VALUES (current_tenant(), %(moment_id)s, %(call_id)s, %(acted_on)s, %(confidence)s, {_VALUE_LIST})"
            f" ON CONFLICT (tenant_id, moment_id) DO UPDATE SET acted_on = EXCLUDED.acted_on,"
            f" confidence = EXCLUDED.confidence, {_CHANGED_LIST}, judged_at = now()",
            [
                {
                    **dict.fromkeys(_CITED),
                    **({} if effect.evidence is None else columns_of(effect.evidence)),
                    "moment_id": effect.moment_id,
                    "call_id": call_id,
                    "acted_on": effect.acted_on,
                    "confidence": effect.confidence,
                }
                for effect in effects
            ],
        )


async def load_outcomes(
    connection: AsyncConnection, call_id: UUID, transcripts: dict[int, Transcript]
) -> list[NudgeOutcome]:
    """Each nudge of a call, and each that was held out, with what became of it, in order of its trigger.

    `transcripts`: the call's, by revision; an effect that cites another is left out.
    """
    cursor = await connection.execute(
        "SELECT m.moment_id, m.type, m.tier, m.reason, m.nudge, m.trigger_ts, m.decided_ts,"
        " (SELECT at_ts FROM nudge_sighting s WHERE s.moment_id = m.moment_id AND s.sight = 'sent'),"
        " (SELECT at_ts FROM nudge_sighting s WHERE s.moment_id = m.moment_id AND s.sight = 'seen'),"
        " (SELECT array_agg(f.verdict ORDER BY f.given_at) FROM moment_feedback f WHERE f.moment_id = m.moment_id),"
        " e.acted_on, e.confidence, e.revision, e.utterance_no, e.quote_start, e.quote_end"
        " FROM moment m LEFT JOIN nudge_effect e ON e.moment_id = m.moment_id"
        " WHERE m.call_id = %s AND (m.tier = 'nudge' OR m.reason = 'held_out')"
        " ORDER BY m.trigger_ts, m.moment_id",
        [call_id],
    )
    return [_outcome(row, transcripts) for row in await cursor.fetchall()]


def _outcome(row: tuple[Any, ...], transcripts: dict[int, Transcript]) -> NudgeOutcome:
    effect: Effect | None = None
    if row[10] is not None:
        cited = transcripts.get(row[12])
        evidence = None
        if row[10] and cited is not None:
            evidence = evidence_of(cited, row[13], row[14], row[15])
        if evidence is not None or not row[10]:
            effect = Effect(moment_id=row[0], acted_on=row[10], confidence=row[11], evidence=evidence)
    return NudgeOutcome(
        moment_id=row[0],
        type=row[1],
        tier=Tier(row[2]),
        reason=Reason(row[3]),
        nudge=row[4],
        trigger_ts=row[5],
        decided_ts=row[6],
        sent_ts=row[7],
        seen_ts=row[8],
        verdicts=tuple(Verdict(v) for v in row[9] or ()),
        effect=effect,
    )


async def last_trigger(connection: AsyncConnection, call_id: UUID, type_id: str) -> int | None:
    """When the last moment of that type was triggered, ms of call audio; None where there is none."""
    cursor = await connection.execute(
        "SELECT max(trigger_ts) FROM moment WHERE call_id = %s AND type = %s", [call_id, type_id]
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def effect_counts(connection: AsyncConnection, span: Span, *, max_lateness_ms: int) -> list[EffectCounts]:
    """Counts of each rep and type over ended calls.

    Late: decided more than `max_lateness_ms` after its trigger, sent later than that, or called "not now" by anybody.
    """
    cursor = await connection.execute(
        "SELECT c.rep_id, m.type,"
        " count(*) FILTER (WHERE m.tier = 'nudge'),"
        " count(*) FILTER (WHERE m.tier = 'nudge' AND EXISTS (SELECT FROM nudge_sighting s"
        "  WHERE s.moment_id = m.moment_id AND s.sight = 'sent')),"
        " count(*) FILTER (WHERE m.tier = 'nudge' AND EXISTS (SELECT FROM nudge_sighting s"
        "  WHERE s.moment_id = m.moment_id AND s.sight = 'seen')),"
        " count(*) FILTER (WHERE m.tier = 'nudge' AND (EXISTS (SELECT FROM nudge_sighting s"
        "  WHERE s.moment_id = m.moment_id AND s.sight = 'sent' AND s.at_ts - m.trigger_ts > %(late)s)"
        "  OR EXISTS (SELECT FROM moment_feedback f WHERE f.moment_id = m.moment_id AND f.verdict = 'not_now'))),"
        " count(*) FILTER (WHERE m.tier = 'nudge' AND e.acted_on IS NOT NULL),"
        " count(*) FILTER (WHERE m.tier = 'nudge' AND e.acted_on),"
        " count(*) FILTER (WHERE m.reason = 'held_out'),"
        " count(*) FILTER (WHERE m.reason = 'held_out' AND e.acted_on IS NOT NULL),"
        " count(*) FILTER (WHERE m.reason = 'held_out' AND e.acted_on)"
        " FROM call c JOIN moment m ON m.tenant_id = c.tenant_id AND m.call_id = c.call_id"
        " LEFT JOIN nudge_effect e ON e.tenant_id = m.tenant_id AND e.moment_id = m.moment_id"
        " WHERE c.tenant_id = current_tenant() AND c.status = 'ended'"
        " AND (m.tier = 'nudge' OR m.reason = 'held_out')"
        " AND c.started_at >= coalesce(%(from)s, '-infinity'::timestamptz)"
        " AND c.started_at < coalesce(%(to)s, 'infinity'::timestamptz) AND c.rep_id = coalesce(%(rep)s, c.rep_id)"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        {"late": max_lateness_ms, "from": span.started_from, "to": span.started_to, "rep": span.rep_id},
    )
    return [
        EffectCounts(
            rep_id=row[0],
            type=row[1],
            shown=row[2],
            sent=row[3],
            seen=row[4],
            late=row[5],
            judged=row[6],
            acted_on=row[7],
            held_out=row[8],
            held_out_judged=row[9],
            held_out_acted_on=row[10],
        )
        for row in await cursor.fetchall()
    ]
