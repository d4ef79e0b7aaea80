"""A rep sees own calls only: proved for every address that names a call, for lists, for search, and for sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.core.sight import OwnCalls
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from tests.integration.web.people import PASSWORD, Browser, House, house, is_problem

MANAGER, RITA, RON = "max@acme.example", "rita@acme.example", "ron@acme.example"
ADMIN = "ada@acme.example"


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        for email, role in ((MANAGER, MemberRole.MANAGER), (RITA, MemberRole.REP), (RON, MemberRole.REP)):
            await made.member(email, role)
        yield made


def filled(schema: Any, schemas: Mapping[str, Any]) -> object:
    """A value that fits a schema, with what has to be there and no more."""
    if "$ref" in schema or "anyOf" in schema:
        meant = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema["anyOf"][0]
        return filled(meant, schemas)
    properties = schema.get("properties", {})
    needed = schema.get("required", []) or list(properties)[: schema.get("minProperties", 0)]
    plain: dict[str, object] = {
        "object": {name: filled(properties[name], schemas) for name in needed},
        "array": [filled(schema["items"], schemas) for _ in range(schema.get("minItems", 0))],
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1),
        "boolean": True,
    }
    text = str(uuid4()) if schema.get("format") == "uuid" else "x"
    return schema["enum"][0] if "enum" in schema else plain.get(schema.get("type", ""), text)


def routes_of_a_call(described: dict[str, Any]) -> list[tuple[str, str, object]]:
    """(method, path, body) of every address below one call."""
    found: list[tuple[str, str, object]] = []
    schemas = described["components"]["schemas"]
    below = {path: operations for path, operations in described["paths"].items() if "{call_id}" in path}
    for path, operations in below.items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = None if content is None else filled(content["schema"], schemas)
            address = path
            for parameter in operation.get("parameters", []):
                value = filled(parameter["schema"], schemas)
                if parameter["in"] == "path" and parameter["name"] != "call_id":
                    address = address.replace("{" + parameter["name"] + "}", str(value))
                if parameter["in"] == "query" and parameter.get("required"):
                    address += f"{'&' if '?' in address else '?'}{parameter['name']}={value}"
            found.append((method.upper(), address, body))
    return found


async def test_another_rep_s_call_answers_everywhere_as_one_that_never_was(acme: House) -> None:
    theirs = await acme.call(RON)
    routes = routes_of_a_call(acme.app.openapi())
    assert len(routes) >= 8
    async with acme.browser(RITA) as rita:
        for method, path, body in routes:
            other = await rita.ask(method, path.replace("{call_id}", str(theirs)), body)
            never = await rita.ask(method, path.replace("{call_id}", str(uuid4())), body)
            assert (other.status_code, other.text) == (never.status_code, never.text), (method, path)
            # 403 where the role may not do it to any call; and never anything that says what is there.
            assert other.status_code in (403, 404), (method, path, other.text)
            if method == "GET":
                assert other.status_code == 404, path


async def test_a_rep_reads_the_own_call_and_a_manager_reads_all(acme: House) -> None:
    own, theirs = await acme.call(RITA), await acme.call(RON)
    parts = ("", "/transcript", "/moments", "/audio.wav")
    async with acme.browser(RITA) as rita, acme.browser(MANAGER) as manager:
        for part in parts:
            assert (await rita.get(f"/v1/calls/{own}{part}")).status_code == 200, part
            assert is_problem(await rita.get(f"/v1/calls/{theirs}{part}"), 404, "unknown_call")
            for call in (own, theirs):
                assert (await manager.get(f"/v1/calls/{call}{part}")).status_code == 200, part
        assert "budget" in (await rita.get(f"/v1/calls/{own}/transcript")).text
        assert is_problem(await rita.get(f"/v1/calls/{own}/artifact"), 404, "review_not_finished")


async def test_lists_and_search_hold_own_calls_only(acme: House) -> None:
    own, theirs = await acme.call(RITA), await acme.call(RON)

    async def seen(browser: Browser) -> tuple[set[str], set[str]]:
        listed = (await browser.get("/v1/calls")).json()["calls"]
        hits = (await browser.get("/v1/search?q=budget")).json()["hits"]
        return {c["call_id"] for c in listed}, {h["call_id"] for h in hits}

    async with acme.browser(RITA) as rita, acme.browser(RON) as ron, acme.browser(MANAGER) as manager:
        assert await seen(rita) == ({str(own)}, {str(own)})
        assert await seen(ron) == ({str(theirs)}, {str(theirs)})
        assert await seen(manager) == ({str(own), str(theirs)},) * 2
        assert (await rita.get(f"/v1/search?q=budget&call_id={theirs}")).json()["hits"] == []


async def test_a_rep_whose_id_is_taken_away_sees_no_call_of_it(acme: House) -> None:
    own = await acme.call(RITA)
    rita_id = next(m.member_id for m in await acme.people.members(acme.tenant_id) if m.email == RITA)
    async with acme.browser(RITA) as rita:
        await acme.people.change_member(acme.tenant_id, rita_id, rep_id="somebody-else")
        assert is_problem(await rita.get(f"/v1/calls/{own}"), 404, "unknown_call")


async def test_every_table_that_knows_a_call_is_narrowed_to_the_rep_s_own(
    acme: House, postgres: EmbeddedPostgres, database: str
) -> None:
    import psycopg

    with psycopg.connect(postgres.url(user=SUPERUSER, database=database)) as connection:
        tables = {
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relnamespace = 'ridealong'::regnamespace AND c.relkind = 'r'"
                " AND a.attname IN ('call_id', 'review_id')"
            ).fetchall()
        }
        narrowed = {
            row[0]
            for row in connection.execute(
                "SELECT tablename FROM pg_policies WHERE schemaname = 'ridealong' AND permissive = 'RESTRICTIVE'"
                " AND policyname = 'own_calls_only' AND cmd = 'ALL'"
            ).fetchall()
        }
    # A token is told to whoever makes it and listed for admins alone; an attempt knows its call by its delivery.
    assert tables - {"token"} | {"webhook_attempt"} == narrowed


async def test_a_rep_s_transaction_writes_to_own_calls_only(acme: House) -> None:
    theirs = await acme.call(RON)
    async with acme.store.tenant(OwnCalls(acme.tenant_id, RITA)) as connection:
        assert (await connection.execute("UPDATE call SET title = 'mine'")).rowcount == 0
    with pytest.raises(Exception, match="SQLSTATE 42501"):
        async with acme.store.tenant(OwnCalls(acme.tenant_id, RITA)) as connection:
            await connection.execute(
                "INSERT INTO gap (tenant_id, call_id, at_ts, duration_ms, reason)"
                " VALUES (current_tenant(), %s, 1, 1, 'x')",
                [theirs],
            )
    # The next who has the connection is not narrowed by it.
    async with acme.store.tenant(acme.tenant_id) as connection:
        assert (await connection.execute("UPDATE call SET title = 'all'")).rowcount == 1


def test_a_tenant_narrowed_to_nobody_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="a rep has a name"):
        OwnCalls(uuid4(), " ")


def test_a_copy_of_a_narrowed_tenant_is_as_narrow() -> None:
    import copy
    import pickle

    narrow = OwnCalls(uuid4(), "rita")
    for made in (copy.copy(narrow), copy.deepcopy(narrow), pickle.loads(pickle.dumps(narrow))):  # noqa: S301
        assert isinstance(made, OwnCalls)
        assert (made, made.rep_id) == (narrow, "rita")


# ------------------------------------------------------------------------------------------------ sockets

START: dict[str, Any] = {
    "type": "start",
    "protocol": 1,
    "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
    "consent": {"statement": "both agreed"},
}


async def test_a_rep_s_page_starts_a_call_that_is_the_rep_s_own(acme: House) -> None:
    async with acme.browser(RITA) as rita:
        async with rita.socket("/v1/capture") as line:
            await line.send(START)
            started = await line.next()
            assert started["type"] == "started", started
            await line.send(bytes(32_000))
            await line.send({"type": "stop"})
            await line.until(event="ended")
        call = (await rita.get(f"/v1/calls/{started['call_id']}")).json()
        assert call["rep_id"] == RITA
        async with rita.socket("/v1/capture") as line:
            await line.send(START | {"rep": {"id": RON}})
            assert await line.refused() == ("forbidden", 4403)
    async with acme.browser(MANAGER) as manager, manager.socket("/v1/capture") as line:
        await line.send(START | {"rep": {"id": RON}})
        assert (await line.next())["type"] == "started"


async def test_another_site_s_page_opens_no_socket(acme: House) -> None:
    call = await acme.call(RITA, ended=False)
    async with acme.browser(RITA) as rita:
        for origin in ("https://evil.example", "null", None):
            async with rita.socket("/v1/capture", origin=origin) as line:
                await line.send(START)
                assert await line.refused() == ("foreign_origin", 4403)
            async with rita.socket(f"/v1/calls/{call}/events", origin=origin) as line:
                await line.send({"type": "watch"})
                assert await line.refused() == ("foreign_origin", 4403)


@pytest.mark.parametrize("ended", [True, False])
async def test_a_rep_watches_own_calls_only(acme: House, *, ended: bool) -> None:
    own, theirs = await acme.call(RITA, ended=ended), await acme.call(RON, ended=ended)

    async def watched(browser: Browser, call: UUID) -> str:
        async with browser.socket(f"/v1/calls/{call}/events") as line:
            await line.send({"type": "watch"})
            answer = await line.next()
            return str(answer.get("code", answer["type"]))

    async with acme.browser(RITA) as rita, acme.browser(MANAGER) as manager:
        assert await watched(rita, own) == "watching"
        assert await watched(rita, theirs) == await watched(rita, uuid4()) == "unknown_call"
        assert await watched(manager, theirs) == "watching"


@pytest.mark.parametrize("lost", ["disabled", "signed out", "password changed", "rep id taken away"])
async def test_who_may_not_watch_any_more_is_not_told_any_more(acme: House, lost: str) -> None:
    call = await acme.call(RITA, ended=False)
    await acme.member(ADMIN, MemberRole.ADMIN)
    async with acme.browser(ADMIN) as admin, acme.browser(RITA) as rita, acme.browser(MANAGER) as manager:
        path = f"/v1/calls/{call}/events"
        async with rita.socket(path) as hers, manager.socket(path) as other:
            for line in (hers, other):
                await line.send({"type": "watch"})
                assert (await line.next())["type"] == "watching"
            found = {m["email"]: m["member_id"] for m in (await admin.get("/v1/members")).json()["members"]}
            address = f"/v1/members/{found[RITA]}"
            match lost:
                case "disabled":
                    changed = await admin.ask("PATCH", address, {"disabled": True})
                case "signed out":
                    changed = await rita.ask("DELETE", "/v1/session")
                case "password changed":
                    async with acme.browser(RITA) as elsewhere:
                        words = {"old": PASSWORD, "new": "four other words here"}
                        changed = await elsewhere.ask("POST", "/v1/session/password", words)
                case _:
                    changed = await admin.ask("PATCH", address, {"rep_id": "somebody-else"})
            assert changed.status_code < 300, changed.text
            expected = ("unknown_call", 4404) if lost == "rep id taken away" else ("signed_out", 4401)
            assert await hers.refused() == expected
            await other.send({"type": "ping", "id": "still there"})
            assert (await other.until(type="pong"))["id"] == "still there"


async def test_a_rep_takes_over_no_other_s_call(acme: House) -> None:
    theirs = await acme.call(RON, ended=False)
    async with acme.browser(RITA) as rita, rita.socket("/v1/capture") as line:
        await line.send({"type": "resume", "call_id": str(theirs), "take_over": True})
        assert await line.refused() == ("unknown_call", 4404)


async def test_a_rep_shares_nothing(acme: House) -> None:
    own = await acme.call(RITA)
    async with acme.browser(RITA) as rita, acme.browser(MANAGER) as manager:
        assert is_problem(await rita.ask("POST", f"/v1/calls/{own}/links", {"expires_s": 60}), 403, "forbidden")
        made = await manager.ask("POST", f"/v1/calls/{own}/links", {"expires_s": 60})
        assert made.status_code == 201
        # What was shared shows that call, whoever else is signed in beside it.
        async with acme.browser(RON) as ron:
            assert (await ron.get(made.json()["audio"])).status_code == 200
