"""The manager's pages in a real browser, against a real server."""

from __future__ import annotations

import asyncio
import copy
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.people import HOSTILE, PASSWORD, TITLE, Desk, axe, tab, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def picture(page: Page, name: str) -> None:
    if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
        await page.screenshot(path=str(Path(keep) / f"{name}.png"))


async def test_somebody_signs_in_and_finds_the_call(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url, signed_in=False) as (page, complaints):
        await page.goto(f"{told.url}/calls?status=ended")
        await page.get_by_label("E-mail").fill("dana@example.com")
        await page.get_by_label("Password", exact=False).first.fill("not the password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Password", exact=False).first.fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        # On the page that was asked for, with its filter.
        await expect(page.get_by_role("link", name=TITLE)).to_be_visible()
        assert page.url.endswith("/calls?status=ended")
        await page.get_by_role("link", name=TITLE).click()
        await expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
        # A 401 is told in the console by the browser itself.
        assert [said for said in complaints.said if "401" not in said] == []


async def test_a_clicked_claim_plays_from_its_first_millisecond_and_shows_its_words(
    chrome: Browser, told: Desk
) -> None:
    async with tab(chrome, told.url) as (page, complaints):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        claims = page.locator("[data-claim]")
        await expect(claims.first).to_be_visible()
        starts = [int(await one.get_attribute("data-start") or 0) for one in await claims.all()]
        at = max(range(len(starts)), key=lambda number: starts[number])
        assert starts[at] > 0
        known = {claim["claim_id"]: claim for claim in _claims(told.artifact)}
        claim = known[await claims.nth(at).get_attribute("data-claim")]
        evidence = claim["evidence"][0]
        assert starts[at] == evidence["start_ts"]
        await claims.nth(at).click()
        await until(
            page,
            "(s) => { const a = document.querySelector('audio'); return !a.paused && a.currentTime > s + 0.1 }",
            arg=evidence["start_ts"] / 1000,
        )
        # `played` holds what really sounded.
        begun = await page.evaluate("document.querySelector('audio').played.start(0)")
        assert abs(begun * 1000 - evidence["start_ts"]) <= 50
        # The words that prove it are marked in the transcript, all of them and no others.
        marked = await page.evaluate(
            "[...document.querySelectorAll('[class*=quote]')].map((e) => e.textContent).join('')"
        )
        assert evidence["quote"] in marked
        # It stops where the proof ends.
        await until(page, "document.querySelector('audio').paused", seconds=30)
        now = await page.evaluate("document.querySelector('audio').currentTime")
        assert abs(now * 1000 - evidence["end_ts"]) < 300
        assert complaints.said == []


def _claims(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    """All that the review's page shows before the follow-up is opened."""
    whole = ("coaching_moments", "next_actions", "gaps", "outline")
    return [
        *(claim for part in whole for claim in artifact[part]),
        *(finding for section in artifact["sections"] for finding in section["findings"]),
    ]


def _fuller(artifact: dict[str, Any]) -> dict[str, Any]:
    """The review with what this short call gives no cause for: a gap, rules, doubts, a search, checks."""
    made = copy.deepcopy(artifact)
    section = next(one for one in made["sections"] if one["findings"])
    finding = section["findings"][0]
    finding["doubts"] = ["two people talk at once here", "who spoke is not sure"]
    at = {"start_ts": 30_000, "end_ts": 33_000}
    nearest = {"utterance_no": 7, "speaker_id": 1, **at, "quote": "Our finance director signs", "similarity": 0.42}
    finding |= {
        "through": 9,
        "cited_as": "called_for",
        "searched": {"from_no": 0, "through": 9, "start_ts": 0, "end_ts": 39_000, "closest": nearest},
    }
    cites = {**finding, "claim_id": None, "doubts": [], "through": None, "cited_as": None, "searched": None}
    made["gaps"] = [
        {**cites, "gap": "contradiction", "title": "Two budgets", "sections": [section["section_id"]]},
    ]
    section |= {"score": 40.0, "base": 73.0}
    section["rules"] = [
        {
            "rule_id": rule,
            "kind": "must_say",
            "severity": "high",
            "state": state,
            "reason": "",
            "effect": {"deduct": 20, "cap": 40, "of": "call"},
        }
        for rule, state in (("recording_notice", "broken"), ("cooling_off", "kept"))
    ]
    made["checks"] = {"repaired": {"quote_not_found": 2}, "lowered": {}, "dropped": {"contradiction": 1}}
    return made


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_what_a_manager_asks_first_stands_first_and_everything_has_its_place(
    chrome: Browser, told: Desk, theme: str
) -> None:
    shown = _fuller(told.artifact)
    async with tab(chrome, told.url, theme=theme) as (page, complaints):
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.route("**/artifact", lambda route: route.fulfill(json=shown))
        await page.goto(f"{told.url}/calls/{told.call_id}")
        about = page.get_by_text("Every statement was checked. Put right: quote not found (2). Left out: ")
        await expect(about).to_be_visible()
        headings = await page.get_by_role("tabpanel").get_by_role("heading", level=3).all_inner_texts()
        first = ["Worth replaying", "What happens next", "What does not fit together", "How the call went"]
        assert headings == [*first, "Draft of a follow-up", *(section["title"] for section in shown["sections"])]
        # The rules say what they cost, beside the score that they changed.
        rules = page.get_by_role("list", name="Rules").get_by_role("listitem")
        assert await rules.all_inner_texts() == [
            "Broken Recording notice must be said; high severity; 20 points off, no score above 40,"
            " for the whole call too",
            "Kept Cooling off must be said; high severity; if broken: 20 points off, no score above 40,"
            " for the whole call too",
        ]
        await expect(page.get_by_text("73 before the broken rules, 40 after.")).to_be_visible()
        card = page.get_by_role("article").filter(has_text="Shaky: two people talk at once here; who spoke is not sure")
        await expect(card).to_contain_text("Searched from 0:00 to 0:39. This called for it:")
        await expect(card.get_by_role("list", name="What it cites")).to_be_visible()
        await expect(card).to_contain_text("What came nearest is 42 % alike, and is not it:")
        await expect(card.get_by_role("button", name="Our finance director signs")).to_be_visible()
        # The number comes to the word when the claim is focused, and nothing grows.
        number = card.get_by_text(re.compile(r"^\d+ % sure$"))
        height = "card => card.getBoundingClientRect().height"
        before = await card.evaluate(height)
        await expect(number).to_have_css("opacity", "0")
        await card.get_by_role("button").first.focus()
        await expect(number).to_have_css("opacity", "1")
        assert await card.evaluate(height) == before
        stage = shown["outline"][-1]
        await page.get_by_title("Go there").last.click()
        await until(page, "s => document.querySelector('audio').currentTime === s", arg=stage["start_ts"] / 1000)
        assert await page.evaluate("document.querySelector('audio').paused")
        await page.get_by_role("button", name="Read it").click()
        sentences = shown["follow_up"]["sentences"]
        await expect(page.locator("#follow-up-draft [data-claim]")).to_have_count(len(sentences))
        await page.get_by_role("button", name="Copy", exact=True).click()
        await expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("Subject: Our conversation\n\nHello,\n\n")
        assert all(sentence["statement"] in copied for sentence in sentences)
        await picture(page, f"review-fuller-{theme}")
        assert await axe(page) == []
        assert complaints.said == []


async def test_only_what_is_played_is_asked_for(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        asked: list[str | None] = []
        page.on(
            "request",
            lambda request: asked.append(request.headers.get("range")) if "audio.wav" in request.url else None,
        )
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await page.locator("[data-claim]").last.click()
        await until(page, "!document.querySelector('audio').paused")
        assert asked
        assert all(one is not None and one.startswith("bytes=") for one in asked)


async def test_the_transcript_follows_the_audio_and_a_word_plays_from_itself(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        spoken = told.transcript[6]
        word = spoken["words"][2]
        row = page.locator(f"[data-index='{6}']")
        await row.locator("[data-word='2']").click()
        # Where it stands it is at once; only `played` says that it sounds.
        await until(page, "document.querySelector('audio').played.length > 0")
        begun = await page.evaluate("document.querySelector('audio').played.start(0)")
        assert abs(begun * 1000 - word["start_ts"]) <= 50
        # The word that sounds is marked, and the mark moves on.
        await page.wait_for_selector("[data-word][data-now]")
        await until(
            page,
            "document.querySelector('[data-now]') && Number(document.querySelector('[data-now]').dataset.word) >= 4",
        )
        await page.keyboard.press("k")
        await until(
            page,
            "(s) => Math.abs(document.querySelector('audio').currentTime - s) < 1",
            arg=told.transcript[5]["start_ts"] / 1000,
        )
        await page.keyboard.press("Space")
        await until(page, "document.querySelector('audio').paused")


async def test_without_its_transcript_a_call_shows_its_review_and_asks_again(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        broken = True

        async def breaks(route: Route) -> None:
            await (route.abort() if broken else route.continue_())

        await page.route("**/transcript", breaks)
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await expect(page.locator("[data-claim]").first).to_be_visible()
        await expect(page.get_by_role("heading", name="No connection to the server")).to_be_visible()
        broken = False
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator("[data-index='5']")).to_be_visible()


async def test_a_search_marks_the_words_and_keeps_the_question(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, complaints):
        await page.goto(f"{told.url}/calls")
        field = page.get_by_role("searchbox", name="Search what was said")
        await field.fill("hours <img src=x onerror=alert(1)>")
        await field.press("Enter")
        await expect(page.locator("mark", has_text="hours").first).to_be_visible()
        await expect(field).to_have_value("hours <img src=x onerror=alert(1)>")
        await expect(field).to_be_focused()
        assert await page.locator("img[src=x]").count() == 0
        assert complaints.said == []


async def test_a_link_to_the_second_opens_the_call_there(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, complaints):
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto(f"{told.url}/calls/{told.call_id}?t=9000")
        await expect(page.locator("[data-claim]").first).to_be_visible()
        await until(page, "Math.abs(document.querySelector('audio').currentTime - 9) < 0.05")
        await page.get_by_role("button", name="More", exact=True).click()
        await page.get_by_role("menuitem", name="Copy a link to this second").click()
        await expect(page.get_by_text("Copied. It opens the call at 0:09")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{told.url}/calls/{told.call_id}?t=9000"
        assert complaints.said == []


async def test_a_report_opens_in_the_chosen_template_and_in_any_other(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, complaints):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        said = [utterance["text"][:24] for utterance in told.transcript if len(utterance["text"]) > 24]
        for entry in ("In the chosen template", re.compile("^As “")):
            await page.get_by_role("button", name="More", exact=True).click()
            async with page.context.expect_page() as opening:
                await page.get_by_role("menuitem", name=entry).first.click()
            report = await opening.value
            await expect(report.locator("audio, iframe").first).to_be_attached()
            shown = await report.locator("body").inner_text()
            assert any(words in shown for words in said), "the report quotes nobody"
            assert await report.locator("a.play").count() > 0
            assert await report.locator("script, img[src=x]").count() == 0
            await report.close()
        assert complaints.said == []


async def test_what_was_said_and_what_people_write_is_shown_as_text(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, complaints):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        spoken = next(u for u in told.transcript if "<img" in u["text"])
        await expect(page.get_by_text(HOSTILE[:40]).first).to_be_visible()
        assert spoken["text"] in (await page.locator("[data-index='5']").inner_text()).replace("\n", " ")
        await page.get_by_role("button", name="correct name or role").first.click()
        await page.get_by_role("textbox", name="Name").fill("<img src=y onerror=alert(2)>")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("button", name="<img src=y onerror=alert(2)>: correct")).to_be_visible()
        await page.get_by_role("tab", name="Comments").click()
        await page.get_by_role("textbox", name="Comment at").fill("<script>alert(3)</script> & <b>bold</b>")
        await page.get_by_role("button", name="Comment", exact=True).click()
        await expect(page.get_by_text("<script>alert(3)</script> & <b>bold</b>")).to_be_visible()
        await page.get_by_role("button", name="Reply").click()
        await page.get_by_role("textbox", name="Your reply").fill("<iframe src='javascript:alert(4)'></iframe>")
        await page.get_by_role("button", name="Reply").click()
        await expect(page.get_by_text("<iframe src=")).to_be_visible()
        await asyncio.sleep(0.3)
        assert await page.locator("img[src=x], img[src=y], iframe").count() == 0
        assert complaints.said == []


async def test_a_vote_is_kept_with_who_gave_it(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await page.get_by_role("button", name="Agree").first.click()
        await expect(page.get_by_role("button", name="Agree, 1 so far").first).to_have_attribute("aria-pressed", "true")
        await page.reload()
        agreed = page.get_by_role("button", name="Agree, 1 so far").first
        await expect(agreed).to_have_attribute("aria-pressed", "true")
        await expect(agreed).to_have_attribute("title", re.compile(r"Agree:\nDana <i>Admin</i>, "))
        await agreed.click()
        await expect(page.get_by_role("button", name="Agree, 1 so far")).to_have_count(0)


async def test_a_link_shows_the_call_without_an_account_until_it_is_revoked(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls/{told.call_id}")
        await page.get_by_role("button", name="Share").click()
        await page.get_by_label("The whole call", exact=False).check()
        await page.get_by_role("button", name="Make a link").click()
        link = await page.get_by_label("The link", exact=True).input_value()
        async with tab(chrome, told.url, signed_in=False) as (guest, complaints):
            await guest.goto(link)
            await expect(guest.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
            await guest.locator("[data-claim]").last.click()
            await until(guest, "!document.querySelector('audio').paused")
            assert await guest.get_by_role("button", name="Agree").count() == 0
            assert await guest.get_by_role("button", name="Share").count() == 0
            assert complaints.said == []
            await page.get_by_role("button", name="Revoke").first.click()
            await expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
            await guest.reload()
            await expect(guest.get_by_text("This link no longer works")).to_be_visible()


async def test_a_hit_of_the_search_plays_where_it_stands(chrome: Browser, told: Desk) -> None:
    async with tab(chrome, told.url) as (page, _):
        await page.goto(f"{told.url}/calls")
        await expect(page.get_by_role("heading", name="Calls")).to_be_visible()
        await page.keyboard.press("/")
        await page.keyboard.type("finance director signs")
        await page.keyboard.press("Enter")
        hit = page.get_by_role("button", name="Our finance director signs", exact=False).first
        await expect(hit).to_be_visible()
        await hit.click()
        await until(page, "document.querySelector('audio').played.length > 0")
        begun = await page.evaluate("document.querySelector('audio').played.start(0)")
        assert abs(begun * 1000 - told.transcript[7]["start_ts"]) <= 50


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_page_breaks_a_rule_of_accessibility(chrome: Browser, told: Desk, theme: str, phone: bool) -> None:
    call = f"/calls/{told.call_id}"
    pages = {
        "calls": ("/calls?duration_min_s=1", "Northwind"),
        "search": ("/search?q=finance+director", "finance director"),
        "review": (call, "sure"),
        "moments": (f"{call}?tab=moments", "Nudged"),
        "comments": (f"{call}?tab=comments", "Comment at"),
        "statistics": (f"{call}?tab=statistics", "Who spoke how much"),
    }
    found: dict[str, list[str]] = {}
    async with tab(chrome, told.url, theme=theme, phone=phone) as (page, _):
        for name, (address, words) in pages.items():
            await page.goto(told.url + address)
            await expect(page.get_by_text(words).first).to_be_visible()
            await asyncio.sleep(0.4)
            await picture(page, f"{name}-{'phone' if phone else 'desktop'}-{theme}")
            found[name] = await axe(page)
    async with tab(chrome, told.url, theme=theme, phone=phone, signed_in=False) as (page, _):
        for name, address in {"sign-in": "/", "set-up": "/setup", "join": "/join?invite=no-such"}.items():
            await page.goto(told.url + address)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await picture(page, f"{name}-{'phone' if phone else 'desktop'}-{theme}")
            found[name] = await axe(page)
    broken = [f"{name}: {rule}" for name, rules in found.items() for rule in rules]
    assert not broken, "\n".join(broken)
