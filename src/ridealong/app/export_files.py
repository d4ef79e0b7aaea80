"""`ridealong export`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from ridealong.app.exports import StoredExports
from ridealong.core.errors import InvalidSettings
from ridealong.store import Store, tenants

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ridealong.config import Settings


async def write_export(
    settings: Settings,
    *,
    tenant: str,
    kind: Literal["findings", "moments"],
    form: Literal["csv", "parquet"],
    since: date | None,
    until: date | None,
    output: Path | None,
) -> None:
    """Write it to that file, else to standard output. Raises Refused, MissingPart or InvalidSettings."""
    store = await Store.open(settings)
    try:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        pieces = await StoredExports(store).open(tenant_id, kind, form, since=since, until=until)
        with contextlib.ExitStack() as stack:
            try:
                file = sys.stdout.buffer if output is None else stack.enter_context(output.open("wb"))
            except OSError as error:
                raise InvalidSettings(f"{output} cannot be written ({error.strerror})") from error
            async with aclosing(pieces):
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
            file.flush()
    finally:
        await store.close()
