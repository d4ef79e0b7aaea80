"""A server over the real store, real calls and real people, and browsers that keep cookies."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from websockets.asyncio.client import connect

from ridealong.app.artifacts import StoredArtifacts
from ridealong.app.audiences import StoredAudiences
from ridealong.app.calendars import StoredCalendars
from ridealong.app.call_context import ContextIn
from ridealong.app.call_pages import StoredCallPages
from ridealong.app.crm import StoredCrms
from ridealong.app.crm_accounts import CrmAccounts
from ridealong.app.documents import StoredDocuments
from ridealong.app.effects import StoredEffects
from ridealong.app.exports import StoredExports
from ridealong.app.library import StoredLibrary, StoredRecordings, StoredReports, StoredVoices
from ridealong.app.mail import Mailbox
from ridealong.app.people import StoredPeople
from ridealong.app.policy_replay import StoredReplays
from ridealong.app.runtime import StoreTokens
from ridealong.app.talk import StoredPlaylists, StoredShares, StoredTalk
from ridealong.app.team import StoredTeam
from ridealong.app.tenant_mail import TenantMail
from ridealong.app.tenant_settings import Retention, StoredSettings
from ridealong.app.tuning import TenantTuning
from ridealong.app.webhooks import StoredEvents, StoredWebhooks
from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.core.transcript import SpeakerId, Utterance
from ridealong.live.engine import Engine
from ridealong.live.registry import LiveCalls
from ridealong.recording.folder import Recordings
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store import Store, members, tenants
from ridealong.store.calls import StoredCall, load_call
from ridealong.store.passwords import Passwords
from ridealong.store.sealing import Sealing
from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from tests.integration.web.conftest import Client
from tests.integration.web.real import Hears

PASSWORD = "correct horse battery"
# As argon2id as the real ones, and quick.
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


SEALING = Sealing("a secret of the operator, long enough")


class Browser:
    """One browser: it keeps its cookies, names its origin, and repeats the session's word."""

    def __init__(self, address: str) -> None:
        # Long: a busy machine is no mistake of the server.
        self.http = httpx.AsyncClient(base_url=address, timeout=60)
        self.origin: str | None = address
        self.csrf: str | None = None

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        sent = {"Origin": self.origin} if self.origin and method not in ("GET", "HEAD") else {}
        sent |= {"X-CSRF-Token": self.csrf} if self.csrf else {}
        content = None if body is None else json.dumps(body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, path, content=content, headers=sent)
        if answer.headers.get("content-type") == "application/json" and isinstance(answer.json(), dict):
            self.csrf = answer.json().get("csrf", self.csrf)
        return answer

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.ask("GET", path, **headers)

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.ask("POST", "/v1/session", {"email": email, "password": password})

    @property
    def cookie(self) -> str:
        return self.http.cookies["ridealong_session"]

    @contextlib.asynccontextmanager
    async def socket(self, path: str, *, origin: str | None = "own") -> AsyncIterator[Client]:
        """A WebSocket as a page opens it."""
        address = str(self.http.base_url).rstrip("/")
        headers = {"Cookie": f"ridealong_session={self.cookie}"}
        named = address if origin == "own" else origin
        async with connect(
            address.replace("http", "ws", 1) + path, compression=None, additional_headers=headers, origin=named
        ) as socket:
            yield Client(socket)


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return True


@dataclass(kw_only=True)
class House:
    """The server and what lies behind it."""

    address: str
    app: FastAPI
    services: Services
    store: Store
    people: StoredPeople
    calls: LiveCalls
    tenant_id: UUID
    token: str
    retention: Retention

    @contextlib.asynccontextmanager
    async def browser(self, email: str | None = None, **headers: str) -> AsyncIterator[Browser]:
        """A browser, in which somebody is signed in."""
        made = Browser(self.address)
        made.http.headers.update(headers)
        async with made.http:
            if email is not None:
                answer = await made.sign_in(email)
                assert answer.status_code == 200, answer.text
            yield made

    async def member(self, email: str, role: MemberRole, *, tenant_id: UUID | None = None) -> UUID:
        """A member who signs in with PASSWORD."""
        async with self.store.tenant(tenant_id or self.tenant_id) as connection:
            made = await members.add_member(
                connection,
                email=email,
                name=email.partition("@")[0].capitalize(),
                role=role,
                password_hash=QUICK.hash(PASSWORD),
            )
        return made.member_id

    async def call(self, rep_id: str, *, tenant_id: UUID | None = None, ended: bool = True) -> UUID:
        """A call of that rep with two utterances and a second of audio."""
        token = await tenants.issue_token(self.store, tenant_id or self.tenant_id, list(tenants.Scope))
        start = {
            "type": "start",
            "protocol": 1,
            "token": token,
            "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
            "rep": {"id": rep_id},
            "consent": {"statement": "both agreed"},
            "title": f"A call of {rep_id}",
        }
        async with connect(self.address.replace("http", "ws", 1) + "/v1/capture", compression=None) as socket:
            client = Client(socket)
            await client.send(start)
            call_id = UUID((await client.next())["call_id"])
            await client.send(bytes(32_000))
            if ended:
                await client.send({"type": "stop"})
                await client.until(event="ended")
                # What is told comes before what is stored.
                while (await self._call(tenant_id or self.tenant_id, call_id)).live:
                    await asyncio.sleep(0.02)
            else:
                await client.until(event="utterance", no=1)
        return call_id

    async def _call(self, tenant_id: UUID, call_id: UUID) -> StoredCall:
        async with self.store.tenant(tenant_id) as connection:
            return await load_call(connection, call_id)


@contextlib.asynccontextmanager
async def house(settings: Settings, folder: Path, **more: Any) -> AsyncIterator[House]:
    """The server. `more` goes into its `Services`."""

    async def no_review(_tenant_id: UUID, _call_id: UUID) -> None:
        return None

    store = await Store.open(settings)
    said = (
        Utterance(no=0, speaker=SpeakerId(0), start_ts=100, end_ts=500, text="Hello there, about the budget."),
        Utterance(no=1, speaker=SpeakerId(1), start_ts=600, end_ts=900, text="Good morning."),
    )
    transcriber = ReplayTranscriber(RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=said))
    with ThreadPoolExecutor(2) as pool:
        recordings = Recordings(folder)
        calls = LiveCalls(
            Engine(
                store=store,
                recordings=recordings,
                transcribers={1: transcriber, 2: transcriber},
                minds=Hears(),
                models=pool,
                disk=pool,
                behind=pool,
                review=no_review,
            )
        )
        tuning = TenantTuning(store=store, models_dir=None)
        try:
            tenant = await tenants.create_tenant(store, "acme", "Acme")
            people = StoredPeople(store=store, first_tenant="acme", passwords=Passwords(QUICK), **more.pop("rules", {}))
            library = StoredLibrary(store, recordings, calls, Hears(), pool)  # pyright: ignore[reportArgumentType]
            reports = StoredReports(store, pool)
            allow_private = more.pop("allow_private", False)
            # Nobody listens there: tests that send give their messenger a mailbox of its own.
            server = Mailbox(host="127.0.0.1", port=9, security="none", sender="Ridealong <me@calls.example>")
            mail = TenantMail(store=store, sealing=SEALING, server=server, allow_private=allow_private)
            accounts = CrmAccounts(store=store, sealing=SEALING, allow_private=allow_private)
            context_in = ContextIn(
                store=store,
                accounts=accounts,
                calendars=StoredCalendars(store=store, sealing=SEALING, allow_private=allow_private),
            )
            services = Services(
                calls=calls,
                tokens=StoreTokens(store=store),
                library=library,
                recordings=StoredRecordings(store, recordings, pool),
                render=reports,
                call_pages=StoredCallPages(
                    store=store,
                    recordings=recordings,
                    running=calls,
                    library=library,
                    reports=reports,
                    again=no_review,
                    threads=pool,
                ),
                talk=StoredTalk(store, calls),
                shares=StoredShares(store),
                playlists=StoredPlaylists(store),
                team=StoredTeam(store, calls),
                artifacts=StoredArtifacts(store),
                tuning=tuning,
                policy_replays=StoredReplays(store),
                effects=StoredEffects(store),
                documents=StoredDocuments(store),
                voices=StoredVoices(store, pool),
                people=people,
                settings=StoredSettings(store),
                webhooks=StoredWebhooks(store=store, sealing=SEALING, allow_private=allow_private, mail=mail),
                mail=mail,
                crm=StoredCrms(store=store, accounts=accounts, context_in=context_in),
                calendars=context_in.calendars,
                audiences=StoredAudiences(store),
                events=StoredEvents(store),
                exports=StoredExports(store),
                **more,
            )
            app = create_app(services)
            async with running(app) as address:
                yield House(
                    address=address,
                    app=app,
                    services=services,
                    store=store,
                    people=people,
                    calls=calls,
                    tenant_id=tenant.tenant_id,
                    retention=Retention(store=store, recordings=recordings, running=calls),
                    token=await tenants.issue_token(store, tenant.tenant_id, list(tenants.Scope)),
                )
        finally:
            await tuning.close()
            await calls.close()
            await store.close()
