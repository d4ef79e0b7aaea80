"""The server's real parts over PostgreSQL and HTTP, with the real local models, for what the pages ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel

from ridealong.app import models
from ridealong.app.across import StoredAcross
from ridealong.app.calibration import StoredCalibration
from ridealong.app.call_pages import StoredCallPages
from ridealong.app.document_preview import DocumentPreviews
from ridealong.app.documents import StoredDocuments
from ridealong.app.effects import StoredEffects
from ridealong.app.library import StoredLibrary, StoredRecordings, StoredReports
from ridealong.app.policy_replay import StoredReplays
from ridealong.app.runtime import StoreTokens
from ridealong.app.talk import StoredPlaylists, StoredShares, StoredTalk
from ridealong.app.taxonomy import StoredTaxonomy
from ridealong.app.team import StoredTeam
from ridealong.app.tenant_settings import StoredSettings
from ridealong.app.tuning import TenantTuning
from ridealong.config import Settings
from ridealong.live.engine import Engine
from ridealong.live.registry import LiveCalls
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.recording.folder import Recordings
from ridealong.store import Store, tenants
from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from tests.integration.postcall.calls import ended_call


@pytest.fixture(scope="session")
def local_models(tmp_path_factory: pytest.TempPathFactory) -> models.Models:
    return models.load(Settings(data_dir=tmp_path_factory.mktemp("models")))


def closed(schema: type[BaseModel], answer: Any) -> None:
    """`answer` is just what the model says: every key is there, none is left over."""
    read = schema.model_validate(answer)
    _same(read.model_dump(mode="json"), answer, schema.__name__)


def _same(read: Any, answer: Any, where: str) -> None:
    if isinstance(read, dict):
        optional = {key for key, value in read.items() if value is None}
        assert set(answer) <= set(read), f"{where}: not described: {set(answer) - set(read)}"
        assert set(read) - set(answer) <= optional, f"{where}: missing: {set(read) - set(answer)}"
        for key in answer:
            _same(read[key], answer[key], f"{where}.{key}")
    elif isinstance(read, list):
        assert len(read) == len(answer), where
        for number, (one, other) in enumerate(zip(read, answer, strict=True)):
            _same(one, other, f"{where}[{number}]")


@dataclass
class Pages:
    """One tenant's server, and a client that may do everything."""

    store: Store
    tenant_id: UUID
    token: str
    address: str
    client: httpx.AsyncClient
    calls: LiveCalls
    recordings: Recordings
    pipeline: ReviewPipeline
    services: Services

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.client.request(method, f"/v1{path}", **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    async def get(self, path: str, schema: type[BaseModel] | None = None, **more: Any) -> Any:
        answer = await self.ask("GET", path, **more)
        if schema is not None:
            closed(schema, answer)
        return answer

    async def refused(self, method: str, path: str, status: int, code: str, **more: Any) -> dict[str, Any]:
        answer = await self.ask(method, path, status, **more)
        assert answer["code"] == code, answer
        return answer

    async def token_of(self, *scopes: tenants.Scope) -> dict[str, str]:
        """The header of another token of this tenant."""
        token = await tenants.issue_token(self.store, self.tenant_id, list(scopes))
        return {"Authorization": f"Bearer {token}"}

    async def other_tenant(self) -> dict[str, str]:
        """The header of a token that may do everything, of another tenant."""
        other = await tenants.create_tenant(self.store, "other", "Other")
        token = await tenants.issue_token(self.store, other.tenant_id, list(tenants.Scope))
        return {"Authorization": f"Bearer {token}"}

    async def reviewed(self, call_id: UUID) -> dict[str, Any]:
        await self.pipeline.start(self.tenant_id, call_id)
        await self.pipeline.wait(self.tenant_id, call_id)
        return await self.get(f"/calls/{call_id}/artifact")

    async def call(self, *, reviewed: bool = True) -> UUID:
        """The written call, ended and reviewed by the local reviewer."""
        call_id = await ended_call(self.store, self.tenant_id)
        if reviewed:
            await self.reviewed(call_id)
        return call_id


@pytest.fixture
async def pages(store: Store, store_settings: Settings, local_models: models.Models) -> AsyncIterator[Pages]:
    tenant = await tenants.create_tenant(store, "acme", "Acme")
    token = await tenants.issue_token(store, tenant.tenant_id, list(tenants.Scope))
    recordings = Recordings(store_settings.recordings_dir)

    async def no_review(_tenant_id: UUID, _call_id: UUID) -> None:
        return None

    with ThreadPoolExecutor(2) as pool:
        calls = LiveCalls(
            Engine(
                store=store,
                recordings=recordings,
                transcribers={},
                minds=local_models,
                models=pool,
                disk=pool,
                behind=pool,
                review=no_review,
            )
        )
        pipeline = await ReviewPipeline.open(
            store,
            local_models.embedder,
            local_models.reviewer(),
            acts_of=StoredEffects(store).acts_of,
            sweep_seconds=60.0,
        )
        library = StoredLibrary(store, recordings, calls, local_models, pool)
        reports = StoredReports(store, pool)
        tuning = TenantTuning(store=store, models_dir=None)
        services = Services(
            calls=calls,
            tokens=StoreTokens(store=store),
            library=library,
            recordings=StoredRecordings(store, recordings, pool),
            render=reports,
            documents=StoredDocuments(store),
            previews=DocumentPreviews(store, local_models, pool),
            call_pages=StoredCallPages(
                store=store,
                recordings=recordings,
                running=calls,
                library=library,
                reports=reports,
                again=pipeline.retry,
                threads=pool,
            ),
            talk=StoredTalk(store, calls),
            shares=StoredShares(store),
            playlists=StoredPlaylists(store),
            team=StoredTeam(store, calls),
            across=StoredAcross.of(store, local_models.embedder, pool),
            policy_replays=StoredReplays(store),
            effects=StoredEffects(store),
            settings=StoredSettings(store),
            tuning=tuning,
            confidence=StoredCalibration(store),
            taxonomy=StoredTaxonomy(store),
        )
        try:
            async with running(create_app(services)) as address:
                headers = {"Authorization": f"Bearer {token}"}
                async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
                    yield Pages(
                        store=store,
                        tenant_id=tenant.tenant_id,
                        token=token,
                        address=address,
                        client=client,
                        calls=calls,
                        recordings=recordings,
                        pipeline=pipeline,
                        services=services,
                    )
        finally:
            await tuning.close()
            await pipeline.close()
            await calls.close()
