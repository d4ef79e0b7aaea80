"""The pictures of the documentation: the sample call on a real server, as a person sees it.

With RIDEALONG_SCREENSHOTS=docs/screenshots the committed ones are made anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.client import CaptureClient, Start
from ridealong.app.coach import PIECE_MS
from ridealong.sample import sample_audio_path, sample_transcript_path
from ridealong.speech.audio import iter_recording
from tests.browser.people import EMAIL, PASSWORD, browser, tab
from tests.browser.stage import needed, server_folder, set_up
from tests.integration.app.test_killed_server import reviewed, token_of

pytestmark = [pytest.mark.timeout(300)]

DOCS = Path(__file__).resolve().parents[2] / "docs"
MOST_BYTES = 250_000
TAUGHT = {
    "price_asked": [
        "What would that set us back?",
        "Roughly what are we looking at a month?",
        "And how much is it with the second crew?",
        "What does it come to for the whole house?",
    ],
    "competitor_mentioned": [
        "The other firm offered us the same for less.",
        "We have a quote from the people down the road.",
        "Your competitor was here on Tuesday.",
    ],
}
MAPPING = """\
fields:                      # of the deal, over all of its calls
  pain: meddic_pain
  champion: {property: meddic_champion, link: champion_plays}
summary: last_call_summary
next_steps: hs_next_step
stages:
  contractsent: negotiation
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sample() -> AsyncIterator[tuple[ServerProcess, str]]:
    """A server on which the sample call was reviewed, and the call's id."""
    needed()
    async with server_folder() as folder:
        env = {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(sample_transcript_path())}
        async with server(folder, env) as running:
            token = token_of(folder)
            person = {"organisation": "Fernwell", "name": "Dana Admin", "email": EMAIL}
            async with httpx.AsyncClient(base_url=running.url, timeout=30) as http:
                await set_up(http, folder, password=PASSWORD, **person)
                session = (await http.get("/v1/session")).json()
            # A call of hers: the phone's list holds the own ones alone, and the call's page shows her name.
            rep_id = session["member"]["rep_id"]
            start = Start(token=token, rep_id=rep_id, consent="Synthetic.", title="Sample call", rep_speaker=0)
            client = CaptureClient(url=running.capture_url, start=start)
            await client.open()
            for piece in iter_recording(sample_audio_path(), piece_ms=PIECE_MS):
                await client.send(piece.pcm16)
            await client.stop()
            await reviewed(running, token, client.call_id)
            await client.close()
            yield running, client.call_id


async def picture(page: Page, name: str) -> None:
    """Take it; it is kept where RIDEALONG_SCREENSHOTS says."""
    # Fonts and the waveform come a little after the words.
    await asyncio.sleep(0.6)
    made = await page.screenshot(scale="css", animations="disabled")
    assert len(made) <= MOST_BYTES, f"{name}.png has {len(made)} bytes: a page's picture should load at once"
    if keep := os.environ.get("RIDEALONG_SCREENSHOTS"):
        (Path(keep) / f"{name}.png").write_bytes(made)


async def to_the_top(what: Locator) -> None:
    """Scrolled right below the page's head, which stays where it is."""
    await what.evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 90)")


@pytest.mark.asyncio(loop_scope="module")
async def test_the_documentation_shows_the_pages_as_they_are(sample: tuple[ServerProcess, str]) -> None:
    running, call_id = sample
    async with browser(needed()) as chrome:
        async with tab(chrome, running.url) as (page, complaints):
            await page.set_viewport_size({"width": 1180, "height": 740})
            await page.goto(f"{running.url}/calls/{call_id}")
            await expect(page.locator("[data-claim]").first).to_be_visible()
            await page.locator("[data-claim]").first.click()
            await expect(page.locator("audio")).to_have_js_property("paused", value=False)
            await picture(page, "call")
            assert complaints.said == []
        async with tab(chrome, running.url, theme="dark", phone=True) as (page, complaints):
            await page.goto(f"{running.url}/calls/{call_id}?tab=moments")
            await expect(page.get_by_text("Nudged").first).to_be_visible()
            await picture(page, "call-phone")
            await page.goto(f"{running.url}/rep")
            await expect(page.get_by_role("button").first).to_be_visible()
            await expect(page.get_by_text("Sample call")).to_be_visible()
            await picture(page, "rep")
            assert complaints.said == []


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_the_documentation_shows_the_coach_and_the_settings_as_they_are(
    sample: tuple[ServerProcess, str],
) -> None:
    running, _ = sample
    token = token_of(running.folder)
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=running.url, headers=bearer, timeout=60) as api:
        crm = {"vendor": "hubspot", "secret": "not-a-real-token", "mapping": MAPPING}
        assert (await api.put("/v1/crm", json=crm)).is_success
        taught = [{"id": type_id, "examples": examples} for type_id, examples in TAUGHT.items()]
        assert (await api.patch("/v1/taxonomy", json={"types": taught})).is_success
        assert (await api.post("/v1/taxonomy/versions", json={})).is_success
    async with browser(needed()) as chrome, tab(chrome, running.url) as (page, complaints):
        page.set_default_timeout(240_000)
        await page.set_viewport_size({"width": 1180, "height": 680})
        await page.goto(f"{running.url}/settings/queue")
        await expect(page.get_by_role("region", name="The question")).to_be_visible()
        await picture(page, "queue")
        await page.goto(f"{running.url}/settings/connections")
        await expect(page.get_by_role("region", name="What is written")).to_be_visible()
        await to_the_top(page.get_by_label("Token of the private app", exact=True))
        await picture(page, "connections")
        await page.set_viewport_size({"width": 1180, "height": 840})
        await page.goto(f"{running.url}/settings/taxonomy?tab=training")
        await expect(page.get_by_role("listitem", name="Version 1")).to_be_visible(timeout=240_000)
        await page.get_by_role("button", name="How good is it? Version 1").click()
        await expect(page.get_by_role("region", name="The report of version 1").get_by_role("table")).to_be_visible()
        await to_the_top(page.get_by_role("listitem", name="Version 1"))
        await picture(page, "training")
        assert complaints.said == []


def test_every_picture_that_the_documentation_shows_is_there_and_small() -> None:
    shown = {
        name
        for page in (DOCS.parent / "README.md", DOCS / "pages.md")
        for name in _pictures(page.read_text(encoding="utf-8"))
    }
    assert shown, "the documentation shows no picture"
    there = {file.name for file in (DOCS / "screenshots").glob("*.png")}
    assert shown == there
    assert all((DOCS / "screenshots" / name).stat().st_size <= MOST_BYTES for name in there)


def _pictures(text: str) -> list[str]:
    return [part.split("]")[0].split(")")[0].split('"')[0].strip() for part in text.split("screenshots/")[1:]]
