"""`ridealong taxonomy …`: train a tenant's classifier, choose the version that judges, and see what feedback did."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ridealong.app.terminal import printable
from ridealong.app.tuning import TenantTuning, Then
from ridealong.core.author import Author
from ridealong.store import Store, tenants

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from ridealong.config import Settings

OPERATOR = Author(member_id=None, name="command line")


@asynccontextmanager
async def _opened(settings: Settings, tenant: str) -> AsyncGenerator[tuple[TenantTuning, UUID]]:
    store = await Store.open(settings)
    try:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        tuning = TenantTuning(store=store, models_dir=settings.models_dir)
        try:
            yield tuning, tenant_id
        finally:
            await tuning.close()
    finally:
        await store.close()


async def train(settings: Settings, *, tenant: str, then: Then, trust_feedback: bool, as_json: bool) -> bool:
    """Train, print what came of it; False where the training failed."""
    async with _opened(settings, tenant) as (tuning, tenant_id):
        found = await tuning.train(tenant_id, OPERATOR, then=then, trust_feedback=trust_feedback)
    if as_json:
        _print_json(found)
    else:
        show_version(dict(found), Console(highlight=False))
    return found["state"] != "failed"


async def list_versions(settings: Settings, *, tenant: str, as_json: bool) -> None:
    async with _opened(settings, tenant) as (tuning, tenant_id):
        found: Any = await tuning.versions(tenant_id)
    if as_json:
        _print_json(found)
        return
    out = Console(highlight=False)
    out.print(_judged_by(found["judged_by"]))
    for note in found["notes"]:
        out.print(Text(note, style="yellow"))
    dates = (Column("since", no_wrap=True), "by", Column("trained", no_wrap=True), "by")
    table = Table("version", "state", *dates, "after its training", box=None)
    for one in found["versions"]:
        said = one["failure"] or one["report"].get("outcome", "")
        table.add_row(
            str(one["version"]),
            one["state"],
            one["changed_at"][:16].replace("T", " "),
            printable(one["changed_by"]),
            one["created_at"][:10],
            printable(one["created_by"]["name"]),
            said,
        )
    out.print(table)


async def move(settings: Settings, *, tenant: str, version: int, to: Literal["live", "shadow", "retired"]) -> str:
    """Raises Refused."""
    async with _opened(settings, tenant) as (tuning, tenant_id):
        await tuning.move(tenant_id, version, to, OPERATOR)
        found: Any = await tuning.versions(tenant_id)
    if to == "live":
        return f"Version {version} judges new calls."
    does = "runs in shadow on new calls" if to == "shadow" else "judges nothing any more"
    # It may have been the live one: then nobody should think that it still is.
    return f"Version {version} {does}. {_judged_by(found['judged_by'])}"


def _judged_by(version: int | None) -> str:
    return "New calls are judged by " + ("the shipped classifier." if version is None else f"version {version}.")


async def show_shadow(settings: Settings, *, tenant: str, version: int) -> None:
    async with _opened(settings, tenant) as (tuning, tenant_id):
        _print_json(await tuning.shadow(tenant_id, version, None))


async def show_queue(settings: Settings, *, tenant: str, limit: int, as_json: bool) -> None:
    async with _opened(settings, tenant) as (tuning, tenant_id):
        found: Any = await tuning.queue(tenant_id, limit=limit)
    if as_json:
        _print_json(found)
        return
    out = Console(highlight=False)
    for item in found["items"]:
        minutes, seconds = divmod(item["start_ts"] // 1000, 60)
        line = Text(f"{item['type']} at {item['probability']:.2f}?  ", style="cyan")
        line.append(printable(item["text"]))
        line.append(f"  {item['call_id']} {minutes:02d}:{seconds:02d}", style="dim")
        out.print(line)
    if not found["items"]:
        out.print("Nothing is in doubt.")


async def show_feedback(settings: Settings, *, tenant: str) -> None:
    async with _opened(settings, tenant) as (tuning, tenant_id):
        _print_json(await tuning.feedback(tenant_id))


def _print_json(found: object) -> None:
    Console(highlight=False, soft_wrap=True).print(json.dumps(found, indent=2, ensure_ascii=False), markup=False)


def show_version(found: dict[str, Any], out: Console) -> None:
    """What a training says of itself."""
    if found["failure"]:
        out.print(Text(f"Version {found['version']} failed: {found['failure']}", style="red"))
        return
    report = found["report"]
    given = ", ".join(f"{count} {source}" for source, count in report["examples"].items())
    out.print(f"Version {found['version']}, {report['seconds']:.1f} s, examples: {given or 'none'}.")
    for left in report["left_out"]:
        who = printable(left["by_name"]) or "all feedback of the tenant"
        out.print(Text(f"Left out: {left['statements']} statements of {who}, which {left['reason']}.", style="yellow"))
        out.print("  If that is right all the same: --trust-feedback")
    for one in report["trusted"]:
        out.print(Text(f"Trusted on your word: {one['statements']} of {printable(one['by_name'])}.", style="yellow"))
    table = Table(Column("type", no_wrap=True), "yes", "no", "found again", "false alarms", "expected F1", box=None)
    thin: list[str] = []
    for one in report["types"]:
        if one["trained"]:
            recall = one["recall"]
            table.add_row(
                one["type"],
                str(one["positives"]),
                str(one["negatives"]),
                f"{recall['value']:.0%} ({recall['low']:.0%} to {recall['high']:.0%})",
                f"{one['false_alarms']:.1%}",
                f"{one['expected_f1']:.2f} ({one['expected_f1_low']:.2f} to {one['expected_f1_high']:.2f})",
            )
        if one["thin"]:
            # Below the table, for a sentence in a column of it would leave the others no room.
            thin.append(f"{one['type']} is {'thin' if one['trained'] else 'not trained'}: {one['thin']}")
    if table.row_count:
        out.print(table)
    for line in thin:
        out.print(line)
    for pair in report["confused"]:
        out.print(f"{pair['count']} examples of {pair['type']} are taken for {pair['taken_for']}:")
        for example in pair["examples"]:
            where = example.get("text") or f"call {example['call_id']}, utterance {example['utterance_no']}"
            out.print(Text(f"  {printable(where)}", style="dim"))
    _show_compared(report, out)
    changes = report["changes"]
    out.print(
        f"In {changes['utterances']} utterances of past calls: {changes['added']} moments more,"
        f" {changes['removed']} fewer."
    )
    out.print(Text(f"It is {found['state']}: {report['outcome']}.", style="bold"))


def _show_compared(report: dict[str, Any], out: Console) -> None:
    guard, own = report["guard"], report["own_calls"]
    if guard["types"]:
        out.print(
            f"Shipped calls ({guard['calls']}): macro-F1 {guard['running']:.3f} → {guard['candidate']:.3f}"
            f" ({guard['low']:+.3f} to {guard['high']:+.3f}), compared with {report['compared_with']}."
        )
    else:
        out.print("The taxonomy has none of the shipped types, so the shipped calls say nothing of it.")
    if own is not None:
        out.print(
            f"Your calls ({own['calls']}, {own['labelled']} labels): {own['running']:.0%} → {own['candidate']:.0%} met."
        )
