"""Did nudges help? By what it is judged, what became of each nudge of a call, and rates of types and reps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, reduce
from operator import add
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.core.artifact import evidence_json
from ridealong.core.effects import ActsOn, EffectCounts, NudgeOutcome, in_words, rate, uplift
from ridealong.core.errors import Refused
from ridealong.core.rubric import Criterion
from ridealong.core.transcript import Role, TranscriptId
from ridealong.live.taxonomy import Taxonomy, default_taxonomy_text, load_taxonomy
from ridealong.store import Store, calls, effects, reviews, tenants
from ridealong.store.team import Span

if TYPE_CHECKING:
    from psycopg import AsyncConnection

Json = Mapping[str, object]

AGREED: Final = "commitment_offered"
"""A moment of this type after a nudge: a next step was agreed on, or offered."""


@lru_cache(maxsize=64)
def _taxonomy_of(text: str) -> Taxonomy:
    return load_taxonomy(text, "taxonomy")


async def _taxonomy(conn: AsyncConnection) -> Taxonomy:
    own = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
    text = default_taxonomy_text() if own is None else own.body
    return await asyncio.to_thread(_taxonomy_of, text)


def acts_on(taxonomy: Taxonomy) -> dict[str, ActsOn]:
    """What acting on each type's nudges looks like, for the types that say it."""
    found: dict[str, ActsOn] = {}
    for of in taxonomy.types:
        if not of.acted_on_by and of.acted_on_when is None:
            continue
        criterion = None
        if of.acted_on_by:
            criterion = Criterion(
                id=f"acted_on_{of.id}",
                question=f"Did the rep do this: {of.nudges[-1]}",
                role=Role.REP,
                shown_by=of.acted_on_by,
            )
        found[of.id] = ActsOn(criterion=criterion, when=of.acted_on_when)
    return found


@dataclass(frozen=True, slots=True)
class StoredEffects:
    """Implements `web.shelves.Effects`; `acts_of` is what the review's step goes by."""

    store: Store

    async def acts_of(self, tenant_id: UUID) -> Mapping[str, ActsOn]:
        async with self.store.tenant(tenant_id) as conn:
            return acts_on(await _taxonomy(conn))

    async def of_call(self, tenant_id: UUID, call_id: UUID) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            taxonomy = await _taxonomy(conn)
            newest = await calls.latest_revision(conn, call_id)
            transcripts = {
                number: await calls.load_transcript(conn, TranscriptId(call_id=call_id, revision=number))
                for number in range(1, newest.revision + 1)
            }
            found = await effects.load_outcomes(conn, call_id, transcripts)
            agreed_ts = await effects.last_trigger(conn, call_id, AGREED)
            score = None
            with suppress(Refused):
                review = await reviews.find_review(conn, call_id)
                score = review.score if review.assessed else None
        limit_ms = round(taxonomy.policy.max_lateness_s * 1000)
        return {
            "score": None if score is None else round(score, 1),
            "nudges": [
                {
                    **_outcome_json(of, limit_ms),
                    "next_step_after": agreed_ts is not None and agreed_ts > of.trigger_ts,
                }
                for of in found
            ],
        }

    async def figures(
        self, tenant_id: UUID, *, started_from: datetime | None, started_to: datetime | None, rep_id: str | None
    ) -> Json:
        span = Span(started_from=started_from, started_to=started_to, rep_id=rep_id)
        async with self.store.tenant(tenant_id) as conn:
            taxonomy = await _taxonomy(conn)
            limit_ms = round(taxonomy.policy.max_lateness_s * 1000)
            counts = await effects.effect_counts(conn, span, max_lateness_ms=limit_ms)
        labels = {t.id: t.label for t in taxonomy.types}
        types, reps = sorted({of.type for of in counts}), sorted({of.rep_id for of in counts})
        return {
            "hold_out": taxonomy.policy.hold_out,
            "all": _figures(counts),
            "types": [
                {
                    "type": name,
                    "label": labels.get(name, name.replace("_", " ").capitalize()),
                    **_figures([of for of in counts if of.type == name]),
                }
                for name in types
            ],
            "reps": [{"rep_id": rep, **_figures([of for of in counts if of.rep_id == rep])} for rep in reps],
        }


def _figures(counts: Sequence[EffectCounts]) -> dict[str, object]:
    of = reduce(add, counts, EffectCounts(rep_id="", type=""))
    return {
        "shown": of.shown,
        "held_out": of.held_out,
        "sent": rate(of.sent, of.shown).as_json(),
        "seen": rate(of.seen, of.shown).as_json(),
        "felt_late": rate(of.late, of.shown).as_json(),
        "acted_on": rate(of.acted_on, of.judged).as_json(),
        "acted_on_held_out": rate(of.held_out_acted_on, of.held_out_judged).as_json(),
        "uplift": uplift(of.acted_on, of.judged, of.held_out_acted_on, of.held_out_judged).as_json(),
        "in_words": in_words(of),
    }


def _outcome_json(of: NudgeOutcome, limit_ms: int) -> dict[str, object]:
    effect = of.effect
    cited = None if effect is None else effect.evidence
    return {
        "moment_id": str(of.moment_id),
        "type": of.type,
        "tier": of.tier.value,
        "reason": of.reason.value,
        "nudge": of.nudge,
        "trigger_ts": of.trigger_ts,
        "decided_ts": of.decided_ts,
        "sent_ts": of.sent_ts,
        "seen_ts": of.seen_ts,
        "felt_late": of.felt_late(limit_ms),
        "verdicts": [v.value for v in of.verdicts],
        "acted_on": None if effect is None else effect.acted_on,
        "confidence": None if effect is None else round(effect.confidence, 3),
        "evidence": None if cited is None else {**evidence_json(cited), "revision": cited.transcript_id.revision},
    }
