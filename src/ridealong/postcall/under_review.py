"""The calls that this process has under review, each loaded once with its rubric and somebody to judge it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridealong.postcall.chosen_rubric import rubric_of, rubric_text
from ridealong.postcall.confidence import confidence_of
from ridealong.postcall.proving import Checks
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import CallReviewer, ReviewContext, Reviewer, reviewed_moments
from ridealong.store.calls import load_call, load_roles, load_transcript, load_vectors
from ridealong.store.confidence_models import active_confidence
from ridealong.store.moments import load_moments
from ridealong.store.reviews import load_review, mark_running
from ridealong.store.speakers import load_names

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.rubric import Rubric
    from ridealong.embedding import Embedder
    from ridealong.postcall.absence import AbsenceSearch
    from ridealong.store import Store
    from ridealong.store.artifacts import MadeSoFar


@dataclass(slots=True)
class LoadedCall:
    """What this process has loaded of a call under review."""

    context: ReviewContext
    rubric: Rubric
    reviewer: CallReviewer
    checks: Checks
    made: MadeSoFar | None = None
    """What is stored of the sections and the steps beside them, once no step changes it any more."""


class CallsUnderReview:
    """Loads calls and keeps them until their reviews are finished."""

    def __init__(self, store: Store, embedder: Embedder, reviewer: Reviewer, search: AbsenceSearch) -> None:
        self._store = store
        self._embedder = embedder
        self._reviewer = reviewer
        self._search = search
        self._calls: dict[UUID, LoadedCall] = {}

    def forget(self, review_id: UUID) -> None:
        """Keep what was loaded for this review no longer."""
        self._calls.pop(review_id, None)

    async def call(self, tenant_id: UUID, review_id: UUID) -> LoadedCall:
        """The call and its rubric, loaded once in this process. A resumed review keeps the rubric it began with."""
        known = self._calls.get(review_id)
        if known is not None:
            return known
        async with self._store.tenant(tenant_id) as connection:
            review = await load_review(connection, review_id)
            text = await rubric_text(connection, review)
            rubric = await asyncio.to_thread(rubric_of, text)
            call = await load_call(connection, review.transcript_id.call_id)
            transcript = await load_transcript(connection, review.transcript_id)
            roles = await load_roles(connection, review.transcript_id)
            heard = await load_roles(connection, review.transcript_id, corrected=False)
            moments = reviewed_moments(await load_moments(connection, transcript), transcript, roles, heard=heard)
            vectors = await load_vectors(connection, review.transcript_id)
            names = await load_names(connection, review.transcript_id)
            confidence = confidence_of(await active_confidence(connection))
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=moments,
            vectors=await asyncio.to_thread(embed_call, transcript, self._embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
            names=names,
            about=call.context,
        )
        reviewer = await self._reviewer.begin(tenant_id, rubric, context)
        async with self._store.tenant(tenant_id) as connection:
            await mark_running(
                connection,
                review_id,
                reviewer=reviewer.name,
                rubric_id=rubric.id,
                rubric_title=rubric.title,
                rubric=text,
                roles=roles,
                context=context.about,
            )
        self._calls[review_id] = LoadedCall(
            context=context,
            rubric=rubric,
            reviewer=reviewer,
            checks=Checks(search=self._search, confidence=confidence, rubric=rubric),
        )
        return self._calls[review_id]
