"""The connections: what they refuse, and what they keep."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.core.errors import BadAnswer, InvalidSettings, ModelAway, ModelRefused
from ridealong.llm.endpoint import checked_url
from ridealong.llm.house import ModelHouse
from ridealong.llm.wire import Wire
from tests.unit.llm.asking import QUESTION

MODEL = "groq:openai/gpt-oss-20b"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", handler)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def good(_request: web.Request) -> web.Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": '{"type": "none"}'}, "finish_reason": "stop"}
    return web.json_response({"model": "m", "choices": [choice]})


async def ask(port: int, scheme: str = "http") -> object:
    house = ModelHouse(Settings(groq_api_key="secret", groq_url=f"{scheme}://127.0.0.1:{port}/openai/v1"))
    try:
        return (await house.model(MODEL).answer(QUESTION)).content
    finally:
        await house.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    alternative = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *alternative], check=True, capture_output=True)  # noqa: ASYNC221
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    arrived: list[str] = []

    async def listen(request: web.Request) -> web.StreamResponse:
        arrived.append(request.path)
        return await good(request)

    async with server(listen, tls) as port:
        with pytest.raises(ModelAway, match="Certificate"):
            await ask(port, "https")
    assert not arrived


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    arrived: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        arrived.append(request.path)
        return web.Response(status=307, headers={"Location": f"http://127.0.0.1:{request.url.port}/taken"})

    async with server(elsewhere) as port:
        with pytest.raises(ModelRefused, match="RIDEALONG_GROQ_URL"):
            await ask(port)
    assert arrived == ["/openai/v1/chat/completions"]


async def test_an_endless_answer_is_cut() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for _ in range(20):
            await response.write(b" " * 1024**2)
        return response

    async with server(endless) as port:
        with pytest.raises(BadAnswer, match="8 MiB"):
            await ask(port)


async def test_a_connection_that_the_vendor_closed_meanwhile_is_not_a_failure() -> None:
    closed: list[bool] = []

    async def once_then_close(request: web.Request) -> web.StreamResponse:
        # The first request's connection is closed behind its answer without a word, as an idle one is.
        response = await good(request)
        if not closed and request.transport is not None:
            closed.append(True)
            await response.prepare(request)
            await response.write_eof()
            request.transport.close()
        return response

    async with server(once_then_close) as port:
        house = ModelHouse(Settings(groq_api_key="k", groq_url=f"http://127.0.0.1:{port}/openai/v1"))
        model = house.model(MODEL)
        for _ in range(3):
            assert (await model.answer(QUESTION)).content == {"type": "none"}
        await house.close()


async def test_after_closing_nothing_is_asked() -> None:
    async with server(good) as port:
        house = ModelHouse(Settings(groq_api_key="k", groq_url=f"http://127.0.0.1:{port}/openai/v1"))
        model = house.model(MODEL)
        await house.close()
        with pytest.raises(ModelAway):
            await model.answer(QUESTION)


@pytest.mark.parametrize(
    "url", ["http://models.example.com/v1", "http://10.0.0.7:8000", "http://localhost.example.com"]
)
def test_plain_http_is_for_this_machine_alone(url: str) -> None:
    with pytest.raises(InvalidSettings, match="unencrypted"):
        checked_url("compatible", url)
    assert checked_url("compatible", url, allow_http=True).startswith("http://")


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.7/v1", "http://localhost:8000", "https://127.1", "https://[::1]/v1", "https://169.254.169.254"],
)
def test_a_tenant_s_own_address_leads_outside_unless_the_operator_says_otherwise(url: str) -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_MODELS_PRIVATE"):
        ModelHouse(Settings()).model("compatible:mine", url=url)
    assert ModelHouse(Settings(models_private=True)).model("compatible:mine", url=url).name == "compatible:mine"


async def test_a_name_that_leads_inside_is_not_found_on_a_tenant_s_wire() -> None:
    async def never_asked(_: web.Request) -> web.StreamResponse:
        raise AssertionError

    async with server(never_asked) as port:
        wire = Wire(outside=True)
        with pytest.raises(ModelAway):
            async with wire.post(f"http://localhost:{port}/", headers={}, body={}, vendor="theirs"):
                pass
        await wire.close()


@pytest.mark.parametrize(
    "url", ["", "models.example.com", "ftp://x/v1", "https://", "https://a:b@x/v1", "https://x:y/v1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_COMPATIBLE_URL"):
        checked_url("compatible", url)


@pytest.mark.parametrize(
    ("vendor", "url", "found"),
    [
        ("groq", "http://127.0.0.1:9001", "http://127.0.0.1:9001/openai/v1"),
        ("groq", "http://127.0.0.1:9001/openai/v1/", "http://127.0.0.1:9001/openai/v1"),
        ("anthropic", "https://gateway.example.com/", "https://gateway.example.com/v1"),
        ("google", "http://[::1]:9001", "http://[::1]:9001/v1beta"),
        ("groq", "https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
        ("groq", "http://127.0.0.1:9001/v1", "http://127.0.0.1:9001/v1"),
        ("anthropic", "https://gateway.example.com/anthropic", "https://gateway.example.com/anthropic/v1"),
        (
            "google",
            "https://gateway.example.com/v1/p/publishers/google",
            "https://gateway.example.com/v1/p/publishers/google",
        ),
        ("compatible", "https://models.example.com/inference", "https://models.example.com/inference"),
    ],
)
def test_an_address_without_a_path_gets_the_vendors_usual_one(vendor: str, url: str, found: str) -> None:
    assert checked_url(vendor, url) == found


@pytest.mark.parametrize(
    ("vendor", "verb"),
    [("groq", "/chat/completions"), ("anthropic", "/messages"), ("google", "/models/"), ("compatible", "/")],
)
def test_an_address_that_goes_on_to_the_verb_is_cut_before_it(vendor: str, verb: str) -> None:
    assert checked_url(vendor, f"http://127.0.0.1:9001/v1{verb}") == "http://127.0.0.1:9001/v1"


async def test_nothing_at_an_address_is_told_as_that_and_not_as_a_missing_model() -> None:
    async def nothing(_request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html>not here</html>", content_type="text/html")

    async with server(nothing) as port:
        house = ModelHouse(Settings(groq_api_key=SecretStr("k"), groq_url=f"http://127.0.0.1:{port}/wrong"))
        with pytest.raises(ModelRefused, match="RIDEALONG_GROQ_URL"):
            await house.model(MODEL).answer(QUESTION)
        await house.close()
