"""The artifacts of a call, numbered, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.core.difference import difference
from ridealong.store.earlier import ArtifactVersion, list_artifacts, load_numbered

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.store import Store

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredArtifacts:
    """Implements `web.services.ArtifactsOfCalls`."""

    store: Store

    async def all(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            return [version_json(version) for version in await list_artifacts(conn, call_id)]

    async def difference(self, tenant_id: UUID, call_id: UUID, before: int, after: int) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            return await artifact_difference(conn, call_id, before, after)


async def artifact_difference(connection: AsyncConnection, call_id: UUID, before: int, after: int) -> Json:
    """What changed from artifact `before` to artifact `after` of a call. Raises Refused('unknown_artifact')."""
    old, new = await load_numbered(connection, call_id, before), await load_numbered(connection, call_id, after)
    heads = {version.number: version for version in await list_artifacts(connection, call_id)}
    return {
        "call_id": str(call_id),
        "before": version_json(heads[before]),
        "after": version_json(heads[after]),
        **difference(old, new),
    }


def version_json(version: ArtifactVersion) -> Json:
    return {
        "number": version.number,
        "revision": version.revision,
        "made_at": version.made_at.isoformat(),
        "rubric_title": version.rubric_title,
        "reviewer": version.reviewer,
        "score": None if version.score is None else round(version.score, 1),
        "earlier": version.earlier,
    }
