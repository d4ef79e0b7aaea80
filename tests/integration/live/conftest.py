"""Calls with a real database, a real disk and replayed words; a classifier that hears one word alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from ridealong.core.moments import Detection
from ridealong.core.transcript import Citation, Role, Roles, SpeakerId, Transcript, Utterance
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding
from ridealong.live.cascade import CascadeSettings
from ridealong.live.classify import Classified, end_of
from ridealong.live.engine import Engine, Minds, no_model
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.registry import LiveCalls
from ridealong.live.taxonomy import Taxonomy
from ridealong.llm import Model
from ridealong.recording.folder import Recordings
from ridealong.speech import Transcriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store import Store, tenants

TRIGGER = "expensive"


class OneWord:
    """Finds `objection_raised` where somebody says "expensive", and nothing else; knows no roles by words."""

    def __init__(self) -> None:
        self.taken_up: list[tuple[int, tuple[str, ...]]] = []

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> OneWord:
        return self

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        found = self._find(transcript, utterance, roles)
        vector = self.embed(utterance.text)
        return Classified(detections=found, views=vector)

    def ahead(self, transcript: Transcript, so_far: Utterance, roles: Roles) -> tuple[Detection, ...]:
        return self._find(Transcript.of(transcript.id, [so_far]), so_far, roles)

    def read(self, text: str) -> None:
        """It reads in no time."""

    def _find(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> tuple[Detection, ...]:
        if TRIGGER not in utterance.text:
            return ()
        evidence = transcript.cite(Citation(utterance_no=utterance.no, quote=TRIGGER))
        return (
            Detection(
                type="objection_raised",
                confidence=0.99,
                evidence=(evidence,),
                trigger_ts=end_of(utterance, evidence.quote_end),
                nudge="Ask what they compare the price with before answering.",
                role_known=roles.role_of(utterance.speaker) is not Role.UNKNOWN,
            ),
        )

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        self.taken_up.append((utterances, tuple(types)))

    def embed(self, text: str) -> np.ndarray:
        vector = np.zeros(384, np.float32)
        vector[len(text) % 384] = 1.0
        return vector

    def rep_log_odds(self, views: np.ndarray) -> float:
        return 0.0


def line(no: int, speaker: int, start_ts: int, text: str, length_ms: int = 2000) -> Utterance:
    return Utterance(no=no, speaker=SpeakerId(speaker), start_ts=start_ts, end_ts=start_ts + length_ms, text=text)


SPOKEN = (
    line(0, 0, 500, "Thanks for taking the time today."),
    line(1, 1, 3000, "Sure, go ahead."),
    line(2, 0, 5500, "What brings you here?"),
    line(3, 1, 8000, "Everything we looked at is too expensive."),
    line(4, 0, 10500, "Compared with what?"),
    line(5, 1, 13000, "Compared with doing nothing."),
)
LENGTH_MS = 16_000


@pytest.fixture
def session() -> RecordedSession:
    return RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=SPOKEN)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
async def tenant_id(store: Store) -> UUID:
    return (await tenants.create_tenant(store, "acme", "Acme")).tenant_id


@dataclass
class House:
    """Makes one process's worth of calls after another on the same disk and database."""

    store: Store
    recordings: Recordings
    executor: ThreadPoolExecutor
    transcriber: Transcriber
    opened: list[LiveCalls]
    resume_grace_s: float = 300.0
    max_call_ms: int = 3_600_000
    minds: Minds = field(default_factory=OneWord)
    live_model: Callable[[UUID], Awaitable[Model | None]] = no_model
    asking: CascadeSettings = field(default_factory=CascadeSettings)

    def process(self) -> LiveCalls:
        async def no_review(tenant_id: UUID, call_id: UUID) -> None:
            return None

        calls = LiveCalls(
            Engine(
                store=self.store,
                recordings=self.recordings,
                transcribers={1: self.transcriber, 2: self.transcriber},
                minds=self.minds,
                models=self.executor,
                disk=self.executor,
                behind=self.executor,
                review=no_review,
                resume_grace_s=self.resume_grace_s,
                max_call_ms=self.max_call_ms,
                live_model=self.live_model,
                asking=self.asking,
            )
        )
        self.opened.append(calls)
        return calls


@pytest.fixture
async def house(
    store: Store, tmp_path: Path, executor: ThreadPoolExecutor, session: RecordedSession
) -> AsyncIterator[House]:
    made = House(
        store=store,
        recordings=Recordings(tmp_path / "recordings"),
        executor=executor,
        transcriber=ReplayTranscriber(session),
        opened=[],
    )
    yield made
    for calls in made.opened:
        await calls.close()


@pytest.fixture
def start() -> Callable[..., CallStart]:
    def made(
        encoding: Encoding = Encoding.PCM16,
        sample_rate: int = 16_000,
        channels: int = 1,
        layout: ChannelLayout = ChannelLayout.MIXED,
        rep_speaker: int | None = 0,
        consent: str = "Both agreed.",
    ) -> CallStart:
        return CallStart(
            format=AudioFormat(encoding=encoding, sample_rate=sample_rate, channels=channels),
            layout=layout,
            rep_id="rep-1",
            consent=consent,
            rep_speakers=() if rep_speaker is None else (rep_speaker,),
        )

    return made
