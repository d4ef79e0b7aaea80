"""A handful of written calls of several customers, as the end of a call leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from ridealong.core.artifact import StoredMoment
from ridealong.core.context import CallContext
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.embedding import Embedder
from ridealong.store import Store
from ridealong.store.calls import NewCall, append_utterances, begin_call, end_call, record_role
from ridealong.store.moments import record_moments
from ridealong.store.tenants import create_tenant

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday."""
REP, CUSTOMER, NOBODY = 0, 1, None

Line = tuple[int | None, str]


async def tenant(store: Store, slug: str = "acme") -> UUID:
    return (await create_tenant(store, slug, slug.capitalize())).tenant_id


async def spoken(
    store: Store,
    tenant_id: UUID,
    lines: Sequence[Line],
    *,
    embedder: Embedder | None = None,
    on: datetime = NOW,
    rep: str = "ana@example.org",
    customer: str = "",
    deal: str = "",
    moments: Sequence[tuple[str, int]] = (),
    rep_known: bool = True,
) -> UUID:
    """An ended call of `lines` (speaker 0 is the rep). `moments`: a type and the number of the line that it cites."""
    call_id = uuid4()
    said = [
        Utterance(
            no=no,
            speaker=UNATTRIBUTED if speaker is None else SpeakerId(speaker),
            start_ts=no * 4000,
            end_ts=no * 4000 + 3500,
            text=text,
        )
        for no, (speaker, text) in enumerate(lines)
    ]
    transcript = Transcript.of(TranscriptId(call_id=call_id), said)
    call = NewCall(
        call_id=call_id,
        rep_id=rep,
        consent="both agreed at the start",
        title=f"{customer or 'A call'}",
        encoding="transcript",
        sample_rate=0,
        channels=1,
        layout="mixed",
        context=CallContext(customer=customer, deal=deal),
    )
    vectors = None if embedder is None else embedder.embed([text for _, text in lines])
    async with store.tenant(tenant_id) as connection:
        await begin_call(connection, call)
        await append_utterances(connection, transcript.id, said, vectors)
        if rep_known:
            role = RoleAssignment(speaker_id=SpeakerId(0), role=Role.REP, source=RoleSource.STATED, confidence=1.0)
            await record_role(connection, transcript.id, role)
        await record_moments(
            connection,
            [
                StoredMoment(
                    moment_id=uuid4(),
                    moment=Moment(
                        type=type_,
                        tier=Tier.NOTED,
                        reason=Reason.TYPE_IS_NOTED,
                        confidence=0.8,
                        nudge="",
                        trigger_ts=said[no].end_ts,
                        evidence=(transcript.cite_whole(no),),
                    ),
                )
                for type_, no in moments
            ],
        )
        await end_call(connection, call_id, audio_ms=len(lines) * 4000, reason="stopped")
        await connection.execute("UPDATE call SET started_at = %s WHERE call_id = %s", [on, call_id])
    return call_id
