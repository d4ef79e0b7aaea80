"""A tenant's own mail server: used in place of the operator's, its password sealed, never inside the network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ridealong.app.mail import Mailbox, NotSent
from ridealong.app.tenant_mail import TenantMail
from ridealong.app.webhooks import Messenger
from ridealong.core.errors import Refused
from ridealong.store.mail_accounts import load_mail_account
from ridealong.web.mail import NewMailAccount
from tests.integration.crm.firm import ADMIN, Firm
from tests.integration.web.people import SEALING, is_problem
from tests.vendors.smtp import Fault, MailServer


@pytest.fixture
async def own() -> AsyncIterator[MailServer]:
    async with MailServer().running() as made:
        yield made


@pytest.fixture
async def operators() -> AsyncIterator[MailServer]:
    async with MailServer().running() as made:
        yield made


def account(server: MailServer, **more: Any) -> dict[str, Any]:
    sender = "Acme Sales <sales@acme.example>"
    return {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": sender} | more


async def test_a_tenants_mail_goes_out_by_its_own_server_else_by_the_operators(
    firm: Firm, own: MailServer, operators: MailServer
) -> None:
    server = Mailbox(host="127.0.0.1", port=operators.port, security="none", sender="Ridealong <me@calls.example>")
    mail = TenantMail(store=firm.store, sealing=SEALING, server=server, allow_private=True)
    messenger = Messenger(store=firm.store, sealing=SEALING, mail=mail, home="https://calls.example")
    async with firm.admin() as admin:
        new = {"url": f"mailto:{ADMIN}", "kind": "email", "events": ["review.done"]}
        assert (await admin.ask("POST", "/v1/webhooks", new)).status_code == 201
        assert (await admin.ask("PUT", "/v1/mail", account(own))).status_code == 200
        call_id = await firm.reviewed()
        assert await messenger.deliver_due() == 1
        (sent,) = own.taken
        assert (sent.sender, sent.message["From"]) == ("sales@acme.example", "Acme Sales <sales@acme.example>")
        assert (await admin.ask("POST", "/v1/mail/check")).json() == {"works": True, "message": ""}
        assert (await admin.ask("DELETE", "/v1/mail")).status_code == 204
        await firm.review(call_id)
        assert await messenger.deliver_due() == 1
    assert [one.sender for one in operators.taken] == ["me@calls.example"] and len(own.taken) == 1


async def test_the_password_is_sealed_never_shown_and_does_not_follow_another_host(firm: Firm, own: MailServer) -> None:
    async with firm.admin() as admin:
        given = account(own, security="starttls", user="acme", password="correct horse")
        shown = await admin.ask("PUT", "/v1/mail", given)
        assert shown.status_code == 200 and shown.json()["has_password"] and "correct horse" not in shown.text
        del given["password"]
        assert (await admin.ask("PUT", "/v1/mail", given)).json()["has_password"]
        assert is_problem(await admin.ask("PUT", "/v1/mail", given | {"host": "evil.example"}), 422, "bad_request")
        assert is_problem(await admin.ask("PUT", "/v1/mail", given | {"security": "none"}), 422, "bad_request")
        assert is_problem(await admin.ask("PUT", "/v1/mail", given | {"sender": "nobody"}), 422, "bad_request")
        read = await admin.get("/v1/mail")
        assert "correct horse" not in read.text and read.json()["server_sends"]
        checked = (await admin.ask("POST", "/v1/mail/check")).json()
        assert not checked["works"] and "correct horse" not in str(checked)
    async with firm.store.tenant(firm.tenant_id) as connection:
        kept = await load_mail_account(connection)
    assert kept is not None and kept.open_password(SEALING, firm.tenant_id) == "correct horse"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "localhost", "2130706433"])
async def test_a_host_inside_the_network_is_refused(firm: Firm, host: str) -> None:
    mail = TenantMail(store=firm.store, sealing=SEALING)
    with pytest.raises(Refused, match="RIDEALONG_SMTP_PRIVATE"):
        await mail.write(firm.tenant_id, NewMailAccount(host=host, sender="a@b.example"))


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_name_that_comes_to_lead_inside_is_not_connected_to(own: MailServer, security: str) -> None:
    inside = Mailbox(host="127.0.0.1", port=own.port, security=security, sender="a@b.example", outside=True)
    with pytest.raises(NotSent):
        inside.check()
    assert own.connections == 0


async def test_a_test_mail_goes_to_the_admin_who_asks_and_tells_what_kept_it(firm: Firm, own: MailServer) -> None:
    async with firm.house.browser(ADMIN) as ada:
        assert (await ada.ask("PUT", "/v1/mail", account(own))).status_code == 200
        assert (await ada.ask("POST", "/v1/mail/test")).json() == {"works": True, "message": "", "to": ADMIN}
        (sent,) = own.taken
        assert (sent.recipient, sent.message["Subject"]) == (ADMIN, "A test from Ridealong")
        own.faults.append(Fault.NO_MAILBOX)
        refused = (await ada.ask("POST", "/v1/mail/test")).json()
        assert refused == {"works": False, "message": "the mail server refused the recipient (550)", "to": ADMIN}
        own.faults.append(Fault.BAD_SENDER)
        assert "refused the sender (550)" in (await ada.ask("POST", "/v1/mail/test")).json()["message"]
    async with firm.admin() as program:
        assert is_problem(await program.ask("POST", "/v1/mail/test"), 422, "bad_request")


async def test_a_server_that_is_not_reached_is_told_with_the_reason(own: MailServer) -> None:
    def told(**how: Any) -> str:
        with pytest.raises(NotSent) as failed:
            Mailbox(sender="me@calls.example", timeout_s=10, **how).check()
        return str(failed.value)

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    here = {"host": "127.0.0.1", "port": own.port}
    assert "nobody listens" in await asyncio.to_thread(told, host="127.0.0.1", port=port, security="none")
    assert "offers no STARTTLS" in await asyncio.to_thread(told, **here, security="starttls")
    assert "does not speak TLS" in await asyncio.to_thread(told, **here, security="tls")
    assert "no host of that name" in await asyncio.to_thread(told, host="mail.invalid", port=25, security="none")
