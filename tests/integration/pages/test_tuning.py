"""A tenant's classifier over HTTP: every answer is what the description says, and each role may what it may."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from ridealong.core.author import Author
from ridealong.live.taxonomy import default_taxonomy_text
from ridealong.store import taxonomy_versions, tenants
from ridealong.web.answers.tuning import (
    ChangesAnswer,
    FeedbackReport,
    LabelGiven,
    QueueAnswer,
    ShadowAnswer,
    TaxonomyVersion,
    TaxonomyVersions,
)
from tests.integration.pages.conftest import Pages, closed

EXAMPLES = (
    "How long is the guarantee on the compressor?",
    "And if it packs up after six months, who pays for the repair?",
    "Is there some kind of warranty on the parts?",
    "Do you swap the unit out or do we have to send it in for fixing?",
    "What does the warranty actually cover, is labour in there too?",
    "Can we return them if they turn out to be faulty?",
    "Would that be covered, or is damage like that on us?",
    "What happens if one of the screens just dies in the second year?",
)


async def own_type(pages: Pages) -> None:
    written = "\n".join(f"      - {text!r}" for text in EXAMPLES)
    added = (
        "\n  - id: warranty_asked\n    name: Warranty\n    role: customer\n    tier: noted\n"
        f"    description: Asks what is covered when it breaks.\n    examples:\n{written}\n\ntrackers:"
    )
    text = default_taxonomy_text().replace("\ntrackers:", added, 1)
    await pages.ask("PUT", "/taxonomies/default", 204, content=text)


async def test_a_training_answers_at_once_and_then_judges_new_calls(pages: Pages) -> None:
    await own_type(pages)
    assert "warranty_asked" in (await pages.get("/taxonomy/versions"))["notes"][0], "not learned yet: it is told"
    begun = await pages.ask("POST", "/taxonomy/versions", 202, json={})
    closed(TaxonomyVersion, begun)
    assert (begun["version"], begun["state"]) == (1, "training")
    await pages.refused("POST", "/taxonomy/versions", 409, "already_training", json={})
    while (found := await pages.get("/taxonomy/versions/1"))["state"] == "training":
        await asyncio.sleep(0.2)
    assert found["state"] == "live", found
    assert found["report"]["outcome"].startswith("promoted")
    told = await pages.get("/taxonomy/versions")
    closed(TaxonomyVersions, told)
    assert (told["judged_by"], told["notes"]) == (1, [])
    for verb, state in (("shadow", "shadow"), ("promote", "live"), ("retire", "retired")):
        closed(TaxonomyVersion, moved := await pages.ask("POST", f"/taxonomy/versions/1/{verb}"))
        assert moved["state"] == state
    closed(ShadowAnswer, await pages.get("/taxonomy/versions/1/shadow"))
    closed(ChangesAnswer, await pages.get("/taxonomy/versions/1/changes"))


async def test_labels_queue_and_report(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    at = f"/calls/{call_id}"
    added = await pages.ask("POST", f"{at}/moments", 201, json={"type": "pain_stated", "utterance_no": 1})
    closed(LabelGiven, added)
    shown = next(m for m in (await pages.get(f"{at}/moments"))["moments"] if m["moment_id"] == added["moment_id"])
    assert (shown["reason"], shown["tier"], shown["decided_by"]) == ("added", "noted", "person")
    place = f"{at}/moments/{added['moment_id']}/label"
    closed(LabelGiven, await pages.ask("PUT", place, json={"type": None}))
    queue = await pages.get("/taxonomy/queue")
    closed(QueueAnswer, queue)
    answer: dict[str, Any] = {
        "call_id": str(call_id),
        "revision": 1,
        "utterance_no": 2,
        "type": "stall",
        "holds": False,
    }
    await pages.ask("POST", "/taxonomy/queue", 204, json=answer)
    report = await pages.get("/taxonomy/feedback")
    closed(FeedbackReport, report)
    assert report["by_source"] == {"corrected": 1, "queue": 1}
    await pages.refused("POST", "/taxonomy/queue", 404, "unknown_utterance", json=answer | {"utterance_no": 9999})
    await pages.refused("POST", "/taxonomy/queue", 422, "bad_request", json=answer | {"type": "silence"})
    await pages.refused("PUT", f"{at}/moments/{uuid4()}/label", 404, "unknown_moment", json={"type": None})
    await pages.refused(
        "POST", f"{at}/moments", 422, "ungrounded", json={"type": "stall", "utterance_no": 1, "quote": "zz"}
    )
    await pages.refused("GET", "/taxonomy/versions/7", 404, "unknown_version")


async def test_who_may_what_and_nothing_of_another_tenant(pages: Pages) -> None:
    async with pages.store.tenant(pages.tenant_id) as conn:
        number = await taxonomy_versions.begin_training(conn, Author(member_id=None, name="Mia"))
        await taxonomy_versions.fail_training(conn, number, "for the test")
    reader = await pages.token_of(tenants.Scope.READ)
    await pages.refused("GET", "/taxonomy/versions", 403, "forbidden", headers=reader)
    await pages.refused("POST", "/taxonomy/versions", 403, "forbidden", json={}, headers=reader)
    other = await pages.other_tenant()
    assert (await pages.ask("GET", "/taxonomy/versions", headers=other))["versions"] == []
    await pages.refused("POST", f"/taxonomy/versions/{number}/promote", 404, "unknown_version", headers=other)
    await pages.refused("POST", f"/taxonomy/versions/{number}/promote", 409, "not_trained")
    await pages.refused("POST", "/taxonomy/versions", 409, "nothing_to_train", json={})
