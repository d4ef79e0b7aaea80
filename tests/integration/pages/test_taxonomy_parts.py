"""The taxonomy's parts, labels of a call and a replay's two sides, over HTTP."""

from __future__ import annotations

from typing import Any

from ridealong.live.taxonomy import default_taxonomy_text
from ridealong.store import tenants
from ridealong.web.answers.taxonomy import TaxonomyShown
from ridealong.web.answers.tuning import LabelsAnswer
from tests.integration.pages.conftest import Pages, closed


async def test_parts_of_the_taxonomy_are_changed_into_its_document(pages: Pages) -> None:
    shipped = await pages.get("/taxonomy", TaxonomyShown)
    assert (shipped["version"], shipped["policy"]["max_nudges"], shipped["trackers"]) == (None, 6, [])
    card = {"name": "Fleet Garden", "type": "competitor_mentioned", "phrases": ["fleet garden"], "answer": ""}
    change = {"policy": {"max_nudges": 2}, "types": [{"id": "stall", "tier": "noted"}], "trackers": [card]}
    after = await pages.ask("PATCH", "/taxonomy", json=change)
    closed(TaxonomyShown, after)
    assert (after["version"], after["policy"]["max_nudges"], after["trackers"]) == (1, 2, [card])
    assert next(t["tier"] for t in after["types"] if t["id"] == "stall") == "noted"
    text = await pages.ask("GET", "/taxonomies/default")
    assert text.startswith(default_taxonomy_text()[:500])
    # Nothing changed: no further version.
    assert (await pages.ask("PATCH", "/taxonomy", json=change))["version"] == 1
    wrong = {"types": [{"id": "stall", "floor": 0.1}]}
    await pages.refused("PATCH", "/taxonomy", 422, "bad_document", json=wrong)
    await pages.refused("PATCH", "/taxonomy", 422, "bad_request", json={"policies": {}})
    assert (await pages.get("/taxonomy"))["version"] == 1
    reader = await pages.token_of(tenants.Scope.READ)
    assert (await pages.ask("GET", "/taxonomy", headers=reader))["version"] == 1
    await pages.refused("PATCH", "/taxonomy", 403, "forbidden", json=change, headers=reader)
    other = await pages.other_tenant()
    assert (await pages.ask("GET", "/taxonomy", headers=other))["version"] is None


async def test_what_is_said_of_a_moment_is_listed_replaced_and_taken_back(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    at = f"/calls/{call_id}"
    moment = next(m for m in (await pages.get(f"{at}/moments"))["moments"] if m["type"] != "silence")

    async def said() -> list[tuple[str, bool, str]]:
        answer = await pages.get(f"{at}/labels", LabelsAnswer)
        return sorted((one["type"], one["holds"], one["source"]) for one in answer["labels"])

    place = f"{at}/moments/{moment['moment_id']}/label"
    other = "stall" if moment["type"] != "stall" else "pain_stated"
    await pages.ask("PUT", place, json={"type": other})
    assert await said() == sorted([(moment["type"], False, "corrected"), (other, True, "corrected")])
    # Agreeing after all leaves nothing of the correction behind.
    await pages.ask("PUT", place, json={"type": moment["type"]})
    assert await said() == [(moment["type"], True, "agreed")]
    await pages.ask("DELETE", place, 204)
    assert await said() == []
    answer: dict[str, Any] = {"call_id": str(call_id), "revision": 1, "utterance_no": 2, "type": "stall"}
    await pages.ask("POST", "/taxonomy/queue", 204, json=answer | {"holds": True})
    assert await said() == [("stall", True, "queue")]
    await pages.ask("POST", "/taxonomy/queue", 204, json=answer | {"holds": None})
    assert await said() == []
    await pages.refused("GET", f"{at}/labels", 404, "unknown_call", headers=await pages.other_tenant())


async def test_a_replay_leaves_out_what_a_person_added_and_tells_what_stays_a_nudge(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    before = await pages.ask("POST", "/policy/replay", json={"call_ids": [str(call_id)]})
    await pages.ask("POST", f"/calls/{call_id}/moments", 201, json={"type": "pain_stated", "utterance_no": 1})
    after = await pages.ask("POST", "/policy/replay", json={"call_ids": [str(call_id)]})
    assert after == before
    [call] = after["calls"]
    assert all(k["was"] == k["would"] == {"tier": "nudge", "reason": "delivered"} for k in call["kept"])
    assert len(call["kept"]) + sum(c["was"]["tier"] == "nudge" for c in call["changes"]) == call["was"]["nudges"]
