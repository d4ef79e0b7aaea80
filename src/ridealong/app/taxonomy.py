"""A tenant's taxonomy in its parts, from its document and back into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.core.errors import Unavailable
from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES
from ridealong.live.taxonomy import default_taxonomy_text
from ridealong.live.taxonomy_change import TaxonomyChange, changed_text
from ridealong.live.tenant_heads import read_taxonomy
from ridealong.store import Store, tenants

if TYPE_CHECKING:
    from ridealong.core.author import Author
    from ridealong.live.taxonomy import MomentType, Taxonomy

Json = Mapping[str, object]

TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class StoredTaxonomy:
    """Implements `web.taxonomy.TaxonomyOfTenants`. `kept` hears of each tenant whose document has changed."""

    store: Store
    kept: Callable[[UUID], None] = lambda _tenant_id: None

    async def read(self, tenant_id: UUID) -> Json:
        version, text = await self._held(tenant_id)
        return _shown(version, await asyncio.to_thread(read_taxonomy, text))

    async def change(self, tenant_id: UUID, change: TaxonomyChange, author: Author) -> Json:
        for _ in range(TRIES):
            version, text = await self._held(tenant_id)
            # In a thread: reading the YAML of a taxonomy takes a quarter of a second of one core.
            new = await asyncio.to_thread(changed_text, text, change)
            if new != text:
                async with self.store.tenant(tenant_id) as conn:
                    now = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
                    if version != (None if now is None else now.version):
                        continue  # somebody kept another text meanwhile: the change belongs into that one
                    kept = await tenants.put_document(conn, tenants.DocumentKind.TAXONOMY, "default", new, author)
                version = kept.version
                self.kept(tenant_id)
            return _shown(version, await asyncio.to_thread(read_taxonomy, new))
        raise Unavailable("others are changing the taxonomy at this moment: try again")

    async def _held(self, tenant_id: UUID) -> tuple[int | None, str]:
        async with self.store.tenant(tenant_id) as conn:
            own = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
        return (None, default_taxonomy_text()) if own is None else (own.version, own.body)


def _shown(version: int | None, taxonomy: Taxonomy) -> Json:
    return {
        "version": version,
        "policy": taxonomy.policy.model_dump(mode="json"),
        "types": [_type(one) for one in taxonomy.types],
        "trackers": [tracker.model_dump(mode="json") for tracker in taxonomy.trackers],
    }


def _type(one: MomentType) -> dict[str, object]:
    told = one.model_dump(mode="json", exclude={"acted_on_by", "acted_on_when"})
    return {**told, "shipped": one.id in (*CONTENT_TYPES, *TIMING_TYPES)}
