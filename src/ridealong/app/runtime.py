"""Everything that runs in one process, put together; the command line's other modules only use it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.app import hosted, identity, models, reviewing, transcribers
from ridealong.app.across import StoredAcross
from ridealong.app.artifacts import StoredArtifacts
from ridealong.app.audiences import StoredAudiences
from ridealong.app.calendars import StoredCalendars
from ridealong.app.calibration import StoredCalibration
from ridealong.app.call_context import ContextIn
from ridealong.app.call_pages import StoredCallPages
from ridealong.app.crm import StoredCrms
from ridealong.app.crm_accounts import CrmAccounts
from ridealong.app.crm_writing import CrmWriter
from ridealong.app.deals import StoredDeals
from ridealong.app.document_preview import DocumentPreviews
from ridealong.app.documents import StoredDocuments
from ridealong.app.effects import StoredEffects
from ridealong.app.exports import StoredExports
from ridealong.app.identity import OidcProvider
from ridealong.app.library import StoredLibrary, StoredRecordings, StoredReports, StoredVoices
from ridealong.app.mail import Mailbox
from ridealong.app.people import StoredPeople
from ridealong.app.policy_replay import StoredReplays
from ridealong.app.reading_ahead import ReadingAhead
from ridealong.app.rehear import recorded_calls
from ridealong.app.stored_models import StoredModels
from ridealong.app.talk import StoredPlaylists, StoredShares, StoredTalk
from ridealong.app.taxonomy import StoredTaxonomy
from ridealong.app.team import StoredTeam
from ridealong.app.tenant_mail import TenantMail
from ridealong.app.tenant_models import TenantModels
from ridealong.app.tenant_settings import Retention, StoredSettings
from ridealong.app.token_counts import TokenCounts
from ridealong.app.tuning import TenantTuning
from ridealong.app.webhooks import TOLD_AT_ONCE, Messenger, StoredEvents, StoredWebhooks
from ridealong.core.author import Author
from ridealong.core.errors import Refused, RidealongError
from ridealong.cores import cores, yield_to_others
from ridealong.live.engine import Engine
from ridealong.live.registry import LiveCalls
from ridealong.llm.house import ModelHouse
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.pipeline import AT_ONCE, ReviewPipeline
from ridealong.postcall.rehearing import Rehearing
from ridealong.postcall.reviewer import InThreads
from ridealong.recording.folder import Recordings
from ridealong.speech import Transcriber
from ridealong.store import Store, artifacts, tenants
from ridealong.store.sealing import Sealing
from ridealong.web.services import Services
from ridealong.web.socket import Limits

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.postcall.hosted import ModelsFor

DEFAULT_TENANT: Final = "default"

_log = structlog.get_logger(__name__)


def spare_collector() -> None:
    """What is loaded by now stays: without this the collector walks through all of it again and again, and a nudge that
    falls on such a walk waits for its end. Call it again when more was loaded.
    """
    gc.collect()
    gc.freeze()
    # Calls make few cycles. A walk through what they keep (words, events: some 20,000 objects an hour and call) is
    # worth its time once in minutes, and not, as by default, after every 70,000 new objects.
    gc.set_threshold(5_000, 10, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreTokens:
    """The store's tokens as the web sees them."""

    store: Store

    async def resolve(self, token: str) -> tenants.Principal:
        return await tenants.resolve_token(self.store, token)

    async def issue(
        self,
        tenant_id: UUID,
        *,
        scopes: frozenset[str],
        call_id: UUID,
        lifetime_s: float,
        owner: Author | None = None,
    ) -> str:
        return await tenants.issue_token(
            self.store,
            tenant_id,
            [tenants.Scope(scope) for scope in scopes],
            call_id=call_id,
            expires_in=timedelta(seconds=lifetime_s),
            author=owner,
            own=owner is not None,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runtime:
    """The parts of a running Ridealong. Made by `open`, which also ends them in the right order."""

    settings: Settings
    store: Store
    recordings: Recordings
    transcribers: dict[int, Transcriber]
    models: models.Models
    house: ModelHouse
    tenant_models: TenantModels
    counts: TokenCounts
    pipeline: ReviewPipeline
    calls: LiveCalls
    tokens: StoreTokens
    people: StoredPeople
    identity: OidcProvider | None
    mail: TenantMail
    context_in: ContextIn
    pages: ThreadPoolExecutor
    """Threads for what people look up."""
    tuning: TenantTuning
    ahead: ReadingAhead

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Runtime]:
        """Start the database, load the models, take up unfinished reviews; on leaving, end what was started.

        Raises InvalidSettings, MissingPart or Unavailable.
        """
        # A model's thread that comes back for the interpreter's lock waits up to this long for the event loop's; five
        # milliseconds, the default, would be paid for each of a turn's sentences.
        sys.setswitchinterval(0.0005)
        threads = settings.threads or cores()
        sealing = Sealing.of_settings(settings)
        company = identity.of_settings(settings)
        mailbox = Mailbox.of_settings(settings)
        async with contextlib.AsyncExitStack() as stack:
            disk = stack.enter_context(ThreadPoolExecutor(4, "disk"))
            live = stack.enter_context(ThreadPoolExecutor(threads, "models"))
            behind = stack.enter_context(ThreadPoolExecutor(1, "behind", initializer=yield_to_others))
            # Not the calls' threads: a question over a year of calls takes seconds, and a nudge must not wait for that.
            pages = stack.enter_context(ThreadPoolExecutor(max(2, threads), "pages"))
            # Not those either: a mail server that is silent keeps a thread for a quarter of a minute.
            posting = stack.enter_context(ThreadPoolExecutor(TOLD_AT_ONCE, "posting"))
            # The database and the models start side by side: together they are most of the start-up time.
            opening = asyncio.create_task(Store.open(settings))
            try:
                loaded, ears = await asyncio.gather(
                    asyncio.to_thread(models.load, settings), transcribers.open_live(settings)
                )
            finally:
                store = await opening
            stack.push_async_callback(store.close)
            for transcriber in set(ears.values()):
                stack.push_async_callback(transcriber.close)
            recordings = Recordings(settings.recordings_dir)
            house = ModelHouse(settings)
            stack.push_async_callback(house.close)
            again = await transcribers.open_batch(settings, ears)
            rehearing = None
            if again is not None:
                stack.push_async_callback(again.close)
                rehearing = Rehearing(
                    store,
                    loaded.embedder,
                    again,
                    recorded_calls(store, recordings, disk),
                    billing=transcribers.batch_billing(settings, house),
                )
            counts = TokenCounts(store, house)
            await stack.enter_async_context(counts.writing())
            tenant_models = TenantModels(store, sealing, counts=counts)
            context_in = ContextIn(
                store=store,
                accounts=CrmAccounts(store=store, sealing=sealing, allow_private=settings.crm_private),
                calendars=StoredCalendars(store=store, sealing=sealing, allow_private=settings.crm_private),
            )
            local = loaded.local_reviewer()
            pipeline = await ReviewPipeline.open(
                store,
                loaded.embedder,
                reviewing.reviewer(settings, house, loaded.embedder, InThreads(local), tenant_models),
                at_once=reviewing.HOSTED_AT_ONCE if settings.review_model_names else AT_ONCE,
                rehearing=rehearing,
                finder=local.finder,
                acts_of=StoredEffects(store).acts_of,
                know_more=context_in.before_review,
            )
            stack.push_async_callback(pipeline.close)

            async def review(tenant_id: UUID, call_id: UUID) -> dict[str, object] | None:
                try:
                    await pipeline.start(tenant_id, call_id)
                    await pipeline.wait(tenant_id, call_id)
                    async with store.tenant(tenant_id) as conn:
                        return (await artifacts.load_artifact(conn, call_id)).as_json()
                except RidealongError as error:
                    # The outbox keeps the review queued: it is made later, and the call itself is safe.
                    _log.error("review_not_shown", call_id=str(call_id), error=type(error).__name__)
                    return None

            calls = LiveCalls(
                Engine(
                    store=store,
                    recordings=recordings,
                    transcribers=ears,
                    minds=loaded,
                    models=live,
                    disk=disk,
                    behind=behind,
                    review=review,
                    resume_grace_s=settings.resume_grace_s,
                    max_call_ms=round(settings.max_call_hours * 3_600_000),
                    live_model=hosted.live_model(settings, house, tenant_models),
                    asking=hosted.asking(settings),
                )
            )
            stack.push_async_callback(calls.close)
            tuning = TenantTuning(store=store, models_dir=settings.models_dir)
            stack.push_async_callback(tuning.close)
            ahead = ReadingAhead(store, loaded.embedder, behind)
            stack.push_async_callback(ahead.close)
            spare_collector()
            yield cls(
                settings=settings,
                store=store,
                recordings=recordings,
                transcribers=ears,
                models=loaded,
                house=house,
                tenant_models=tenant_models,
                counts=counts,
                pipeline=pipeline,
                calls=calls,
                tokens=StoreTokens(store=store),
                people=StoredPeople(
                    store=store, first_tenant=DEFAULT_TENANT, oidc=None if company is None else company[1]
                ),
                identity=None if company is None else company[0],
                mail=TenantMail(
                    store=store,
                    sealing=sealing,
                    server=mailbox,
                    allow_private=settings.smtp_private,
                    threads=posting,
                ),
                context_in=context_in,
                pages=pages,
                tuning=tuning,
                ahead=ahead,
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
        library = StoredLibrary(self.store, self.recordings, self.calls, self.models, self.pages)
        reports = StoredReports(self.store, self.pages)
        return Services(
            calls=self.calls,
            tokens=self.tokens,
            library=library,
            recordings=StoredRecordings(self.store, self.recordings, self.pages),
            render=reports,
            previews=DocumentPreviews(self.store, self.models, self.pages),
            artifacts=StoredArtifacts(self.store),
            call_pages=StoredCallPages(
                store=self.store,
                recordings=self.recordings,
                running=self.calls,
                library=library,
                reports=reports,
                again=self.pipeline.retry,
                threads=self.pages,
            ),
            talk=StoredTalk(self.store, self.calls),
            shares=StoredShares(self.store),
            playlists=StoredPlaylists(self.store),
            team=StoredTeam(self.store, self.calls),
            across=StoredAcross.of(self.store, self.models.embedder, self.pages, self.answering),
            policy_replays=StoredReplays(self.store),
            effects=StoredEffects(self.store),
            documents=StoredDocuments(self.store, kept=self.ahead.soon),
            voices=StoredVoices(self.store, self.pages),
            settings=StoredSettings(self.store),
            webhooks=StoredWebhooks(
                store=self.store,
                sealing=self.tenant_models.sealing,
                allow_private=self.settings.webhooks_private,
                mail=self.mail,
            ),
            crm=StoredCrms(store=self.store, accounts=self.context_in.accounts, context_in=self.context_in),
            calendars=self.context_in.calendars,
            mail=self.mail,
            tuning=self.tuning,
            confidence=StoredCalibration(self.store),
            taxonomy=StoredTaxonomy(self.store, kept=self.ahead.soon),
            audiences=StoredAudiences(self.store),
            events=StoredEvents(self.store),
            exports=StoredExports(self.store),
            people=self.people,
            identity=self.identity,
            public_url=self.settings.public_url,
            models=StoredModels(
                settings=self.settings, house=self.house, tenants=self.tenant_models, counts=self.counts
            ),
            ready=self.ready,
            # Pauses take no call audio, but keep the socket open: twice the longest call is plenty.
            limits=Limits(call_s=self.settings.max_call_hours * 2 * 3600),
        )

    @property
    def answering(self) -> ModelsFor:
        """Who writes answers to a tenant's questions: whoever reviews its calls."""
        return reviewing.models_of(self.settings, self.house, self.tenant_models)

    def retention(self) -> Retention:
        """What erases calls that are past their tenant's time."""
        return Retention(store=self.store, recordings=self.recordings, running=self.calls)

    def messenger(self) -> Messenger:
        """What tells tenants' webhooks."""
        return Messenger(
            store=self.store,
            sealing=self.tenant_models.sealing,
            allow_private=self.settings.webhooks_private,
            mail=self.mail,
            home=self.home,
        )

    def crm_writer(self) -> CrmWriter:
        """What writes reviews into tenants' CRMs."""
        return CrmWriter(
            store=self.store,
            accounts=self.context_in.accounts,
            people_of=self.context_in.people_of,
            deals=StoredDeals(
                store=self.store,
                embedder=self.models.embedder,
                finder=EvidenceFinder(self.models.embedder),
                threads=self.pages,
            ),
            home=self.home,
        )

    @property
    def home(self) -> str:
        """The address that people open, without a path."""
        return self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"

    async def ready(self) -> None:
        """Raises Unavailable while calls cannot be begun."""
        async with self.store.without_tenant() as conn:
            await conn.execute("SELECT 1")
