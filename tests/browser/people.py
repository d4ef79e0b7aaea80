"""A server with people and a reviewed call, and Playwright's Chromium signed in to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.client import CaptureClient, Start
from tests.browser.devtools import chromium
from tests.integration.app.test_killed_server import SPOKEN, reviewed, token_of

PAGES = Path(__file__).resolve().parents[2] / "src" / "ridealong" / "web" / "pages" / "index.html"
AXE = Path(__file__).resolve().parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"

HOSTILE = "Honestly <img src=x onerror=alert(1)> {{ 7 | times: 6 }} **it** is way too expensive for us \x1b[31m today."
TITLE = "<script>alert(1)</script> Northwind & sons"
PASSWORD = "four unrelated plain words"
EMAIL = "dana@example.com"

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio"),
    # As strict as a visitor's browser: sound needs a click.
    "--autoplay-policy=document-user-activation-required",
]


@dataclass(frozen=True)
class Desk:
    """A server on which an admin was set up and one call was reviewed."""

    running: ServerProcess
    url: str
    token: str
    call_id: str
    artifact: dict[str, Any]
    transcript: list[dict[str, Any]]


def needs() -> str:
    """The browser's program; skips where there is none, or where the pages were not built."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here (apt-get install chromium): the pages are not tested")
    if not PAGES.exists():
        pytest.skip("the pages were not built (sh tools/build_pages.sh): they are not tested")
    return program


@contextlib.asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    """A fresh server with an admin and one reviewed call, whose every text is hostile."""
    # Not pytest's own folder: the embedded server's user could not enter it, and its path is long.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-pages-"))
    try:
        script = folder / "script.jsonl"
        script.write_text("\n".join(_script()))
        sound = (np.sin(np.arange(16_000 * 41) / 20) * 3000).astype("<i2").tobytes()
        async with server(folder, {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(script)}) as running:
            token = token_of(folder)
            await _set_up(running)
            start = Start(token=token, rep_id="rep-1", consent="Said so.", title=TITLE, rep_speaker=0)
            client = CaptureClient(url=running.capture_url, start=start)
            await client.open()
            for at in range(0, len(sound), 32_000):
                await client.send(sound[at : at + 32_000])
            await client.stop()
            artifact = await reviewed(running, token, client.call_id)
            await client.close()
            async with httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {token}"}) as http:
                found = await http.get(f"/v1/calls/{client.call_id}/transcript")
            yield Desk(
                running=running,
                url=running.url,
                token=token,
                call_id=client.call_id,
                artifact=artifact,
                transcript=found.json()["utterances"],
            )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _script() -> list[str]:
    said = [(HOSTILE if no == 5 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN)]
    lines = [json.dumps({"call": "pages", "rep_speaker": 0})]
    lines += [
        json.dumps({"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text})
        for no, (text, speaker) in enumerate(said)
    ]
    return lines


def set_up_code(folder: Path) -> str:
    """The code that the server printed when it started."""
    # A console may break the line anywhere in it.
    told = "".join((folder / "server.log").read_text().split())
    found = re.search(r"/setup\?code=([A-Za-z0-9_-]{24})", told)
    assert found, "the server printed no set-up code"
    return found.group(1)


async def _set_up(running: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.post(
            "/v1/setup",
            json={
                "setup_code": set_up_code(running.folder),
                "organisation": "Fernwell <b>Ltd</b>",
                "name": "Dana <i>Admin</i>",
                "email": EMAIL,
                "password": PASSWORD,
            },
            headers={"Origin": running.url},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text


@contextlib.asynccontextmanager
async def browser(program: str) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield made
        finally:
            await made.close()


@dataclass
class Complaints:
    """What a page complained of: refused scripts, errors, and addresses of anybody else."""

    said: list[str]


@contextlib.asynccontextmanager
async def tab(
    browser: Browser, url: str, *, theme: str = "light", phone: bool = False, signed_in: bool = True
) -> AsyncGenerator[tuple[Page, Complaints]]:
    """A page of its own context; signed in through the form's own request."""
    size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
    context: BrowserContext = await browser.new_context(
        viewport=size, color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce", locale="en-GB"
    )
    complaints = Complaints([])
    try:
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.said.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: complaints.said.append(f"console: {message.text}") if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: complaints.said.append(f"asked {request.url}") if not request.url.startswith(url) else None,
        )
        page.on("dialog", lambda dialog: complaints.said.append(f"a script ran: {dialog.message}"))
        if signed_in:
            answer = await context.request.post(
                f"{url}/v1/session", data={"email": EMAIL, "password": PASSWORD}, headers={"Origin": url}
            )
            assert answer.status == 200, await answer.text()
        yield page, complaints
    finally:
        await context.close()


async def until(page: Page, expression: str, arg: object = None, *, seconds: float = 20) -> None:
    """Wait until `expression` is true. Playwright's own wait evaluates strings, which the page's policy forbids."""
    async with asyncio.timeout(seconds):
        while not await page.evaluate(expression, arg):
            await asyncio.sleep(0.02)


async def axe(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA: one line a rule, with the elements."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in ui/): accessibility is not tested")
    # By the debugger, which the page's security policy does not concern; the policy stays on.
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        """async () => {
          const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
          const result = await axe.run(document, { runOnly: { type: "tag", values: tags } });
          return result.violations.map((v) => `${v.id}: ${v.help}: ` +
            v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " | " + n.failureSummary).join(" ;; "));
        }"""
    )
    return [str(line) for line in found]
