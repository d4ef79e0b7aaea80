"""`ridealong policy replay` and `POST /v1/policy/replay`: past calls under a changed policy."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rich.console import Console
from rich.table import Column, Table

from ridealong.core.artifact import evidence_json
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import Reason, Tier
from ridealong.core.transcript import TranscriptId
from ridealong.live.policy_file import with_policy
from ridealong.live.replay import Replayed, replay
from ridealong.live.taxonomy import default_taxonomy, load_taxonomy
from ridealong.postcall.render import timecode
from ridealong.store import Store, calls, moments, tenants

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.config import Settings
    from ridealong.live.taxonomy import Taxonomy

Json = Mapping[str, object]

NOT_RECORDED: Final = "not recorded"

RECORDED_ONLY: Final = (
    "Only what was recorded can be decided anew: a `detect` or a timing limit lower than the call's own finds nothing"
    " more here; `documents/taxonomy/…/preview` judges the words again."
)
ASSUMED: Final = (
    "Moments of calls before this was kept have no time of decision: they are taken as decided at once (late ones as"
    " late), with the rep's voice as the finished transcript has it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedCall:
    """A call and its moments under the other policy; `audio_ms` is its length."""

    call_id: UUID
    title: str
    audio_ms: int
    moments: tuple[Replayed, ...]


@dataclass(frozen=True, slots=True)
class StoredReplays:
    """Implements `web.services.PolicyReplays`."""

    store: Store

    async def __call__(self, tenant_id: UUID, call_ids: Sequence[UUID], *, policy: str, taxonomy: str) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            base = await _base_taxonomy(conn, taxonomy, "taxonomy")
            chosen = await asyncio.to_thread(with_policy, base, policy, "policy") if policy.strip() else base
            found = [await replay_call(conn, call_id, chosen) for call_id in call_ids]
        return replay_json(found)


async def replay_call(conn: AsyncConnection, call_id: UUID, taxonomy: Taxonomy) -> ReplayedCall:
    """One call of the tenant under the policy of `taxonomy`. Raises Refused('unknown_call')."""
    call = await calls.load_call(conn, call_id)
    # As it was heard live: a later transcript counts its utterances anew, and what was decided was decided on this one.
    first = TranscriptId(call_id=call_id, revision=1)
    transcript = await calls.load_transcript(conn, first)
    roles = await calls.load_roles(conn, first)
    # What a person added afterwards no policy ever decided.
    stored = [m for m in await moments.load_moments(conn, transcript) if m.moment.reason is not Reason.ADDED]
    order = await moments.decision_order(conn, call_id)
    stored.sort(key=lambda m: order[m.moment_id])
    return ReplayedCall(
        call_id=call_id,
        title=call.title,
        audio_ms=max(call.audio_ms, transcript.end_ts),
        moments=replay(stored, taxonomy, transcript, roles),
    )


def replay_json(found: Sequence[ReplayedCall]) -> Json:
    """All of it, as the command's `--json` and the API show it."""
    everything = [m for call in found for m in call.moments]
    return {
        "calls": [
            {
                "call_id": str(call.call_id),
                "title": call.title,
                **_figures(call.moments, call.audio_ms),
                "changes": [_change(m) for m in call.moments if m.changed],
                "kept": [_change(m) for m in call.moments if not m.changed and _shown(m)],
            }
            for call in found
        ],
        "total": _figures(everything, sum(call.audio_ms for call in found)),
        "notes": [RECORDED_ONLY, *([ASSUMED] if any(m.assumed for m in everything) else [])],
    }


def _figures(of: Sequence[Replayed], audio_ms: int) -> dict[str, object]:
    types = sorted({m.stored.moment.type for m in of})
    return {
        "audio_ms": audio_ms,
        "moments": len(of),
        "was": _side([m for m in of if m.stored.moment.tier is Tier.NUDGE], audio_ms, (_was(m) for m in of)),
        "would": _side([m for m in of if _shown(m)], audio_ms, (_would(m) for m in of)),
        "types": {
            name: {
                "moments": sum(m.stored.moment.type == name for m in of),
                "was": sum(m.stored.moment.type == name and m.stored.moment.tier is Tier.NUDGE for m in of),
                "would": sum(m.stored.moment.type == name and _shown(m) for m in of),
            }
            for name in types
        },
    }


def _side(shown: Sequence[Replayed], audio_ms: int, reasons: Iterable[str]) -> dict[str, object]:
    return {
        "nudges": len(shown),
        "per_10_minutes": round(len(shown) / (audio_ms / 600_000), 2) if audio_ms > 0 else None,
        "reasons": dict(sorted(Counter(reasons).items())),
    }


def _shown(moment: Replayed) -> bool:
    return moment.would is not None and moment.would.tier is Tier.NUDGE


def _was(moment: Replayed) -> str:
    return moment.stored.moment.reason.value


def _would(moment: Replayed) -> str:
    return NOT_RECORDED.replace(" ", "_") if moment.would is None else moment.would.reason.value


def _change(of: Replayed) -> dict[str, object]:
    was = of.stored.moment
    would = None if of.would is None else {"tier": of.would.tier.value, "reason": of.would.reason.value}
    return {
        "moment_id": str(of.stored.moment_id),
        "type": was.type,
        "nudge": was.nudge,
        "confidence": round(was.confidence, 3),
        "trigger_ts": was.trigger_ts,
        "decided_ts": of.circumstances.decided_ts,
        "was": {"tier": was.tier.value, "reason": was.reason.value},
        "would": would,
        "evidence": [evidence_json(e) for e in was.evidence],
    }


# ---- the command


async def run_replay(
    settings: Settings,
    call_ids: Sequence[UUID],
    *,
    tenant: str,
    policy: Path | None,
    taxonomy: Path | None,
    as_json: bool,
) -> None:
    """Print what would have been delivered. Raises InvalidDocument before any call is read, Refused or Unavailable."""
    policy_text = None if policy is None else await asyncio.to_thread(_read, policy)
    taxonomy_text = "" if taxonomy is None else await asyncio.to_thread(_read, taxonomy)
    store = await Store.open(settings)
    try:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        async with store.tenant(tenant_id) as conn:
            chosen = await _base_taxonomy(conn, taxonomy_text, taxonomy.name if taxonomy else "taxonomy")
            if policy is not None and policy_text is not None:
                chosen = with_policy(chosen, policy_text, policy.name)
            found = [await replay_call(conn, call_id, chosen) for call_id in call_ids]
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps(replay_json(found), indent=2, ensure_ascii=False) + "\n")
        return
    show(found, Console(highlight=False))


async def _base_taxonomy(conn: AsyncConnection, text: str, source: str) -> Taxonomy:
    """The one stated, else the tenant's own, else the product's."""
    if text.strip():
        return await asyncio.to_thread(load_taxonomy, text, source)
    own = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
    if own is None:
        return await asyncio.to_thread(default_taxonomy)
    return await asyncio.to_thread(load_taxonomy, own.body, "taxonomy")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDocument("this is no readable UTF-8 text file", source=str(path)) from error


def show(found: Sequence[ReplayedCall], out: Console) -> None:
    """The differences of each call, then the totals."""
    for call in found:
        changed = [m for m in call.moments if m.changed]
        out.print(f"[bold]{call.call_id}[/bold]  {len(call.moments)} moments, {len(changed)} decided otherwise")
        if changed:
            out.print(_difference_table(changed))
    everything = [m for call in found for m in call.moments]
    minutes = sum(call.audio_ms for call in found) / 60_000
    totals = Table("type", "moments", "nudged", "would be nudged", box=None, pad_edge=False)
    for name in sorted({m.stored.moment.type for m in everything}):
        own = [m for m in everything if m.stored.moment.type == name]
        totals.add_row(
            name,
            str(len(own)),
            str(sum(m.stored.moment.tier is Tier.NUDGE for m in own)),
            str(sum(_shown(m) for m in own)),
        )
    out.print(totals)
    was = sum(m.stored.moment.tier is Tier.NUDGE for m in everything)
    would = sum(_shown(m) for m in everything)
    if minutes > 0:
        out.print(
            f"{was} nudges in {minutes:.1f} minutes ({was / minutes * 10:.1f} in 10); under this policy {would}"
            f" ({would / minutes * 10:.1f} in 10)."
        )
    for note in [RECORDED_ONLY, *([ASSUMED] if any(m.assumed for m in everything) else [])]:
        out.print(f"[dim]{note}[/dim]")


def _difference_table(changed: Sequence[Replayed]) -> Table:
    table = Table("at", Column("type", no_wrap=True), "sure", "was", "would be", "quote", box=None, pad_edge=False)
    for of in changed:
        was = of.stored.moment
        quote = was.evidence[0].quote
        table.add_row(
            timecode(of.circumstances.decided_ts),
            was.type,
            f"{was.confidence:.0%}",
            _words(was.tier, was.reason),
            NOT_RECORDED if of.would is None else _words(of.would.tier, of.would.reason),
            # Not markup: what people said may hold brackets.
            quote[:57].replace("[", r"\[") + ("…" if len(quote) > 57 else ""),
        )
    return table


def _words(tier: Tier, reason: Reason) -> str:
    return "nudged" if tier is Tier.NUDGE else f"noted: {reason.value.replace('_', ' ')}"
