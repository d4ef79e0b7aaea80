"""What a document would make of a past call, before it is kept. Nothing of it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from ridealong.app.documents import check_document
from ridealong.core.artifact import Artifact, StoredMoment, moment_json
from ridealong.core.moments import Detection
from ridealong.core.rubric import SectionReview, call_score
from ridealong.core.stats import call_statistics
from ridealong.core.transcript import Roles, Transcript
from ridealong.live.judge import Judge
from ridealong.live.taxonomy import Taxonomy, load_taxonomy
from ridealong.postcall.render import render
from ridealong.postcall.review import ReviewContext, StepLog, coach_call, embed_call, review_section
from ridealong.postcall.rubric import load_rubric
from ridealong.store import Store, artifacts, calls, moments

if TYPE_CHECKING:
    from ridealong.app.models import Models

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DocumentPreviews:
    """Implements `web.services.Previews`."""

    store: Store
    models: Models
    threads: Executor

    async def __call__(
        self, tenant_id: UUID, kind: str, name: str, text: str, *, call_id: UUID, form: Literal["html", "md"]
    ) -> Json:
        # In a thread: reading the YAML of a rubric takes a quarter of a second of one core.
        await asyncio.to_thread(check_document, kind, text, source=name)
        match kind:
            case "template":
                return await self._template(tenant_id, name, text, call_id, form)
            case "rubric":
                return {"artifact": (await self._rubric(tenant_id, name, text, call_id)).as_json()}
            case _:
                return {"moments": await self._taxonomy(tenant_id, name, text, call_id)}

    async def _template(
        self, tenant_id: UUID, name: str, text: str, call_id: UUID, form: Literal["html", "md"]
    ) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            artifact = await artifacts.load_artifact(conn, call_id)
        # The name says which it is, where it says anything.
        form = "html" if name.endswith(".html") else "md" if name.endswith(".md") else form

        def rendered() -> str:
            return render(artifact, name, form, lambda start_ts, end_ts: f"#t={start_ts},{end_ts}", text=text)

        return {form: await asyncio.to_thread(rendered)}

    async def _rubric(self, tenant_id: UUID, name: str, text: str, call_id: UUID) -> Artifact:
        rubric = await asyncio.to_thread(load_rubric, text, name)
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
            vectors = await calls.load_vectors(conn, transcript_id)
            found = await moments.load_moments(conn, transcript)
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            # One that stayed on an earlier transcript proves nothing here.
            moments=tuple(m for m in found if m.moment.evidence[0].transcript_id == transcript.id),
            vectors=await asyncio.to_thread(embed_call, transcript, self.models.embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
        )
        reviewer = await self.models.reviewer().begin(tenant_id, rubric, context)
        # One after the other: a preview must not take both cores from the calls that run.
        sections: list[SectionReview] = []
        dropped = 0
        for section in rubric.sections:
            outcome = await review_section(reviewer, section, context, StepLog(step=section.id))
            sections.append(outcome.review)
            dropped += outcome.counts.dropped
        coaching = await coach_call(reviewer, context, StepLog(step="coaching moments"))
        score = call_score(rubric, {s.section_id: s.score for s in sections if s.assessed})
        statistics = await asyncio.to_thread(call_statistics, transcript, roles, context.duration_ms)
        return Artifact(
            # No review: nothing of this is stored.
            review_id=UUID(int=0),
            transcript_id=transcript_id,
            title=call.title,
            rubric_id=rubric.id,
            rubric_title=rubric.title,
            reviewer=reviewer.name,
            score=score or 0.0,
            assessed=score is not None,
            duration_ms=context.duration_ms,
            sections=tuple(sections),
            coaching_moments=coaching.coaching_moments,
            moments=tuple(found),
            statistics=statistics.as_json(),
            speakers=tuple(roles.values()),
            dropped_drafts=dropped + coaching.counts.dropped,
        )

    async def _taxonomy(self, tenant_id: UUID, name: str, text: str, call_id: UUID) -> list[Json]:
        taxonomy = await asyncio.to_thread(load_taxonomy, text, name)
        async with self.store.tenant(tenant_id) as conn:
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
        decided = await decide_again(taxonomy, transcript, roles, self.models, self.threads)
        return [
            {"moment_id": str(m.moment_id), **moment_json(m.moment), "decided_by": m.moment.decided_by} for m in decided
        ]


async def decide_again(
    taxonomy: Taxonomy, said: Transcript, roles: Roles, models: Models, threads: Executor
) -> list[StoredMoment]:
    """What the live path decides on an ended call's utterances, one by one, with the roles as they are known now.

    As if every word had been there the moment it was said: no moment is late.
    """
    judge = Judge(transcript=Transcript(said.id), taxonomy=taxonomy, minds=models, executor=threads)
    judge.roles.roles = roles
    found: list[StoredMoment] = []

    def decide(detections: tuple[Detection, ...], at_ts: int) -> None:
        for detection in detections:
            moment = judge.decide(detection, decided_ts=max(at_ts, detection.trigger_ts))
            found.append(StoredMoment(moment_id=uuid4(), moment=moment))

    for utterance in said:
        # The clock first: a silence before these words was noticed before them.
        decide(tuple(judge.clock(utterance.start_ts)), utterance.start_ts)
        judge.transcript.append(utterance)
        decide((await judge.utterance(utterance)).detections, utterance.end_ts)
    return found
