"""Tenants' webhooks: chosen over real requests, told over real requests, by a receiver that may be broken."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ridealong.app.library import erase_everywhere
from ridealong.app.webhooks import AGAIN_S, Messenger, Outside, check_url
from ridealong.config import Settings
from ridealong.core.errors import Refused
from ridealong.core.people import MemberRole
from ridealong.recording.folder import Recordings
from tests.integration.web.people import SEALING, Browser, House, house, is_problem

ADMIN, MANAGER = "ada@acme.example", "max@acme.example"


@dataclass
class Receiver:
    """Whoever is told."""

    url: str = ""
    status: int = 204
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        async def hear(request: web.Request) -> web.Response:
            self.got.append((dict(request.headers), await request.read()))
            return web.Response(status=self.status, headers={"Location": "http://127.0.0.1:1/elsewhere"})

        app = web.Application()
        app.router.add_post("/hook", hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings", allow_private=True) as made:
        await made.member(ADMIN, MemberRole.ADMIN)
        await made.member(MANAGER, MemberRole.MANAGER)
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as made:
        yield made


def messenger(acme: House) -> Messenger:
    return Messenger(store=acme.store, sealing=SEALING, allow_private=True)


async def added(admin: Browser, receiver: Receiver, *events: str) -> dict[str, Any]:
    answer = await admin.ask("POST", "/v1/webhooks", {"url": receiver.url, "events": events or ["call.ended"]})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def hurry(acme: House) -> None:
    """What waits is due now."""
    async with acme.store.tenant(acme.tenant_id) as connection:
        await connection.execute("UPDATE webhook_delivery SET due_at = now() WHERE status = 'waiting'")


async def waiting(acme: House) -> int:
    async with acme.store.tenant(acme.tenant_id) as connection:
        row = await (
            await connection.execute("SELECT count(*) FROM webhook_delivery WHERE status = 'waiting'")
        ).fetchone()
    assert row is not None
    return row[0]


async def test_the_end_of_a_call_is_told_signed_and_once(acme: House, receiver: Receiver) -> None:
    async with acme.browser(ADMIN) as admin:
        made = await added(admin, receiver)
        call = await acme.call("rita")
        assert await messenger(acme).deliver_due() == 1
        assert await messenger(acme).deliver_due() == 0
        ((headers, body),) = receiver.got
        assert f'"call_id": "{call}"' in body.decode()
        assert b"budget" not in body
        secret = base64.b64decode(made["secret"].removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        (shown,) = (await admin.get("/v1/webhooks")).json()["webhooks"]
        assert (shown["last_status"], shown["active"]) == (204, True)
        assert made["secret"] not in (await admin.get("/v1/webhooks")).text


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_was_not_taken_is_told_again_under_the_same_name_and_given_up_in_the_end(
    acme: House, receiver: Receiver, status: int
) -> None:
    async with acme.browser(ADMIN) as admin:
        await added(admin, receiver)
        await acme.call("rita")
        receiver.status = status
        for attempt in range(len(AGAIN_S) + 1):
            assert await waiting(acme) == 1, attempt
            assert await messenger(acme).deliver_due() == 1
            assert await messenger(acme).deliver_due() == 0, "not before its time"
            await hurry(acme)
        assert await waiting(acme) == 0
        assert len(receiver.got) == len(AGAIN_S) + 1
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert (await admin.get("/v1/webhooks")).json()["webhooks"][0]["last_status"] == status


async def test_a_receiver_that_was_away_hears_it_later(acme: House, receiver: Receiver) -> None:
    async with acme.browser(ADMIN) as admin:
        first = await added(admin, receiver)
        there, receiver.url = receiver.url, "http://127.0.0.1:9/hook"
        lost = await added(admin, receiver)
        await admin.ask("DELETE", f"/v1/webhooks/{first['webhook']['webhook_id']}")
        await acme.call("rita")
        assert await messenger(acme).deliver_due() == 1
        assert (await admin.get("/v1/webhooks")).json()["webhooks"][0]["last_status"] is None
        moved = await admin.ask("PATCH", f"/v1/webhooks/{lost['webhook']['webhook_id']}", {"url": there})
        assert moved.json()["url"] == there
        await hurry(acme)
        assert await messenger(acme).deliver_due() == 1
        assert len(receiver.got) == 1


async def test_who_says_gone_or_is_switched_off_or_removed_is_told_no_more(acme: House, receiver: Receiver) -> None:
    async with acme.browser(ADMIN) as admin:
        made = (await added(admin, receiver))["webhook"]
        path = f"/v1/webhooks/{made['webhook_id']}"
        receiver.status = 410
        await acme.call("rita")
        assert await messenger(acme).deliver_due() == 1
        assert (await admin.get("/v1/webhooks")).json()["webhooks"][0]["active"] is False
        await acme.call("rita")
        assert await waiting(acme) == 0
        assert (await admin.ask("PATCH", path, {"active": True})).json()["active"] is True
        await acme.call("rita")
        assert await waiting(acme) == 1
        assert (await admin.ask("DELETE", path)).status_code == 204
        assert await waiting(acme) == 0
        assert is_problem(await admin.ask("DELETE", path), 404, "not_found")


async def test_nothing_is_told_of_a_call_that_was_erased(acme: House, receiver: Receiver, tmp_path: Path) -> None:
    async with acme.browser(ADMIN) as admin:
        await added(admin, receiver)
        call = await acme.call("rita")
        await erase_everywhere(acme.store, Recordings(tmp_path / "recordings"), acme.tenant_id, call)
        assert await messenger(acme).deliver_due() == 0
        assert receiver.got == []


async def test_a_finished_review_is_told_to_who_wants_reviews_only(acme: House, receiver: Receiver) -> None:
    async with acme.browser(ADMIN) as admin:
        await added(admin, receiver, "review.done")
        call = await acme.call("rita")
        assert await waiting(acme) == 0
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute(
                "UPDATE review SET status = 'finished', reviewer = 'local', rubric_id = 'r', rubric_title = 'R',"
                " score = 1, assessed = true, finished_at = now() WHERE call_id = %s",
                [call],
            )
        assert await messenger(acme).deliver_due() == 1
        assert b'"type": "review.done"' in receiver.got[0][1]


async def test_only_an_admin_chooses_who_is_told(acme: House, receiver: Receiver) -> None:
    async with acme.browser(MANAGER) as manager:
        assert is_problem(await manager.get("/v1/webhooks"), 403, "forbidden")
        new = {"url": receiver.url, "events": ["call.ended"]}
        assert is_problem(await manager.ask("POST", "/v1/webhooks", new), 403, "forbidden")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://crm.example/x",
            "ftp://crm.example",
            "nonsense",
            "https://",
            "https://me:pw@crm.example/",
            "https://[",
        ),
        *(
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.0.0.8/",
            "https://169.254.169.254/latest",
            "https://localhost",
        ),
        *("https://[::ffff:127.0.0.1]/", "https://192.168.1.1:8443/x", "https://0.0.0.0/", "https://crm.example/#x"),
        # Addresses to whoever connects, though not as they are usually written.
        *("https://127.1/", "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/", "https://127.0.0.1./"),
        *("https://me.localhost/", "https://LOCALHOST./"),
        # IPv6 that leads on to IPv4, or to the site alone.
        *("https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fec0::1]/"),
        *("https://[fe80::1%25lo]/", "https://[fd00::1]/"),
    ],
)
def test_messages_do_not_go_inside_the_network_or_unencrypted(url: str) -> None:
    with pytest.raises(Refused, match="url"):
        check_url(url, allow_private=False)


@pytest.mark.parametrize("url", ["https://crm.example/x", "https://1.1.1.1/", "https://[2606:4700:4700::1111]:8443/"])
def test_messages_go_to_addresses_that_the_internet_knows(url: str) -> None:
    check_url(url, allow_private=False)


async def test_an_address_inside_the_network_is_not_reached_even_where_it_was_once_allowed(
    acme: House, receiver: Receiver
) -> None:
    async with acme.browser(ADMIN) as admin:
        await added(admin, receiver)
        await acme.call("rita")
        strict = Messenger(store=acme.store, sealing=SEALING)
        assert await strict.deliver_due() == 1
        assert receiver.got == []


async def test_a_name_is_not_found_where_it_leads_inside_the_network() -> None:
    resolver = Outside()
    try:
        # Any machine knows this one; what counts is where it leads, not how it is written.
        with pytest.raises(OSError, match="inside the server's own network"):
            await resolver.resolve("localhost", 443)
    finally:
        await resolver.close()
