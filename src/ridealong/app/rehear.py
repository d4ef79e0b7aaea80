"""What hears ended calls again (`RIDEALONG_RETRANSCRIBER`), and the recordings as it gets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.live.playback import PcmRecording, open_pcm
from ridealong.live.taxonomy import default_taxonomy, load_taxonomy
from ridealong.postcall.rehearing import Recorded, RecordedCall
from ridealong.speech import SAMPLE_RATE, Audio, Hearing
from ridealong.speech.audio import AudioDecoder
from ridealong.store import Store, calls, tenants

if TYPE_CHECKING:
    from ridealong.recording.folder import Recordings

PIECE_MS: Final = 1_000
"""Nobody waits for the first word: bigger pieces cost less switching."""


def recorded_calls(store: Store, recordings: Recordings, executor: Executor) -> Recorded:
    """Opens the recording of a call, with what is worth knowing before hearing it."""

    async def open_recording(tenant_id: UUID, call_id: UUID) -> RecordedCall | None:
        try:
            recording = await open_pcm(recordings.of(tenant_id, call_id), executor)
        except Refused:
            return None  # a transcript without audio
        async with store.tenant(tenant_id) as connection:
            call = await calls.load_call(connection, call_id)
            document = await tenants.active_document(connection, tenants.DocumentKind.TAXONOMY, "default")
        taxonomy = default_taxonomy() if document is None else load_taxonomy(document.body, "taxonomy")
        hearing = Hearing(
            channels=recording.channels,
            language=call.language,
            vocabulary=tuple(phrase for tracker in taxonomy.trackers for phrase in tracker.phrases),
        )
        return RecordedCall(audio=lambda: pieces(recording), hearing=hearing)

    return open_recording


async def pieces(recording: PcmRecording) -> AsyncIterator[Audio]:
    """A recording as audio of the speech seam, from its start."""
    decoder = AudioDecoder("pcm16", recording.sample_rate, recording.channels)
    size = recording.sample_rate * recording.channels * 2 * PIECE_MS // 1000
    frames = 0
    for offset in range(0, recording.size, size):
        data = await recording.read(offset, size)
        last = offset + size >= recording.size
        for samples in (decoder.decode(data), *((decoder.flush(cut_off=True),) if last else ())):
            if samples.shape[0]:
                yield Audio(start_ts=round(frames * 1000 / SAMPLE_RATE), samples=samples)
                frames += samples.shape[0]
