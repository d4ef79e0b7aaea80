"""The real running calls behind the real sockets: PostgreSQL, journals on disk, replayed words, no models."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from ridealong.app.runtime import StoreTokens
from ridealong.config import Settings
from ridealong.core.transcript import Roles, SpeakerId, Transcript, Utterance
from ridealong.live.classify import Classified
from ridealong.live.engine import Engine
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.registry import LiveCalls
from ridealong.live.taxonomy import Taxonomy
from ridealong.recording.folder import Recordings
from ridealong.speech import Transcriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store import Store, tenants
from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from tests.integration.web.standin import StandInCalls, StandInStore


class Hears:
    """Finds no moments: these tests are about audio, not about words."""

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> Hears:
        return self

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        vector = self.embed(utterance.text)
        return Classified(detections=(), views=vector)

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        pass

    def embed(self, text: str) -> np.ndarray:
        return np.eye(1, 384, dtype=np.float32)[0]

    def rep_log_odds(self, views: object) -> float:
        return 0.0


@dataclass
class RealSite:
    """A server over real calls, and what lies behind it."""

    address: str
    token: str
    tenant_id: UUID
    store: Store
    recordings: Path
    calls: LiveCalls


@contextlib.asynccontextmanager
async def real_server(
    settings: Settings, folder: Path, transcriber: Transcriber | None = None
) -> AsyncIterator[tuple[str, str]]:
    """(address, token) of a server over real calls, heard by `transcriber` (by default it plays two short lines)."""
    async with real_site(settings, folder, transcriber=transcriber) as site:
        yield site.address, site.token


@contextlib.asynccontextmanager
async def real_site(
    settings: Settings, folder: Path, *, known: RealSite | None = None, transcriber: Transcriber | None = None
) -> AsyncIterator[RealSite]:
    """A server over real calls; `known`: an earlier one on the same database and folder, whose tenant goes on."""

    async def no_review(_tenant_id: UUID, _call_id: UUID) -> None:
        return None

    store = await Store.open(settings)
    said = (
        Utterance(no=0, speaker=SpeakerId(0), start_ts=100, end_ts=500, text="Hello there."),
        Utterance(no=1, speaker=SpeakerId(1), start_ts=600, end_ts=900, text="Good morning."),
    )
    if transcriber is None:
        transcriber = ReplayTranscriber(RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=said))
    with ThreadPoolExecutor(2) as pool:
        calls = LiveCalls(
            Engine(
                store=store,
                recordings=Recordings(folder),
                transcribers={1: transcriber, 2: transcriber},
                minds=Hears(),
                models=pool,
                disk=pool,
                behind=pool,
                review=no_review,
            )
        )
        try:
            if known is None:
                tenant_id = (await tenants.create_tenant(store, "acme", "Acme")).tenant_id
                token = await tenants.issue_token(store, tenant_id, list(tenants.Scope))
            else:
                tenant_id, token = known.tenant_id, known.token
            # Nothing here reads over HTTP: that side has its own tests.
            shelf = StandInStore(StandInCalls())
            services = Services(
                calls=calls, tokens=StoreTokens(store=store), library=shelf, recordings=shelf, render=shelf
            )
            async with running(create_app(services)) as address:
                yield RealSite(
                    address=address, token=token, tenant_id=tenant_id, store=store, recordings=folder, calls=calls
                )
        finally:
            await calls.close()
            await store.close()
