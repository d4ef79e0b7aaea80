"""The HTTP API over real requests."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from ridealong.core.errors import Unavailable
from ridealong.web.access import ADMIN, CAPTURE, READ
from ridealong.web.services import Services
from tests.integration.web.conftest import World, world
from tests.integration.web.standin import StandInCall

pytestmark = pytest.mark.asyncio(loop_scope="session")

PCM = bytes(range(256)) * 250


@dataclass
class Site:
    """A server that holds one ended call, and a client of it."""

    world: World
    client: httpx.AsyncClient
    call: StandInCall

    @property
    def path(self) -> str:
        return f"/v1/calls/{self.call.call_id}"

    async def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {}) | {"Authorization": f"Bearer {token or self.world.token}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["status"] == status
    assert body["detail"]
    assert isinstance(body["retry"], bool)
    return True


@pytest_asyncio.fixture(loop_scope="session")
async def site(server: World) -> AsyncIterator[Site]:
    async with server.started() as (client, call, _):
        await client.send(PCM)
        call.say("we have a budget")
        await client.send({"type": "stop"})
        await client.rest()
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as http:
        yield Site(server, http, call)


async def test_a_call_and_its_parts_are_read(site: Site) -> None:
    assert (await site.get("/v1/calls")).json() == {
        "calls": [{"call_id": str(site.call.call_id)}],
        "next": None,
        "total": 1,
    }
    call = (await site.get(site.path)).json()
    assert call["title"] == "First call"
    assert call["odd"] is None, "JSON has no NaN"
    assert (await site.get(f"{site.path}/transcript")).json()["utterances"] == ["we have a budget"]
    assert (await site.get(f"{site.path}/transcript?revision=2")).json()["revision"] == 2
    assert (await site.get(f"{site.path}/moments")).json() == {"moments": [{"type": "stall"}]}
    assert (await site.get(f"{site.path}/artifact")).json()["score"] == 50.0
    hits = (await site.get("/v1/search", params={"q": "budget", "limit": 3})).json()["hits"]
    assert hits[0]["query"] == "budget"
    assert hits[0]["tenant"] == str(site.call.tenant_id)


async def test_calls_come_in_pages(site: Site) -> None:
    async with site.world.started():
        first = (await site.get("/v1/calls?limit=1")).json()
        second = (await site.get("/v1/calls", params={"limit": 1, "before": first["next"]})).json()
    assert second["calls"] == [{"call_id": str(site.call.call_id)}]
    assert second["next"] is None


READS = ("", "/transcript", "/moments", "/artifact", "/report", "/audio.wav")


@pytest.mark.parametrize("part", READS)
async def test_another_tenants_call_does_not_exist(site: Site, part: str) -> None:
    other = site.world.tokens.tenant()
    theirs = await site.get(site.path + part, token=other)
    nobodys = await site.get(f"/v1/calls/{uuid4()}{part}")
    assert is_problem(theirs, 404, "unknown_call")
    assert theirs.json() == nobodys.json()


@pytest.mark.parametrize("part", READS)
async def test_every_read_needs_a_token_that_may_read(site: Site, part: str) -> None:
    bare = await site.client.get(site.path + part)
    assert is_problem(bare, 401, "missing_token")
    assert bare.headers["www-authenticate"] == "Bearer"
    assert is_problem(await site.get(site.path + part, token="wrong"), 401, "unknown_token")
    sender = site.world.tokens.also(site.world.token, CAPTURE)
    assert is_problem(await site.get(site.path + part, token=sender), 403, "forbidden")
    # A tenant's own token in the URL would end in histories and logs.
    assert is_problem(await site.client.get(f"{site.path}{part}?view={site.world.token}"), 403, "forbidden")


async def test_what_cannot_be_understood_is_told(site: Site) -> None:
    for path in ("/v1/calls?limit=0", "/v1/calls?limit=x", "/v1/search", "/v1/search?q=%00", "/v1/calls?before=x"):
        assert is_problem(await site.get(path), 422, "bad_request")
    assert is_problem(await site.get(f"{site.path}/report?template=../../etc/passwd"), 422, "bad_request")
    assert is_problem(await site.get(f"{site.path}/report?format=pdf"), 422, "bad_request")
    assert is_problem(await site.get("/v1/calls/nonsense"), 404, "unknown_call")
    assert is_problem(await site.get("/v1/nothing"), 404, "not_found")
    assert is_problem(await site.ask("PUT", site.path), 405, "method_not_allowed")


async def test_the_database_away_is_503_with_a_time_to_come_back(site: Site) -> None:
    site.world.store.away = True
    answer = await site.get(site.path)
    assert is_problem(answer, 503, "unavailable")
    assert answer.json()["retry"] is True
    assert int(answer.headers["retry-after"]) > 0


async def test_a_call_without_a_review_says_so(site: Site) -> None:
    site.world.store.reviewed = False
    assert is_problem(await site.get(f"{site.path}/artifact"), 404, "not_reviewed")


async def test_a_foreign_error_is_told_without_its_text(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ValueError("somebody said: my salary is 9000")

    site.world.store.moments = broken  # type: ignore[method-assign]  # the stand-in is ours
    answer = await site.get(f"{site.path}/moments")
    assert is_problem(answer, 500, "internal")
    out, err = capfd.readouterr()
    assert "ValueError" in out + err
    assert "salary" not in out + err + answer.text


async def test_a_report_is_rendered_and_carries_no_script(site: Site) -> None:
    page = await site.get(f"{site.path}/report")
    assert page.headers["content-type"].startswith("text/html")
    assert "<p>manager</p>" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in page.headers
    text = await site.get(f"{site.path}/report?template=rep&format=md")
    assert text.headers["content-type"].startswith("text/markdown")
    assert text.text == "# rep"
    assert is_problem(await site.get(f"{site.path}/report?template=nosuch"), 404, "not_found")


async def test_a_link_opens_the_report_and_its_audio_without_a_header(site: Site) -> None:
    made = await site.ask("POST", f"{site.path}/links", json={"expires_s": 60})
    assert made.status_code == 201
    link = made.json()
    assert link["expires_s"] == 60
    page = await site.client.get(link["report"])
    assert f"{site.path}/audio.wav?view={link['view']}" in page.text
    assert (await site.client.get(link["audio"])).content[44:] == PCM
    view = {"Authorization": f"Bearer {link['view']}"}
    # It reads this call, and does nothing else with it or with others.
    assert is_problem(await site.client.delete(site.path, headers=view), 403, "forbidden")
    assert is_problem(await site.client.post(f"{site.path}/links", headers=view), 403, "forbidden")
    assert is_problem(await site.client.get("/v1/calls", headers=view), 403, "forbidden")
    assert is_problem(await site.client.get("/v1/search?q=a", headers=view), 403, "forbidden")
    async with site.world.started() as (_, other, _):
        path = f"/v1/calls/{other.call_id}/report?view={link['view']}"
        assert is_problem(await site.client.get(path), 403, "forbidden")
    site.world.tokens.expired.add(link["view"])
    assert is_problem(await site.client.get(link["report"]), 401, "expired_token")


async def test_a_link_is_refused_for_too_long_and_for_no_call(site: Site) -> None:
    assert is_problem(await site.ask("POST", f"{site.path}/links", json={"expires_s": 10**9}), 422, "bad_request")
    assert is_problem(await site.ask("POST", f"{site.path}/links", content=b"{"), 422, "bad_request")
    assert is_problem(await site.ask("POST", f"/v1/calls/{uuid4()}/links"), 404, "unknown_call")


async def test_the_audio_is_a_wav_file_of_exactly_the_journal(site: Site) -> None:
    whole = await site.get(f"{site.path}/audio.wav")
    assert whole.headers["content-type"] == "audio/wav"
    assert int(whole.headers["content-length"]) == len(whole.content) == 44 + len(PCM)
    riff, size, wave = struct.unpack("<4sI4s", whole.content[:12])
    assert (riff, size, wave) == (b"RIFF", 36 + len(PCM), b"WAVE")
    assert struct.unpack("<HHIIHH", whole.content[20:36]) == (1, 1, 16000, 32000, 2, 16)
    assert whole.content[44:] == PCM
    head = await site.ask("HEAD", f"{site.path}/audio.wav")
    assert head.headers["content-length"] == str(44 + len(PCM))
    assert head.headers["accept-ranges"] == "bytes"
    assert not head.content


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-", 0, 64_044),
        ("bytes=0-0", 0, 1),
        ("bytes=10-60", 10, 61),
        ("bytes=43-44", 43, 45),
        ("bytes=44-99", 44, 100),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=64000-999999999", 64_000, 64_044),
        ("bytes=-10", 64_034, 64_044),
        ("bytes=-999999", 0, 64_044),
    ],
)
async def test_any_part_of_the_audio_can_be_had(site: Site, asked: str, first: int, end: int) -> None:
    whole = (await site.get(f"{site.path}/audio.wav")).content
    part = await site.get(f"{site.path}/audio.wav", headers={"Range": asked})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes {first}-{end - 1}/{len(whole)}"
    assert part.content == whole[first:end]
    assert int(part.headers["content-length"]) == end - first


@pytest.mark.parametrize("asked", ["bytes=64044-", "bytes=99999999-", "bytes=-0"])
async def test_a_part_beyond_the_end_is_refused(site: Site, asked: str) -> None:
    answer = await site.get(f"{site.path}/audio.wav", headers={"Range": asked})
    assert is_problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */64044"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"])
async def test_a_range_that_is_none_gets_the_whole(site: Site, asked: str) -> None:
    answer = await site.get(f"{site.path}/audio.wav", headers={"Range": asked})
    assert answer.status_code == 200
    assert len(answer.content) == 64_044


async def test_a_part_of_an_older_length_gets_the_whole(site: Site) -> None:
    tag = (await site.ask("HEAD", f"{site.path}/audio.wav")).headers["etag"]
    same = await site.get(f"{site.path}/audio.wav", headers={"Range": "bytes=0-9", "If-Range": tag})
    assert same.status_code == 206
    site.call.audio += b"\0\0"
    grown = await site.get(f"{site.path}/audio.wav", headers={"Range": "bytes=0-9", "If-Range": tag})
    assert grown.status_code == 200
    assert (
        await site.get(f"{site.path}/audio.wav", headers={"If-None-Match": grown.headers["etag"]})
    ).status_code == 304


async def test_a_call_without_audio_has_no_recording(server: World) -> None:
    async with server.started() as (_, call, _), httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        headers = {"Authorization": f"Bearer {server.token}"}
        answer = await client.get(f"/v1/calls/{call.call_id}/audio.wav", headers=headers)
        assert is_problem(answer, 404, "no_recording")


async def test_erasing_needs_an_admin_and_leaves_nothing(site: Site) -> None:
    reader = site.world.tokens.also(site.world.token, READ)
    assert is_problem(await site.ask("DELETE", site.path, token=reader), 403, "forbidden")
    assert (await site.ask("DELETE", site.path)).status_code == 204
    assert site.world.store.erased == [site.call.call_id]
    assert is_problem(await site.get(site.path), 404, "unknown_call")


async def test_a_running_call_is_not_erased(site: Site) -> None:
    async with site.world.started() as (_, call, _):
        assert is_problem(await site.ask("DELETE", f"/v1/calls/{call.call_id}"), 409, "call_running")


async def test_a_tenants_document_is_kept_or_refused_with_its_line(site: Site) -> None:
    good = "id: mine\nfloor: 0.5\n"
    assert is_problem(await site.get("/v1/rubrics/mine"), 404, "not_found")
    assert (await site.ask("PUT", "/v1/rubrics/mine", content=good)).status_code == 204
    assert (await site.get("/v1/rubrics/mine")).text == good
    refused = await site.ask("PUT", "/v1/rubrics/mine", content="id: mine\nfloor: wrong\n")
    assert is_problem(refused, 422, "bad_document")
    assert refused.json()["line"] == 2
    assert (await site.get("/v1/rubrics/mine")).text == good
    assert is_problem(await site.ask("PUT", "/v1/rubrics/mine", content=b"a\n\xff"), 422, "bad_request")
    assert is_problem(await site.ask("PUT", "/v1/rubrics/mine", content=b"x" * 600_000), 413, "body_too_large")
    assert is_problem(await site.ask("PUT", "/v1/rubrics/..%2Fx", content=good), 404, "not_found")
    assert is_problem(await site.ask("PUT", "/v1/rubrics/Mine", content=good), 422, "bad_request")
    assert (await site.ask("PUT", "/v1/templates/manager.html", content="<p>{{ title }}</p>")).status_code == 204
    assert (await site.get("/v1/templates/manager.html")).headers["content-type"].startswith("text/plain")
    reader = site.world.tokens.also(site.world.token, READ, CAPTURE)
    assert is_problem(await site.ask("PUT", "/v1/taxonomies/default", content=good, token=reader), 403, "forbidden")


async def test_a_body_without_a_length_is_measured_all_the_same(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 16_384

    assert is_problem(await site.ask("PUT", "/v1/rubrics/mine", content=endless()), 413, "body_too_large")


async def test_a_voice_is_enrolled(site: Site) -> None:
    made = await site.ask("POST", "/v1/reps/anna/voice", content=b"RIFF....")
    assert (made.status_code, made.json()) == (201, {"rep_id": "anna", "seconds": 20.0})
    assert is_problem(await site.ask("POST", "/v1/reps/anna/voice", content=b"ID3"), 415, "bad_audio")


async def test_a_server_without_a_part_says_so() -> None:
    async with world() as made, httpx.AsyncClient(base_url=made.address, timeout=60) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_health_readiness_and_metrics_need_no_token_and_tell_nothing_of_calls(site: Site) -> None:
    await site.get(f"{site.path}/transcript")
    assert (await site.client.get("/healthz")).json() == {"status": "ok"}
    assert (await site.client.get("/readyz")).json() == {"status": "ready"}
    text = (await site.client.get("/metrics")).text
    assert 'route="/v1/calls/{call_id}/transcript"' in text
    assert str(site.call.call_id) not in text
    assert str(site.call.tenant_id) not in text
    assert "budget" not in text


async def test_a_server_that_is_not_ready_says_why(server: World) -> None:
    from dataclasses import replace

    from ridealong.web.server import create_app, running

    async def away() -> None:
        raise Unavailable("the database does not answer")

    services: Services = replace(server.services, ready=away, documents=None, voices=None)
    async with running(create_app(services)) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        assert is_problem(await client.get("/readyz"), 503, "unavailable")
        headers = {"Authorization": f"Bearer {server.token}"}
        assert is_problem(await client.get("/v1/rubrics/bant", headers=headers), 501, "missing_part")
        assert is_problem(await client.post("/v1/reps/a/voice", headers=headers), 501, "missing_part")


async def test_the_description_is_whole(site: Site) -> None:
    described = (await site.client.get("/openapi.json")).json()
    assert {"/v1/calls", "/v1/calls/{call_id}/audio.wav", "/v1/search", "/readyz"} <= set(described["paths"])
    operations = [op for path in described["paths"].values() for op in path.values()]
    ids = [op["operationId"] for op in operations]
    assert len(ids) == len(set(ids))
    assert all(op.get("description") for op in operations)
    missing = described["paths"]["/v1/calls"]["get"]["responses"]["401"]
    assert "application/problem+json" in missing["content"]
    assert "HTTPValidationError" not in str(described)
    assert ADMIN not in described.get("info", {})
    assert UUID(str(site.call.call_id))
