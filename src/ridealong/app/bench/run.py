"""`ridealong bench`: all parts, one table."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from ridealong.app.bench import (
    agreement,
    call_list,
    cascade,
    hosted,
    live,
    pages,
    parts,
    rendering,
    retrieval,
    vendors,
)
from ridealong.app.bench.measure import Row, machine
from ridealong.core.errors import InvalidSettings

PARTS: dict[str, Callable[[], list[Row]]] = {
    "start": lambda: asyncio.run(live.start_up()),
    "classify": parts.classification,
    "cascade": cascade.rows,
    "speech": parts.hearing,
    "nudge": lambda: asyncio.run(live.nudge_latency()),
    "calls": lambda: asyncio.run(live.many_calls()),
    "memory": lambda: asyncio.run(live.memory()),
    "review": parts.artifact,
    "agreement": agreement.rows,
    "hosted": hosted.rows,
    "vendors": vendors.rows,
    "search": parts.searching,
    "list": call_list.rows,
    "render": rendering.rows,
    "retrieval": retrieval.rows,
    "pages": pages.rows,
}


def run_bench(names: list[str], *, as_json: bool) -> int:
    """Measure the named parts, all when none is named. Returns 1 when a figure is below its floor."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise InvalidSettings(f"there is no part '{unknown[0]}': use {', '.join(PARTS)}")
    out = Console(stderr=True, highlight=False)
    out.print(machine())
    rows: list[Row] = []
    for part in names or list(PARTS):
        out.print(f"measuring {part} …")
        rows += PARTS[part]()
    if as_json:
        sys.stdout.write(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}, indent=2) + "\n")
    else:
        table = Table("what", "seen", "at least", "aim", "", title=machine(), title_justify="left")
        for row in rows:
            mark = "" if row.ok is None else ("ok" if row.ok else "BELOW")
            table.add_row(row.what, row.value, row.floor, row.aim, mark)
        Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)
    return int(any(row.ok is False for row in rows))
