"""What is asked over a tenant's calls together, as the web and the command line take it: questions, deals, themes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from ridealong.app.asking import Asking
from ridealong.app.deals import StoredDeals
from ridealong.core.answer import Scope
from ridealong.core.themes import Themes
from ridealong.core.transcript import Evidence
from ridealong.embedding import DIMENSIONS
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.theming import COMPETITOR, KIND_OF_TYPE, competitors, themes
from ridealong.store import Store
from ridealong.store.named_speakers import named_speakers
from ridealong.store.passages import calls_in
from ridealong.store.themes import FoundMoment, moments_by_id, moments_of

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.postcall.hosted import ModelsFor

Json = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAcross:
    """Implements `web.shelves.Across`."""

    store: Store
    embedder: Embedder
    threads: Executor
    asking: Asking
    stored_deals: StoredDeals

    @classmethod
    def of(
        cls, store: Store, embedder: Embedder, threads: Executor, models_for: ModelsFor | None = None
    ) -> StoredAcross:
        """`models_for`: who writes answers for a tenant; without it answers are quotes."""
        return cls(
            store=store,
            embedder=embedder,
            threads=threads,
            asking=Asking(store=store, embedder=embedder, threads=threads, models_for=models_for),
            stored_deals=StoredDeals(store=store, embedder=embedder, finder=EvidenceFinder(embedder), threads=threads),
        )

    async def ask(self, tenant_id: UUID, question: str, scope: Scope) -> Json:
        answer = await self.asking.ask(tenant_id, question, scope)
        return answer.as_json() | await self._speakers(tenant_id, answer.evidence)

    async def deals(self, tenant_id: UUID) -> Sequence[Json]:
        return [listed.as_json() for listed in await self.stored_deals.all(tenant_id)]

    async def deal(self, tenant_id: UUID, customer: str, deal: str | None) -> Json:
        found = await self.stored_deals.of(tenant_id, customer, deal)
        return found.as_json() | await self._speakers(tenant_id, found.evidence)

    async def themes(self, tenant_id: UUID, scope: Scope, *, most: int) -> Json:
        found = await self.read_themes(tenant_id, scope)
        return found.as_json(most) | await self._speakers(tenant_id, found.evidence(most))

    async def moments(self, tenant_id: UUID, moment_ids: Sequence[UUID]) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            found = await moments_by_id(conn, moment_ids)
        speakers = await self._speakers(tenant_id, [moment.evidence for moment in found])
        return {"moments": [moment.as_json() for moment in found]} | speakers

    async def _speakers(self, tenant_id: UUID, cited: Sequence[Evidence]) -> dict[str, object]:
        """Who said what is cited. The domain leaves it out: a correction changes it, and nothing that was said."""
        async with self.store.tenant(tenant_id) as conn:
            return {"speakers": [speaker.as_json() for speaker in await named_speakers(conn, cited)]}

    async def read_themes(self, tenant_id: UUID, scope: Scope) -> Themes:
        """Over the newest calls of that scope, and of their moments the newest: see `store.themes.MOST_MOMENTS`."""
        types = [*KIND_OF_TYPE, COMPETITOR]
        async with self.store.tenant(tenant_id) as conn:
            found, more = await moments_of(conn, await calls_in(conn, scope), types)
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._grouped, scope, found, more)

    def _grouped(self, scope: Scope, found: Sequence[FoundMoment], more: bool) -> Themes:
        grouped = [one for one in found if one.moment.type in KIND_OF_TYPE]
        named = [one.moment for one in found if one.moment.type == COMPETITOR]
        return Themes(
            scope=scope,
            themes=themes([one.moment for one in grouped], self._vectors(grouped)),
            competitors=competitors(named),
            counted=len(found),
            more=more,
        )

    def _vectors(self, found: Sequence[FoundMoment]) -> np.ndarray:
        """Of the words that each moment cites; where it has no embedding yet, these are embedded now."""
        missing = [one.moment.evidence.quote for one in found if one.vector is None]
        new = iter(self.embedder.embed(missing)) if missing else iter(())
        rows = [next(new) if one.vector is None else one.vector for one in found]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)
