"""Play labelled calls through real live calls, on a database of their own, and keep what was decided.

Not a line of the judgement is repeated here: a `LiveCall` hears each transcript, with the roles, the timing rules and
the policy of any other call. Only the review is left out, and the calls never meet the tenant's own.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.errors import Unavailable
from ridealong.core.events import CallEnded, MomentDecided
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding
from ridealong.live.engine import Engine
from ridealong.live.finished import FinishedTranscript
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.registry import LiveCalls
from ridealong.recording.folder import Recordings
from ridealong.speech import SAMPLE_RATE
from ridealong.store import Store, taxonomy_versions, tenants
from ridealong.store.taxonomy_versions import VersionState

if TYPE_CHECKING:
    from ridealong.app.evaluation.labelled import LabelledCall
    from ridealong.config import Settings
    from ridealong.core.moments import Detection, Moment
    from ridealong.core.transcript import Roles, Transcript, Utterance
    from ridealong.embedding import Vectors
    from ridealong.live.classify import Classified
    from ridealong.live.engine import Minds, UtteranceClassifier
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.store.taxonomy_versions import StoredHead

EVALUATION = Author(member_id=None, name="evaluation")
CONSENT = "A labelled transcript that is judged, not a call."


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """One moment of the live path; `lag_ms` of call audio lie between the end of its words and the decision."""

    no: int
    moment: Moment
    lag_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedCall:
    """A labelled call and what the live path made of it."""

    call: LabelledCall
    decided: tuple[Decided, ...]
    likelihoods: dict[int, dict[str, float]]
    """By utterance: the probability of every type that the speaker's role allows, found or not."""
    classify_ms: tuple[float, ...]
    """How long the judgement of each utterance took, wall clock, without waiting for a thread."""


@dataclass(slots=True)
class _Watched:
    likelihoods: dict[int, dict[str, float]] = field(default_factory=dict[int, dict[str, float]])
    milliseconds: list[float] = field(default_factory=list[float])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _WatchedClassifier:
    inner: UtteranceClassifier
    seen: _Watched

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        began = time.perf_counter()
        found = self.inner.classify(transcript, utterance, roles)
        self.seen.milliseconds.append((time.perf_counter() - began) * 1000)
        self.seen.likelihoods[utterance.no] = dict(found.likelihoods)
        return found

    def ahead(self, transcript: Transcript, so_far: Utterance, roles: Roles) -> tuple[Detection, ...]:
        return self.inner.ahead(transcript, so_far, roles)

    def read(self, text: str) -> None:
        self.inner.read(text)

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        self.inner.restored(utterances, types)


@dataclass(slots=True)
class WatchedMinds:
    """The models of the live path, with a note of what each judgement said and took. One call at a time."""

    inner: Minds
    seen: _Watched = field(default_factory=_Watched)

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> UtteranceClassifier:
        self.seen = _Watched()
        return _WatchedClassifier(inner=self.inner.classifier(taxonomy, heads), seen=self.seen)

    def embed(self, text: str) -> Vectors:
        return self.inner.embed(text)

    def rep_log_odds(self, views: Vectors) -> float:
        return self.inner.rep_log_odds(views)


async def _no_review(tenant_id: UUID, call_id: UUID) -> dict[str, object] | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """Where labelled calls are played. Made by `open`."""

    calls: LiveCalls
    minds: WatchedMinds
    tenant_id: UUID

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, settings: Settings, minds: Minds, taxonomy: str | None, head: StoredHead | None = None
    ) -> AsyncGenerator[Stage]:
        """An embedded database in a folder that is removed; document and head of a tenant that has its own."""
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ridealong-eval-")))
            own = settings.model_copy(update={"data_dir": folder, "database_url": None})
            store = await Store.open(own)
            stack.push_async_callback(store.close)
            tenant = await tenants.create_tenant(store, "evaluated", "Evaluated")
            if taxonomy is not None:
                async with store.tenant(tenant.tenant_id) as conn:
                    await tenants.put_document(conn, tenants.DocumentKind.TAXONOMY, "default", taxonomy)
            if head is not None:
                async with store.tenant(tenant.tenant_id) as conn:
                    version = await taxonomy_versions.begin_training(conn, EVALUATION)
                    await taxonomy_versions.finish_training(
                        conn, version, head=head.head, features=head.features, report={}
                    )
                    await taxonomy_versions.move(conn, version, VersionState.LIVE, EVALUATION)
            watched = WatchedMinds(inner=minds)
            calls = LiveCalls(
                Engine(
                    store=store,
                    recordings=Recordings(own.recordings_dir),
                    transcribers={},
                    minds=watched,
                    models=stack.enter_context(ThreadPoolExecutor(1, "models")),
                    disk=stack.enter_context(ThreadPoolExecutor(2, "disk")),
                    behind=stack.enter_context(ThreadPoolExecutor(1, "behind")),
                    review=_no_review,
                )
            )
            stack.push_async_callback(calls.close)
            yield cls(calls=calls, minds=watched, tenant_id=tenant.tenant_id)

    async def play(self, call: LabelledCall) -> PlayedCall:
        """Raises Unavailable when the call broke off: its judgement would be half a truth."""
        start = CallStart(
            format=AudioFormat(encoding=Encoding.PCM16, sample_rate=SAMPLE_RATE, channels=1),
            layout=ChannelLayout.MIXED,
            rep_id="evaluated",
            consent=CONSENT,
            title=call.session.call,
            rep_speakers=call.session.rep_speakers,
        )
        live = await self.calls.begin(self.tenant_id, start, source=FinishedTranscript(call.session.utterances))
        seen = self.minds.seen
        decided: list[Decided] = []
        ended = False
        async for numbered in live.watch(after=0, size=1_000_000):
            match numbered.event:
                case MomentDecided(moment=moment, latency=latency):
                    decided.append(
                        Decided(no=moment.evidence[0].utterance_no, moment=moment, lag_ms=latency.total),
                    )
                case CallEnded():
                    ended = True
                case _:
                    pass
        if not ended:
            raise Unavailable(f"the call {call.name!r} broke off while it was judged; the log says why")
        return PlayedCall(
            call=call,
            decided=tuple(decided),
            likelihoods=seen.likelihoods,
            classify_ms=tuple(seen.milliseconds),
        )

    async def play_all(self, calls: Sequence[LabelledCall]) -> list[PlayedCall]:
        """One after the other: the time of a judgement is measured, and two would share a core."""
        return [await self.play(call) for call in calls]
