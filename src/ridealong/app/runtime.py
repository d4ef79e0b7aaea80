"""Everything that runs in one process, put together; the command line's other modules only use it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.app import models
from ridealong.app.library import StoredDocuments, StoredLibrary, StoredRecordings, StoredReports, StoredVoices
from ridealong.core.errors import InvalidSettings, Refused, RidealongError
from ridealong.live.engine import Engine
from ridealong.live.registry import LiveCalls
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.recording.folder import Recordings
from ridealong.speech import Transcriber, transcriber_class
from ridealong.speech.fallback import FallbackTranscriber
from ridealong.speech.providers.channels import ChannelsTranscriber
from ridealong.speech.providers.deepgram import DeepgramOptions, DeepgramTranscriber
from ridealong.speech.providers.local import LocalTranscriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import read_session
from ridealong.speech.shared import SharedModels
from ridealong.store import Store, artifacts, tenants
from ridealong.web.services import Services
from ridealong.web.socket import Limits

if TYPE_CHECKING:
    from ridealong.config import Settings

DEFAULT_TENANT: Final = "default"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreTokens:
    """The store's tokens as the web sees them."""

    store: Store

    async def resolve(self, token: str) -> tenants.Principal:
        return await tenants.resolve_token(self.store, token)

    async def issue(self, tenant_id: UUID, *, scopes: frozenset[str], call_id: UUID, lifetime_s: float) -> str:
        return await tenants.issue_token(
            self.store,
            tenant_id,
            [tenants.Scope(scope) for scope in scopes],
            call_id=call_id,
            expires_in=timedelta(seconds=lifetime_s),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runtime:
    """The parts of a running Ridealong. Made by `open`, which also ends them in the right order."""

    settings: Settings
    store: Store
    recordings: Recordings
    transcribers: dict[int, Transcriber]
    models: models.Models
    pipeline: ReviewPipeline
    calls: LiveCalls
    tokens: StoreTokens
    threads: ThreadPoolExecutor

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Runtime]:
        """Start the database, load the models, take up unfinished reviews; on leaving, end what was started.

        Raises InvalidSettings, MissingPart or Unavailable.
        """
        # A model's thread that comes back for the interpreter's lock waits up to this long for the event loop's; five
        # milliseconds, the default, would be paid for each of a turn's sentences.
        sys.setswitchinterval(0.0005)
        threads = settings.threads or os.cpu_count() or 2
        async with contextlib.AsyncExitStack() as stack:
            disk = stack.enter_context(ThreadPoolExecutor(4, "disk"))
            pool = stack.enter_context(ThreadPoolExecutor(threads, "models"))
            # The database and the models start side by side: together they are most of the start-up time.
            opening = asyncio.create_task(Store.open(settings))
            try:
                loaded, transcribers = await asyncio.gather(
                    asyncio.to_thread(models.load, settings), _transcribers(settings)
                )
            finally:
                store = await opening
            stack.push_async_callback(store.close)
            for transcriber in set(transcribers.values()):
                stack.push_async_callback(transcriber.close)
            pipeline = await ReviewPipeline.open(store, loaded.embedder, loaded.reviewer())
            stack.push_async_callback(pipeline.close)

            async def review(tenant_id: UUID, call_id: UUID) -> dict[str, object] | None:
                try:
                    await pipeline.start(tenant_id, call_id, 1)
                    await pipeline.wait(tenant_id, call_id, 1)
                    async with store.tenant(tenant_id) as conn:
                        return (await artifacts.load_artifact(conn, call_id)).as_json()
                except RidealongError as error:
                    # The outbox keeps the review queued: it is made later, and the call itself is safe.
                    _log.error("review_not_shown", call_id=str(call_id), error=type(error).__name__)
                    return None

            recordings = Recordings(settings.recordings_dir)
            calls = LiveCalls(
                Engine(
                    store=store,
                    recordings=recordings,
                    transcribers=transcribers,
                    minds=loaded,
                    models=pool,
                    disk=disk,
                    review=review,
                    resume_grace_s=settings.resume_grace_s,
                    max_call_ms=round(settings.max_call_hours * 3_600_000),
                )
            )
            stack.push_async_callback(calls.close)
            # What is loaded stays: without this the collector walks through all of it again and again, and a nudge
            # that falls on such a walk waits for its end.
            gc.collect()
            gc.freeze()
            yield cls(
                settings=settings,
                store=store,
                recordings=recordings,
                transcribers=transcribers,
                models=loaded,
                pipeline=pipeline,
                calls=calls,
                tokens=StoreTokens(store=store),
                threads=pool,
            )

    async def tenant(self, slug: str, *, create: bool = False) -> tenants.Tenant:
        """The tenant of that slug; `create` makes it when there is none. Raises Refused('unknown_tenant')."""
        try:
            return await tenants.find_tenant(self.store, slug)
        except Refused as error:
            if not create or error.code != "unknown_tenant":
                raise
        return await tenants.create_tenant(self.store, slug, slug.capitalize())

    def web_services(self) -> Services:
        """What the server stands on."""
        return Services(
            calls=self.calls,
            tokens=self.tokens,
            library=StoredLibrary(self.store, self.recordings, self.calls, self.models, self.threads),
            recordings=StoredRecordings(self.store, self.recordings, self.threads),
            render=StoredReports(self.store, self.threads),
            documents=StoredDocuments(self.store),
            voices=StoredVoices(self.store, self.threads),
            ready=self.ready,
            # Pauses take no call audio, but keep the socket open: twice the longest call is plenty.
            limits=Limits(call_s=self.settings.max_call_hours * 2 * 3600),
        )

    async def ready(self) -> None:
        """Raises Unavailable while calls cannot be begun."""
        async with self.store.without_tenant() as conn:
            await conn.execute("SELECT 1")


async def _transcribers(settings: Settings) -> dict[int, Transcriber]:
    """By the number of channels; what several of them load is loaded once. Raises InvalidSettings or MissingPart."""
    names = [name.strip() for name in settings.transcriber.split(",")]
    for name in names:
        transcriber_class(name)
    shared = SharedModels(settings.threads)
    made: dict[str, dict[int, Transcriber]] = {}
    for name in names:
        match name:
            case "replay":
                if settings.replay is None:
                    raise InvalidSettings(
                        "the transcriber `replay` needs RIDEALONG_REPLAY: the transcript file to play"
                    )
                session = await asyncio.to_thread(read_session, settings.replay)
                made[name] = dict.fromkeys((1, 2), ReplayTranscriber(session))
            case "deepgram":
                made[name] = dict.fromkeys((1, 2), DeepgramTranscriber(deepgram_options(settings)))
            case _:
                await shared.load()
                made[name] = {1: LocalTranscriber(models=shared), 2: ChannelsTranscriber(models=shared)}
    if len(made) == 1:
        return made[names[0]]
    return {channels: FallbackTranscriber({name: made[name][channels] for name in names}) for channels in (1, 2)}


def deepgram_options(settings: Settings) -> DeepgramOptions:
    """Raises InvalidSettings without a key."""
    if settings.deepgram_api_key is None:
        raise InvalidSettings("the transcriber 'deepgram' needs a key: set RIDEALONG_DEEPGRAM_API_KEY")
    return DeepgramOptions(
        api_key=settings.deepgram_api_key.get_secret_value(),
        url=settings.deepgram_url,
        model=settings.deepgram_model,
        endpointing_ms=settings.deepgram_endpointing_ms,
        utterance_end_ms=settings.deepgram_utterance_end_ms,
        diarize_model=settings.deepgram_diarize_model,
        batch_diarize_model=settings.deepgram_batch_diarize_model,
    )
