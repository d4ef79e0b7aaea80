"""A tenant's own heads as calls use them: read from the database, and left where this server cannot use them."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from ridealong.core.transcript import TranscriptId
from ridealong.live.head import Head, Heads
from ridealong.live.taxonomy import Taxonomy, load_taxonomy
from ridealong.live.tuning_base import features_name
from ridealong.store import taxonomy_versions

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.store.taxonomy_versions import HeadsInUse, StoredHead

_log = structlog.get_logger(__name__)

KEPT = 64


async def heads_of(connection: AsyncConnection, call: TranscriptId | None = None) -> Heads:
    """What `call` began with, or what a new call begins with (also one that an earlier version of the server began).

    A head whose features are not those of this server is left out: the shipped one judges, and the log, `doctor` and
    the settings say so.
    """
    found = None if call is None else await taxonomy_versions.heads_of_call(connection, call.call_id)
    if found is None:
        found = await taxonomy_versions.heads_in_use(connection)
    return await read_heads(found)


async def read_heads(found: HeadsInUse) -> Heads:
    live, shadow = await _usable(found.live), await _usable(found.shadow)
    return Heads(
        live=None if live is None else Head.of_bytes(live.head),
        shadow=None if shadow is None else Head.of_bytes(shadow.head),
        live_version=None if live is None else live.version,
        shadow_version=None if shadow is None else shadow.version,
    )


async def _usable(stored: StoredHead | None) -> StoredHead | None:
    if stored is None or stored.features == await asyncio.to_thread(features_name):
        return stored
    _log.warning("tenant_head_not_usable", version=stored.version)
    return None


@lru_cache(KEPT)
def read_taxonomy(text: str) -> Taxonomy:
    """A tenant's document, read once: one with two thousand examples takes seconds. Raises InvalidDocument."""
    return load_taxonomy(text, "taxonomy")
