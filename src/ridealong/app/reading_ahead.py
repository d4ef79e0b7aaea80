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

    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.live.taxonomy import MomentType
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
        types = await self._types(tenant_id)
        known = await self._known(tenant_id, types, features)
        new = [text for text, key in hashes_of(read_texts(types)).items() if key not in known]
        loop = asyncio.get_running_loop()
        fresh: dict[str, Vectors] = {}
        for at in range(0, len(new), AT_ONCE * self.threads):
            fresh |= await loop.run_in_executor(self.executor, self._views, new[at : at + AT_ONCE * self.threads])
        if fresh:
            # Somebody may have kept another text meanwhile: what stands in it is what is wanted.
            written = hashes_of(read_texts(await self._types(tenant_id)))
            views = {written[text]: view.astype(np.float16) for text, view in fresh.items() if text in written}
            async with self.store.tenant(tenant_id) as conn:
                await labels.keep_example_views(conn, views, list(written.values()), features)
        return len(fresh)

    async def _types(self, tenant_id: UUID) -> Sequence[MomentType]:
        async with self.store.tenant(tenant_id) as conn:
            taxonomy = await load_tenant_taxonomy(conn)
        return [one for one in taxonomy.types if one.kind is Kind.CONTENT]

    async def _known(self, tenant_id: UUID, types: Sequence[MomentType], features: str) -> set[bytes]:
        async with self.store.tenant(tenant_id) as conn:
            return set(await labels.known_example_views(conn, list(hashes_of(read_texts(types)).values()), features))

    def _views(self, texts: Sequence[str]) -> dict[str, Vectors]:
        known = KnownViews(self.reader)
        known.read(texts, threads=self.threads)
        return known.fresh

    async def _guarded(self, tenant_id: UUID) -> None:
        try:
            await self.read(tenant_id)
        except Exception as error:
            _log.warning("examples_not_read_ahead", error=type(error).__name__)
