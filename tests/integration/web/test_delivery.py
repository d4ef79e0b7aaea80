"""Delivery: the feed, the log, replay, mail and Slack, to receivers that misbehave on command."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ridealong.app.mail import Mailbox
from ridealong.app.tenant_mail import TenantMail
from ridealong.app.webhooks import AGAIN_S, Messenger
from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings
from ridealong.core.people import MemberRole
from ridealong.store.events import events_after
from ridealong.store.tenants import DocumentKind, put_document
from tests.integration.store.conversation import record_call
from tests.integration.web.people import SEALING, Browser, House, house, is_problem
from tests.integration.web.test_webhooks import Receiver, hurry
from tests.vendors.smtp import Fault, MailServer

ADMIN, MANAGER, REP = "ada@acme.example", "max@acme.example", "rep-7"


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


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer().running() as made:
        yield made


def by_token(acme: House) -> AbstractAsyncContextManager[Browser]:
    """An admin's program: what is told to whom does not depend on how somebody signed in."""
    return acme.browser(Authorization=f"Bearer {acme.token}")


def mailbox(mail: MailServer, timeout_s: float = 10.0) -> Mailbox:
    sender = "Ridealong <me@calls.example>"
    return Mailbox(host="127.0.0.1", port=mail.port, security="none", sender=sender, timeout_s=timeout_s)


def by_server(acme: House, server: Mailbox) -> TenantMail:
    return TenantMail(store=acme.store, sealing=SEALING, server=server)


def messenger(acme: House, mail: MailServer | None = None, timeout_s: float = 10.0) -> Messenger:
    return Messenger(
        store=acme.store,
        sealing=SEALING,
        allow_private=True,
        mail=None if mail is None else by_server(acme, mailbox(mail, timeout_s)),
        home="https://calls.example",
    )


async def added(admin: Browser, **new: Any) -> str:
    answer = await admin.ask("POST", "/v1/webhooks", {"events": ["review.done"], **new})
    assert answer.status_code == 201, answer.text
    return answer.json()["webhook"]["webhook_id"]


async def log_of(admin: Browser, webhook_id: str) -> list[dict[str, Any]]:
    return (await admin.get(f"/v1/webhooks/{webhook_id}/deliveries")).json()["deliveries"]


async def test_the_feed_tells_in_order_what_happened_and_goes_on_from_a_cursor(acme: House) -> None:
    async with by_token(acme) as admin:
        first = await record_call(acme.store, acme.tenant_id)
        told = (await admin.get("/v1/events")).json()
        assert {e["type"] for e in told["events"]} == {"moment.found", "call.ended", "review.done"}
        assert [e["position"] for e in told["events"]] == [1, 2, 3]
        found = {e["type"]: e["data"]["subject_id"] for e in told["events"]}
        assert found == {"moment.found": str(first.moment_id), "review.done": str(first.review_id), "call.ended": None}
        assert (await admin.get(f"/v1/events?after={told['next']}")).json() == {"events": [], "next": 3}
        second = await record_call(acme.store, acme.tenant_id)
        later = (await admin.get("/v1/events?after=3&type=review.done&limit=1")).json()
        assert [e["data"]["call_id"] for e in later["events"]] == [str(second.call_id)]
        assert "price" not in json.dumps(told)


async def test_an_event_that_is_committed_late_is_not_missed(acme: House) -> None:
    call = await record_call(acme.store, acme.tenant_id)
    insert = "INSERT INTO event (tenant_id, type, call_id) VALUES (current_tenant(), 'call.ended', %s)"
    async with acme.store.tenant(acme.tenant_id) as slow:
        await slow.execute(insert, [call.call_id])
        async with acme.store.tenant(acme.tenant_id) as quick:
            await quick.execute(insert, [call.call_id])
        async with acme.store.tenant(acme.tenant_id) as reading:
            seen = [e.position for e in await events_after(reading, 0, limit=10)]
    async with acme.store.tenant(acme.tenant_id) as reading:
        rest = [e.position for e in await events_after(reading, seen[-1], limit=10)]
    assert (seen, rest) == ([1, 2, 3, 4], [5])


async def test_a_rep_sees_events_of_own_calls_alone(acme: House) -> None:
    await acme.member("rita@acme.example", MemberRole.REP)
    await record_call(acme.store, acme.tenant_id)
    async with acme.browser("rita@acme.example") as rita:
        assert (await rita.get("/v1/events")).json()["events"] == []


async def test_the_log_tells_each_attempt_and_a_replay_tells_again_under_the_same_name(
    acme: House, receiver: Receiver
) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, url=receiver.url)
        await record_call(acme.store, acme.tenant_id)
        receiver.status = 503
        assert await messenger(acme).deliver_due() == 1
        (waiting,) = await log_of(admin, webhook_id)
        assert (waiting["status"], waiting["settled_at"]) == ("waiting", None)
        receiver.status = 200
        await hurry(acme)
        assert await messenger(acme).deliver_due() == 1
        (told,) = await log_of(admin, webhook_id)
        assert (told["status"], told["due_at"]) == ("delivered", None)
        assert [(a["answer"], a["outcome"]) for a in told["attempts"]] == [(503, "refused"), (200, "taken")]
        assert all(a["duration_ms"] >= 0 for a in told["attempts"])
        again = await admin.ask("POST", f"/v1/webhooks/{webhook_id}/replay", {"after": 0})
        assert (again.status_code, again.json()) == (202, {"queued": 1})
        doubled = await admin.ask("POST", f"/v1/webhooks/{webhook_id}/replay", {"after": 0})
        assert doubled.json() == {"queued": 0}, "it waits already"
        assert await messenger(acme).deliver_due() == 1
        names = {headers["webhook-id"] for headers, _ in receiver.got}
        assert (len(receiver.got), len(names)) == (3, 1)
        nothing = await admin.ask("POST", f"/v1/webhooks/{webhook_id}/replay", {"after": 3})
        assert nothing.json() == {"queued": 0}


async def test_what_is_never_taken_is_dead_and_can_be_replayed(acme: House, receiver: Receiver) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, url=receiver.url)
        await record_call(acme.store, acme.tenant_id)
        receiver.status = 500
        for _ in range(len(AGAIN_S) + 1):
            assert await messenger(acme).deliver_due() == 1
            await hurry(acme)
        assert await messenger(acme).deliver_due() == 0
        dead = (await admin.get(f"/v1/webhooks/{webhook_id}/deliveries?status=dead")).json()["deliveries"]
        assert [len(d["attempts"]) for d in dead] == [len(AGAIN_S) + 1]
        receiver.status = 200
        await admin.ask("POST", f"/v1/webhooks/{webhook_id}/replay", {"after": 0})
        await messenger(acme).deliver_due()
        assert [d["status"] for d in await log_of(admin, webhook_id)] == ["delivered", "dead"]


async def test_a_review_is_mailed_to_managers_and_to_the_rep_whose_call_it_is(acme: House, mail: MailServer) -> None:
    async with acme.store.tenant(acme.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO rep (tenant_id, rep_id) VALUES (current_tenant(), %s) ON CONFLICT DO NOTHING", [REP]
        )
    await acme.member("rita@acme.example", MemberRole.REP)
    async with acme.store.tenant(acme.tenant_id) as connection:
        await connection.execute("UPDATE member SET rep_id = %s WHERE email = 'rita@acme.example'", [REP])
    async with by_token(acme) as admin:
        await added(admin, kind="email", url="mailto:managers")
        await added(admin, kind="email", url="mailto:rep")
        call = await record_call(acme.store, acme.tenant_id)
        assert await messenger(acme, mail).deliver_due() == 3
    by = {one.recipient: one.message for one in mail.taken}
    assert set(by) == {ADMIN, MANAGER, "rita@acme.example"}
    assert by["rita@acme.example"]["Subject"] == "What to replay in Route planning"
    assert by[MANAGER]["Subject"].endswith("Route planning")
    assert by[MANAGER]["From"] == "Ridealong <me@calls.example>"
    assert by[MANAGER]["Auto-Submitted"] == "auto-generated"
    html = by[MANAGER].get_body(("html",))
    text = by[MANAGER].get_body(("plain",))
    assert html is not None and text is not None
    assert f'href="https://calls.example/calls/{call.call_id}?t=' in html.get_content()
    assert f"<https://calls.example/calls/{call.call_id}?t=" in text.get_content()


VAIN = {Fault.NO_MAILBOX: 550, Fault.UNWANTED: 554}
LATER = {Fault.GREYLISTED: 451, Fault.FULL: 452, Fault.TOO_BUSY: 421, Fault.BAD_SENDER: 550}
UNANSWERED = {Fault.HANG_UP: "not reached", Fault.SILENT: "too late"}


async def test_mail_that_is_not_taken_is_tried_again_unless_that_is_vain(acme: House, mail: MailServer) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, kind="email", url="mailto:boss@acme.example")
        for fault in Fault:
            await record_call(acme.store, acme.tenant_id)
            mail.faults.append(fault)
            # Who is silent is silent for as long as we listen.
            assert await messenger(acme, mail, 0.3 if fault is Fault.SILENT else 10.0).deliver_due() == 1
            told = (await log_of(admin, webhook_id))[0]
            (attempt,) = told["attempts"]
            assert (told["status"] == "dead") == (fault in VAIN), fault
            assert attempt["outcome"] == UNANSWERED.get(fault, "refused"), fault
            assert attempt["answer"] == (VAIN | LATER).get(fault), fault
            taken = len(mail.taken)
            await hurry(acme)
            await messenger(acme, mail).deliver_due()
            assert len(mail.taken) - taken == (fault not in VAIN), fault
        assert len({one.message["Message-ID"] for one in mail.taken}) == len(mail.taken)


async def test_starttls_is_never_given_up_for_a_server_that_offers_none(mail: MailServer, acme: House) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, kind="email", url="mailto:boss@acme.example")
        await record_call(acme.store, acme.tenant_id)
        strict = replace(messenger(acme, mail), mail=by_server(acme, replace(mailbox(mail), security="starttls")))
        await strict.deliver_due()
        assert mail.taken == []
        (told,) = await log_of(admin, webhook_id)
        assert told["attempts"][0]["outcome"] == "not reached"


async def test_slack_gets_blocks_and_its_address_is_told_nobody(acme: House, receiver: Receiver) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, kind="slack", url=receiver.url)
        assert receiver.url not in (await admin.get("/v1/webhooks")).text
        assert "/***" in (await admin.get("/v1/webhooks")).text
        call = await record_call(acme.store, acme.tenant_id)
        assert await messenger(acme).deliver_due() == 1
        ((headers, body),) = receiver.got
        assert "webhook-signature" not in headers
        message = json.loads(body)
        assert message["blocks"][0]["text"]["text"] == "Route planning"
        assert f"<https://calls.example/calls/{call.call_id}?t=" in body.decode()
        async with acme.store.tenant(acme.tenant_id) as connection:
            row = await (await connection.execute("SELECT webhook::text FROM webhook")).fetchone()
        assert row is not None and receiver.url not in row[0]
        receiver.status = 404
        await record_call(acme.store, acme.tenant_id)
        await messenger(acme).deliver_due()
        assert [d["status"] for d in await log_of(admin, webhook_id)] == ["dead", "delivered"]


async def test_a_template_that_fails_on_a_call_waits_until_it_is_mended(acme: House, receiver: Receiver) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, kind="slack", url=receiver.url)
        await record_call(acme.store, acme.tenant_id)
        async with acme.store.tenant(acme.tenant_id) as connection:
            await put_document(connection, DocumentKind.TEMPLATE, "manager.slack", "{{ nothing }}")
        await messenger(acme).deliver_due()
        (told,) = await log_of(admin, webhook_id)
        assert (told["status"], told["attempts"][0]["outcome"], receiver.got) == ("waiting", "not made", [])
        async with acme.store.tenant(acme.tenant_id) as connection:
            await put_document(connection, DocumentKind.TEMPLATE, "manager.slack", "# {{ call.title }}")
        await hurry(acme)
        await messenger(acme).deliver_due()
        assert len(receiver.got) == 1


async def test_an_audience_gets_the_template_that_the_tenant_chose_for_it(acme: House) -> None:
    call = await record_call(acme.store, acme.tenant_id)
    report = f"/v1/calls/{call.call_id}/report?audience=customer&format=md"
    async with by_token(acme) as admin:
        assert "What we heard from you" in (await admin.get(report)).text
        chosen = {"audiences": [{"audience": "customer", "form": "md", "template": "objections-only"}]}
        assert (await admin.ask("PUT", "/v1/settings/audiences", chosen)).json() == chosen
        assert (await admin.get(report)).text.startswith("# Objections in")
        unknown = {"audiences": [{"audience": "customer", "form": "slack", "template": "none"}]}
        assert is_problem(await admin.ask("PUT", "/v1/settings/audiences", unknown), 404, "not_found")
        nobody = f"/v1/calls/{call.call_id}/report?audience=nobody&format=md"
        assert "## Worth coaching" in (await admin.get(nobody)).text
        for form, kind in (("email", "message/rfc822"), ("slack", "application/json"), ("txt", "text/plain")):
            answer = await admin.get(f"/v1/calls/{call.call_id}/report?template=manager&format={form}")
            assert answer.headers["content-type"].startswith(kind), form


REFUSED: list[dict[str, Any]] = [
    {"kind": "email", "url": "https://x.example"},
    {"kind": "email", "url": "mailto:me@x.example?bcc=you@x.example"},
    {"kind": "email", "url": "mailto:a@x.example,b@x.example"},
    {"kind": "email", "url": "mailto:nobody"},
    {"kind": "slack", "url": "mailto:rep"},
    {"kind": "webhook", "url": "mailto:rep"},
    {"kind": "slack", "url": "https://hooks.slack.example/x", "events": ["call.ended"]},
]


async def test_a_destination_that_cannot_be_is_refused(acme: House) -> None:
    async with by_token(acme) as admin:
        for new in REFUSED:
            answer = await admin.ask("POST", "/v1/webhooks", {"events": ["review.done"], **new})
            assert 400 <= answer.status_code < 500, (new, answer.text)


async def test_what_nobody_looks_up_any_more_is_forgotten(acme: House, receiver: Receiver) -> None:
    async with by_token(acme) as admin:
        webhook_id = await added(admin, url=receiver.url)
        await record_call(acme.store, acme.tenant_id)
        await messenger(acme).deliver_due()
        await admin.get("/v1/events")
        await messenger(acme).tidy()
        assert len(await log_of(admin, webhook_id)) == 1
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute("UPDATE webhook_delivery SET settled_at = now() - interval '31 days'")
            await connection.execute("UPDATE event SET happened_at = now() - interval '91 days' WHERE position = 1")
        await messenger(acme).tidy()
        assert await log_of(admin, webhook_id) == []
        assert [e["position"] for e in (await admin.get("/v1/events")).json()["events"]] == [2, 3]


def test_settings_that_would_send_a_password_readable_are_refused() -> None:
    readable = {"smtp_user": "u", "smtp_password": "p", "smtp_security": "none"}
    settings = Settings(smtp_host="mail.example", smtp_from="a@b.example", **readable)  # pyright: ignore
    with pytest.raises(InvalidSettings, match="SMTP_SECURITY"):
        Mailbox.of_settings(settings)
    with pytest.raises(InvalidSettings, match="SMTP_FROM"):
        Mailbox.of_settings(Settings(smtp_host="mail.example"))
    assert Mailbox.of_settings(Settings()) is None
    made = Mailbox.of_settings(Settings(smtp_host="mail.example", smtp_from="a@b.example"))
    assert made is not None and (made.port, made.security) == (587, "starttls")
