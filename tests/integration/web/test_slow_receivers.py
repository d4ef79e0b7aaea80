"""Receivers that are slow, busy, or say in a friendly answer that it went wrong: they delay themselves alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from tests.integration.store.conversation import record_call
from tests.integration.web.people import House, house
from tests.integration.web.test_delivery import added, by_token, log_of, messenger
from tests.integration.web.test_webhooks import hurry


@dataclass
class Service:
    """Answers at `/quick` and `/saying`; at `/slow` only once it is `released`."""

    url: str = ""
    got: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    says: str = "ok"
    status: int = 200
    retry_after: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Service]:
        async def hear(request: web.Request) -> web.Response:
            self.got.put_nowait(request.path)
            if request.path == "/slow":
                await self.released.wait()
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.Response(status=self.status, text=self.says, headers=headers)

        app = web.Application()
        app.router.add_post("/{path}", hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self.released.set()
            await runner.cleanup()


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings", allow_private=True) as made:
        await made.member("ada@acme.example", MemberRole.ADMIN)
        yield made


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().running() as made:
        yield made


async def test_an_address_that_does_not_answer_keeps_no_other_waiting(acme: House, service: Service) -> None:
    async with by_token(acme) as admin:
        slow = await added(admin, url=f"{service.url}/slow")
        await added(admin, url=f"{service.url}/quick")
        for _ in range(3):
            await record_call(acme.store, acme.tenant_id)
        async with messenger(acme).delivering(), asyncio.timeout(60):
            told = [await service.got.get() for _ in range(4)]
            assert sorted(told) == ["/quick", "/quick", "/quick", "/slow"], "while the slow one has not answered"
            service.released.set()
            assert [await service.got.get() for _ in range(2)] == ["/slow", "/slow"]
            while {d["status"] for d in await log_of(admin, slow)} != {"delivered"}:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ('{"ok": false, "error": "channel_not_found"}', "waiting"),
        ('{"success":false}', "waiting"),
        ('{"success":true}', "delivered"),
        ("ok", "delivered"),
        ("", "delivered"),
        ("[" * 100_000, "delivered"),
    ],
)
async def test_what_stands_in_for_slack_may_say_200_and_mean_no(
    acme: House, service: Service, says: str, status: str
) -> None:
    service.says = says
    async with by_token(acme) as admin:
        webhook_id = await added(admin, kind="slack", url=f"{service.url}/saying")
        await record_call(acme.store, acme.tenant_id)
        await messenger(acme).deliver_due()
        (told,) = await log_of(admin, webhook_id)
        assert (told["status"], told["attempts"][0]["answer"]) == (status, 200)


@pytest.mark.parametrize(
    ("retry_after", "least_s"),
    [("900", 800), ("Wed, 21 Oct 2099 07:28:00 GMT", 3500), ("soon", 1), ("9" * 5000, 3500)],
)
async def test_the_wait_that_is_asked_for_may_be_seconds_or_a_date_and_is_an_hour_at_most(
    acme: House, service: Service, retry_after: str, least_s: int
) -> None:
    service.status, service.retry_after = 429, retry_after
    async with by_token(acme) as admin:
        webhook_id = await added(admin, url=f"{service.url}/quick")
        before = datetime.now(UTC)
        await record_call(acme.store, acme.tenant_id)
        await messenger(acme).deliver_due()
        (told,) = await log_of(admin, webhook_id)
        due = datetime.fromisoformat(told["due_at"])
        assert due >= before + timedelta(seconds=least_s)
        assert due <= datetime.now(UTC) + timedelta(seconds=3_700)
        service.status = 200
        await hurry(acme)
        await messenger(acme).deliver_due()
        assert [d["status"] for d in await log_of(admin, webhook_id)] == ["delivered"]
