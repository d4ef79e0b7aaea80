"""Training, review queue, nudge policy, battle cards, delivery and audiences, in a real browser on a real server.

A training takes what the machine gives it: nothing here waits for less than minutes.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.signed_in import HOSTILE, House, complaints, house, until
from tests.integration.app.test_killed_server import SPOKEN
from tests.integration.web.test_webhooks import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

LONG = 300_000
EXAMPLES = ("What would that set us back?", "Roughly what are we looking at a month?", "And what does it cost?")
CARD = {"name": "Acme <b>", "type": "competitor_mentioned", "phrases": [f"acme {HOSTILE}"[:200]], "answer": ""}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenant() -> AsyncIterator[House]:
    spoken = [(f"{text} {HOSTILE}" if no == 5 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN)]
    async with house(spoken, {"RIDEALONG_WEBHOOKS_PRIVATE": "true"}) as made:
        await made.whole_call(title=f"Northwind {HOSTILE}", seconds=41)
        yield made


async def call_of(tenant: House) -> str:
    """The call that has words: tests of the delivery log make others, which have none."""
    async with tenant.api() as api:
        calls = (await api.get("/v1/calls")).json()["calls"]
    return max(calls, key=lambda call: call["audio_ms"] or 0)["call_id"]


async def labels_of(tenant: House) -> list[tuple[str, bool, str, str]]:
    async with tenant.api() as api:
        found = (await api.get(f"/v1/calls/{await call_of(tenant)}/labels")).json()["labels"]
    return sorted((one["type"], one["holds"], one["source"], one["by"]["name"]) for one in found)


async def choose(page: Page, field: str, option: str) -> None:
    """An option of a field with a list: the list has the field's name as well."""
    await page.locator("input").and_(page.get_by_label(field, exact=True)).click()
    await page.get_by_role("option", name=option, exact=True).locator("visible=true").click()


async def sounds(page: Page) -> bool:
    return await page.evaluate("[...document.querySelectorAll('audio')].some(audio => !audio.paused)")


async def test_the_queue_is_answered_by_keyboard_played_in_place_and_taken_back(tenant: House) -> None:
    async with tenant.page("manager") as page:
        await page.goto("/settings/queue")
        question = page.get_by_role("region", name="The question")
        await expect(question).to_be_visible(timeout=LONG)
        start = await question.locator("[data-start]").get_attribute("data-start")
        assert start is not None
        await page.keyboard.press(" ")
        await until(lambda: sounds(page), seconds=60)
        began = await page.evaluate("document.querySelector('audio').currentTime * 1000")
        assert began >= int(start) - 50, "it plays from where it was said"
        await page.keyboard.press(" ")
        await until(lambda: page.evaluate("document.querySelector('audio').paused"), seconds=60)

        asked = (await question.get_by_role("heading").inner_text()).split("“")[1].split("”")[0]
        await page.keyboard.press("a")
        await expect(page.get_by_role("status")).to_contain_text("1 answer given")
        [said] = await labels_of(tenant)
        assert said[1:] == (True, "queue", "Mona Manager")
        await page.keyboard.press("b")
        await expect(page.get_by_role("status")).to_contain_text("Question 1")
        assert await labels_of(tenant) == []
        await expect(question.get_by_role("heading")).to_contain_text(asked)

        # Another type: chosen by keyboard, and both types learn.
        await page.keyboard.press("t")
        await (
            page.get_by_role("combobox", name="What it is instead")
            .or_(page.get_by_label("What it is instead", exact=True))
            .first.fill("Stall" if asked != "Stall" else "Pain")
        )
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("1 answer given")
        assert [holds for _, holds, _, _ in await labels_of(tenant)].count(True) == 1
        assert len(await labels_of(tenant)) == 2
        await page.get_by_role("button", name="Back").click()
        await expect(page.get_by_role("status")).to_contain_text("0 answers given")
        assert await labels_of(tenant) == []
        assert await page.title() != "RAN"


async def test_moments_are_judged_and_a_missed_one_added_on_the_calls_page(tenant: House) -> None:
    call_id = await call_of(tenant)
    async with tenant.page("manager") as page:
        await page.goto(f"/calls/{call_id}?tab=moments")
        card = page.locator("article").filter(has=page.get_by_role("button", name="It is right")).first
        await card.get_by_role("button", name="It is right").click()
        await expect(card.get_by_role("button", name=re.compile("It is right, 1 so far: Mona"))).to_be_visible()
        assert [one[1:3] for one in await labels_of(tenant)] == [(True, "agreed")]
        await card.get_by_role("button", name="It is another type").click()
        await card.get_by_label("What it is instead").select_option("stall")
        await expect(card.get_by_text("Mona Manager: stall")).to_be_visible()
        assert {one[1:3] for one in await labels_of(tenant)} == {(False, "corrected"), (True, "corrected")}
        await card.get_by_role("button", name="It is Stall: take it back").click()
        await expect(card.get_by_text("Mona Manager: stall")).to_have_count(0)
        assert await labels_of(tenant) == []

        # What the customer says in the fifth line is added, by some of its words.
        row = page.get_by_role("region", name="Transcript").locator("[data-index='9']")
        await row.hover()
        await row.get_by_role("button", name=re.compile("Add a moment that was missed")).click()
        dialog = page.get_by_role("dialog")
        await choose(page, "It is a moment of the type", "Buying signal")
        words = dialog.get_by_label("By these words")
        await words.fill("words that nobody said")
        await dialog.get_by_role("button", name="Add it").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await words.fill("let us do Tuesday at ten")
        await dialog.get_by_role("button", name="Add it").click()
        await expect(dialog).to_have_count(0)
        await expect(page.get_by_text("added by a person after the call")).to_be_visible()
        assert [one[1:] for one in await labels_of(tenant)] == [(True, "added", "Mona Manager")]
    async with tenant.page("rep") as page:
        await page.goto(f"/calls/{call_id}?tab=moments")
        await expect(page.get_by_text("added by a person after the call")).to_be_visible()
        for name in ("It is right", "It is none", "Add a missed moment", re.compile("Add a moment that was missed")):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)


async def test_a_policy_is_tried_on_a_past_call_saved_and_keeps_the_document_s_comments(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        before = (await api.get("/v1/calls")).json()
        await page.goto("/settings/policy")
        # A busy machine may have recognised all of it too late: with patience, what was found would be a nudge.
        await page.get_by_label("Not later than (seconds)").fill("60")
        await page.get_by_label("Pain: at least so sure, percent").fill("42")
        await page.get_by_role("button", name="Replay", exact=True).click()
        outcome = page.get_by_role("region", name="What would have been delivered")
        moment = outcome.get_by_role("listitem").filter(has_text="we lose hours every week").first
        await expect(moment).to_contain_text("Would be nudged")
        play = moment.get_by_role("button", name=re.compile("^Play"))
        start = int(await play.get_attribute("data-start") or -1)
        await play.click()
        await until(lambda: sounds(page), seconds=60)
        assert await page.evaluate("document.querySelector('audio').currentTime * 1000") >= start - 50
        await page.get_by_label("At most so many nudges").fill("0")
        await expect(page.get_by_text("The policy above was changed after this was made")).to_be_visible()
        await page.get_by_role("button", name="Replay", exact=True).click()
        await expect(outcome).to_contain_text("What would have been0 nudges")
        assert (await api.get("/v1/calls")).json() == before, "trying it has stored something"
        assert (await api.get("/v1/taxonomy")).json()["policy"]["max_nudges"] == 6

        await page.get_by_role("button", name="Back to what holds").click()
        await page.get_by_label("At most so many nudges").fill("3")
        floor = page.get_by_label("Stall: at least so sure, percent")
        await floor.fill("10")
        await expect(page.get_by_role("button", name="Save the policy")).to_be_disabled()
        await floor.fill("70")
        await page.get_by_label("Stall is").get_by_text("noted").click()
        await page.get_by_role("button", name="Save the policy").click()
        await expect(page.get_by_text("This holds for new calls.")).to_be_visible()
        held = (await api.get("/v1/taxonomy")).json()
        assert (held["version"], held["policy"]["max_nudges"]) == (1, 3)
        stall = next(one for one in held["types"] if one["id"] == "stall")
        assert (stall["tier"], stall["floor"]) == ("noted", 0.7)
        assert "# No nudge in the call's first seconds" in (await api.get("/v1/taxonomies/default")).text


async def test_a_battle_card_is_written_seen_as_the_rep_will_changed_and_removed(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:

        async def cards() -> list[dict[str, Any]]:
            return (await api.get("/v1/taxonomy")).json()["trackers"]

        await page.goto("/settings/taxonomy?tab=trackers")
        await page.get_by_label("Name").fill(HOSTILE[:12])
        await choose(page, "It is a", "Competitor")
        said = page.locator("input").and_(page.get_by_label("Said as", exact=True))
        await said.fill("acme planner")
        await said.press("Enter")
        await page.get_by_label("The answer").fill("we keep the plan on their phone")
        await expect(page.get_by_text(f"“{HOSTILE[:12]} came up: we keep the plan on their phone”")).to_be_visible()
        await page.get_by_role("button", name="Add it").click()
        card = page.get_by_role("list", name="Battle cards and trackers").get_by_role("listitem")
        await expect(card).to_contain_text("acme planner")
        [kept] = await cards()
        assert kept["answer"] == "we keep the plan on their phone"
        await card.get_by_role("button", name=re.compile("^Change")).click()
        await card.get_by_label("The answer").fill("")
        await card.get_by_role("button", name="Keep it").click()
        await expect(card.get_by_role("button", name=re.compile("^Remove"))).to_be_visible()
        assert (await cards())[0]["answer"] == ""
        await card.get_by_role("button", name=re.compile("^Remove")).click()
        await expect(card).to_have_count(0)
        assert await cards() == []
        assert await page.title() != "RAN"

        # The same in the text: what is inserted there is right as it stands.
        await page.goto("/settings/documents/edit?kind=taxonomy&name=default")
        for piece in ("a battle card", "a type of your own"):
            await page.get_by_role("button", name=piece).click()
            await expect(page.get_by_text("No mistakes.")).to_be_visible()
        await expect(page.locator(".cm-line", has_text="warranty_asked")).to_have_count(1)
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Throw changes away").click()


async def test_a_version_is_trained_told_of_retired_and_taken_back(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        await page.goto("/settings/taxonomy")
        await page.get_by_role("button", name=re.compile("^Price question|^Price")).click()
        more = page.get_by_label("More examples, one in a line").locator("visible=true")
        await more.fill("What would that set us back?\nRoughly what are we looking at a month?\n" + HOSTILE)
        await page.get_by_role("button", name=re.compile("^Add to examples of")).locator("visible=true").click()
        await expect(page.get_by_text("Roughly what are we looking at a month?")).to_be_visible()

        async def kept() -> bool:
            types = (await api.get("/v1/taxonomy")).json()["types"]
            return len(next(one["examples"] for one in types if one["id"] == "price_asked")) == 3

        await until(kept, seconds=60)

        await page.get_by_role("tab", name="Training and versions").click()
        await page.get_by_role("button", name="Train", exact=True).click()
        await expect(page.get_by_text("Version 1 is being trained").first).to_be_visible()
        card = page.get_by_role("listitem", name="Version 1")
        await expect(card).to_be_visible(timeout=LONG)
        await card.get_by_role("button", name="How good is it? Version 1").click()
        report = page.get_by_role("region", name="The report of version 1")
        for told in ("By type, judged by fits that had not seen the example", "macro-F1 goes from", "Learned from"):
            await expect(report.get_by_text(told).first).to_be_visible()
        await expect(report.get_by_role("table")).to_contain_text("Price")
        await expect(report).to_contain_text("On your own past calls")

        judged = (await api.get("/v1/taxonomy/versions")).json()["judged_by"]
        if judged != 1:  # The figures of the day decide that, and not this test.
            await card.get_by_role("button", name="Let it judge: version 1").click()
            await page.get_by_role("dialog").get_by_label("I have read why it may be worse").check()
            await page.get_by_role("dialog").get_by_role("button", name="Let it judge").click()
        await expect(card).to_contain_text("Judges new calls")
        await card.get_by_role("button", name="Retire version 1").click()
        await page.get_by_role("dialog").get_by_role("button", name="Retire it").click()
        await expect(card).to_contain_text("Retired")
        assert (await api.get("/v1/taxonomy/versions")).json()["judged_by"] is None
        await card.get_by_role("button", name="Run version 1 in shadow").click()
        await page.get_by_role("dialog").get_by_role("button", name="Run it in shadow").click()
        await expect(card).to_contain_text("In shadow")
        await card.get_by_role("button", name="What it found in shadow: version 1").click()
        await expect(page.get_by_text("It has not run beside a call yet.")).to_be_visible()

        await page.get_by_role("tab", name="What feedback changed").click()
        await expect(page.get_by_text("missed moments that a manager added")).to_be_visible()
        await expect(page.get_by_role("heading", name="What version 1 made of it")).to_be_visible()


async def test_a_version_that_may_be_worse_goes_live_on_an_explicit_word_alone(tenant: House) -> None:
    """The one doubt that is made up here: whether a training comes out worse is not for a test to decide."""
    async with tenant.page("admin") as page:
        reason = f"on the shipped calls macro-F1 falls {HOSTILE}"

        async def doubted(route: Any) -> None:
            answer = await (await route.fetch()).json()
            for version in answer["versions"]:
                version["report"]["verdict"] = {"not_worse": False, "reasons": [reason]}
            await route.fulfill(json=answer)

        await page.route("**/v1/taxonomy/versions", doubted)
        await page.goto("/settings/taxonomy?tab=training")
        await page.get_by_role("button", name="Let it judge: version 1").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text(reason)).to_be_visible()
        await expect(dialog.get_by_role("button", name="Let it judge")).to_be_disabled()
        await dialog.get_by_label("I have read why it may be worse").check()
        await dialog.get_by_role("button", name="Let it judge").click()
        await expect(dialog).to_have_count(0)
        await expect(page.get_by_role("listitem", name="Version 1")).to_contain_text("Judges new calls")
        assert await page.title() != "RAN"


async def test_the_log_tells_why_a_message_was_given_up_and_sends_it_again(tenant: House) -> None:
    async with Receiver(status=410).running() as receiver, tenant.page("admin") as page:
        await page.goto("/settings/webhooks")
        await page.get_by_label("Address").fill(receiver.url)
        await page.get_by_label("A review is done").uncheck()
        await page.get_by_role("button", name="Add it").click()
        await page.get_by_role("button", name="I have kept it").click()
        client = await tenant.start_call(title="Short")
        await client.stop()
        card = page.get_by_role("list", name="Destinations").get_by_role("listitem").first

        async def told() -> bool:
            return bool(receiver.got)

        await until(told, seconds=120)
        await card.get_by_role("button", name=re.compile("^What was sent")).click()
        log = page.get_by_role("region", name=f"The log of {receiver.url}")
        line = log.get_by_role("list", name="Messages").get_by_role("listitem").first
        await expect(line).to_contain_text("Given up", timeout=120_000)
        await expect(line).to_contain_text("refused with 410 (it wants no more messages)")
        # Whoever answers that it is gone is told nothing more until somebody switches it on again.
        await page.reload()
        await expect(card.get_by_role("switch")).not_to_be_checked()
        await card.get_by_role("button", name=re.compile("^What was sent")).click()
        await expect(log).to_contain_text("It is switched off")
        await expect(line.get_by_role("button", name=re.compile("^Send again"))).to_be_disabled()
        await card.get_by_role("switch").click(force=True)
        await expect(card.get_by_role("switch")).to_be_checked()
        receiver.status = 204
        first = receiver.got[0][0]["webhook-id"]
        await line.get_by_role("button", name=re.compile("^Send again")).click()
        await expect(log.get_by_text("1 message will be sent again.")).to_be_visible()
        await expect(line).to_contain_text("Delivered", timeout=120_000)
        assert receiver.got[-1][0]["webhook-id"] == first
        await log.get_by_text("Send everything again from a position").click()
        await log.get_by_label("Behind position").fill("0")
        await log.get_by_role("button", name="Send them again").click()
        await expect(log.get_by_role("status")).to_contain_text("will be sent again")


async def test_slack_gets_the_report_of_an_audience_whose_template_is_chosen_and_seen_first(tenant: House) -> None:
    async with Receiver().running() as receiver, tenant.page("admin") as page, tenant.api() as api:
        await page.goto("/settings/webhooks")
        await page.get_by_text("Slack", exact=True).first.click()
        await page.get_by_label("Address of the incoming webhook").fill(receiver.url)
        await choose(page, "As which audience", "rep")
        await page.get_by_role("button", name="Add it").click()
        card = page.get_by_role("listitem").filter(has_text="the report as “rep” gets it")
        await expect(card).to_contain_text("Slack, by")
        assert "/hook" not in await card.inner_text(), "the address of Slack is a secret"

        await page.goto("/settings/audiences")
        rep = page.get_by_role("list", name="Audiences").get_by_role("listitem").filter(has_text="Sent by itself to")
        await expect(rep.get_by_role("heading", name="rep")).to_be_visible()
        await choose(page, "Template for rep: Slack", "manager")
        await choose(page, "For", "rep")
        await choose(page, "As", "Slack")
        await expect(page.get_by_role("link", name="manager.slack")).to_be_visible()
        await page.get_by_role("button", name="Show it").click()
        await expect(page.get_by_label("The review as the template shows it")).to_contain_text("blocks")
        await page.get_by_role("button", name="Save the audiences").click()
        await expect(page.get_by_text("Saved. It holds from the next report on.")).to_be_visible()
        kept = (await api.get("/v1/settings/audiences")).json()["audiences"]
        assert kept == [{"audience": "rep", "form": "slack", "template": "manager"}]
        assert await page.title() != "RAN"


async def test_each_role_sees_what_it_may(tenant: House) -> None:
    async with tenant.page("manager") as page:
        await page.goto("/settings/taxonomy?tab=training")
        await expect(page.get_by_role("heading", name="Versions")).to_be_visible()
        for name in ("Train", "Save the policy", "Save the audiences"):
            await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        await expect(page.get_by_role("button", name=re.compile("^(Promote|Retire|Run) "))).to_have_count(0)
        await page.goto("/settings/policy")
        await expect(page.get_by_role("button", name="Replay", exact=True)).to_be_enabled()
        await expect(page.get_by_role("button", name="Save the policy")).to_have_count(0)
        await page.goto("/settings/audiences")
        await expect(page.get_by_text("Only an admin can change it.")).to_be_visible()
        session = await (await page.context.request.get("/v1/session")).json()
        csrf = {"X-CSRF-Token": session["csrf"]}
        refused = await page.context.request.patch("/v1/taxonomy", data={"trackers": []}, headers=csrf)
        assert refused.status == 403
    async with tenant.page("rep") as page:
        for section in ("taxonomy", "queue", "policy", "webhooks", "audiences"):
            await page.goto(f"/settings/{section}")
            await expect(page.get_by_role("heading", name="These settings are for admins")).to_be_visible()
        for path in ("/v1/taxonomy/versions", "/v1/taxonomy/queue", "/v1/taxonomy/feedback", "/v1/settings/audiences"):
            assert (await page.context.request.get(path)).status == 403, path


async def _everything_open(page: Page, section: str) -> None:
    """As much of the page as a person can see at once."""
    if section == "policy":
        await page.get_by_role("button", name="Replay", exact=True).click()
        await expect(page.get_by_role("region", name="What would have been delivered")).to_be_visible()
    elif section == "taxonomy":
        await page.get_by_role("button", name=re.compile("^Price")).click()
        more = page.get_by_role("textbox", name="More examples, one in a line").locator("visible=true")
        await expect(more).to_be_visible()
    elif section.endswith("training"):
        await page.get_by_role("button", name="How good is it? Version 1").click()
        await expect(page.get_by_role("region", name="The report of version 1").get_by_role("table")).to_be_visible()
    elif section == "webhooks":
        await page.get_by_role("button", name=re.compile("^What was sent")).first.click()
        await expect(page.get_by_role("region", name=re.compile("^The log of")).first).to_be_visible()
    elif section == "queue":
        await expect(page.get_by_role("region", name="The question")).to_be_visible()


SECTIONS = (
    *("taxonomy", "taxonomy?tab=trackers", "taxonomy?tab=training", "taxonomy?tab=feedback"),
    *("queue", "policy", "webhooks", "audiences"),
)


async def _furnished(tenant: House) -> None:
    """What the tests before this one have left, or as much of it as the pages need to show everything."""
    async with tenant.api() as api:
        assert (await api.patch("/v1/taxonomy", json={"trackers": [CARD]})).status_code == 200
        if not (await api.get("/v1/webhooks")).json()["webhooks"]:
            hook = {"url": "https://crm.example.com/hook", "events": ["review.done"]}
            assert (await api.post("/v1/webhooks", json=hook)).status_code == 201

        async def trained() -> bool:
            return bool((await api.get("/v1/taxonomy/versions")).json()["versions"])

        if not await trained():
            taught = [{"id": "price_asked", "examples": list(EXAMPLES)}]
            assert (await api.patch("/v1/taxonomy", json={"types": taught})).status_code == 200
            assert (await api.post("/v1/taxonomy/versions", json={})).is_success
            await until(trained, seconds=LONG / 1000)


async def test_every_page_of_the_coach_is_accessible(tenant: House) -> None:
    """At a desk in the light, and on a phone in the dark. Each page is opened in its theme: one that is changed under a
    page leaves some texts in the colour of the one before until they are looked at, and axe sees it.
    """
    found: list[str] = []
    call_id = await call_of(tenant)
    await _furnished(tenant)
    for width, height, theme in ((1280, 860, "light"), (390, 844, "dark")):
        shown = tenant.page("admin", theme="dark" if theme == "dark" else "light", width=width, height=height)
        async with shown as page:
            page.set_default_timeout(LONG)
            for section in SECTIONS:
                await page.goto(f"/settings/{section}")
                await expect(page.get_by_role("heading", level=2).first).to_be_visible()
                await _everything_open(page, section)
                found += await _looked_at(page, f"{section} {width} {theme}")
            await page.goto(f"/calls/{call_id}?tab=moments")
            await page.get_by_role("button", name="Add a missed moment").click()
            await expect(page.get_by_role("dialog").get_by_label("By these words")).to_be_visible()
            found += await _looked_at(page, f"missed {width} {theme}")
    assert not found, "\n".join(found)


async def _looked_at(page: Page, name: str) -> list[str]:
    """What is wrong with it as it is now."""
    await page.wait_for_timeout(300)
    found = await complaints(page)
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"{name} is {wide} px too wide"] if wide > 0 else []
    if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
        await page.screenshot(path=Path(keep) / f"coach-{re.sub(r'[^a-z0-9]+', '-', name)}.png", full_page=True)
    return found
