"""What a manager stumbled over: a call without a recording, a network that is gone, a customer that nobody stated."""

from __future__ import annotations

import json

import httpx
import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.people import Desk, tab
from tests.browser.stage import RULES, violations

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def test_a_call_without_a_recording_says_so_and_a_claim_marks_its_words(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        sounds: list[str] = []
        page.on("request", lambda request: sounds.append(request.url) if "audio.wav" in request.url else None)

        async def as_transcript(route: Route) -> None:
            answer = await route.fetch()
            call = await answer.json()
            call["format"]["encoding"] = "transcript"
            await route.fulfill(response=answer, body=json.dumps(call))

        await page.route(f"**/v1/calls/{told.call_id}", as_transcript)
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await expect(page.get_by_text("without a recording")).to_be_visible()
        await expect(page.get_by_text("does not arrive")).to_have_count(0)
        await page.locator("[data-claim]").first.click()
        await expect(page.locator("[class*=quote]").first).to_be_visible()
        assert sounds == [], "nothing is asked for that is not there"


async def test_whose_deal_a_call_is_can_be_said_on_its_page(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await page.get_by_role("button", name="More").click()
        await page.get_by_role("menuitem", name="Customer and deal").click()
        dialog = page.get_by_role("dialog", name="Customer and deal")
        await expect(dialog.get_by_label("Customer")).to_be_focused()
        assert await violations(page, RULES) == []
        await dialog.get_by_label("Customer").fill("Nord <b>Logistics</b>")
        await dialog.get_by_label("Type of call").fill("demo")
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("link", name="Nord <b>Logistics</b>")).to_be_visible()
    async with httpx.AsyncClient(
        base_url=told.url, headers={"Authorization": f"Bearer {told.token}"}, timeout=60
    ) as http:
        known = (await http.get(f"/v1/calls/{told.call_id}/context")).json()
    assert (known["customer"], known["call_type"]) == ("Nord <b>Logistics</b>", "demo")
    assert set(known["sources"]) == {"customer", "call_type"}, "of what was not touched nobody said anything"


async def test_a_network_that_is_gone_is_told_and_the_page_goes_on_when_it_is_back(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls")
        await expect(page.locator("table")).to_be_visible()
        await page.context.set_offline(True)
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await page.context.set_offline(False)
        await expect(page.get_by_text("You are offline")).to_have_count(0)
