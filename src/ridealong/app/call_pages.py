"""What a call's page shows beyond the call: how it sounds and counts, who speaks, and everything in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from ridealong.core.crm import ContextSource, Stated
from ridealong.core.errors import Refused
from ridealong.core.figures import figures_json
from ridealong.core.sight import whole
from ridealong.core.stats import CallStatistics, call_statistics
from ridealong.core.transcript import Role, Transcript, Unattributed
from ridealong.live.playback import open_pcm
from ridealong.live.waveform import Peaks, drawn, masked, peaks_of
from ridealong.store import Store, calls, reviews, speakers
from ridealong.store.context_sources import note_sources
from ridealong.web.wire import dumps

if TYPE_CHECKING:
    from ridealong.app.library import StoredLibrary, StoredReports
    from ridealong.core.author import Author
    from ridealong.live.registry import LiveCalls
    from ridealong.recording.folder import Recordings

Json = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCallPages:
    """Implements `web.shelves.CallPages`. `again` asks for a call's review once more."""

    store: Store
    recordings: Recordings
    running: LiveCalls
    library: StoredLibrary
    reports: StoredReports
    again: Callable[[UUID, UUID], Awaitable[None]]
    threads: Executor

    async def waveform(self, tenant_id: UUID, call_id: UUID, *, points: int) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call_id), words=False)
        recording = await open_pcm(self.recordings.of(tenant_id, call_id), self.threads)

        def measured() -> tuple[int, list[Json]]:
            peaks = peaks_of(recording, keep=not call.live)
            frames = recording.size // (2 * recording.channels)
            return frames * 1000 // recording.sample_rate, _lanes(peaks, transcript, points)

        duration_ms, lanes = await asyncio.get_running_loop().run_in_executor(self.threads, measured)
        return {"duration_ms": duration_ms, "lanes": lanes}

    async def statistics(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        return figures_json(await self._counted(tenant_id, call_id))

    async def _counted(self, tenant_id: UUID, call_id: UUID) -> CallStatistics:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            transcript = await calls.load_transcript(conn, transcript_id, words=False)
            roles = await calls.load_roles(conn, transcript_id)
        return await asyncio.to_thread(call_statistics, transcript, roles, max(call.audio_ms, transcript.end_ts))

    async def correct_speaker(
        self, tenant_id: UUID, call_id: UUID, speaker_id: int, author: Author, change: Mapping[str, str | None]
    ) -> Json:
        role = Role(str(change["role"])) if change.get("role") is not None else None
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript_id = await calls.latest_revision(conn, call_id)
            name = change.get("name", speakers.KEEP)
            await speakers.correct_speaker(conn, transcript_id, speaker_id, author, role=role, name=name)
        if role is not None:
            # What is derived from the roles follows; what a reviewer concluded from them is told to be outdated.
            counted = await self._counted(tenant_id, call_id)
            async with self.store.tenant(tenant_id) as conn:
                await reviews.correct_statistics(conn, transcript_id, counted.as_json())
            if call.live and role is not Role.UNKNOWN and call_id in self.running.running(tenant_id):
                (await self.running.find(tenant_id, call_id)).name_speaker(speaker_id, role)
        return await self.library.call(tenant_id, call_id)

    async def change_context(self, tenant_id: UUID, call_id: UUID, change: Mapping[str, str]) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            changed = replace(call.context, **change)
            await calls.change_context(conn, call_id, changed)
            stated = {
                p: Stated(value=v, source=ContextSource.PERSON) for p, v in changed.as_json().items() if p in change
            }
            await note_sources(conn, call_id, stated)
        return await self.library.call(tenant_id, call_id)

    async def review_again(self, tenant_id: UUID, call_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
        if call.live:
            raise Refused("call_running", "the call is still running: it is reviewed when it has ended")
        # Whoever asks: the review itself is the tenant's.
        await self.again(whole(tenant_id), call_id)

    async def export(
        self, tenant_id: UUID, call_id: UUID, *, form: Literal["md", "html", "json"], template: str, audio_url: str
    ) -> str:
        if form != "json":
            return await self.reports(tenant_id, call_id, template=template, form=form, audio_url=audio_url)
        try:
            artifact: Json | None = await self.library.artifact(tenant_id, call_id)
        except Refused as error:
            if error.code == "unknown_call":
                raise
            artifact = None
        return dumps(
            {
                "call": await self.library.call(tenant_id, call_id),
                "transcript": await self.library.transcript(tenant_id, call_id, revision=None),
                "moments": await self.library.moments(tenant_id, call_id),
                "statistics": await self.statistics(tenant_id, call_id),
                "artifact": artifact,
            }
        )


def _lanes(peaks: Peaks, transcript: Transcript, points: int) -> list[Json]:
    """A lane for each channel, or where all share one, for each speaker, the unknown last."""
    if len(peaks) > 1:
        return [
            {"speaker_id": channel, "channel": channel, "peaks": drawn(peaks[channel], points)}
            for channel in range(len(peaks))
        ]
    spans: dict[int | None, list[tuple[int, int]]] = {}
    for utterance in transcript:
        speaker = None if isinstance(utterance.speaker, Unattributed) else int(utterance.speaker)
        spans.setdefault(speaker, []).append((utterance.start_ts, utterance.end_ts))
    if not spans:
        return [{"speaker_id": None, "channel": 0, "peaks": drawn(peaks[0], points)}]
    return [
        {"speaker_id": speaker, "channel": None, "peaks": drawn(masked(peaks[0], spans[speaker]), points)}
        for speaker in sorted(spans, key=lambda s: (s is None, s or 0))
    ]
