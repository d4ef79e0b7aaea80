"""Large JSON answers are packed, and nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ridealong.web.packing import LEAST_BYTES, Packing

LONG = "what was said " * LEAST_BYTES


@pytest.fixture
def client() -> httpx.AsyncClient:
    async def parts() -> AsyncIterator[bytes]:
        yield LONG.encode()
        yield LONG.encode()

    async def long(_request: Request) -> Response:
        return JSONResponse(LONG)

    async def short(_request: Request) -> Response:
        return JSONResponse({"csrf": "secret"})

    async def sound(_request: Request) -> Response:
        return StreamingResponse(parts(), media_type="audio/wav")

    async def text(_request: Request) -> Response:
        return PlainTextResponse(LONG)

    app = Starlette(routes=[Route(f"/{one.__name__}", one) for one in (long, short, sound, text)])
    app.add_middleware(Packing)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", timeout=60)


async def test_a_long_json_answer_is_packed_for_whoever_takes_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/long")
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(answer.headers["content-length"]) < len(LONG) / 10
    assert answer.json() == LONG


@pytest.mark.parametrize("path", ["/short", "/sound", "/text"])
async def test_a_short_answer_a_recording_and_a_text_go_out_as_they_are(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert answer.content


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br"])
async def test_whoever_does_not_take_gzip_gets_it_plain(client: httpx.AsyncClient, accepted: str) -> None:
    answer = await client.get("/long", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.json() == LONG
