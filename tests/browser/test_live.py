"""A supervisor follows running calls, and a manager looks at the team, in a real browser on a real server."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import WebSocketRoute, expect

from ridealong.app.client import CaptureClient
from tests.browser.signed_in import HOSTILE, House, complaints, house, speak, until
from tests.integration.app.test_killed_server import SPOKEN

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

# Long enough for a call that is followed while it runs.
TALK = [(f"{text} {HOSTILE}" if no == 1 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN * 40)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def team() -> AsyncIterator[House]:
    async with house(TALK) as made:
        yield made


async def shown(client: CaptureClient, **wanted: object) -> dict[str, object]:
    """The next message to the rep's phone that has these keys and values."""
    async with asyncio.timeout(60):
        while True:
            message = await client.events.get()
            if all(message.get(key) == value for key, value in wanted.items()):
                return message


async def test_a_supervisor_follows_a_running_call_and_the_rep_gets_the_message(team: House) -> None:
    async with team.page("manager") as page:
        await page.goto("/live")
        await expect(page.get_by_text("Nobody is on a call now.")).to_be_visible()
        client = await team.start_call(title=f"Initech {HOSTILE}")
        await speak(client, 9)
        await page.get_by_role("link", name="Initech").click()
        transcript = page.get_by_role("region", name="Transcript")
        await expect(transcript).to_contain_text(TALK[0][0])
        await expect(transcript).to_contain_text(TALK[1][0])
        await expect(page.get_by_text("Live", exact=True).last).to_be_visible()

        # What is said from now on is there within a second of the rep's own phone hearing of it.
        await speak(client, 16)
        await shown(client, event="utterance", no=5)
        heard = time.monotonic()
        await expect(transcript).to_contain_text(TALK[5][0])
        assert time.monotonic() - heard < 1
        await expect(page.get_by_role("region", name="Moments of this call")).to_contain_text("Pain stated")

        await page.get_by_label("Message").fill(f"Ask about the budget {HOSTILE}"[:140])
        await page.get_by_label("Message").press("Enter")
        await expect(page.get_by_text("Sent.")).to_be_visible()
        card = await shown(client, event="message")
        assert card["text"] == f"Ask about the budget {HOSTILE}"[:140]
        assert card["from"] == "Mona Manager"
        await expect(transcript).to_contain_text("Mona Manager to the rep")

        await client.stop()
        await expect(page.get_by_text("The call has ended", exact=True)).to_be_visible()
        await expect(page.get_by_role("link", name="Open the call")).to_have_attribute(
            "href", f"/calls/{client.call_id}"
        )
        await expect(page.get_by_text("a message would not reach anybody")).to_be_visible()
        assert await page.title() != "RAN"


async def test_after_a_broken_connection_the_page_goes_on_without_a_hole_or_a_repetition(team: House) -> None:
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    client = await team.start_call(title="Broken")
    async with team.page("manager") as page:
        await page.route_web_socket(re.compile("/events"), through)
        await page.goto(f"/live/{client.call_id}")
        transcript = page.get_by_role("region", name="Transcript")
        await speak(client, 9)
        await expect(transcript).to_contain_text(TALK[1][0])
        await sockets[0].close(code=3001)
        await speak(client, 8)
        await until(lambda: asyncio.sleep(0, len(sockets) > 1))
        await expect(transcript).to_contain_text(TALK[3][0])
        rows = await transcript.locator("[data-index]").all_inner_texts()
        for text, _ in TALK[:4]:
            assert sum(text in row for row in rows) == 1, rows
        await client.stop()


async def test_an_hours_call_keeps_few_rows_in_the_page(team: House) -> None:
    client = await team.start_call(title="An hour")
    async with team.page("manager") as page:
        await page.goto(f"/live/{client.call_id}")
        await speak(client, 4 * 390)
        transcript = page.get_by_role("region", name="Transcript")
        await expect(transcript).to_contain_text("25:56", timeout=90_000)
        assert await transcript.locator("[data-index]").count() < 60
        # Who reads further up is not pulled down, and can come back.
        await transcript.hover()
        await page.mouse.wheel(0, -4000)
        follow = page.get_by_role("button", name="Follow the call")
        await expect(follow).to_be_visible()
        await speak(client, 8)
        await expect(follow).to_be_visible()
        await follow.click()
        await expect(transcript).to_contain_text("26:04")
        await expect(follow).to_have_count(0)
        await client.stop()


async def test_a_rep_follows_nobody_elses_call(team: House) -> None:
    client = await team.start_call(title="Somebody else's", rep_id="rep-2")
    async with team.page("rep") as page:
        await page.goto(f"/live/{client.call_id}")
        await expect(page.get_by_text("This call cannot be followed")).to_be_visible()
    await client.stop()


async def test_a_number_of_the_team_leads_to_the_calls_behind_it(team: House) -> None:
    await team.whole_call(title="Counted", seconds=41, rep_id="rep-3")
    async with team.page("manager") as page:
        await page.goto("/team")
        row = page.get_by_role("table", name="Reps").get_by_role("row").filter(has_text="rep-3")
        await expect(row.get_by_role("cell").first).to_have_text("1")
        # The same numbers as a drawing and as a table.
        chart = page.get_by_role("region", name="Talk ratio")
        await expect(chart.get_by_role("group").get_by_role("link").first).to_be_visible()
        await chart.get_by_text("As a table").click()
        await expect(chart.get_by_role("table")).to_contain_text("%")
        await row.get_by_role("cell").first.get_by_role("link").click()
        await expect(page).to_have_url(re.compile("/calls\\?.*rep_id=rep-3"))
        await expect(page.get_by_text("Counted")).to_be_visible()


async def test_a_playlist_is_made_heard_through_and_emptied(team: House) -> None:
    call_id = await team.whole_call(title="Worth hearing", seconds=41)
    async with team.page("manager") as page, team.api() as api:
        await page.goto("/playlists")
        await page.get_by_label("New playlist").fill(f"Good ones {HOSTILE}")
        await page.get_by_role("button", name="Make it").click()
        await page.get_by_role("link", name="Good ones").click()
        await expect(page.get_by_text("Nothing in here yet")).to_be_visible()
        playlist = page.url.rsplit("/", 1)[1]
        for no in (2, 7):
            added = await api.post(
                f"/v1/playlists/{playlist}/items",
                json={"call_id": call_id, "start_ts": no * 4000, "end_ts": no * 4000 + 1500, "note": HOSTILE},
            )
            assert added.status_code == 201, added.text
        await page.reload()
        items = page.get_by_role("listitem").filter(has_text="Worth hearing")
        await expect(items).to_have_count(2)
        await expect(items.first).to_contain_text(TALK[2][0])
        await page.get_by_role("button", name="Play all").click()
        await expect(items.nth(0)).to_have_attribute("aria-current", "true")
        await expect(items.nth(1)).to_have_attribute("aria-current", "true")
        await expect(page.get_by_role("button", name="Play all")).to_be_visible()
        # What really sounded: the second span, and nothing behind it.
        at: list[float] = await page.evaluate(
            "(a => [a.played.start(a.played.length - 1), a.currentTime])(document.querySelector('audio'))"
        )
        assert abs(at[0] - 28) < 0.1
        assert 29.4 < at[1] < 30.2
        await page.get_by_role("button", name="Remove moment 1").click()
        await expect(items).to_have_count(1)
        await page.get_by_role("button", name="Remove the playlist").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
        await expect(page).to_have_url(re.compile("/playlists$"))
        await expect(page.get_by_text("Good ones")).to_have_count(0)
        assert await page.title() != "RAN"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_live_and_team_pages_are_accessible(team: House, theme: str) -> None:
    await team.whole_call(title="Past", seconds=41)
    client = await team.start_call(title=f"Looked at {HOSTILE}")
    await speak(client, 25)
    await shown(client, event="utterance", no=5)
    found: list[str] = []
    for width, height in ((1280, 860), (390, 844)):
        async with team.page(
            "manager", theme="dark" if theme == "dark" else "light", width=width, height=height
        ) as page:
            for path in ("live", f"live/{client.call_id}", "team", "playlists"):
                await page.goto(f"/{path}")
                await expect(page.get_by_role("heading", level=1)).to_be_visible()
                if path.startswith("live/"):
                    await expect(page.get_by_role("region", name="Transcript")).to_contain_text(TALK[5][0])
                if path == "team":
                    await expect(page.get_by_role("table", name="Reps")).to_be_visible()
                found += await complaints(page)
                wide = await page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                found += [f"{path} is {wide} px too wide at {width} px"] if wide > 0 else []
                if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
                    name = "live-call" if "/" in path else path
                    await page.screenshot(path=Path(keep) / f"{name}-{width}-{theme}.png")
    await client.stop()
    assert not found, "\n".join(found)
