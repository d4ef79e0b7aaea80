"""A taxonomy's examples are read when it is kept, so that a training finds them read: two thirds of its work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog

from ridealong.app.tuning_job import hashes_of, load_tenant_taxonomy, read_texts
from ridealong.live.known_views import KnownViews
from ridealong.live.taxonomy import Kind
from ridealong.live.tuning_base import features_name
from ridealong.store import labels

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.store import Store

AT_ONCE: Final = 32
"""Texts: some tenth of a second, for which whatever else the thread has to do waits."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class ReadingAhead:
    """Reads in `executor`, each batch on `threads` of its own. Where it fails, a training reads the examples itself."""

    store: Store
    reader: Reader
    executor: Executor
    threads: int = 1
    _running: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"], init=False)

    def soon(self, tenant_id: UUID) -> None:
        """Read what the tenant's taxonomy says now, without waiting for it."""
        task = asyncio.create_task(self._guarded(tenant_id), name="reading ahead")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop reading. What was not kept yet is read by the training."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def read(self, tenant_id: UUID) -> int:
        """Read what is not read yet and keep it; returns how many texts that were."""
        features = await asyncio.to_thread(features_name)
        async with self.store.tenant(tenant_id) as conn:
            written = await _written(conn)
            known = await labels.known_example_views(conn, list(written.values()), features)
        new = [text for text, key in written.items() if key not in known]
        loop = asyncio.get_running_loop()
        fresh: dict[str, Vectors] = {}
        for at in range(0, len(new), AT_ONCE * self.threads):
            fresh |= await loop.run_in_executor(self.executor, self._views, new[at : at + AT_ONCE * self.threads])
        if fresh:
            async with self.store.tenant(tenant_id) as conn:
                # Somebody may have kept another text meanwhile: what stands in it is what is wanted.
                written = await _written(conn)
                views = {written[text]: view.astype(np.float16) for text, view in fresh.items() if text in written}
                await labels.keep_example_views(conn, views, list(written.values()), features)
        return len(fresh)

    def _views(self, texts: Sequence[str]) -> dict[str, Vectors]:
        known = KnownViews(self.reader)
        known.read(texts, threads=self.threads)
        return known.fresh

    async def _guarded(self, tenant_id: UUID) -> None:
        try:
            await self.read(tenant_id)
        except Exception as error:
            _log.warning("examples_not_read_ahead", error=type(error).__name__)


async def _written(connection: AsyncConnection) -> dict[str, bytes]:
    """What a training reads of the tenant's taxonomy as it stands, with the hashes that it is kept by."""
    taxonomy = await load_tenant_taxonomy(connection)
    return hashes_of(read_texts(one for one in taxonomy.types if one.kind is Kind.CONTENT))
