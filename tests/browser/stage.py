"""What every test with a browser stands on: the program, a folder for a server, its first people, and axe."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

import ridealong.web
from tests.browser.devtools import chromium

BUILT: Final = Path(ridealong.web.__file__).parent / "pages"
AXE: Final = Path(__file__).resolve().parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# The machine that tests may be busy with others.
expect.set_options(timeout=60_000)

ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio"),
)


def needed(page: str = "index.html") -> str:
    """The browser's program; skips where there is none, or where the pages were not built."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here (apt-get install chromium): the pages are not tested")
    if not (BUILT / page).exists():
        pytest.skip("the pages were not built (sh tools/build_pages.sh): they are not tested")
    return program


@contextlib.asynccontextmanager
async def launched(program: str, *arguments: str) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *arguments])
        try:
            yield made
        finally:
            await made.close()


@contextlib.asynccontextmanager
async def server_folder() -> AsyncGenerator[Path]:
    """Not pytest's own folder: the embedded server's user could not enter it, and its path is long."""
    folder = Path(tempfile.mkdtemp(prefix="ridealong-pages-"))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def set_up_code(folder: Path) -> str:
    """The code that the server printed when it started."""
    # A console may break the line anywhere in it.
    told = "".join((folder / "server.log").read_text().split())
    found = re.search(r"/setup\?code=([A-Za-z0-9_-]{24})", told)
    assert found, "the server printed no set-up code"
    return found.group(1)


async def set_up(http: httpx.AsyncClient, folder: Path, *, password: str, **person: str) -> None:
    """Make the first admin (`organisation`, `name`, `email`), whose changes `http` makes from then on."""
    body = {"setup_code": set_up_code(folder), "password": password, **person}
    made = await http.post("/v1/setup", json=body, timeout=60)
    assert made.status_code == 201, made.text
    http.headers["X-CSRF-Token"] = made.json()["csrf"]


async def joined(admin: httpx.AsyncClient, *, password: str, **person: str) -> None:
    """A member (`email`, `name`, `role`, `rep_id`) whom `admin` invites, and who joins."""
    added = await admin.post("/v1/members", json=person)
    assert added.status_code == 201, added.text
    invite = httpx.URL(added.json()["invite"]).params["invite"]
    async with httpx.AsyncClient(base_url=admin.base_url, timeout=60) as theirs:
        answer = await theirs.post("/v1/invites", json={"invite": invite, "password": password})
        assert answer.status_code == 201, answer.text


async def violations(page: Page, rules: Sequence[str]) -> list[str]:
    """What axe finds wrong with what the page shows now: one line for each element."""
    if not AXE.exists():
        pytest.skip("axe-core is not here (npm ci in ui/): nothing checks whether the pages are accessible")
    # By the debugger, which the page's security policy does not concern; the policy stays on.
    # No page takes minutes, and nothing else ends an evaluation that waits for ever.
    async with asyncio.timeout(300):
        await page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = await page.evaluate(
            "rules => axe.run(document, {runOnly: rules}).then(found => found.violations.map("
            "rule => ({id: rule.id, help: rule.help, nodes: rule.nodes.map("
            "node => node.target.join(' ') + ' | ' + node.failureSummary)})))",
            list(rules),
        )
    return [f"{page.url}: {rule['id']}: {rule['help']}: {node}" for rule in found for node in rule["nodes"]]
