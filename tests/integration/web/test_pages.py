"""The built pages over real requests: what is served, with which headers, and what never is."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from tests.integration.web.standin import StandInCalls, StandInStore, StandInTokens


@pytest.fixture
def services(tmp_path: Path) -> Services:
    shelf = StandInStore(StandInCalls())
    return Services(
        calls=shelf.calls_, tokens=StandInTokens(), library=shelf, recordings=shelf, render=shelf, pages=tmp_path / "p"
    )


@pytest.fixture
async def site(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    folder = services.pages
    (folder / "assets").mkdir(parents=True)
    (folder / "icons").mkdir()
    for name, text in {
        "index.html": "<p>the pages",
        "rep.html": "<p>the rep",
        "sw.js": "worker",
        "rep.webmanifest": "{}",
        "assets/index-B0k_-xAb.js": "script",
        "assets/plain.css": "style",
        "icons/apple-touch-icon.png": "icon",
        ".secret": "hush",
    }.items():
        (folder / name).write_text(text)
    (folder / "assets/index-B0k_-xAb.js.gz").write_bytes(gzip.compress(b"script"))
    (folder / "assets/index-B0k_-xAb.js.br").write_bytes(b"as brotli")
    (folder.parent / "outside.txt").write_text("hush")
    (folder / "link.txt").symlink_to(folder.parent / "outside.txt")
    async with running(create_app(services)) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


async def test_every_address_of_the_pages_is_the_shell_of_its_application(site: httpx.AsyncClient) -> None:
    for path in ("/", "/calls", "/calls/7c0e/x", "/settings/rubrics", "/report"):
        answer = await site.get(path)
        assert (answer.status_code, answer.text) == (200, "<p>the pages"), path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
    for path in ("/rep", "/rep/calls"):
        assert (await site.get(path)).text == "<p>the rep", path
    assert (await site.head("/")).status_code == 200
    assert (await site.post("/")).status_code == 405


async def test_only_names_that_change_with_their_content_are_kept_for_ever(site: httpx.AsyncClient) -> None:
    kept = await site.get("/assets/index-B0k_-xAb.js")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"].startswith("text/javascript")
    for path in ("/sw.js", "/rep.webmanifest", "/assets/plain.css", "/icons/apple-touch-icon.png", "/index.html"):
        answer = await site.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), path
        again = await site.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_pages_may_run_only_their_own_scripts(site: httpx.AsyncClient) -> None:
    policy = (await site.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["script-src"] == rules["connect-src"] == rules["worker-src"] == "'self'"
    assert (rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'")
    assert "unsafe" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    answer = await site.get("/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_script_that_the_build_put_into_a_page_is_allowed_to_the_letter(
    site: httpx.AsyncClient, services: Services
) -> None:
    (services.pages / "index.html").write_text("<script>first()</script><p>the pages<script src=/x.js></script>")
    policy = (await site.get("/calls")).headers["content-security-policy"]
    allowed = base64.b64encode(hashlib.sha256(b"first()").digest()).decode()
    assert f"script-src 'self' 'sha256-{allowed}';" in policy
    assert policy.count("sha256") == 1
    assert "sha256" not in (await site.get("/rep")).headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None), ("", None)],
)
async def test_a_file_goes_out_in_the_shortest_form_that_the_browser_takes(
    site: httpx.AsyncClient, accepted: str, coding: str | None
) -> None:
    async with site.stream("GET", "/assets/index-B0k_-xAb.js", headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    match coding:
        case "br":
            assert sent == b"as brotli"
        case "gzip":
            assert gzip.decompress(sent) == b"script"
        case _:
            assert sent == b"script"


async def test_a_build_that_is_made_anew_is_served_without_a_restart(
    site: httpx.AsyncClient, services: Services
) -> None:
    before = await site.get("/sw.js")
    (services.pages / "sw.js").write_text("another worker")
    after = await site.get("/sw.js", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.text) == (200, "another worker")


async def test_the_api_s_addresses_are_never_pages(site: httpx.AsyncClient) -> None:
    for path in ("/v1", "/v1/nothing", "/v1/calls/x/y/z", "/metrics/x", "/assets/gone-AAAAAAAA.js"):
        answer = await site.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert "script-src" not in answer.headers["content-security-policy"], path
    assert (await site.get("/healthz")).json() == {"status": "ok"}
    assert (await site.post("/healthz")).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt",
        "/assets/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/..%5coutside.txt",
        "/assets/%2e%2e/%2e%2e/outside.txt",
        "//etc/passwd",
        "/%00",
        "/index.html%00.js",
        "/.secret",
        "/link.txt",
        "/assets",
    ],
)
async def test_nothing_outside_the_folder_is_ever_served(site: httpx.AsyncClient, path: str) -> None:
    # By hand: every client tidies such paths before it sends them.
    reader, writer = await asyncio.open_connection(site.base_url.host, site.base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert "hush" not in answer
    assert "root:" not in answer
    assert answer.split()[1] in {"200", "404"}


async def test_without_built_pages_the_api_works_and_the_first_page_says_how_to_build_them(services: Services) -> None:
    bare = replace(services, pages=services.pages / "nowhere")
    async with running(create_app(bare)) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        page = await client.get("/")
        assert page.status_code == 200
        assert "make setup" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert (await client.get("/healthz")).json() == {"status": "ok"}
