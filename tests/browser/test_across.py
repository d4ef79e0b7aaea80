"""What is asked over many calls, in a real browser: every sentence, value and count plays where it was said."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.many_calls import BAKERY, FLEET, NORD, tell
from tests.browser.people import until
from tests.browser.signed_in import House, complaints, house
from tests.browser.test_screenshots import picture
from tests.integration.app.test_killed_server import SPOKEN

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

ASK = "/ask?" + urlencode({"q": "What did customers say about the price?"})
DEAL = "/deals/deal?" + urlencode({"customer": NORD, "deal": FLEET})
PAGES = (ASK, "/ask", "/deals", DEAL, "/themes?weeks=26", "/themes?weeks=26&kind=competitor")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told() -> AsyncIterator[tuple[House, list[str]]]:
    async with house(SPOKEN) as made:
        yield made, await tell(made)


async def shown(page: Page, name: str) -> None:
    if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
        await page.screenshot(path=str(Path(keep) / f"{name}.png"), full_page=True)


async def plays(page: Page, button: Locator) -> None:
    """Press it; its call sounds from the first millisecond of the words, and stops behind them."""
    start_ts = int(await button.get_attribute("data-start") or -1)
    assert start_ts >= 0
    await button.click()
    await until(
        page,
        "(s) => { const a = document.querySelector('audio'); return !a.paused && a.currentTime > s + 0.1 }",
        start_ts / 1000,
        seconds=60,
    )
    # `played` holds what really sounded; where the same call was heard before, the last stretch of it.
    begun = await page.evaluate(
        "(s) => { const p = document.querySelector('audio').played;"
        " return Math.min(...Array.from({length: p.length}, (_, n) => Math.abs(p.start(n) * 1000 - s))) }",
        start_ts,
    )
    assert begun <= 50
    await expect(button).to_have_attribute("aria-pressed", "true")
    await button.click()
    await until(page, "document.querySelector('audio').paused", seconds=60)


async def test_a_question_is_answered_by_sentences_that_play_and_lead_into_their_call(
    told: tuple[House, list[str]],
) -> None:
    made, _ = told
    async with made.page("manager") as page:
        await page.goto("/ask")
        await page.get_by_label("Your question").fill("What did customers say about the price?")
        await page.get_by_role("button", name="Ask", exact=True).click()
        answer = page.get_by_role("region", name="Answer")
        await expect(answer.get_by_text("6 calls searched")).to_be_visible()
        # How it was understood, and that nobody chose it.
        await expect(answer.get_by_text("words of the customer")).to_contain_text("read from the question")
        sentence = answer.locator("ol > li").first
        await plays(page, sentence.locator("[data-claim]"))
        heard = page.get_by_role("region", name="What is heard")
        await expect(heard).to_contain_text("price")
        # Each piece of proof plays as well, and says who, in which call and when.
        proof = answer.locator("ul > li", has_text="Nord Logistics: first call at 0:32")
        await expect(proof).to_contain_text("Customer")
        await expect(proof).to_contain_text("your price is too high for us this year")
        await plays(page, proof.get_by_role("button", name=re.compile("^(Play|Pause)")))
        # The address is the question: sent on, it shows the same answer; asked again, the trail stays in it.
        assert "q=What+did+customers+say+about+the+price" in page.url
        await page.get_by_label("Your question").fill("Which competitors were named?")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("navigation", name="Asked before")).to_contain_text("about the price")
        await expect(answer.get_by_text("moments: Competitor mentioned")).to_be_visible()
        await page.get_by_role("link", name="What did customers say about the price?").click()
        await expect(proof).to_be_visible()
        await proof.get_by_role("link").click()
        await expect(page.get_by_role("heading", name="Nord Logistics: first call", level=1)).to_be_visible()
        assert page.url.endswith("?t=32000")
        await until(page, "Math.abs(document.querySelector('audio').currentTime - 32) < 0.05", seconds=60)


async def test_where_nothing_is_found_the_page_says_what_was_searched(told: tuple[House, list[str]]) -> None:
    made, _ = told
    async with made.page("manager") as page:
        await page.goto("/ask?" + urlencode({"q": "Which opera should we see in Vienna?", "customer": NORD}))
        await expect(page.get_by_role("heading", name="Nothing was found that answers this")).to_be_visible()
        await expect(page.get_by_text("3 calls searched")).to_be_visible()
        await expect(page.get_by_text("3 calls were searched by meaning and by words")).to_be_visible()
        await expect(page.get_by_text(f"calls with {NORD}", exact=True)).to_be_visible()
        await shown(page, "ask-nothing")
        await page.get_by_role("link", name="Ask without the filters").click()
        await expect(page.get_by_text("6 calls searched")).to_be_visible()


async def test_a_deals_fields_play_and_tell_what_changed_them(told: tuple[House, list[str]]) -> None:
    made, ids = told
    async with made.page("manager") as page:
        await page.goto("/deals")
        row = page.get_by_role("row", name=re.compile(FLEET))
        await expect(row).to_contain_text("Negotiation")
        await expect(row).to_contain_text("3 days ago")
        await expect(row.get_by_text(re.compile(r"\d of 8"))).to_be_visible()
        known = await row.get_by_text(re.compile(r"\d of 8")).inner_text()
        await shown(page, "deals")
        await row.get_by_role("link").click()
        await expect(page.get_by_text(known[:6]).first).to_be_visible()
        metrics = page.get_by_role("article", name="Metrics")
        await expect(metrics).to_contain_text("Changed")
        await plays(page, metrics.get_by_role("button", name=re.compile("^(Play|Pause)")).first)
        # The history names each call, the first one first; each entry plays.
        steps = metrics.locator("ol > li")
        await expect(steps).to_have_count(2)
        await expect(steps.first).to_contain_text("Set")
        await plays(page, steps.first.get_by_role("button", name=re.compile("^(Play|Pause)")).last)
        await expect(page.get_by_role("heading", name="Open next actions")).to_be_visible()
        actions = page.get_by_role("region", name="Open next actions")
        await expect(actions).to_contain_text("Thursday")
        await plays(page, actions.locator("[data-claim]").first)
        changed = page.get_by_role("region", name="What changed, and what does not fit")
        await expect(changed).to_contain_text("Metrics")
        last = page.get_by_role("region", name="Calls").get_by_role("link").first
        await expect(last).to_have_attribute("href", f"/calls/{ids[2]}")


async def test_a_themes_count_opens_to_its_moments_and_each_plays(told: tuple[House, list[str]]) -> None:
    made, _ = told
    async with made.page("manager") as page:
        await page.goto("/themes?weeks=26")
        price = page.get_by_role("article", name=re.compile("price"))
        count = price.get_by_role("button", name=re.compile("^3 times"))
        await count.focus()
        await page.keyboard.press("Enter")
        moments = price.locator("[data-moment]")
        await expect(moments).to_have_count(3)
        # What was said but once stands behind the others; what somebody wrote to be run is read.
        await page.get_by_text("said once").click()
        await expect(page.get_by_text("<img src=x onerror=").first).to_be_visible()
        await plays(page, moments.nth(1).get_by_role("button", name=re.compile("^(Play|Pause)")))
        # A bar, and the number in its table, open the moments of those weeks.
        bar = price.get_by_role("group").get_by_role("button").last
        await bar.click()
        await expect(bar).to_have_attribute("aria-pressed", "true")
        told_by = await bar.get_attribute("aria-label") or ""
        await expect(moments).to_have_count(int(told_by.rsplit(": ", 1)[1]))
        await page.get_by_role("tab", name=re.compile("Competitors")).click()
        rival = page.get_by_role("article", name="Routify")
        await rival.get_by_text("As a table").click()
        await rival.get_by_role("table").get_by_role("button").first.click()
        await plays(page, rival.locator("[data-moment]").first.get_by_role("button", name=re.compile("^(Play|Pause)")))
        assert "kind=competitor" in page.url


async def test_a_rep_sees_own_calls_alone_and_hostile_names_stay_text(told: tuple[House, list[str]]) -> None:
    made, _ = told
    async with made.page("rep") as page:
        await page.goto("/deals")
        await expect(page.get_by_role("link", name=re.compile("Süd Cargo"))).to_be_visible()
        assert await page.get_by_text(NORD).count() == 0
        await page.get_by_role("link", name=re.compile("Bakkerij")).click()
        await expect(page.get_by_role("heading", name=BAKERY, level=1)).to_be_visible()
        await page.goto(DEAL)
        await expect(page.get_by_role("alert")).to_contain_text("No ended call names this customer")
        await page.goto("/ask?" + urlencode({"q": "What did customers say about the price?"}))
        await expect(page.get_by_text("2 calls searched")).to_be_visible()
        await expect(page.get_by_text("<img src=x onerror=").first).to_be_visible()
        await page.goto("/themes?weeks=26")
        await expect(page.get_by_role("article").first).to_be_visible()
        assert await page.locator("[data-moment]", has_text=NORD).count() == 0
        assert not (await page.title()).startswith("RAN")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_pages_are_accessible_and_fit(
    told: tuple[House, list[str]], theme: Literal["light", "dark"], width: int
) -> None:
    made, _ = told
    async with made.page("manager", theme=theme, width=width) as page:
        for number, address in enumerate(PAGES):
            await page.goto(address)
            await expect(page.get_by_role("main")).to_be_visible()
            if "ask?" in address:
                await page.get_by_role("region", name="Answer").locator("[data-claim]").first.click()
            elif "deals?" in address or address == "/deals":
                await expect(page.get_by_text(re.compile(r"\d of 8"))).to_have_count(4)
            elif "deal?" in address:
                await page.get_by_role("article", name="Metrics").get_by_role("button").first.click()
            elif "themes" in address:
                await page.get_by_role("article").first.get_by_role("button", name=re.compile(": open")).click()
                await expect(page.locator("[data-moment]").nth(2)).to_be_visible()
            else:
                await expect(page.get_by_role("heading", level=2)).to_be_visible()
            assert await complaints(page) == []
            across = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert across <= 0, f"{address} is {across} px wider than the screen"
            await shown(page, f"across-{number}-{theme}-{width}")


async def test_the_documentation_shows_these_pages_as_they_are(told: tuple[House, list[str]]) -> None:
    made, _ = told
    async with made.page("manager", width=1180, height=740) as page:
        await page.goto(f"{ASK}&{urlencode({'customer': NORD})}")
        await page.get_by_role("region", name="Answer").locator("[data-claim]").first.click()
        await expect(page.get_by_role("region", name="What is heard")).to_be_visible()
        await picture(page, "ask")
        await page.set_viewport_size({"width": 1180, "height": 560})
        await page.goto(DEAL)
        await expect(page.get_by_role("article", name="Metrics")).to_be_visible()
        await picture(page, "deal")
        await page.goto("/themes?weeks=26")
        await expect(page.get_by_role("article").first).to_be_visible()
        await picture(page, "themes")
