"""A tenant's settings, in a real browser on a real server."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.signed_in import HOSTILE, House, complaints, house
from tests.integration.app.test_killed_server import SPOKEN

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

TEMPLATE = "/settings/documents/edit?kind=template&name=manager.html"
SECTIONS = ("documents", "confidence", "models", "members", "recording", "api-keys", "webhooks")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenant() -> AsyncIterator[House]:
    spoken = [(f"{text} {HOSTILE}" if no == 5 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN)]
    async with house(spoken) as made:
        await made.whole_call(title=f"Northwind {HOSTILE}", seconds=41)
        yield made


async def write(page: Page, text: str) -> None:
    """Put `text` in the place of everything in the editor, as somebody who pastes it."""
    await page.get_by_role("textbox", name=re.compile("The text of the")).click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text)


async def test_a_template_is_edited_its_mistake_shown_tried_on_a_call_saved_and_taken_back(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:

        async def holds() -> str:
            return (await api.get("/v1/templates/manager.html")).text

        shipped = await holds()
        await page.goto(TEMPLATE)
        await expect(page.get_by_text("As shipped", exact=True)).to_be_visible()
        save = page.get_by_role("button", name="Save", exact=True)
        await expect(save).to_be_disabled()

        # A mistake stands at its own line, in the margin and in words, and cannot be saved.
        await write(page, "<p>first</p>\n<p>{{ artifact.tile }}</p>\n" + shipped)
        await expect(page.get_by_role("alert")).to_contain_text("A mistake in line 2")
        await page.get_by_role("button", name="Go to line 2").click()
        sign = await page.locator(".cm-lint-marker-error").bounding_box()
        line = await page.locator(".cm-line", has_text="artifact.tile").bounding_box()
        assert sign is not None
        assert line is not None
        assert abs(sign["y"] - line["y"]) < line["height"]
        await expect(save).to_be_disabled()

        # Corrected, and tried on the call, in a frame in which nothing runs.
        first = "<h2>Edition one</h2>\n" + shipped
        await write(page, first)
        await expect(page.get_by_text("No mistakes.")).to_be_visible()
        await page.get_by_role("tab", name="Try it on a call").click()
        await page.get_by_role("button", name="Try it", exact=True).click()
        frame = page.frame_locator("iframe[title^='The review']")
        await expect(frame.get_by_role("heading", name="Edition one")).to_be_visible()
        await expect(frame.get_by_role("heading", name=f"Northwind {HOSTILE}")).to_be_visible()
        assert await page.locator("iframe[title^='The review']").get_attribute("sandbox") == ""
        assert await holds() == shipped, "trying it has changed what holds"

        # Saved twice: two versions, whose difference is shown.
        await save.click()
        await expect(page.get_by_text("Yours", exact=True)).to_be_visible()
        assert await holds() == first
        await page.get_by_role("tab", name="Text", exact=True).click()
        await expect(page.locator(".cm-line", has_text="Edition one")).to_have_count(1)
        second = first.replace("Edition one", "Edition two")
        await write(page, second)
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Saved. It holds from the next call or review on.")).to_be_visible()
        assert await holds() == second
        await page.get_by_role("tab", name="Versions").click()
        versions = page.get_by_role("list", name="Versions").get_by_role("listitem")
        await expect(versions).to_have_count(2)
        await expect(versions.first).to_contain_text("by Ada Admin")
        await page.get_by_role("button", name="What changed with version 2").click()
        await expect(page.get_by_test_id("diff").locator(".cm-deletedChunk")).to_contain_text("Edition one")
        await expect(page.get_by_test_id("diff").locator(".cm-changedLine")).to_contain_text("Edition two")

        # Back to the first one, and back to what ships; the editor goes along.
        await page.get_by_role("button", name="Go back to it: version 1").click()
        await expect(versions.filter(has_text="Holds now")).to_contain_text("Version 1")
        assert await holds() == first
        await page.get_by_role("button", name="Use what ships instead").click()
        await page.get_by_role("dialog").get_by_role("button", name="Use what ships").click()
        await expect(page.get_by_text("As shipped", exact=True)).to_be_visible()
        assert await holds() == shipped
        await expect(save).to_be_disabled()
        assert await page.title() != "RAN"


async def test_what_was_written_and_not_saved_is_there_after_a_reload(tenant: House) -> None:
    async with tenant.page("admin") as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto("/settings/documents/edit?kind=rubric&name=bant")
        shipped = await page.get_by_role("textbox", name=re.compile("The text of the")).inner_text()
        await write(page, "# mine\n" + shipped)
        await expect(page.get_by_text("Not saved yet")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("Changes that were not saved")).to_be_visible()
        await expect(page.locator(".cm-line", has_text="# mine")).to_have_count(1)
        await page.get_by_role("button", name="Throw changes away").click()
        await expect(page.locator(".cm-line", has_text="# mine")).to_have_count(0)


async def test_a_change_that_somebody_else_saved_meanwhile_is_not_overwritten_unseen(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        text = (await api.get("/v1/templates/rep.md")).text
        await page.goto("/settings/documents/edit?kind=template&name=rep.md")
        await write(page, "Mine\n" + text)
        await expect(page.get_by_text("No mistakes.")).to_be_visible()
        assert (await api.put("/v1/templates/rep.md", content="Theirs\n" + text)).status_code == 204
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("dialog")).to_contain_text("Somebody else saved meanwhile")
        assert (await api.get("/v1/templates/rep.md")).text.startswith("Theirs")
        await page.get_by_role("dialog").get_by_role("button", name="Save mine on top").click()
        await expect(page.get_by_text("Saved. It holds from the next call or review on.")).to_be_visible()
        assert (await api.get("/v1/templates/rep.md")).text.startswith("Mine")


async def test_a_rubric_and_a_taxonomy_are_tried_on_a_past_call(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.api() as api:
        before = (await api.get("/v1/calls")).json()
        await page.goto("/settings/documents/edit?kind=rubric&name=spin")
        await page.get_by_role("tab", name="Try it on a call").click()
        await page.get_by_role("button", name="Try it", exact=True).click()
        await expect(page.get_by_role("region", name="The review that the rubric makes")).to_contain_text("of 100")
        await page.goto("/settings/documents/edit?kind=taxonomy&name=default")
        await page.get_by_role("tab", name="Try it on a call").click()
        await page.get_by_role("button", name="Try it", exact=True).click()
        found = page.get_by_role("region", name="The moments that it finds")
        await expect(found).to_contain_text("Pain stated")
        await expect(found).to_contain_text("we lose hours every week")
        assert (await api.get("/v1/calls")).json() == before, "trying it has stored something"


async def test_a_rep_who_opens_the_settings_is_told_whose_they_are(tenant: House) -> None:
    async with tenant.page("rep") as page:
        for section in ("", "/members", "/documents/edit?kind=taxonomy&name=default", "/api-keys"):
            await page.goto(f"/settings{section}")
            await expect(page.get_by_role("heading", name="These settings are for admins")).to_be_visible()
            await expect(page.get_by_text("You are signed in as a rep.")).to_be_visible()
        # The page is not what keeps them out.
        session = await (await page.context.request.get("/v1/session")).json()
        csrf = {"X-CSRF-Token": session["csrf"]}
        for path in ("/v1/members", "/v1/api-keys", "/v1/webhooks", "/v1/settings", "/v1/models"):
            assert (await page.context.request.get(path)).status == 403, path
        written = await page.context.request.put("/v1/templates/manager.html", data="mine", headers=csrf)
        assert written.status == 403


async def test_a_manager_reads_documents_and_members_and_changes_neither(tenant: House) -> None:
    async with tenant.page("manager") as page:
        await page.goto("/settings")
        sections = page.get_by_role("navigation", name="Settings").get_by_role("link")
        await expect(sections).to_have_text(
            ["Documents", "Taxonomy", "Review queue", "Nudge policy", "Confidence", "Members", "Audiences"]
        )
        await page.goto("/settings/documents/edit?kind=taxonomy&name=default")
        await expect(page.get_by_text("Only an admin can change it.")).to_be_visible()
        text = page.get_by_role("textbox", name=re.compile("The text of the"))
        await text.click()
        await page.keyboard.insert_text("mine")
        await expect(page.locator(".cm-line", has_text="mine")).to_have_count(0)
        await page.goto("/settings/members")
        await expect(page.get_by_text("ada@example.com")).to_be_visible()
        await expect(page.get_by_role("button", name="Invite")).to_have_count(0)


async def test_somebody_is_invited_promoted_and_shut_out_and_the_last_admin_stays(tenant: House) -> None:
    async with tenant.page("admin") as page:
        await page.goto("/settings/members")
        await page.get_by_label("E-mail").fill("New@Example.com")
        await page.get_by_label("Name").fill("Nina New")
        await page.get_by_role("button", name="Invite", exact=True).click()
        shown = page.get_by_role("alert").filter(has_text="An invitation for Nina New")
        address = await shown.locator("pre").inner_text()
        assert address.startswith(f"{tenant.running.url}/join?invite=")
        await shown.get_by_role("button", name="I have kept it").click()
        await expect(page.get_by_text(address)).to_have_count(0)
        card = page.get_by_role("listitem").filter(has_text="new@example.com")
        await (
            page.get_by_role("combobox", name="Role of Nina New")
            .or_(page.get_by_role("textbox", name="Role of Nina New"))
            .click()
        )
        await page.get_by_role("option", name=re.compile("^Manager")).click()
        await expect(page.get_by_label("Role of Nina New").first).to_have_value(re.compile("^Manager"))
        await card.get_by_role("button", name="Shut out Nina New").click()
        await expect(card).to_contain_text("May not sign in")
        await page.get_by_label("Role of Ada Admin").first.click()
        await page.get_by_role("option", name=re.compile("^Rep")).click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
        await expect(page.get_by_role("listitem").filter(has_text=HOSTILE[:60])).to_have_count(1)
        assert await page.title() != "RAN"


async def test_an_api_key_is_shown_once_works_and_is_revoked(tenant: House) -> None:
    async with tenant.page("admin") as page:
        await page.goto("/settings/api-keys")
        await page.get_by_label("What it is for").fill("Warehouse")
        await page.get_by_role("button", name="Make the key").click()
        shown = page.get_by_role("alert").filter(has_text="Warehouse")
        token = await shown.locator("pre").inner_text()
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await page.context.request.get("/v1/calls", headers=bearer)).status == 200
        await page.reload()
        await expect(page.get_by_role("listitem").filter(has_text="Warehouse")).to_have_count(1)
        assert token not in await page.content()
        await page.get_by_role("button", name="Revoke Warehouse").click()
        await expect(page.get_by_role("listitem").filter(has_text="Warehouse")).to_contain_text("revoked")
        assert (await page.context.request.get("/v1/calls", headers=bearer)).status == 401


async def test_confidence_is_learned_from_votes_and_taken_back(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.page("manager") as theirs, tenant.api() as api:
        await page.goto("/settings/confidence")
        learn = page.get_by_role("button", name="Learn from them now")
        await expect(learn).to_be_disabled()
        await expect(
            page.get_by_text("40 more in all, 5 more held to be right and 5 more held to be wrong.")
        ).to_be_visible()
        await expect(page.get_by_role("listitem", name="What ships")).to_contain_text("Holds now")

        voted = 0
        while voted < 40:
            call_id = await tenant.whole_call(title="Voted on", seconds=41)
            artifact = (await api.get(f"/v1/calls/{call_id}/artifact")).json()
            for claim in (*(f for s in artifact["sections"] for f in s["findings"]), *artifact["coaching_moments"]):
                verdict = "disagree" if voted % 4 == 3 else "agree"
                said = await api.post(
                    f"/v1/calls/{call_id}/claims/{claim['claim_id']}/votes", json={"verdict": verdict}
                )
                assert said.status_code == 200, said.text
                voted += 1
        await page.reload()
        await learn.click()
        await expect(page.get_by_role("status").filter(has_text="Version 1 is in use.")).to_contain_text(
            re.compile(r"The calibration error \(ECE\) on them (falls|rises|stays)")
        )
        first = page.get_by_role("listitem", name="Version 1")
        await expect(first).to_contain_text("Holds now")
        [kept] = (await api.get("/v1/confidence/versions")).json()["versions"]
        for error in ("error_before", "error_after"):
            await expect(first).to_contain_text(f"{kept[error]:.3f}")

        await page.get_by_role("button", name="Use what ships").click()
        await expect(page.get_by_role("listitem", name="What ships")).to_contain_text("Holds now")
        assert not (await api.get("/v1/confidence/versions")).json()["versions"][0]["active"]
        await first.get_by_role("button", name="Use version 1").click()
        await expect(first).to_contain_text("Holds now")
        assert (await api.get("/v1/confidence/versions")).json()["versions"][0]["active"]

        # A manager reads it, and changes nothing.
        await theirs.goto("/settings/confidence")
        await expect(theirs.get_by_role("listitem", name="Version 1")).to_contain_text("Holds now")
        for name in ("Learn from them now", "Use what ships"):
            await expect(theirs.get_by_role("button", name=name)).to_have_count(0)
        session = await (await theirs.context.request.get("/v1/session")).json()
        refused = await theirs.context.request.post(
            "/v1/confidence/versions", headers={"X-CSRF-Token": session["csrf"]}
        )
        assert refused.status == 403


async def test_consent_and_retention_are_kept(tenant: House) -> None:
    async with tenant.page("admin") as page, tenant.page("rep") as theirs:
        await page.goto("/settings/recording")
        await page.get_by_role("button", name="Add a region").click()
        await page.get_by_label("Region").last.fill("Germany")
        await page.get_by_label("Words").last.fill(f"This call is recorded. {HOSTILE}")
        await page.get_by_label("Erase old calls by themselves").check(force=True)
        await page.get_by_label("Days").fill("400")
        await expect(page.get_by_text("older than 400 days")).to_be_visible()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Saved.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("Words").last).to_have_value(f"This call is recorded. {HOSTILE}")
        await expect(page.get_by_label("Days")).to_have_value("400")
        consents = await (await theirs.context.request.get("/v1/consents")).json()
        assert consents["consents"][1:] == [{"region": "Germany", "text": f"This call is recorded. {HOSTILE}"}]


async def test_a_vendors_key_goes_in_and_never_comes_out(tenant: House) -> None:
    async with tenant.page("admin") as page:
        await page.goto("/settings/models")
        await page.get_by_label("Key for Anthropic", exact=True).fill("sk-not-a-real-key-0123456789wxyz")
        await page.get_by_role("button", name="Keep it: Anthropic").click()
        card = page.get_by_role("listitem").filter(has_text="Anthropic")
        await expect(card).to_contain_text("ends with wxyz")
        await page.reload()
        await expect(card).to_contain_text("ends with wxyz")
        assert "0123456789" not in await page.content()
        await card.get_by_role("button", name="Forget it: Anthropic").click()
        await expect(card).to_contain_text("No key of yours")


async def test_an_admin_says_how_many_tokens_a_day_may_take(tenant: House) -> None:
    async with tenant.page("admin") as page:
        await page.goto("/settings/models")
        await expect(page.get_by_text("Tokens left today")).to_have_count(0)
        await page.get_by_label("For all models together").fill("500000")
        await page.get_by_label("Of these during calls").fill("600000")
        await page.get_by_role("button", name="Save the tokens").click()
        await expect(page.get_by_role("alert")).to_contain_text("more than the 500000 of the day")
        await page.get_by_label("Of these during calls").fill("200000")
        await page.get_by_role("button", name="Save the tokens").click()
        await expect(page.get_by_text("Saved. It holds at once.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text(re.compile("Tokens left today: 500.000 of 500.000"))).to_be_visible()
        await expect(page.get_by_text(re.compile("Of these for calls: 200.000 of 200.000"))).to_be_visible()
        await page.get_by_label("For all models together").fill("")
        await page.get_by_label("Of these during calls").fill("")
        await page.get_by_role("button", name="Save the tokens").click()
        await expect(page.get_by_text("Tokens left today")).to_have_count(0)


async def test_a_webhook_is_added_switched_off_and_removed(tenant: House) -> None:
    async with tenant.page("admin") as page:
        await page.goto("/settings/webhooks")
        await page.get_by_label("Address").fill("https://crm.example.com/hook")
        await page.get_by_role("button", name="Add it").click()
        shown = page.get_by_role("alert").filter(has_text="The signing secret")
        assert await shown.locator("pre").inner_text()
        await shown.get_by_role("button", name="I have kept it").click()
        card = page.get_by_role("listitem").filter(has_text="https://crm.example.com/hook")
        await card.get_by_role("switch").click(force=True)
        await expect(card.get_by_role("switch")).not_to_be_checked()
        await card.get_by_role("button", name=re.compile("^Remove")).click()
        await expect(card).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_settings_page_is_accessible(tenant: House, theme: str) -> None:
    found: list[str] = []
    for width in (1280, 390):
        async with tenant.page("admin", theme="dark" if theme == "dark" else "light", width=width) as page:
            for section in (
                *SECTIONS,
                "documents/edit?kind=taxonomy&name=default",
                "documents/edit?kind=template&name=manager.html",
            ):
                await page.goto(f"/settings/{section}")
                await expect(page.get_by_role("heading", level=2).first).to_be_visible()
                await page.wait_for_load_state("networkidle")
                found += await complaints(page)
                wide = await page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                found += [f"{section} is {wide} px too wide at {width} px"] if wide > 0 else []
                if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
                    name = re.sub(r"\W+", "-", section)
                    await page.screenshot(path=Path(keep) / f"settings-{name}-{width}-{theme}.png")
    assert not found, "\n".join(found)
