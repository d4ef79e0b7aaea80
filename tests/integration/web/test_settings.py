"""What a tenant's admin chooses, over real requests; and what follows from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ridealong.app.tenant_settings import DEFAULT_CONSENT
from ridealong.config import Settings
from ridealong.core.people import MemberRole
from tests.integration.web.people import House, house, is_problem

ADMIN, REP = "ada@acme.example", "rita@acme.example"
OWN = {"region": "Germany", "text": "Darf ich aufzeichnen?\nSie können jederzeit nein sagen."}
CHOSEN: dict[str, Any] = {
    "retention_days": 30,
    "default_rubric": "bant",
    "default_template": "rep",
    "consents": [OWN, {"region": "UK", "text": "May I record?"}],
}


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        await made.member(ADMIN, MemberRole.ADMIN)
        await made.member(REP, MemberRole.REP)
        yield made


async def test_settings_are_chosen_by_an_admin_and_hold(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep:
        assert (await admin.get("/v1/settings")).json() == {
            "retention_days": None,
            "default_rubric": "discovery",
            "default_template": "manager",
            "consents": [DEFAULT_CONSENT.model_dump()],
        }
        assert (await rep.get("/v1/consents")).json() == {"consents": [DEFAULT_CONSENT.model_dump()]}
        put = await admin.ask("PUT", "/v1/settings", CHOSEN)
        assert put.status_code == 200, put.text
        assert put.json() == (await admin.get("/v1/settings")).json() == CHOSEN
        assert (await rep.get("/v1/consents")).json() == {"consents": CHOSEN["consents"]}
        again = await admin.ask("PUT", "/v1/consents", {"consents": []})
        assert again.json() == {"consents": [DEFAULT_CONSENT.model_dump()]}
        assert (await admin.get("/v1/settings")).json()["retention_days"] == 30
        assert is_problem(await rep.get("/v1/settings"), 403, "forbidden")
        assert is_problem(await rep.ask("PUT", "/v1/settings", CHOSEN), 403, "forbidden")
        assert is_problem(await rep.ask("PUT", "/v1/consents", {"consents": [OWN]}), 403, "forbidden")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"retention_days": 0}, 422),
        ({"retention_days": 99_999_999}, 422),
        ({"default_rubric": "nosuch"}, 404),
        ({"default_rubric": "../etc"}, 422),
        ({"default_template": "nosuch"}, 404),
        ({"consents": [OWN, OWN]}, 422),
        ({"consents": [OWN | {"text": " "}]}, 422),
        ({"consents": [OWN | {"text": "a\x00b"}]}, 422),
        ({"nudges": "none"}, 422),
    ],
)
async def test_a_mistake_in_settings_is_told_and_nothing_changes(
    acme: House, change: dict[str, Any], status: int
) -> None:
    async with acme.browser(ADMIN) as admin:
        before = (await admin.get("/v1/settings")).json()
        answer = await admin.ask("PUT", "/v1/settings", CHOSEN | change)
        assert answer.status_code == status, answer.text
        assert (await admin.get("/v1/settings")).json() == before


async def test_calls_past_their_time_are_erased_and_no_others(acme: House, tmp_path: Path) -> None:
    old, young, running = await acme.call(REP), await acme.call(REP), await acme.call(REP, ended=False)

    async def age(call_id: UUID, column: str, days: int) -> None:
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute(
                f"UPDATE call SET {column} = now() - make_interval(days => %s) WHERE call_id = %s", [days, call_id]
            )

    await age(old, "ended_at", 31)
    await age(young, "ended_at", 29)
    await age(running, "started_at", 300)
    assert await acme.retention.sweep() == 0, "calls are kept for ever unless somebody chose otherwise"
    async with acme.browser(ADMIN) as admin:
        await admin.ask("PUT", "/v1/settings", CHOSEN)
        assert await acme.retention.sweep() == 1
        assert is_problem(await admin.get(f"/v1/calls/{old}"), 404, "unknown_call")
        for kept in (young, running):
            assert (await admin.get(f"/v1/calls/{kept}")).status_code == 200
    folders = {path.name for path in (tmp_path / "recordings").glob("*/*")}
    assert folders == {str(young), str(running)}
    assert await acme.retention.sweep() == 0
