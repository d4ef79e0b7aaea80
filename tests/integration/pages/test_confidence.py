"""A tenant's confidence over HTTP: who may teach it, what it needs, and the way back."""

from __future__ import annotations

from ridealong.store import tenants
from ridealong.store.confidence_models import active_confidence, keep_confidence
from ridealong.web.answers.confidence import ConfidenceVersions
from tests.integration.pages.conftest import Pages

PLACE = "/confidence/versions"


async def test_an_admin_goes_back_to_earlier_weights_and_nobody_else_does(pages: Pages) -> None:
    async with pages.store.tenant(pages.tenant_id) as connection:
        for weight in (0.1, 0.2):
            await keep_confidence(
                connection, {"intercept": weight}, agreed=30, disagreed=10, error_before=0.2, error_after=0.1
            )
    told = await pages.get(PLACE, ConfidenceVersions)
    assert [(v["version"], v["active"]) for v in told["versions"]] == [(2, True), (1, False)]
    assert (told["agreed"], told["disagreed"], told["needed"], told["needed_of_each"]) == (0, 0, 40, 5)
    reader = await pages.token_of(tenants.Scope.READ)
    assert (await pages.client.get(f"/v1{PLACE}", headers=reader)).status_code == 403
    for path in (PLACE, f"{PLACE}/1/use"):
        assert (await pages.client.post(f"/v1{path}", headers=reader)).status_code == 403

    assert [v["active"] for v in (await pages.ask("POST", f"{PLACE}/1/use"))["versions"]] == [False, True]
    await pages.refused("POST", f"{PLACE}/7/use", 404, "unknown_version")
    async with pages.store.tenant(pages.tenant_id) as connection:
        active = await active_confidence(connection)
        assert active is not None
        assert active.version == 1, "a version that does not exist takes nothing away"
    assert not any(v["active"] for v in (await pages.ask("POST", f"{PLACE}/0/use"))["versions"])
    other = await pages.other_tenant()
    assert (await pages.client.get(f"/v1{PLACE}", headers=other)).json()["versions"] == []


async def test_with_too_few_votes_nothing_is_learned(pages: Pages) -> None:
    answer = await pages.refused("POST", PLACE, 409, "too_few_votes")
    assert "at least 40 are needed" in answer["detail"]
    assert (await pages.get(PLACE))["versions"] == []
