"""What the web reads of stored calls, put together from the store, the recordings and the renderer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.app.talk import feedback_json, mark_json
from ridealong.core.artifact import moment_json, role_json
from ridealong.core.errors import Refused
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    GapRecorded,
    Latency,
    MomentDecided,
    ReviewFinished,
    UtteranceFinished,
)
from ridealong.core.transcript import Role, RoleAssignment, Roles, RoleSource, SpeakerId, Unattributed
from ridealong.live.playback import PcmRecording, open_pcm
from ridealong.postcall.forms import Format
from ridealong.postcall.outdated import artifact_as_it_stands, outdated_by
from ridealong.postcall.render import render
from ridealong.speech.audio import read_recording
from ridealong.speech.voices import enrol
from ridealong.store import (
    Store,
    calls,
    document_versions,
    erase,
    moments,
    opinions,
    reviews,
    speakers,
    tenants,
)
from ridealong.store.call_list import CallFilter, ListedCall, Sort, list_page, moment_types
from ridealong.store.search import Hit, search

if TYPE_CHECKING:
    from ridealong.app.models import Models
    from ridealong.live.registry import LiveCalls
    from ridealong.recording.folder import Recordings

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredLibrary:
    """Implements `web.services.Library`."""

    store: Store
    recordings: Recordings
    running: LiveCalls
    models: Models
    threads: Executor

    async def calls(
        self, tenant_id: UUID, wanted: CallFilter, *, sort: Sort, descending: bool, limit: int, before: str | None
    ) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            page = await list_page(conn, wanted, sort=sort, descending=descending, limit=limit, before=before)
        return {"calls": [_row_json(row) for row in page.calls], "next": page.following, "total": page.total}

    async def moment_types(self, tenant_id: UUID) -> Sequence[str]:
        async with self.store.tenant(tenant_id) as conn:
            return await moment_types(conn)

    async def call(self, tenant_id: UUID, call_id: UUID) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            rep_name = await calls.rep_name(conn, call.rep_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            roles = await calls.load_roles(conn, transcript_id)
            heard = await speakers.speakers_of(conn, transcript_id)
            corrections = await speakers.load_corrections(conn, transcript_id)
            changed = await outdated_by(conn, call_id)
            gaps = await calls.load_gaps(conn, call_id)
            marks = await opinions.load_marks(conn, call_id)
            try:
                review = await reviews.find_review(conn, call_id)
                state: Json | None = {"status": review.status.value, "failure": review.failure}
            except Refused:
                state = None
        return {
            **_call_json(call, rep_name, state),
            "revision": transcript_id.revision,
            "speakers": [
                _speaker_json(speaker, roles, corrections.get(speaker)) for speaker in sorted({*roles, *heard})
            ],
            "gaps": [{"at_ts": g.at_ts, "duration_ms": g.duration_ms, "reason": g.reason} for g in gaps],
            "marks": [mark_json(m) for m in marks],
            "review_outdated": bool(changed),
            "outdated_by": [reason.value for reason in changed],
        }

    async def transcript(self, tenant_id: UUID, call_id: UUID, *, revision: int | None) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            transcript_id = await calls.latest_revision(conn, call_id)
            if revision is not None:
                transcript_id = type(transcript_id)(call_id=call_id, revision=revision)
            transcript = await calls.load_transcript(conn, transcript_id, words=False)
            words = await calls.load_words(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
        return {
            "call_id": str(call_id),
            "revision": transcript_id.revision,
            "utterances": [
                {
                    "no": u.no,
                    "speaker_id": None if isinstance(u.speaker, Unattributed) else u.speaker,
                    "role": roles.role_of(u.speaker).value,
                    "start_ts": u.start_ts,
                    "end_ts": u.end_ts,
                    "text": u.text,
                    "words": [
                        {"text": text, "start_ts": start_ts, "end_ts": end_ts, "estimated": estimated}
                        for text, start_ts, end_ts, estimated in words.get(u.no, ())
                    ],
                    "overlapped": u.overlapped,
                    "speaker_confidence": round(u.speaker_confidence, 3),
                }
                for u in transcript
            ],
        }

    async def moments(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id, words=False)
            found = await moments.load_moments(conn, transcript)
            feedback: dict[UUID, list[Json]] = {}
            for given in await opinions.load_feedback(conn, call_id):
                feedback.setdefault(given.moment_id, []).append(feedback_json(given))
        return [
            {
                "moment_id": str(m.moment_id),
                **moment_json(m.moment),
                "decided_by": m.moment.decided_by,
                "feedback": feedback.get(m.moment_id, []),
            }
            for m in found
        ]

    async def artifact(self, tenant_id: UUID, call_id: UUID) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            return (await artifact_as_it_stands(conn, call_id)).as_json()

    async def events(self, tenant_id: UUID, call_id: UUID) -> Sequence[CallEvent]:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id)
            roles = await calls.load_roles(conn, transcript_id)
            found = await moments.load_moments(conn, transcript)
            gaps = await calls.load_gaps(conn, call_id)
            try:
                artifact = (await artifact_as_it_stands(conn, call_id)).as_json()
            except Refused:
                artifact = None
        # In the order of the call: each event at the time that it was about.
        timed: list[tuple[int, CallEvent]] = [
            (u.end_ts, UtteranceFinished(utterance=u, role=roles.role_of(u.speaker), at=u.end_ts / 1000))
            for u in transcript
        ]
        timed += [
            (g.at_ts, GapRecorded(at_ts=g.at_ts, duration_ms=g.duration_ms, reason=g.reason, at=g.at_ts / 1000))
            for g in gaps
        ]
        for stored in found:
            ts = max(stored.moment.trigger_ts, stored.moment.evidence[0].end_ts)
            decided = MomentDecided(
                moment_id=stored.moment_id,
                moment=stored.moment,
                latency=Latency(speech=0.0, classify=0.0),
                at=ts / 1000,
            )
            timed.append((ts, decided))
        timed.sort(key=lambda pair: pair[0])
        events: list[CallEvent] = [CallStarted(call_id=call_id), *(event for _, event in timed)]
        if call.ended_reason is not None:
            events.append(CallEnded(audio_ms=call.audio_ms, reason=call.ended_reason, at=call.audio_ms / 1000))
        if artifact is not None:
            events.append(ReviewFinished(artifact=artifact, at=call.audio_ms / 1000))
        return events

    async def search(self, tenant_id: UUID, query: str, *, limit: int, call_id: UUID | None) -> Sequence[Json]:
        loop = asyncio.get_running_loop()
        vector = await loop.run_in_executor(self.threads, self.models.embed, query)
        async with self.store.tenant(tenant_id) as conn:
            hits = await search(conn, text=query, vector=vector, limit=limit, call_id=call_id)
        return [hit_json(hit) for hit in hits]

    async def erase(self, tenant_id: UUID, call_id: UUID) -> None:
        await erase_everywhere(self.store, self.recordings, tenant_id, call_id, running=self.running)


async def erase_everywhere(
    store: Store, recordings: Recordings, tenant_id: UUID, call_id: UUID, *, running: LiveCalls | None = None
) -> Mapping[str, int]:
    """Erase a call's rows and files; returns how many rows of each table. Raises Refused.

    The files go first: should the rows fail, the call is still listed and can be erased again.
    """
    async with store.tenant(tenant_id) as conn:
        call = await calls.load_call(conn, call_id)
    if call.status == "live" and (running is None or call_id in running.running(tenant_id)):
        raise Refused("call_running", "the call is still running: stop it first")
    await asyncio.to_thread(recordings.of(tenant_id, call_id).erase)
    async with store.tenant(tenant_id) as conn:
        return await erase.erase_call(conn, call_id)


def hit_json(hit: Hit) -> dict[str, object]:
    return {
        "kind": hit.kind.value,
        "id": None if hit.id is None else str(hit.id),
        "type": hit.type,
        "call_id": str(hit.call_id),
        "revision": hit.revision,
        "utterance_no": hit.utterance_no,
        "speaker_id": hit.speaker_id,
        "start_ts": hit.start_ts,
        "end_ts": hit.end_ts,
        "quote": hit.quote,
        "text": hit.text,
        "score": round(hit.score, 5),
    }


def _row_json(row: ListedCall) -> dict[str, object]:
    review = None if row.review_status is None else {"status": row.review_status, "failure": row.review_failure}
    return {
        **_call_json(row.call, row.rep_name, review),
        "score": None if row.score is None else round(row.score, 1),
        "moment_counts": row.moment_counts,
        "nudges": row.nudges,
        "comments": row.comments,
    }


def _speaker_json(speaker: SpeakerId, roles: Roles, correction: speakers.Correction | None) -> dict[str, object]:
    unknown = RoleAssignment(speaker_id=speaker, role=Role.UNKNOWN, source=RoleSource.NONE, confidence=0.0)
    return {
        **role_json(roles.get(speaker, unknown)),
        "name": None if correction is None else correction.name,
        "corrected_by": None if correction is None else correction.author.name,
    }


def _call_json(call: calls.StoredCall, rep_name: str, review: Json | None) -> dict[str, object]:
    return {
        "call_id": str(call.call_id),
        "title": call.title,
        "rep_id": call.rep_id,
        "rep_name": rep_name,
        "consent": call.consent,
        "status": call.status,
        "started_at": call.started_at.isoformat(),
        "ended_at": None if call.ended_at is None else call.ended_at.isoformat(),
        "ended_reason": call.ended_reason,
        "audio_ms": call.audio_ms,
        "format": {"encoding": call.encoding, "sample_rate": call.sample_rate, "channels": call.channels},
        "channel_layout": call.layout,
        "language": call.language,
        "external_id": call.external_id or None,
        "context": call.context.as_json(),
        "review": review,
    }


@dataclass(frozen=True, slots=True)
class StoredRecordings:
    """Implements `web.services.Recordings`."""

    store: Store
    recordings: Recordings
    threads: Executor

    async def open(self, tenant_id: UUID, call_id: UUID) -> PcmRecording:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
        return await open_pcm(self.recordings.of(tenant_id, call_id), self.threads)


@dataclass(frozen=True, slots=True)
class StoredReports:
    """Implements `web.services.Renderer`."""

    store: Store
    threads: Executor

    async def __call__(self, tenant_id: UUID, call_id: UUID, *, template: str, form: Format, audio_url: str) -> str:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            artifact = await artifact_as_it_stands(conn, call_id)
            own = await tenants.active_document(conn, tenants.DocumentKind.TEMPLATE, f"{template}.{form}")
            partials = await document_versions.load_partials(conn, form)

        def play_url(start_ts: int, end_ts: int) -> str:
            # A media fragment: the browser plays from the one to the other, without any script.
            # Each claim an address of its own: where only the fragment differs, a browser's player does not move.
            joint = "&" if "?" in audio_url else "?"
            return f"{audio_url}{joint}from={start_ts}#t={start_ts / 1000:.3f},{end_ts / 1000:.3f}"

        def rendered() -> str:
            text = None if own is None else own.body
            return render(artifact, template, form, play_url, text=text, partials=partials)

        return await asyncio.get_running_loop().run_in_executor(self.threads, rendered)


@dataclass(frozen=True, slots=True)
class StoredVoices:
    """Implements `web.services.Voices`."""

    store: Store
    threads: Executor

    async def enrol(self, tenant_id: UUID, rep_id: str, wav: bytes) -> Json:
        voiceprint = await asyncio.get_running_loop().run_in_executor(self.threads, _voiceprint, wav)
        async with self.store.tenant(tenant_id) as conn:
            await tenants.put_rep(conn, rep_id)
            await tenants.enrol_voice(conn, rep_id, voiceprint)
        return {"rep_id": rep_id, "enrolled": True}


def _voiceprint(file: bytes) -> tuple[float, ...]:
    """The voice in an audio file. Raises InvalidAudio."""
    with tempfile.NamedTemporaryFile(suffix=".audio") as kept:
        kept.write(file)
        kept.flush()
        return enrol(read_recording(Path(kept.name)).samples.mean(axis=1))
