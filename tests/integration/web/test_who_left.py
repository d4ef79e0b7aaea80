"""What ends with a member who is disabled, and what stays for the admin to see and to take back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from tests.integration.web.people import Browser, House, house, is_problem

ADMIN, MANAGER, REP = "ada@acme.example", "max@acme.example", "rita@acme.example"


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        for email, role in ((ADMIN, MemberRole.ADMIN), (MANAGER, MemberRole.MANAGER), (REP, MemberRole.REP)):
            await made.member(email, role)
        yield made


async def change(admin: Browser, email: str, **what: Any) -> None:
    found = {m["email"]: m["member_id"] for m in (await admin.get("/v1/members")).json()["members"]}
    answer = await admin.ask("PATCH", f"/v1/members/{found[email]}", what)
    assert answer.status_code == 200, answer.text


def start(**more: object) -> dict[str, object]:
    return {
        "type": "start",
        "protocol": 1,
        "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
        "consent": {"statement": "both agreed"},
        **more,
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_links_to_a_call_end_with_the_manager_who_made_them(acme: House) -> None:
    call = await acme.call(REP)
    async with acme.browser(ADMIN) as admin, acme.browser(MANAGER) as manager, acme.browser() as stranger:
        links = [(await one.ask("POST", f"/v1/calls/{call}/links", {})).json() for one in (manager, admin)]
        for link in links:
            assert (await stranger.get(link["audio"])).status_code == 200
        await change(admin, MANAGER, disabled=True)
        assert is_problem(await stranger.get(links[0]["audio"]), 401, "unknown_token")
        assert (await stranger.get(links[1]["audio"])).status_code == 200, "another's link is not theirs"
        await change(admin, MANAGER, disabled=False)
        assert (await stranger.get(links[0]["audio"])).status_code == 200, "it had not expired"


async def test_a_recording_ends_with_the_rep_who_makes_it_and_is_kept(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep, rep.socket("/v1/capture") as line:
        await line.send(start())
        started = await line.next()
        await line.send(bytes(32_000))
        await line.until(event="utterance", no=1)
        own = bearer(started["call_token"])
        assert (await admin.get(f"/v1/calls/{started['call_id']}", **own)).status_code == 200
        await change(admin, REP, disabled=True)
        assert await line.refused() == ("unknown_token", 4401)
        assert is_problem(await admin.get(f"/v1/calls/{started['call_id']}", **own), 401, "unknown_token")
        kept = (await admin.get(f"/v1/calls/{started['call_id']}")).json()
        assert (kept["status"], kept["audio_ms"]) == ("ended", 1000)


async def test_a_programs_recording_goes_on_whoever_leaves(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep, rep.socket("/v1/capture") as line:
        await line.send(start(token=acme.token, rep={"id": REP}))
        await line.next()
        await change(admin, REP, disabled=True)
        await line.send({"type": "ping", "id": "still there"})
        assert (await line.until(type="pong"))["id"] == "still there"


async def test_a_key_for_own_use_ends_with_its_member_and_the_organisations_is_shown(acme: House) -> None:
    await acme.member("eve@acme.example", MemberRole.ADMIN)
    async with acme.browser(ADMIN) as admin, acme.browser("eve@acme.example") as eve, acme.browser() as program:

        async def made(**what: object) -> dict[str, Any]:
            answer = await eve.ask("POST", "/v1/api-keys", {"label": "x", "scopes": ["read", "admin"], **what})
            assert answer.status_code == 201, answer.text
            return answer.json()

        own, common = await made(own=True), await made()
        # What an own key makes is no way to stay.
        second = await program.ask("POST", "/v1/api-keys", {"label": "y", "scopes": ["read"]}, **bearer(own["token"]))
        assert (second.json()["api_key"]["own"], second.json()["api_key"]["by"]["name"]) == (True, "Eve")
        call = await acme.call(REP)
        view = (await program.ask("POST", f"/v1/calls/{call}/links", {}, **bearer(own["token"]))).json()["audio"]
        assert (await program.get(view)).status_code == 200
        await change(admin, "eve@acme.example", disabled=True)
        for token in (own["token"], second.json()["token"]):
            assert is_problem(await program.get("/v1/calls", **bearer(token)), 401, "unknown_token")
        assert is_problem(await program.get(view), 401, "unknown_token")
        assert (await program.get("/v1/calls", **bearer(common["token"]))).status_code == 200
        listed = {k["token_id"]: k for k in (await admin.get("/v1/api-keys")).json()["api_keys"]}
        shown = listed[common["api_key"]["token_id"]]
        assert (shown["own"], shown["by"]["name"], shown["by_disabled"]) == (False, "Eve", True)
        assert (await admin.ask("DELETE", f"/v1/api-keys/{shown['token_id']}")).status_code == 204
        assert is_problem(await program.get("/v1/calls", **bearer(common["token"])), 401, "unknown_token")


async def test_a_key_for_own_use_may_no_more_than_its_member(acme: House) -> None:
    await acme.member("eve@acme.example", MemberRole.ADMIN)
    hers, theirs = await acme.call("eve@acme.example"), await acme.call(REP)
    async with acme.browser(ADMIN) as admin, acme.browser("eve@acme.example") as eve, acme.browser() as program:
        new = {"label": "x", "scopes": ["capture", "read", "admin"], "own": True}
        key = (await eve.ask("POST", "/v1/api-keys", new)).json()["token"]
        assert (await program.get("/v1/api-keys", **bearer(key))).status_code == 200
        await change(admin, "eve@acme.example", role="rep")
        assert is_problem(await program.get("/v1/api-keys", **bearer(key)), 403, "forbidden")
        assert (await program.get(f"/v1/calls/{hers}", **bearer(key))).status_code == 200
        assert is_problem(await program.get(f"/v1/calls/{theirs}", **bearer(key)), 404, "unknown_call")
        async with eve.socket("/v1/capture") as line:
            await line.send(start(token=key, rep={"id": REP}))
            assert await line.refused() == ("forbidden", 4403)


async def test_a_program_has_no_key_of_its_own(acme: House) -> None:
    async with acme.browser() as program:
        new = {"label": "x", "scopes": ["read"], "own": True}
        assert is_problem(await program.ask("POST", "/v1/api-keys", new, **bearer(acme.token)), 422, "bad_request")


async def test_what_was_shared_with_others_stays_and_is_shown_until_it_is_revoked(acme: House) -> None:
    call = await acme.call(REP)
    async with acme.browser(ADMIN) as admin, acme.browser(MANAGER) as manager, acme.browser(REP) as rep:
        share = (await manager.ask("POST", f"/v1/calls/{call}/shares", {"scope": "call"})).json()
        assert is_problem(await rep.get("/v1/shares"), 403, "forbidden")
        [shown] = (await admin.get("/v1/shares")).json()["shares"]
        assert (shown["by_disabled"], shown["call_id"], shown["title"]) == (False, str(call), f"A call of {REP}")
        await change(admin, MANAGER, disabled=True)
        [shown] = (await admin.get("/v1/shares")).json()["shares"]
        assert (shown["share_id"], shown["by"]["name"], shown["by_disabled"]) == (share["share_id"], "Max", True)
        async with acme.browser() as customer:
            assert (await customer.get(f"/v1{share['url']}")).status_code == 200
            revoked = await admin.ask("DELETE", f"/v1/calls/{shown['call_id']}/shares/{shown['share_id']}")
            assert revoked.status_code == 204
            assert is_problem(await customer.get(f"/v1{share['url']}"), 404, "unknown_share")
        assert (await admin.get("/v1/shares")).json()["shares"] == []
