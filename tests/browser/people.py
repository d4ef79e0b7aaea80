"""A server with people and a reviewed call, and Playwright's Chromium signed in to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from playwright.async_api import Browser, BrowserContext, Page

from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.client import CaptureClient, Start
from tests.browser.stage import RULES, launched, server_folder, set_up, violations
from tests.integration.app.test_killed_server import SPOKEN, reviewed, token_of

HOSTILE = "Honestly <img src=x onerror=alert(1)> {{ 7 | times: 6 }} **it** is way too expensive for us \x1b[31m today."
TITLE = "<script>alert(1)</script> Northwind & sons"
PASSWORD = "four unrelated plain words"
EMAIL = "dana@example.com"


@dataclass(frozen=True)
class Desk:
    """A server on which an admin was set up and one call was reviewed."""

    running: ServerProcess
    url: str
    token: str
    call_id: str
    artifact: dict[str, Any]
    transcript: list[dict[str, Any]]


@contextlib.asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    """A fresh server with an admin and one reviewed call, whose every text is hostile."""
    async with server_folder() as folder:
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
            async with httpx.AsyncClient(
                base_url=running.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
            ) as http:
                found = await http.get(f"/v1/calls/{client.call_id}/transcript")
            yield Desk(
                running=running,
                url=running.url,
                token=token,
                call_id=client.call_id,
                artifact=artifact,
                transcript=found.json()["utterances"],
            )


def _script() -> list[str]:
    said = [(HOSTILE if no == 5 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN)]
    lines = [json.dumps({"call": "pages", "rep_speaker": 0})]
    lines += [
        json.dumps({"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text})
        for no, (text, speaker) in enumerate(said)
    ]
    return lines


async def _set_up(running: ServerProcess) -> None:
    person = {"organisation": "Fernwell <b>Ltd</b>", "name": "Dana <i>Admin</i>", "email": EMAIL}
    async with httpx.AsyncClient(base_url=running.url, headers={"Origin": running.url}, timeout=60) as http:
        await set_up(http, running.folder, password=PASSWORD, **person)


@contextlib.asynccontextmanager
async def browser(program: str) -> AsyncGenerator[Browser]:
    # As strict as a visitor's browser: sound needs a click.
    async with launched(program, "--autoplay-policy=document-user-activation-required") as made:
        yield made


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
        page.set_default_timeout(60_000)
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


async def until(page: Page, expression: str, arg: object = None, *, seconds: float = 60) -> None:
    """Wait until `expression` is true. Playwright's own wait evaluates strings, which the page's policy forbids."""
    async with asyncio.timeout(seconds):
        while not await page.evaluate(expression, arg):
            await asyncio.sleep(0.02)


async def axe(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, and against its own good practice."""
    return await violations(page, (*RULES, "best-practice"))
