"""Questions, deals and themes over HTTP: described as they are, for whoever may read, and of one tenant."""

from __future__ import annotations

from uuid import UUID

from ridealong.core.context import CallContext
from ridealong.store.calls import change_context
from ridealong.store.tenants import Scope
from ridealong.web.answers.across import AnswerShown, DealsAnswer, DealShown, ThemeMomentsAnswer, ThemesAnswer
from tests.integration.pages.conftest import Pages, closed


async def test_a_question_a_deal_and_themes_are_answered_as_they_are_described(pages: Pages) -> None:
    call_id = await pages.call()
    async with pages.store.tenant(pages.tenant_id) as connection:
        await change_context(connection, call_id, CallContext(customer="Nord / Süd", deal="Fleet", stage="demo"))
    answer = await pages.ask("POST", "/ask", json={"question": "What did customers say about the price?"})
    closed(AnswerShown, answer)
    assert answer["found"]
    assert answer["scope"]["role"] == "customer"
    assert all(c["call"]["call_id"] == str(call_id) for s in answer["sentences"] for c in s["cited"])
    deals = await pages.get("/deals", DealsAnswer)
    assert [(d["customer"], d["deal"], d["stage"]) for d in deals["deals"]] == [("Nord / Süd", "Fleet", "demo")]
    deal = await pages.get("/deals/Nord%20%2F%20S%C3%BCd", DealShown, params={"deal": "fleet"})
    assert deal["fields"][0]["field"] == "metrics"
    reviewed = (await pages.get(f"/calls/{call_id}/artifact"))["next_actions"]
    assert [(a["statement"], a["who"], a["due"]) for a in deal["next_actions"]] == [
        (a["statement"], a["who"], a["due"]) for a in reviewed
    ]
    assert {(s["call_id"], s["role"]) for s in deal["speakers"]} == {(str(call_id), "rep"), (str(call_id), "customer")}
    themes = await pages.get("/themes", ThemesAnswer, params={"moments": 1})
    assert themes["counted"] > 0
    assert all(theme["count"] == len(theme["moment_ids"]) for theme in themes["themes"])

    asked = [theme["moment_ids"][-1] for theme in themes["themes"]]
    of_counts = await pages.get("/themes/moments", ThemeMomentsAnswer, params={"moment_id": asked})
    assert [moment["moment_id"] for moment in of_counts["moments"]] == asked

    other = await pages.other_tenant()
    hidden = await pages.get("/themes/moments", headers=other, params={"moment_id": asked})
    assert hidden == {"moments": [], "speakers": []}
    assert (await pages.ask("POST", "/ask", json={"question": "What about the price?"}, headers=other))["calls"] == 0
    assert (await pages.get("/deals", headers=other))["deals"] == []
    assert (await pages.get("/themes", headers=other))["counted"] == 0
    await pages.refused("GET", "/deals/Nord%20%2F%20S%C3%BCd", 404, "unknown_deal", headers=other)


async def test_a_speaker_who_was_named_is_called_so_in_every_answer(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    answer = await pages.ask("POST", "/ask", json={"question": "What did customers say about the price?"})
    customer = answer["sentences"][0]["cited"][0]["evidence"][0]["speaker_id"]
    path = f"/calls/{call_id}/speakers/{customer}"
    await pages.ask("PUT", path, json={"name": "Ines", "role": "customer"})
    answer = await pages.ask("POST", "/ask", json={"question": "What did customers say about the price?"})
    named = {speaker["speaker_id"]: (speaker["role"], speaker["name"]) for speaker in answer["speakers"]}
    assert named[customer] == ("customer", "Ines")
    themes = await pages.get("/themes")
    assert {s["name"] for s in themes["speakers"] if s["speaker_id"] == customer} == {"Ines"}


async def test_what_cannot_be_asked_is_refused_with_what_to_do(pages: Pages) -> None:
    await pages.refused("POST", "/ask", 422, "bad_request", json={"question": ""})
    await pages.refused("POST", "/ask", 422, "empty_query", json={"question": "  "})
    await pages.refused("POST", "/ask", 422, "bad_request", json={"question": "Why?", "moments": ["'; DROP"]})
    span = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    await pages.refused("POST", "/ask", 422, "bad_request", json={"question": "Why?", **span})
    await pages.refused("GET", "/themes", 422, "bad_request", params=span)
    capture = await pages.token_of(Scope.CAPTURE)
    await pages.refused("POST", "/ask", 403, "forbidden", headers=capture, json={"question": "Why?"})
    await pages.refused("GET", "/themes/moments", 422, "bad_request", params={"moment_id": "all of them"})
    for path in ("/deals", "/deals/Nord", "/themes", f"/themes/moments?moment_id={UUID(int=0)}"):
        await pages.refused("GET", path, 403, "forbidden", headers=capture)
