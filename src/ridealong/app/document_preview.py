"""What a document would make of a past call, before it is kept. Nothing of it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ridealong.app.documents import check_document
from ridealong.app.rubric_trial import try_rubric
from ridealong.app.template_check import check_template
from ridealong.core.artifact import Artifact, StoredMoment, moment_json
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import Detection
from ridealong.core.transcript import Roles, Transcript
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.judge import Judge
from ridealong.live.taxonomy import Taxonomy, load_taxonomy
from ridealong.live.tenant_heads import heads_of
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.forms import Format, form_of
from ridealong.postcall.render import PARTIAL, render, render_email
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import InThreads, ReviewContext, reviewed_moments
from ridealong.postcall.rubric import load_rubric
from ridealong.postcall.rules import RuleJudge
from ridealong.store import Store, artifacts, calls, document_versions, moments

if TYPE_CHECKING:
    from ridealong.app.models import Models

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DocumentPreviews:
    """Implements `web.services.Previews`."""

    store: Store
    models: Models
    threads: Executor

    async def __call__(self, tenant_id: UUID, kind: str, name: str, text: str, *, call_id: UUID, form: Format) -> Json:
        # In a thread: reading the YAML of a rubric takes a quarter of a second of one core.
        if kind != "template":
            await asyncio.to_thread(check_document, kind, text, source=name)
        match kind:
            case "template":
                return await self._template(tenant_id, name, text, call_id, form)
            case "rubric":
                return {"artifact": (await self._rubric(tenant_id, name, text, call_id)).as_json()}
            case _:
                return {"moments": await self._taxonomy(tenant_id, name, text, call_id)}

    async def _template(self, tenant_id: UUID, name: str, text: str, call_id: UUID, asked: Format) -> Json:
        # The name says which it is, where it says anything.
        form = form_of(name) or asked
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            artifact = await artifacts.load_artifact(conn, call_id)
            partials = await document_versions.load_partials(conn, form)

        def play_url(start_ts: int, end_ts: int) -> str:
            return f"#t={start_ts},{end_ts}"

        def made() -> Json:
            # What is wrong in a branch that this call does not take is told too.
            check_template(text, source=name, form=form, partials=partials)
            if name.startswith(PARTIAL):
                raise InvalidDocument("a partial shows nothing by itself: try what renders it", source=name)
            if form == "email":
                written = render_email(artifact, name, play_url, text=text, partials=partials)
                return {form: {"subject": written.subject, "html": written.html, "text": written.text}}
            rendered = render(artifact, name, form, play_url, text=text, partials=partials)
            return {"json_text" if form == "json" else form: rendered}

        return await asyncio.to_thread(made)

    async def _rubric(self, tenant_id: UUID, name: str, text: str, call_id: UUID) -> Artifact:
        rubric = await asyncio.to_thread(load_rubric, text, name)
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
            heard = await calls.load_roles(conn, transcript_id, corrected=False)
            vectors = await calls.load_vectors(conn, transcript_id)
            found = await moments.load_moments(conn, transcript)
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=reviewed_moments(found, transcript, roles, heard=heard),
            vectors=await asyncio.to_thread(embed_call, transcript, self.models.embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
            about=call.context,
        )
        local = self.models.local_reviewer()
        tried = await try_rubric(
            rubric,
            context,
            reviewer=InThreads(local),
            rules=RuleJudge(self.models.embedder),
            tenant_id=tenant_id,
            title=call.title,
            search=AbsenceSearch(local.finder, self.models.embedder),
        )
        # Those that stayed on an earlier transcript are shown as the call's own review shows them.
        return replace(tried, moments=tuple(found))

    async def _taxonomy(self, tenant_id: UUID, name: str, text: str, call_id: UUID) -> list[Json]:
        taxonomy = await asyncio.to_thread(load_taxonomy, text, name)
        async with self.store.tenant(tenant_id) as conn:
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
            heads = await heads_of(conn)
        decided = await decide_again(taxonomy, transcript, roles, self.models, self.threads, heads=heads)
        return [
            {"moment_id": str(m.moment_id), **moment_json(m.moment), "decided_by": m.moment.decided_by} for m in decided
        ]


async def decide_again(
    taxonomy: Taxonomy,
    said: Transcript,
    roles: Roles,
    models: Models,
    threads: Executor,
    *,
    heads: Heads = SHIPPED,
) -> list[StoredMoment]:
    """What the live path decides on an ended call's utterances, one by one, with the roles as they are known now.

    As if every word had been there the moment it was said: no moment is late.
    """
    judge = Judge(transcript=Transcript(said.id), taxonomy=taxonomy, minds=models, executor=threads, heads=heads)
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
