"""What all calls of a process share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from ridealong.live.cascade import CascadeSettings
from ridealong.live.head import SHIPPED, Heads

if TYPE_CHECKING:
    from ridealong.core.moments import Detection
    from ridealong.core.transcript import Roles, Transcript, Utterance
    from ridealong.embedding import Vectors
    from ridealong.live.classify import Classified
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.llm import Model
    from ridealong.recording.folder import Recordings
    from ridealong.speech import Transcriber
    from ridealong.store import Store


class Minds(Protocol):
    """The shared models of Path A."""

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> UtteranceClassifier:
        """A classifier for one call, with that tenant's taxonomy and its own heads, where it has any."""
        ...

    def embed(self, text: str) -> Vectors:
        """The vector of one text, float32 [384]. Blocks for some milliseconds."""
        ...

    def rep_log_odds(self, views: Vectors) -> float:
        """ln P(a rep said it) / P(a customer said it)."""
        ...


class UtteranceClassifier(Protocol):
    """Judges the utterances of one call; see `live.classify.MomentClassifier`."""

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified: ...

    def ahead(self, transcript: Transcript, so_far: Utterance, roles: Roles) -> tuple[Detection, ...]:
        """What would be found in an open turn if it ended with these words."""
        ...

    def read(self, text: str) -> None:
        """What may become the words of an utterance. Blocks for some milliseconds, in any thread."""
        ...

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        """The call is taken up in the middle: so many utterances were judged, and these moments recorded."""
        ...


async def no_model(tenant_id: UUID) -> Model | None:  # noqa: ARG001 - the default for every tenant
    """Nobody to ask."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Engine:
    """The shared parts of all calls. `transcribers` maps a channel count to the transcriber that hears it."""

    store: Store
    recordings: Recordings
    transcribers: Mapping[int, Transcriber]
    minds: Minds
    models: Executor
    """Threads for the classifier."""
    disk: Executor
    """Threads for flushes and long reads."""
    behind: Executor
    """A thread for what no rep waits for and every utterance needs: the vectors that search wants."""
    review: Callable[[UUID, UUID], Awaitable[dict[str, object] | None]]
    """Called with (tenant_id, call_id) when a call is over and stored. Starts its review and returns the artifact's
    JSON, or None where there is none to show now."""
    resume_grace_s: float = 300.0
    max_call_ms: int = 4 * 3_600_000
    live_model: Callable[[UUID], Awaitable[Model | None]] = no_model
    """The hosted model that a tenant's new calls ask, or None where they are judged on this machine alone."""
    asking: CascadeSettings = field(default_factory=CascadeSettings)
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def transcriber_for(self, channels: int) -> Transcriber:
        return self.transcribers[channels]
