"""CRM, calendars and mail in the settings, in a real browser on a real server, with stand-ins of what they speak to."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.signed_in import HOSTILE, House, complaints, house, until
from tests.integration.app.test_killed_server import SPOKEN
from tests.vendors.hubspot import TOKEN, HubSpotStandIn
from tests.vendors.smtp import Fault, MailServer

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PAGE = "/settings/connections"
TITLE = f"Northwind {HOSTILE}"
MAPPING = "fields:\n  pain: {property: meddic_pain, link: pain_link}\nnext_steps: hs_next_step\n"
SECRET_ADDRESS = "https://calendar.example.com/private-8f3a/basic.ics"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenant() -> AsyncIterator[House]:
    allowed = {"RIDEALONG_CRM_PRIVATE": "true", "RIDEALONG_SMTP_PRIVATE": "true"}
    async with house(SPOKEN, allowed) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hubspot() -> AsyncIterator[HubSpotStandIn]:
    async with HubSpotStandIn().running() as made:
        made.properties |= dict.fromkeys(("meddic_pain", "pain_link"), ("string", False))
        made.deal("101", f"Renewal {HOSTILE}", company="Northwind")
        yield made


async def write_mapping(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="The mapping of the CRM").click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text)


async def test_a_crm_is_connected_checked_written_to_and_forgotten(tenant: House, hubspot: HubSpotStandIn) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        await page.goto(PAGE)
        crm = page.get_by_role("region", name="CRM", exact=True)
        await expect(crm).to_contain_text("Not connected")
        await expect(crm.get_by_role("button", name="Save the CRM")).to_be_disabled()

        # A mistake stands at its line before anything is saved; then the page tells what is written where.
        await write_mapping(page, "fields:\n  pain: meddic_pain\n  hope: meddic_hope\n")
        await expect(crm.get_by_role("alert")).to_contain_text("A mistake in line 3")
        await write_mapping(page, MAPPING)
        told = crm.get_by_role("region", name="What is written")
        await expect(told.get_by_role("row").filter(has_text="Pain")).to_contain_text("meddic_painpain_link")

        await crm.get_by_label("Address of the CRM").fill(hubspot.url)
        token = crm.get_by_label("Token of the private app", exact=True)
        await token.fill("not-the-token")
        await crm.get_by_role("button", name="Save the CRM").click()
        await expect(crm).to_contain_text("Connected with HubSpot")
        await crm.get_by_role("button", name="Check the CRM").click()
        await expect(crm.get_by_role("alert")).to_be_visible()
        await expect(crm).to_contain_text("cannot be written to")

        await token.fill(TOKEN)
        await expect(crm.get_by_role("button", name="Check the CRM")).to_be_disabled()
        await crm.get_by_role("button", name="Save the CRM").click()
        await expect(token).to_have_value("")
        await crm.get_by_role("button", name="Check the CRM").click()
        await expect(crm).to_contain_text("It takes the token")
        assert hubspot.writes() == [], "a check wrote something"

        # It went in, and comes out nowhere; another address asks for it again.
        assert TOKEN not in (await api.get("/v1/crm")).text
        await page.reload()
        await expect(crm).to_contain_text("Empty: it stays as it is.")
        assert TOKEN not in await page.content()
        await crm.get_by_label("Address of the CRM").fill("https://elsewhere.example.com")
        await expect(crm).to_contain_text("a secret does not follow another address")
        await expect(crm.get_by_role("button", name="Save the CRM")).to_be_disabled()

        # A review finds no deal by itself; somebody says which it is, and it is written.
        await tenant.whole_call(title=TITLE, seconds=41)
        await page.reload()
        line = page.get_by_role("list", name="Calls in the CRM").get_by_role("listitem").filter(has_text=TITLE)
        await expect(line).to_contain_text("Not written: no deal")
        assert await complaints(page) == []
        await line.get_by_label(f"Id of the deal of {TITLE}").fill("101")
        await line.get_by_role("button", name=re.compile("^Write it now: ")).click()
        await expect(line).to_contain_text("Deal 101")
        await expect(line).to_contain_text(re.compile("Written(?! in part)"))
        assert len(hubspot.notes) == 1
        assert await page.title() != "RAN"

        await crm.get_by_role("button", name="Forget the CRM").click()
        await page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
        await expect(crm).to_contain_text("Not connected")
        assert (await api.get("/v1/crm")).json() == {"crm": None}


async def test_a_calendar_goes_in_with_its_address_which_is_not_shown_again(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        await page.goto(PAGE)
        card = page.get_by_role("region", name="Calendars", exact=True)
        await card.get_by_label("Name of the calendar").fill(f"Ana {HOSTILE}")
        await card.get_by_label("Its iCalendar address").fill("ftp://calendar.example.com/x")
        await card.get_by_role("button", name="Add the calendar").click()
        await expect(card.get_by_role("alert")).to_contain_text("It was not added")
        await card.get_by_label("Its iCalendar address").fill(SECRET_ADDRESS)
        await card.get_by_role("button", name="Add the calendar").click()
        line = card.get_by_role("list", name="Calendars that are read").get_by_role("listitem")
        await expect(line).to_contain_text("calendar.example.com · not read yet")
        assert "private-8f3a" not in await page.content()

        domains = card.locator("input").and_(card.get_by_label("Domains of your own people"))
        await domains.fill("Acme.example")
        await domains.press("Enter")
        await card.get_by_role("button", name="Add a type of call").click()
        await card.get_by_label("Type", exact=True).fill("demo")
        words = card.locator("input").and_(card.get_by_label("Words of the title"))
        await words.fill("walkthrough")
        await words.press("Enter")
        await card.get_by_role("button", name="Save how meetings are read").click()

        async def kept() -> object:
            return (await api.get("/v1/calendars")).json()["reading"]

        wanted = {"own_domains": ["acme.example"], "call_types": [{"call_type": "demo", "words": ["walkthrough"]}]}

        async def stored() -> bool:
            return await kept() == wanted

        await until(stored)
        await line.get_by_role("button", name=re.compile("^Remove")).click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
        await expect(card).to_contain_text("No calendar is read")
        assert await page.title() != "RAN"


async def test_a_mail_server_is_set_tried_and_forgotten(tenant: House) -> None:
    async with MailServer().running() as server, tenant.page("admin") as page, tenant.api() as api:
        await page.goto(PAGE)
        card = page.get_by_role("region", name="Mail server", exact=True)
        await expect(card).to_contain_text("No mail goes out")
        await card.get_by_label("Host").fill("127.0.0.1")
        await card.locator("input").and_(card.get_by_label("Encryption")).click()
        await page.get_by_role("option", name=re.compile("^None")).click()
        await card.get_by_label("Port").fill(str(server.port))
        await card.get_by_label("From").fill("Acme Sales")
        await card.get_by_role("button", name="Save the mail server").click()
        await expect(card.get_by_role("alert")).to_contain_text("It was not saved")
        await card.get_by_label("From").fill("Acme Sales <sales@acme.example>")
        await card.get_by_role("button", name="Save the mail server").click()
        await expect(card).to_contain_text(f"Mail goes out by 127.0.0.1:{server.port}")
        server.faults.append(Fault.TOO_BUSY)
        await card.get_by_role("button", name="Check the mail server").click()
        await expect(card.get_by_role("alert")).to_contain_text("421")
        await card.get_by_role("button", name="Check the mail server").click()
        await expect(card).to_contain_text("It let us sign in.")
        assert server.taken == [], "a check sent a mail"
        await card.get_by_role("button", name="Forget the mail server").click()
        await page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
        await expect(card).to_contain_text("No mail goes out")
        assert (await api.get("/v1/mail")).json()["account"] is None


async def test_only_an_admin_opens_them(tenant: House) -> None:
    async with tenant.page("manager") as page:
        await page.goto(PAGE)
        await expect(page.get_by_role("heading", name="These settings are for admins")).to_be_visible()
        for path in ("/v1/crm", "/v1/crm/calls", "/v1/calendars", "/v1/mail"):
            assert (await page.context.request.get(path)).status == 403, path


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_is_accessible_at_every_size(tenant: House, hubspot: HubSpotStandIn, theme: str) -> None:
    async with tenant.api() as api:
        crm = {"vendor": "hubspot", "url": hubspot.url, "secret": TOKEN, "mapping": MAPPING}
        assert (await api.put("/v1/crm", json=crm)).is_success
        assert (await api.put("/v1/mail", json={"host": "127.0.0.1", "sender": "sales@acme.example"})).is_success
        feed = {"label": "Ana", "url": SECRET_ADDRESS, "rep_id": "rep-1"}
        assert (await api.post("/v1/calendars/feeds", json=feed)).is_success
    found: list[str] = []
    for width in (1280, 390):
        async with tenant.page("admin", theme="dark" if theme == "dark" else "light", width=width) as page:
            await page.goto(PAGE)
            await expect(page.get_by_role("region", name="What is written")).to_be_visible()
            await page.get_by_role("button", name="Add a type of call").click()
            await page.get_by_role("button", name="Check the CRM").click()
            await expect(page.get_by_role("region", name="CRM", exact=True)).to_contain_text("It takes the token")
            found += await complaints(page)
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{wide} px too wide at {width} px"] if wide > 0 else []
            if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
                await page.screenshot(path=Path(keep) / f"connections-{width}-{theme}.png", full_page=True)
    assert not found, "\n".join(found)
