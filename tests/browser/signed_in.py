"""A real server with people and calls in it, and browsers in which somebody is signed in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
from playwright.async_api import Browser, Page

from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.client import CaptureClient, Start
from tests.browser.stage import RULES, joined, launched, needed, server_folder, set_up, violations
from tests.integration.app.test_killed_server import reviewed, token_of

PASSWORD = "a horse that nobody corrects"
HOSTILE = "<img src=x onerror=\"document.title='RAN'\"> {{ 7 | times: 6 }} <script>document.title='RAN'</script>"

Role = Literal["rep", "manager", "admin"]
Spoken = Sequence[tuple[str, int]]


@dataclass
class House:
    """One tenant on a real server. `people` are signed in by `context`."""

    running: ServerProcess
    token: str
    program: Browser
    emails: dict[Role, str] = field(default_factory=dict[Role, str])
    calls: list[CaptureClient] = field(default_factory=list[CaptureClient])

    @contextlib.asynccontextmanager
    async def page(
        self, role: Role, *, theme: Literal["light", "dark"] = "light", width: int = 1280, height: int = 860
    ) -> AsyncGenerator[Page]:
        """A tab of a browser of its own in which somebody of that role is signed in. No page may ask another host."""
        context = await self.program.new_context(
            base_url=self.running.url,
            color_scheme=theme,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        foreign: list[str] = []
        context.on(
            "request", lambda asked: foreign.append(asked.url) if not asked.url.startswith(self.running.url) else None
        )
        try:
            signed = await context.request.post("/v1/session", data={"email": self.emails[role], "password": PASSWORD})
            assert signed.ok, await signed.text()
            page = await context.new_page()
            broken: list[str] = []
            page.on("pageerror", lambda error: broken.append(str(error)))
            yield page
            assert not broken, broken
            assert not [url for url in foreign if url.startswith("http")], foreign
        finally:
            await context.close()

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncGenerator[httpx.AsyncClient]:
        """The API by the tenant's own token, which may everything."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=self.running.url, headers=headers, timeout=60) as http:
            yield http

    async def start_call(self, *, title: str, rep_id: str = "rep-1") -> CaptureClient:
        client = CaptureClient(
            url=self.running.capture_url,
            start=Start(token=self.token, rep_id=rep_id, consent="Said so at the start.", title=title, rep_speaker=0),
        )
        await client.open()
        self.calls.append(client)
        return client

    async def whole_call(self, *, title: str, seconds: int, rep_id: str = "rep-1") -> str:
        """A call from its start to its review; returns its id."""
        client = await self.start_call(title=title, rep_id=rep_id)
        await speak(client, seconds)
        await client.stop()
        await reviewed(self.running, self.token, client.call_id)
        return client.call_id


async def speak(client: CaptureClient, seconds: int) -> None:
    """So much sound: what is heard in it the server's script says."""
    sound = (np.sin(np.arange(16_000) / 20) * 3000).astype("<i2").tobytes()
    for _ in range(seconds):
        await client.send(sound)


def write_script(path: Path, spoken: Spoken) -> None:
    """A call as the replaying transcriber hears it: one line in every four seconds."""
    lines: list[dict[str, object]] = [{"call": "told", "rep_speaker": 0}]
    for no, (text, speaker) in enumerate(spoken):
        lines.append({"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text})
    path.write_text("\n".join(json.dumps(line) for line in lines))


@contextlib.asynccontextmanager
async def house(spoken: Spoken) -> AsyncGenerator[House]:
    """A server on which an admin, a manager and a rep can sign in. Every call on it hears `spoken`."""
    program = needed()
    async with server_folder() as folder:
        script = folder / "script.jsonl"
        write_script(script, spoken)
        async with (
            server(folder, {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(script)}) as running,
            launched(program) as browser,
        ):
            made = House(running=running, token=token_of(folder), program=browser)
            await _people(made, folder)
            yield made
            for client in made.calls:
                await client.close()


async def _people(made: House, folder: Path) -> None:
    async with httpx.AsyncClient(base_url=made.running.url, timeout=60) as http:
        made.emails["admin"] = "ada@example.com"
        await set_up(
            *(http, folder),
            password=PASSWORD,
            organisation="Northwind Sales",
            name="Ada Admin",
            email="ada@example.com",
        )
        wanted: list[tuple[Role, str, str]] = [("manager", "Mona Manager", "rep-m"), ("rep", HOSTILE[:60], "rep-1")]
        for role, name, rep_id in wanted:
            made.emails[role] = f"{role}@example.com"
            await joined(http, password=PASSWORD, email=made.emails[role], name=name, role=role, rep_id=rep_id)


async def complaints(page: Page) -> list[str]:
    """What axe finds wrong with what the page shows now."""
    return await violations(page, RULES)


async def until(what: Any, *, seconds: float = 60.0) -> Any:
    """Ask until the answer is something true."""
    async with asyncio.timeout(seconds):
        while not (found := await what()):
            await asyncio.sleep(0.1)
        return found
