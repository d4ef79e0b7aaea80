"""What a tenant chose holds: the rubric of its reviews, and the template of its reports and exports."""

from __future__ import annotations

from typing import Any

from tests.integration.pages.conftest import Pages


async def choose(pages: Pages, **chosen: str) -> None:
    settings = await pages.get("/settings")
    await pages.ask("PUT", "/settings", json=settings | chosen)


async def text_of(pages: Pages, path: str) -> str:
    return str(await pages.ask("GET", path))


async def test_a_review_is_made_with_the_rubric_that_the_tenant_chose(pages: Pages) -> None:
    first = await pages.call()
    before = await pages.get(f"/calls/{first}/artifact")
    await choose(pages, default_rubric="bant")
    artifact = await pages.get(f"/calls/{await pages.call()}/artifact")
    assert artifact["rubric"]["id"] == "bant" != before["rubric"]["id"]
    # And a review that is asked for again, with what holds now.
    await pages.ask("POST", f"/calls/{first}/review", 202)
    await pages.pipeline.wait(pages.tenant_id, first)
    assert (await pages.get(f"/calls/{first}/artifact"))["rubric"]["id"] == "bant"


async def test_a_review_is_made_with_the_tenant_s_own_rubric_while_there_is_one(pages: Pages) -> None:
    shipped = await text_of(pages, "/rubrics/bant")
    body: dict[str, Any] = {"content": shipped.replace("id: bant", "id: ours", 1)}
    await pages.ask("PUT", "/rubrics/ours", 204, **body)
    await choose(pages, default_rubric="ours")
    assert (await pages.get(f"/calls/{await pages.call()}/artifact"))["rubric"]["id"] == "ours"
    await pages.ask("DELETE", "/documents/rubric/ours", 204)
    assert (await pages.get(f"/calls/{await pages.call()}/artifact"))["rubric"]["id"] == "discovery"


async def test_a_report_and_an_export_look_as_the_tenant_chose(pages: Pages) -> None:
    at = f"/calls/{await pages.call()}"
    shipped = {name: await text_of(pages, f"{at}/report?template={name}") for name in ("manager", "rep")}
    assert shipped["manager"] != shipped["rep"]
    assert await text_of(pages, f"{at}/report") == shipped["manager"]
    await choose(pages, default_template="rep")
    assert await text_of(pages, f"{at}/report") == shipped["rep"]
    exported = {name: await text_of(pages, f"{at}/export?format=md&template={name}") for name in ("manager", "rep")}
    assert await text_of(pages, f"{at}/export?format=md") == exported["rep"] != exported["manager"]
    # What is asked for by name is what is asked for.
    assert await text_of(pages, f"{at}/report?template=manager") == shipped["manager"]


async def test_a_chosen_template_that_is_not_there_any_more_leaves_a_report(pages: Pages) -> None:
    at = f"/calls/{await pages.call()}"
    await pages.ask("PUT", "/templates/ours.html", 204, content="<p>in our own words</p>")
    await choose(pages, default_template="ours")
    assert "in our own words" in await text_of(pages, f"{at}/report")
    # It was written as a page alone: as Markdown, ours.
    manager = await text_of(pages, f"{at}/report?format=md&template=manager")
    assert await text_of(pages, f"{at}/report?format=md") == manager
    await pages.ask("DELETE", "/documents/template/ours.html", 204)
    assert await text_of(pages, f"{at}/report") == await text_of(pages, f"{at}/report?template=manager")
