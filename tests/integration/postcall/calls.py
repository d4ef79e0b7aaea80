"""Calls in the database, as the end of a call leaves them: transcript, roles, moments and a queued review."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ridealong.app.bench.spoken import written_call
from ridealong.core.transcript import TranscriptId
from ridealong.store import Store
from ridealong.store.calls import NewCall, append_utterances, begin_call, end_call, record_role
from ridealong.store.moments import record_moments
from ridealong.store.tenants import create_tenant

if TYPE_CHECKING:
    from ridealong.embedding import Vectors


async def new_tenant(store: Store) -> UUID:
    return (await create_tenant(store, f"t-{uuid4().hex[:10]}", "A tenant")).tenant_id


async def ended_call(store: Store, tenant_id: UUID, *, empty: bool = False, vectors: Vectors | None = None) -> UUID:
    """The written call, ended, its review queued. `empty`: nobody spoke. `vectors`: its utterances' embeddings."""
    transcript, roles, moments, duration_ms = written_call(call_id=uuid4())
    call_id = transcript.id.call_id
    call = NewCall(
        call_id=call_id,
        rep_id="ben@example.org",
        consent="both agreed at the start",
        title="Stockwise first call",
        encoding="transcript",
        sample_rate=0,
        channels=1,
        layout="mixed",
    )
    async with store.tenant(tenant_id) as connection:
        await begin_call(connection, call)
        if not empty:
            await append_utterances(connection, TranscriptId(call_id=call_id), transcript.utterances, vectors)
            for role in roles.values():
                await record_role(connection, transcript.id, role)
            await record_moments(connection, [replace(m, moment_id=uuid4()) for m in moments])
        await end_call(connection, call_id, audio_ms=duration_ms, reason="stopped")
    return call_id
