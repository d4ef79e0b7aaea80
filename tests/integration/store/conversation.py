"""A small conversation of our own, and what a reviewer might make of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from ridealong.core.artifact import ReviewStep, StepOutcome, StoredMoment
from ridealong.core.claims import AbsenceClaim, CitedAs, Claim, Searched
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.rubric import CoachingMoment, Finding, Score, SectionReview
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Citation,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
    Word,
)
from ridealong.store import Store
from ridealong.store.calls import NewCall, append_utterances, begin_call, end_call, record_role
from ridealong.store.moments import record_moments
from ridealong.store.review_questions import save_steps
from ridealong.store.reviews import (
    finish_review,
    mark_running,
    save_coaching_moments,
    save_section,
    save_statistics,
)
from ridealong.store.tenants import create_tenant

LINES: tuple[tuple[int | None, str], ...] = (
    (0, "Thanks for making the time, how do you plan routes today?"),
    (1, "Honestly it is 🙂 a spreadsheet, and it costs us two hours every morning."),
    (0, "That sounds painful."),
    (1, "But your price is far too high for the cafe\u0301 around the corner."),
    (None, "somebody mumbles in the background"),
    (1, "Let us meet on Tuesday with our finance lead."),
)


def utterances(lines: tuple[tuple[int | None, str], ...] = LINES) -> list[Utterance]:
    return [
        Utterance(
            no=no,
            speaker=UNATTRIBUTED if speaker is None else SpeakerId(speaker),
            start_ts=no * 3000,
            end_ts=no * 3000 + 2500,
            text=text,
            words=(Word(text=text.split()[0], start_ts=no * 3000, end_ts=no * 3000 + 300, estimated=True),),
        )
        for no, (speaker, text) in enumerate(lines)
    ]


def vectors(count: int, seed: int = 1) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    tenant_id: UUID
    call_id: UUID
    transcript: Transcript
    review_id: UUID
    moment_id: UUID


def new_call(call_id: UUID | None = None) -> NewCall:
    return NewCall(
        call_id=call_id or uuid4(),
        rep_id="rep-7",
        consent="said yes at the start",
        title="Route planning",
        encoding="pcm16",
        sample_rate=16_000,
        channels=1,
        layout="mixed",
    )


STEP = ReviewStep(
    step="section need",
    part="draft",
    model="scripted:one",
    outcome=StepOutcome.ANSWERED,
    attempts=1,
    input_tokens=900,
    cache_read_tokens=800,
    cache_written_tokens=0,
    output_tokens=70,
    cost_usd=0.0125,
    seconds=2.5,
)


async def record_call(
    store: Store,
    tenant_id: UUID | None = None,
    *,
    slug: str = "acme",
    lines: tuple[tuple[int | None, str], ...] = LINES,
    note: str = "",
) -> Recorded:
    """A whole call with a moment, ended and reviewed; `note` is added to what the system itself wrote."""
    if tenant_id is None:
        tenant_id = (await create_tenant(store, slug, "Acme")).tenant_id
    call = new_call()
    said = utterances(lines)
    transcript = Transcript.of(TranscriptId(call_id=call.call_id), said)
    moment = StoredMoment(
        moment_id=uuid4(),
        moment=Moment(
            type="objection_raised",
            tier=Tier.NUDGE,
            reason=Reason.DELIVERED,
            confidence=0.9,
            nudge=f"Ask what the two hours cost them {note}",
            trigger_ts=11_500,
            evidence=(
                transcript.cite(Citation(utterance_no=3, quote="price is far too high")),
                transcript.cite(Citation(utterance_no=1, quote="two hours every morning")),
            ),
        ),
    )
    async with store.tenant(tenant_id) as connection:
        await begin_call(connection, call)
        await append_utterances(connection, transcript.id, said, vectors(len(said)))
        await record_role(
            connection,
            transcript.id,
            RoleAssignment(speaker_id=SpeakerId(0), role=Role.REP, source=RoleSource.STATED, confidence=1.0),
        )
        await record_moments(connection, [moment])
        review_id = await end_call(connection, call.call_id, audio_ms=18_000, reason="stopped")
    async with store.tenant(tenant_id) as connection:
        await mark_running(
            connection, review_id, reviewer="local", rubric_id="bant", rubric_title="BANT", rubric="id: bant"
        )
        await save_statistics(connection, review_id, {"talk_ratio": 0.4, **({"note": note} if note else {})})
        await save_section(connection, review_id, section(transcript), vectors=vectors(2, seed=2))
        await save_coaching_moments(connection, review_id, [coaching(transcript)], vectors=vectors(1, seed=3))
        await save_steps(connection, review_id, "section need", [STEP])
        await finish_review(
            connection, review_id, score=62.5, assessed=True, warnings=["one channel", *filter(None, [note])]
        )
    return Recorded(
        tenant_id=tenant_id,
        call_id=call.call_id,
        transcript=transcript,
        review_id=review_id,
        moment_id=moment.moment_id,
    )


def section(transcript: Transcript) -> SectionReview:
    return SectionReview(
        section_id="need",
        title="Need",
        score=75.0,
        confidence=0.8,
        findings=(
            Finding(
                criterion_id="pain",
                score=Score.YES,
                claim=Claim(
                    statement="The customer named the cost of planning by hand.",
                    confidence=0.8,
                    evidence=(
                        transcript.cite(Citation(utterance_no=1, quote="two hours every morning")),
                        transcript.cite(Citation(utterance_no=3, quote="café around")),
                    ),
                ),
            ),
            Finding(
                criterion_id="answered",
                score=Score.NO,
                claim=AbsenceClaim(
                    statement="The objection to the price was not answered.",
                    confidence=0.6,
                    evidence=(transcript.cite(Citation(utterance_no=3, quote="your price is far too high")),),
                    through=5,
                    cited_as=CitedAs.NEAREST,
                    searched=Searched.of(transcript, from_no=0, through=5, closest_no=3, similarity=0.41),
                ),
            ),
        ),
        not_assessed=("authority",),
    )


def coaching(transcript: Transcript) -> CoachingMoment:
    return CoachingMoment(
        title="The price came up",
        advice="Put the two hours a day beside it.",
        claim=Claim(
            statement="The customer found the price too high.",
            confidence=0.7,
            evidence=(transcript.cite_whole(3),),
        ),
    )
