"""`ridealong moments eval`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ridealong.app import models
from ridealong.app.evaluation.budget import Budget
from ridealong.app.evaluation.labelled import read_labelled, transcripts_in
from ridealong.app.evaluation.measures import Evaluation, evaluate, types_to_score
from ridealong.app.evaluation.page import page
from ridealong.app.evaluation.play import Stage
from ridealong.app.evaluation.report import as_json, show
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import TIMING_TYPES
from ridealong.live.head import Head
from ridealong.live.taxonomy import default_taxonomy, load_taxonomy
from ridealong.store import Store, taxonomy_versions, tenants

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.store.taxonomy_versions import StoredHead


async def evaluate_files(
    settings: Settings, paths: Sequence[Path], *, tenant: str | None, version: int | None = None
) -> Evaluation:
    """Judge the labelled files with the taxonomy, policy and classifier of `tenant`, or the product's own.

    Raises InvalidDocument before anything is judged, Refused, MissingPart or Unavailable.
    """
    document, head = (None, None) if tenant is None else await _own_of(settings, tenant, version)
    taxonomy = default_taxonomy() if document is None else load_taxonomy(document, "taxonomy")
    content = [t.id for t in taxonomy.content_types]
    learned = set[str]() if head is None else set(Head.of_bytes(head.head).types)
    if waiting := [t.id for t in taxonomy.content_types if t.examples and t.id not in learned]:
        sys.stderr.write(f"not learned yet (ridealong taxonomy train --tenant {tenant}): {', '.join(waiting)}\n")
    known = {*content, *TIMING_TYPES}
    files = await asyncio.to_thread(transcripts_in, paths)
    calls = [read_labelled(path, known) for path in files]
    for path, call in zip(files, calls, strict=True):
        if call.unlabelled:
            sys.stderr.write(
                f"{path.name}: {call.unlabelled} of {len(call.truth)} lines have no `moments`, and are taken for lines"
                " that hold none\n"
            )
    if not calls:
        raise InvalidDocument("give at least one labelled transcript, or a folder of them")
    loaded = await asyncio.to_thread(models.load, settings)
    async with Stage.open(settings, loaded, document, head) as stage:
        played = await stage.play_all(calls)
    budget = Budget(max_nudges=taxonomy.policy.max_nudges, window_ms=round(taxonomy.policy.window_s * 1000))
    return evaluate(played, types_to_score(content, played), budget)


async def _own_of(settings: Settings, slug: str, version: int | None) -> tuple[str | None, StoredHead | None]:
    """The tenant's document, and the head that judges its calls (or that version's)."""
    store = await Store.open(settings)
    try:
        tenant = await tenants.find_tenant(store, slug)
        async with store.tenant(tenant.tenant_id) as conn:
            found = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
            if version is None:
                head = (await taxonomy_versions.heads_in_use(conn)).live
            else:
                head = await taxonomy_versions.load_head(conn, version)
    finally:
        await store.close()
    return None if found is None else found.body, head


async def run_evaluation(
    settings: Settings,
    paths: Sequence[Path],
    *,
    tenant: str | None,
    version: int | None = None,
    json_wanted: bool,
    html: Path | None,
) -> None:
    """The command: print the report, or JSON, and write the page where one is wanted."""
    if html is not None:
        # Before minutes of work, not after.
        await asyncio.to_thread(_check_place, html)
    found = await evaluate_files(settings, paths, tenant=tenant, version=version)
    if html is not None:
        await asyncio.to_thread(_write, html, page(found))
    if json_wanted:
        sys.stdout.write(json.dumps(as_json(found), indent=2) + "\n")
    else:
        show(found, Console(highlight=False))


def _check_place(to: Path) -> None:
    if to.is_dir() or not to.parent.is_dir():
        raise InvalidDocument("the page cannot be written here: give another path", source=str(to))


def _write(to: Path, text: str) -> None:
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidDocument("the page cannot be written here: give another path", source=str(to)) from error
