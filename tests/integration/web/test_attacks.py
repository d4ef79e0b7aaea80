"""What somebody may try who is signed in, has a link, or is of another tenant: over every address that there is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.store import tenants
from tests.integration.web.people import Browser, House, house, is_problem
from tests.integration.web.test_roles import START, filled

ADMIN, MANAGER, RITA, RON = "ada@acme.example", "max@acme.example", "rita@acme.example", "ron@acme.example"
RIVAL = "eve@rival.example"
WITHOUT_A_SESSION = {("POST", "/v1/session"), ("POST", "/v1/setup"), ("POST", "/v1/invites")}
SAFE = {"GET", "HEAD"}


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        people = (
            (ADMIN, MemberRole.ADMIN),
            (MANAGER, MemberRole.MANAGER),
            (RITA, MemberRole.REP),
            (RON, MemberRole.REP),
        )
        for email, role in people:
            await made.member(email, role)
        yield made


def routes(acme: House) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(method, path, operation, schemas) of every address."""
    described = acme.app.openapi()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation, described["components"]["schemas"]


def address_of(path: str, operation: Mapping[str, Any], ids: Mapping[str, object], schemas: Mapping[str, Any]) -> str:
    """The path with the ids in it, else with made-up ones, and with the queries that it needs."""
    for parameter in operation.get("parameters", []):
        value = quote(str(filled(parameter["schema"], schemas)))
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(ids.get(parameter["name"], value)))
        elif parameter["in"] == "query" and parameter.get("required"):
            path += f"{'&' if '?' in path else '?'}{parameter['name']}={value}"
    return path


def body_schema(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any] | None:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    one = schema["anyOf"][0] if "anyOf" in schema else schema
    return schemas[one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one


def body_of(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A body that the operation takes, None where it takes no JSON."""
    schema = body_schema(operation, schemas)
    body: Any = None if schema is None else filled(schema, schemas)
    # What no schema says: a stretch has a length.
    return body | {"end_ts": 900} if body and "end_ts" in body else body


async def filled_house(acme: House, manager: Browser, admin: Browser) -> dict[str, object]:
    """One of everything that has an id, by the name that paths give it."""
    call = await acme.call(RON)

    async def made(by: Browser, path: str, body: object) -> Any:
        answer = await by.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    at = f"/v1/calls/{call}"
    playlist = await made(manager, "/v1/playlists", {"name": "Openings"})
    stretch = {"call_id": str(call), "start_ts": 0, "end_ts": 900}
    item = await made(manager, f"/v1/playlists/{playlist['playlist_id']}/items", stretch)
    await made(manager, f"{at}/marks", {"at_ts": 100})
    hook = {"url": "https://crm.example/hook", "events": ["call.ended"]}
    return {
        "call_id": call,
        "speaker_id": 0,
        "playlist_id": playlist["playlist_id"],
        "item_id": item["item_id"],
        "comment_id": (await made(manager, f"{at}/comments", {"at_ts": 1, "text": "listen"}))["comment_id"],
        "share_id": (await made(manager, f"{at}/shares", {"scope": "call"}))["share_id"],
        "webhook_id": (await made(admin, "/v1/webhooks", hook))["webhook"]["webhook_id"],
        "token_id": (await made(admin, "/v1/api-keys", {"label": "x", "scopes": ["read"]}))["api_key"]["token_id"],
        "member_id": next(m.member_id for m in await acme.people.members(acme.tenant_id) if m.email == RITA),
    }


async def test_no_other_site_and_no_page_without_the_session_s_word_changes_anything(acme: House) -> None:
    tried = 0
    async with acme.browser(ADMIN) as admin:
        for method, path, operation, schemas in routes(acme):
            if method in SAFE or (method, path) in WITHOUT_A_SESSION:
                continue
            body = body_of(operation, schemas)
            address = address_of(path, operation, {}, schemas)
            bare = Browser(acme.address)
            async with bare.http:
                bare.http.cookies = admin.http.cookies
                assert is_problem(await bare.ask(method, address, body), 403, "bad_csrf"), path
                bare.csrf, bare.origin = admin.csrf, "https://evil.example"
                assert is_problem(await bare.ask(method, address, body), 403, "foreign_origin"), path
            tried += 1
        assert (await admin.get("/v1/session")).json()["signed_in"] is True
    assert tried >= 30


async def test_another_tenant_s_ids_are_answered_like_ids_that_never_were(acme: House) -> None:
    rival = (await tenants.create_tenant(acme.store, "rival", "Rival")).tenant_id
    await acme.member(RIVAL, MemberRole.ADMIN, tenant_id=rival)
    async with acme.browser(MANAGER) as manager, acme.browser(ADMIN) as admin, acme.browser(RIVAL) as eve:
        ids = await filled_house(acme, manager, admin)
        mine = (await eve.ask("POST", "/v1/playlists", {"name": "Mine"})).json()["playlist_id"]
        for method, path, operation, schemas in routes(acme):
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"} & set(ids)
            if not named - {"speaker_id"}:
                continue
            body = body_of(operation, schemas)
            never = {name: uuid4() for name in ids}
            theirs = await eve.ask(method, address_of(path, operation, ids, schemas), body)
            none = await eve.ask(method, address_of(path, operation, never | {"speaker_id": 0}, schemas), body)
            assert (theirs.status_code, theirs.text) == (none.status_code, none.text), (method, path)
            assert theirs.status_code == 404, (method, path, theirs.text)
        stretch = {"call_id": str(ids["call_id"]), "start_ts": 0, "end_ts": 900}
        assert is_problem(await eve.ask("POST", f"/v1/playlists/{mine}/items", stretch), 404, "unknown_call")
        assert (await eve.get(f"/v1/search?q=budget&call_id={ids['call_id']}")).json()["hits"] == []
        for path in ("/v1/calls", "/v1/live"):
            assert (await eve.get(path)).json()["calls"] == [], path
        # And all of it is still there.
        assert (await manager.get(f"/v1/playlists/{ids['playlist_id']}")).json()["items"] != []
        assert (await manager.get(f"/v1/calls/{ids['call_id']}/comments")).json()["comments"][0]["text"] == "listen"
        assert (await admin.get("/v1/webhooks")).json()["webhooks"] != []


HOSTILE = (
    "a\x00b",
    "\ud800",
    "x" * 1_000_000,
    "\u202egnp.exe",
    "<img src=x onerror=alert(1)>",
    " ",
    "'; DROP TABLE x",
    "\x1b[2J",
)


def with_each_text(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, object]]:
    """(key, text, body): a body that fits, but for one text in it."""
    fits = filled(schema, schemas)
    assert isinstance(fits, dict)
    for key, of in schema.get("properties", {}).items():
        kinds = [of, *of.get("anyOf", [])]
        plain = any(kind.get("type") == "string" and "enum" not in kind for kind in kinds)
        listed = of.get("type") == "array" and of["items"].get("type") == "string"
        for text in HOSTILE if plain or listed else ():
            yield key, text, {**fits, key: text if plain else [text]}


async def test_hostile_text_is_refused_or_kept_as_the_text_that_it_is(acme: House) -> None:
    tried = 0
    async with acme.browser(MANAGER) as manager, acme.browser(ADMIN) as admin:
        ids = await filled_house(acme, manager, admin)
        for method, path, operation, schemas in routes(acme):
            schema = body_schema(operation, schemas)
            if schema is not None and method not in SAFE and path not in ("/v1/session/password", "/v1/models"):
                for key, text, body in with_each_text(schema, schemas):
                    answer = await admin.ask(method, address_of(path, operation, ids, schemas), body)
                    # 501: a part that this server was put together without.
                    assert answer.status_code < 500 or answer.status_code == 501, (method, path, key, answer.text)
                    if "\x00" in text or text == "\ud800":
                        assert answer.status_code >= 400, (method, path, key, text)
                    assert len(answer.text) < 100_000, "what was too long is not sent back"
                    tried += 1
            for parameter in operation.get("parameters", []) if method == "GET" else []:
                if parameter["in"] == "query":
                    for text in (
                        "a\x00b",
                        "%ED%A0%80",
                        "x" * 5000,
                        "\u202e",
                        "-1",
                        "1e400",
                        "9" * 40,
                        "0001-01-01T00:00:00%2B14:00",
                    ):
                        sent = text if "%" in text else quote(text)
                        address = address_of(path, operation, ids, schemas)
                        joint = "&" if "?" in address else "?"
                        answer = await admin.get(f"{address}{joint}{parameter['name']}={sent}")
                        assert answer.status_code < 500 or answer.status_code == 501, (path, address, answer.text)
                        tried += 1
        # A page shows it as text: the answer is JSON, and no browser takes it for anything else.
        kept = await admin.get(f"/v1/calls/{ids['call_id']}/comments")
        assert "<img src=x onerror=alert(1)>" in json.dumps(kept.json())
        assert kept.headers["content-type"] == "application/json"
        assert kept.headers["x-content-type-options"] == "nosniff"
    assert tried > 300


async def test_a_rep_reaches_no_other_s_call_by_playlist_team_live_or_settings(acme: House) -> None:
    async with acme.browser(MANAGER) as manager, acme.browser(ADMIN) as admin, acme.browser(RITA) as rita:
        ids = await filled_house(acme, manager, admin)
        own, theirs = await acme.call(RITA, ended=False), await acme.call(RON, ended=False)
        playlist = f"/v1/playlists/{ids['playlist_id']}"
        assert (await rita.get(playlist)).json()["items"] == []
        assert [p["items"] for p in (await rita.get("/v1/playlists")).json()["playlists"]] == [0]
        assert (await rita.get(f"/v1/calls?rep_id={RON}")).json() == {"calls": [], "next": None, "total": 0}
        running = {c["call_id"] for c in (await rita.get("/v1/live")).json()["calls"]}
        assert running == {str(own)} < {c["call_id"] for c in (await manager.get("/v1/live")).json()["calls"]}
        for query in ("", f"?rep_id={RON}"):
            assert RON not in (await rita.get(f"/v1/team{query}")).text.replace(f"rep_id={RON}", "")
        assert is_problem(await rita.ask("POST", f"/v1/calls/{theirs}/messages", {"text": "hi"}), 403, "forbidden")
        stretch = {"call_id": str(own), "start_ts": 0, "end_ts": 900}
        assert is_problem(await rita.ask("POST", f"{playlist}/items", stretch), 403, "forbidden")
        assert is_problem(await rita.ask("DELETE", f"{playlist}/items/{ids['item_id']}"), 403, "forbidden")
        for path in ("/v1/members", "/v1/settings", "/v1/api-keys", "/v1/webhooks"):
            assert is_problem(await rita.get(path), 403, "forbidden"), path
        for place in ("rubrics/bant", "taxonomies/default", "templates/manager.html"):
            assert is_problem(await rita.ask("PUT", f"/v1/{place}", "x"), 403, "forbidden")


async def test_a_link_shows_the_call_and_neither_what_is_said_about_it_nor_any_way_to_change_it(acme: House) -> None:
    async with acme.browser(MANAGER) as manager, acme.browser(ADMIN) as admin:
        ids = await filled_house(acme, manager, admin)
        at = f"/v1/calls/{ids['call_id']}"
        view = (await manager.ask("POST", f"{at}/links", {"expires_s": 60})).json()["view"]
        quiet = (await manager.ask("POST", f"{at}/shares", {"scope": "call", "audio": False})).json()
        heard = (await manager.ask("POST", f"{at}/shares", {"scope": "report", "audio": True})).json()
        silent, loud = (made["url"].rpartition("/")[2] for made in (quiet, heard))
    async with httpx.AsyncClient(base_url=acme.address, timeout=60) as stranger:
        bearer = {"Authorization": f"Bearer {view}"}
        assert (await stranger.get(f"{at}/transcript", headers=bearer)).status_code == 200
        for part in ("votes", "comments", "shares"):
            assert is_problem(await stranger.get(f"{at}/{part}", headers=bearer), 403, "forbidden"), part
            assert (await stranger.get(f"{at}/{part}?view={view}")).status_code == 401
        for method in ("GET", "HEAD"):
            assert (await stranger.request(method, f"{at}/audio.wav?share={silent}")).status_code == 403
            assert (await stranger.request(method, f"{at}/audio.wav?share={loud}")).status_code == 200
        assert (await stranger.get(f"{at}/waveform?share={loud}")).status_code == 403
        assert (await stranger.get(f"{at}/waveform?share={silent}")).status_code == 200
        for method, path, operation, schemas in routes(acme):
            if method in SAFE or (method, path) in WITHOUT_A_SESSION or path == "/v1/session":
                continue
            body = body_of(operation, schemas)
            address = address_of(path, operation, ids, schemas)
            joint = "&" if "?" in address else "?"
            for link in (f"share={silent}", f"share={loud}", f"view={view}"):
                answer = await stranger.request(method, f"{address}{joint}{link}", json=body)
                assert answer.status_code == 401, (method, path, answer.text)
        # Its time is over.
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute(
                "UPDATE share SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'"
            )
        for share in (silent, loud):
            assert is_problem(await stranger.get(f"{at}?share={share}"), 404, "unknown_share")
            assert is_problem(await stranger.get(f"/v1/shared/{share}"), 404, "unknown_share")


async def test_a_page_that_resumes_with_the_call_s_own_token_still_marks_as_its_member(acme: House) -> None:
    async with acme.browser(RITA) as rita, acme.browser(RON) as ron:
        async with rita.socket("/v1/capture") as line:
            await line.send(START)
            started = await line.next()
            await line.send(bytes(32_000))
            await line.until(event="utterance", no=1)
        again = {"type": "resume", "call_token": started["call_token"], "take_over": True}

        async def marked_by(browser: Browser, **how: Any) -> dict[str, object]:
            async with browser.socket("/v1/capture", **how) as line:
                await line.send(again)
                assert (await line.next())["type"] == "resumed"
                await line.send({"type": "mark"})
                return (await line.until(event="mark"))["by"]

        member_id = (await rita.get("/v1/session")).json()["member"]["member_id"]
        assert await marked_by(rita) == {"member_id": member_id, "name": "Rita"}
        # Whose cookie is not good for this call stands for nobody, and the token's call goes on all the same.
        nobody = {"member_id": None, "name": RITA}
        assert await marked_by(ron) == nobody
        assert await marked_by(rita, origin="https://evil.example") == nobody
        await rita.ask("DELETE", "/v1/session")
        rita.http.cookies.set("ridealong_session", "ended")
        assert await marked_by(rita) == nobody
        assert UUID(started["call_id"])
