"""The rep's phone, in a real browser with a microphone, against a real server that hears."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from ridealong.core.visible import unturned
from tests.browser.phone import (
    RATE,
    Phone,
    Samples,
    begin,
    complaints,
    end,
    phone,
    places,
    recorded_ms,
    sample_call,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncGenerator[Phone]:
    async with phone() as made:
        yield made


def breaks(heard: Samples) -> list[int]:
    """Where something is missing or there twice, in ms of what was heard.

    What can get lost is frames of 100 ms. A busy machine's Chromium leaves out a buffer of 10 ms of its microphone now
    and then: that is not what is looked for.
    """
    found = places(heard, sample_call())
    pairs = itertools.pairwise(found)
    return [at * 1000 // RATE for (_, before), (at, now) in pairs if abs(now - before) > RATE * 0.06]


async def picture(page: Page, name: str) -> None:
    if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
        await page.screenshot(path=Path(keep) / f"rep-{name}.png")


async def test_a_nudge_appears_a_pause_records_nothing_and_an_outage_of_twenty_seconds_leaves_no_hole(
    here: Phone,
) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await picture(page, "home")
        await begin(page)
        card = page.locator(".card")
        # By then two things worth a nudge have been said. In a pause the call's clock stands still, so that a
        # recogniser on a busy machine is not late.
        await until(page, "document.querySelector('.card') || window.lastRecordedMs > 97_000")
        await page.get_by_role("button", name="Pause").tap()
        await expect(page.get_by_text("Nothing is recorded until you go on.")).to_be_visible()
        stood = await recorded_ms(page)
        await expect(card).to_be_visible(timeout=240_000)
        assert await recorded_ms(page) == stood
        await picture(page, "nudge")
        assert len((await card.locator(".words").inner_text()).split()) <= 12
        await card.get_by_role("button", name="Helpful").tap()
        await expect(card).to_be_hidden()
        await page.get_by_role("button", name="Go on").tap()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible()
        await page.get_by_role("button", name="This moment matters").tap()
        await expect(page.get_by_role("button", name="Marked")).to_be_visible()

        here.network.cut()
        await expect(page.get_by_text("Reconnecting", exact=True)).to_be_visible()
        before = await recorded_ms(page)
        await asyncio.sleep(20)
        recorded = await recorded_ms(page) - before
        assert recorded > 15_000, f"{recorded} ms recorded: {await page.locator('body').inner_text()}"
        await expect(page.get_by_text(re.compile(r"(1[5-9]|2\d) s kept on this phone"))).to_be_visible()
        await picture(page, "offline")
        # Marked while nobody hears of it: it lands where it was tapped all the same.
        await page.get_by_role("button", name="This moment matters").tap()
        here.network.mend()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible(timeout=60_000)

        call_id = await end(page)
        call = await here.call(call_id)
        assert call["ended_reason"] == "stopped"
        (gap,) = call["gaps"]
        assert gap["reason"] == "paused"
        assert "everybody present agreed" in call["consent"]
        assert call["audio_ms"] == int(await page.evaluate("window.lastRecordedMs")), "not every byte has arrived"
        heard = await here.audio(call_id)
        at = gap["at_ts"] * RATE // 1000
        assert len(places(heard, sample_call())) > 50
        assert breaks(heard[:at]) == []
        assert breaks(heard[at:]) == []
        assert len(await here.calls()) == 1
        (moment,) = [m for m in (await here.moments(call_id)) if m.get("feedback")]
        assert [said["verdict"] for said in moment["feedback"]] == ["helpful"]
        assert [mark["at_ts"] > 0 for mark in call["marks"]] == [True, True]

        await expect(page.locator(".big-score")).to_be_visible(timeout=120_000)
        await picture(page, "review")
        claim = page.locator("button.evidence").first
        await claim.tap()
        await expect(claim).to_have_attribute("aria-pressed", "true")
        minutes, seconds = re.findall(r"\d+", await claim.locator(".at").inner_text())[:2]
        await until(page, "document.querySelector('audio').played.length > 0")
        first = await page.evaluate("document.querySelector('audio').played.start(0)")
        assert 0 <= first - (int(minutes) * 60 + int(seconds)) < 1.05


async def test_a_page_that_is_reloaded_in_the_middle_offline_loses_nothing_of_what_it_heard(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await begin(page)
        await asyncio.sleep(5)
        here.network.cut()
        await asyncio.sleep(6)
        first_ms = await recorded_ms(page)
        # Without a network, so what was not delivered is only on the phone, and the page comes from the service worker.
        await page.reload()
        await expect(page.get_by_text("Reconnecting", exact=True)).to_be_visible()
        await asyncio.sleep(4)
        assert await recorded_ms(page) > first_ms + 2_000, "it did not go on recording by itself"
        await picture(page, "reloaded")
        here.network.mend()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible(timeout=60_000)
        call_id = await end(page)

        call = await here.call(call_id)
        heard = await here.audio(call_id)
        assert [gap["reason"] for gap in call["gaps"]] == ["the page was reloaded"]
        (gap,) = call["gaps"]
        # Everything until the reload, without a hole; then a hole that is told; then everything again.
        assert gap["at_ts"] >= first_ms
        at = gap["at_ts"] * RATE // 1000
        for part in (heard[:at], heard[at:]):
            assert places(part, sample_call())
            assert breaks(part) == []


async def test_a_killed_tab_delivers_what_it_had_when_it_is_opened_again(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await begin(page)
        await asyncio.sleep(4)
        here.network.cut()
        await asyncio.sleep(4)
        recorded = await recorded_ms(page)
        # As the system does to a tab that is in its way: no event, no goodbye.
        await page.close(run_before_unload=False)
        here.network.mend()
        page = await context.new_page()
        await page.goto("/rep")
        await expect(page.get_by_text("Not recording", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Go on recording")).to_be_visible()
        await picture(page, "interrupted")
        call_id = await end(page)
        assert (await here.call(call_id))["audio_ms"] >= recorded
        assert breaks(await here.audio(call_id)) == []


async def test_without_the_microphone_it_says_why_and_what_to_do(here: Phone) -> None:
    async with here.context(microphone=False) as context:
        page = await here.signed_in(context)
        await page.get_by_role("button", name="Start a call").tap()
        await page.get_by_role("button", name="Everybody agreed").tap()
        await expect(page.get_by_text("Microphone not allowed")).to_be_visible()
        await expect(page.get_by_text(re.compile("allow the microphone, and try again"))).to_be_visible()
        await picture(page, "refused")
        assert await complaints(page) == []
        # Allowed now, and tried again: the same call goes on.
        await context.grant_permissions(["microphone"])
        await page.get_by_role("button", name="Try again").tap()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible()
        await end(page)


KEEPS_NODES = """
    window.nodes = [];
    window.AudioWorkletNode = class extends AudioWorkletNode {
        constructor(...given) { super(...given); window.nodes.push(this); }
    };
"""


async def test_a_microphone_that_falls_silent_without_a_word_is_opened_again(here: Phone) -> None:
    async with here.context() as context:
        await context.add_init_script(KEEPS_NODES)
        page = await here.signed_in(context)
        await begin(page)
        await asyncio.sleep(2)
        # As where an output goes away with its headset: the context says that it runs, and nothing comes.
        await page.evaluate("window.nodes[0].disconnect(); window.nodes[0].port.onmessage = null")
        stood = await recorded_ms(page)
        await until(page, "window.nodes.length === 2")
        await until(page, f"window.lastRecordedMs > {stood} + 2000")
        call = await here.call(await end(page))
        (gap,) = call["gaps"]
        assert gap["reason"] == "the microphone was interrupted"
        assert gap["at_ts"] <= stood + 200
        assert gap["duration_ms"] > 2_000


async def test_a_second_tab_says_that_the_first_one_records(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await begin(page)
        second = await context.new_page()
        await second.goto("/rep")
        await expect(second.get_by_text(re.compile("records in another tab"))).to_be_visible()
        await expect(second.get_by_role("button", name="Start a call")).to_have_count(0)
        await page.bring_to_front()
        await end(page)
        # Over there it is over: here the next one can begin.
        await expect(second.get_by_role("button", name="Start a call")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_screen_is_accessible(here: Phone, theme: str) -> None:
    async with here.context(theme="dark" if theme == "dark" else "light") as context:
        page = await context.new_page()
        await page.goto("/rep")
        await expect(page.get_by_label("E-mail")).to_be_visible()
        assert await complaints(page) == []
        await page.close()
        page = await here.signed_in(context)
        assert await complaints(page) == []
        await page.get_by_role("button", name="Start a call").tap()
        await picture(page, f"consent-{theme}")
        assert await complaints(page) == []
        await page.get_by_role("button", name="Everybody agreed").tap()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible()
        await asyncio.sleep(2)
        await picture(page, f"call-{theme}")
        assert await complaints(page) == []
        await end(page)
        await page.goto("/rep#/settings")
        await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        await picture(page, f"settings-{theme}")
        assert await complaints(page) == []


async def test_answers_and_audio_are_in_no_cache(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await page.reload()
        await expect(page.get_by_role("button", name="Start a call")).to_be_visible()
        kept: list[str] = await page.evaluate(
            "caches.keys().then(names => Promise.all(names.map(name => caches.open(name).then(cache => cache.keys()))))"
            ".then(lists => lists.flat().map(request => new URL(request.url).pathname))"
        )
        assert "/rep" in kept
        assert not [path for path in kept if path.startswith("/v1")]


HOSTILE = "<img src=x onerror=\"document.title='RAN'\"> {{ 7 | times: 6 }} <b>Ask</b> for the \u202edael\u202c"


async def test_a_managers_message_is_a_card_and_its_text_is_only_text(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        await begin(page)
        async with asyncio.timeout(60):
            while not (live := [call for call in await here.calls() if call["status"] == "live"]):
                await asyncio.sleep(0.1)
        # One that a test before left behind is older.
        running = live[0]
        sent = await here.manager.post(f"/v1/calls/{running['call_id']}/messages", json={"text": HOSTILE})
        assert sent.status_code == 201, sent.text
        card = page.locator(".card.message")
        # What turns the writing around is taken out on the way in.
        await expect(card.locator(".words")).to_have_text(unturned(HOSTILE))
        await expect(card.locator(".from")).to_have_text("Mona <b>Manager</b>")
        assert await page.locator("img, .card b").count() == 0
        assert await page.title() == "Ridealong for reps"
        await picture(page, "message")
        assert await complaints(page) == []
        await card.get_by_role("button", name="Got it").tap()
        await expect(card).to_be_hidden()
        await end(page)


async def test_a_full_phone_keeps_what_it_has_and_tells_of_what_it_lost(here: Phone) -> None:
    async with here.context() as context:
        page = await here.signed_in(context)
        browser = await context.new_cdp_session(page)
        await begin(page)
        await asyncio.sleep(3)
        here.network.cut()
        await asyncio.sleep(2)
        quota = {"origin": here.network.url, "quotaSize": 1}
        await browser.send("Storage.overrideQuotaForOrigin", quota)
        # Chromium remembers for half a minute how much room there was.
        await expect(page.get_by_text("This phone is full")).to_be_visible(timeout=60_000)
        await picture(page, "full")
        kept = await recorded_ms(page)
        await asyncio.sleep(3)
        assert await recorded_ms(page) == kept
        await browser.send("Storage.overrideQuotaForOrigin", {"origin": here.network.url})
        await expect(page.get_by_text("This phone is full")).to_be_hidden(timeout=60_000)
        here.network.mend()
        await expect(page.get_by_text("Listening", exact=True)).to_be_visible(timeout=60_000)
        call = await here.call(await end(page))
        (gap,) = call["gaps"]
        assert gap["reason"] == "the phone was full"
        assert gap["at_ts"] == kept
        assert gap["duration_ms"] > 2_500
