"""The pages in a real browser: how soon they can be used, and how an hour's call moves under the hand.

Chromium, driven by Playwright, on a real server over loopback. Where either is missing, or the pages are not built,
the table says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import numpy as np

from ridealong.app.bench.live import bench_token
from ridealong.app.bench.measure import Row, percentile
from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.bench.spoken import written_call
from ridealong.app.client import CaptureClient, Start
from ridealong.core.errors import Unavailable
from ridealong.speech import SAMPLE_RATE
from ridealong.web.pages import BUILT, built

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MINUTES: Final = 47.0
"""Asked of the written call: what is put in to stretch it makes about an hour of it."""
CRITERIA: Final = 100
"""Of the made rubric, as many as a rubric may have: with the coaching moments that is more than a hundred claims."""
THROTTLED: Final = 4
"""How many times slower than this machine a mid-range phone is taken to be."""
TIMES: Final = 5
CLICKS: Final = 12
SCROLLED_S: Final = 4.0
SETTLED_S: Final = 1.0
"""From a new window to the measurement: a browser that opens one is busy with pages of its own for half a second."""

_EMAIL: Final = "bench@ridealong.example"
_PASSWORD: Final = "a password of the bench alone"  # noqa: S105 - of a server that lives as long as the measurement
_ARGUMENTS: Final = [
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--disable-dev-shm-usage", "--mute-audio"),
    "--autoplay-policy=document-user-activation-required",
]

_READY: Final = """(selector) => {
  const look = () => {
    if (window.__ready !== undefined || !document.querySelector(selector)) return;
    // Painted, and the main thread is free again to answer a tap.
    requestAnimationFrame(() => setTimeout(() => { window.__ready ??= performance.now(); }, 0));
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}"""
_FILES: Final = """() => performance.getEntriesByType("resource")
  .filter((one) => new URL(one.name).pathname.startsWith("/assets/")).length"""
_FRAMES: Final = """() => {
  window.__frames = [];
  let before = performance.now();
  const frame = (now) => {
    window.__frames.push(now - before);
    before = now;
    window.__next = requestAnimationFrame(frame);
  };
  window.__next = requestAnimationFrame(frame);
}"""
_CLICKS: Final = """() => {
  window.__clicks = [];
  let at = null;
  addEventListener("click", () => { at = performance.now(); }, true);
  document.querySelector("audio").addEventListener("playing", () => {
    if (at !== null) window.__clicks.push(performance.now() - at);
    at = null;
  });
}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desk:
    """The server with an hour's call, and the browser."""

    browser: Browser
    url: str
    call_id: str
    utterances: int
    claims: int


def rows() -> list[Row]:
    """All figures of the pages."""
    missing = _missing()
    if missing is not None:
        return [Row(part="pages", what="the pages in Chromium", value=f"not measured: {missing}")]
    return asyncio.run(_measure())


def chromium() -> str | None:
    """The browser's program, where there is one. RIDEALONG_CHROMIUM names another."""
    return os.environ.get("RIDEALONG_CHROMIUM") or next((p for n in PROGRAMS if (p := shutil.which(n))), None)


def _missing() -> str | None:
    if not built():
        return "the pages are not built (Node 20.19 or newer, then make setup)"
    if chromium() is None:
        return "no Chromium here (apt-get install chromium)"
    try:
        import playwright.async_api  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]
    except ImportError:
        return "Playwright is not installed (it comes with make setup)"
    return None


async def _measure() -> list[Row]:
    from playwright.async_api import async_playwright  # noqa: PLC0415

    # A short path, which the embedded database's user may enter.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-bench-"))
    try:
        script = folder / "script.jsonl"
        utterances, duration_ms = _write_script(script)
        env = {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(script)}
        async with server(folder, env) as running, async_playwright() as playwright:
            token = await bench_token(folder)
            await _set_up(running)
            call_id, claims = await _an_hours_call(running, token, script, duration_ms)
            browser = await playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
            try:
                desk = _Desk(browser=browser, url=running.url, call_id=call_id, utterances=utterances, claims=claims)
                return [
                    *await _first_pages(desk),
                    await _opening(desk),
                    *await _scrolling(desk),
                    await _clicking(desk),
                ]
            finally:
                await browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------------------ what is measured


async def _first_pages(desk: _Desk) -> list[Row]:
    """Script and time of what people open first, on a phone that is slower than this machine."""
    found: list[Row] = []
    for name, path, selector in (
        ("the list of calls", "/calls", f"a[href^='/calls/{desk.call_id}']"),
        ("the rep's phone", "/rep", "main button, button[type=button]"),
    ):
        times: list[tuple[float, float]] = []
        scripts: set[str] = set()
        for _ in range(TIMES):
            # A context of its own has an empty cache.
            async with _tab(desk, phone=True) as page:
                times.append(await _ready(page, desk.url + path, selector, slower=THROTTLED))
                scripts |= set(
                    await page.evaluate(
                        "performance.getEntriesByType('resource').map((e) => e.name)"
                        ".filter((name) => new URL(name).pathname.endsWith('.js'))"
                    )
                )
        size = sum(_gzipped(address) for address in scripts) / 1000
        p50, worst, own = _spread(times)
        found += [
            Row(
                part="pages",
                what=f"script of {name}, gzipped",
                value=f"{size:.0f} kB",
                floor="≤ 250 kB",
                ok=size <= 250,
                numbers={"gzipped_kb": size},
            ),
            Row(
                part="pages",
                what=f"{name} can be used: phone, processor {THROTTLED} times slower, nothing cached",
                value=_waited(p50, worst, own),
                floor="median ≤ 1.5 s",
                ok=p50 <= 1500,
                numbers={"p50_ms": p50, "max_ms": worst, "own_ms": own},
            ),
        ]
    return found


async def _opening(desk: _Desk) -> Row:
    times: list[tuple[float, float]] = []
    files = 0
    for _ in range(TIMES):
        async with _tab(desk) as page:
            times.append(await _ready(page, f"{desk.url}/calls/{desk.call_id}", "[data-claim]"))
            files = max(files, await page.evaluate(_FILES))
    p50, worst, own = _spread(times)
    return Row(
        part="pages",
        what=f"an hour's call opens ({desk.utterances} utterances, {desk.claims} claims), nothing cached",
        value=f"{_waited(p50, worst, own)}; {files} files",
        floor="median ≤ 1 s",
        ok=p50 <= 1000,
        numbers={
            **{"p50_ms": p50, "max_ms": worst, "own_ms": own, "files": files},
            **{"utterances": desk.utterances, "claims": desk.claims},
        },
    )


async def _scrolling(desk: _Desk) -> list[Row]:
    """Frames while the wheel turns over the transcript and over the review, and while the call plays."""
    found: list[Row] = []
    async with _tab(desk) as page:
        await _ready(page, f"{desk.url}/calls/{desk.call_id}", "[data-claim]")
        for name, selector in (("transcript", "section[aria-label=Transcript]"), ("review", "[data-claim]")):
            box = await page.locator(selector).first.bounding_box()
            if box is None:
                raise Unavailable(f"the {name} is not on the call's page: nothing was measured")
            await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + min(box["height"], 300) / 2)
            await page.evaluate(f"({_FRAMES})()")
            until, turn = time.monotonic() + SCROLLED_S, 0
            while time.monotonic() < until:
                # Down for the most part, as somebody who looks for a place.
                await page.mouse.wheel(0, 240 if turn % 5 else -120)
                turn += 1
                await asyncio.sleep(0.03)
            found.append(_frames(f"frames while the {name} of the hour's call is scrolled", await _stop_frames(page)))
        await page.locator("[data-testid=play]").click()
        await page.evaluate(f"({_FRAMES})()")
        await asyncio.sleep(SCROLLED_S)
        found.append(_frames("frames while it plays and the transcript follows", await _stop_frames(page)))
    return found


async def _clicking(desk: _Desk) -> Row:
    """From the click on a claim to the audio element's word that sound comes."""
    async with _tab(desk) as page:
        await _ready(page, f"{desk.url}/calls/{desk.call_id}", "[data-claim]")
        await page.evaluate(f"({_CLICKS})()")
        claims = page.locator("[data-claim]")
        shown = await claims.count()
        for number in range(0, shown, max(1, shown // CLICKS)):
            before = await page.evaluate("window.__clicks.length")
            await claims.nth(number).click()
            await _until(page, f"window.__clicks.length > {before}")
        times: list[float] = await page.evaluate("window.__clicks")
    p50, p95 = percentile(times, 50), percentile(times, 95)
    return Row(
        part="pages",
        what=f"click on a claim → its audio plays ({len(times)} claims all over the hour)",
        value=f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, first {times[0]:.0f} ms",
        floor="p95 ≤ 150 ms",
        ok=p95 <= 150,
        numbers={"p50_ms": p50, "p95_ms": p95, "first_ms": times[0]},
    )


def _spread(times: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Median and worst time, and the median of the page's own work, all in ms."""
    waited = [time for time, _ in times]
    return percentile(waited, 50), max(waited), percentile([own for _, own in times], 50)


def _waited(p50: float, worst: float, own: float) -> str:
    return f"median {p50 / 1000:.2f} s, worst {worst / 1000:.2f} s of {TIMES}; its own work {own / 1000:.2f} s"


def _frames(what: str, times: list[float]) -> Row:
    p50, p95 = percentile(times, 50), percentile(times, 95)
    late = sum(t > 25 for t in times) / max(1, len(times))
    return Row(
        part="pages",
        what=what,
        value=f"median {p50:.1f} ms, p95 {p95:.1f} ms; {late:.0%} of {len(times)} frames late",
        floor="median ≤ 17 ms",
        aim="p95 ≤ 17 ms",
        ok=p50 <= 17,
        numbers={"p50_ms": p50, "p95_ms": p95, "late_share": late},
    )


# ------------------------------------------------------------------------------------------------ the browser


@contextlib.asynccontextmanager
async def _tab(desk: _Desk, *, phone: bool = False) -> AsyncGenerator[Page]:
    """A page in which the bench's admin is signed in; its context is new, so nothing is cached."""
    size: Any = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
    context: BrowserContext = await desk.browser.new_context(viewport=size, is_mobile=phone, has_touch=phone)
    try:
        context.set_default_timeout(60_000)
        answer = await context.request.post(
            f"{desk.url}/v1/session", data={"email": _EMAIL, "password": _PASSWORD}, headers={"Origin": desk.url}
        )
        if not answer.ok:
            raise Unavailable(f"the bench could not sign in (status {answer.status})")
        page = await context.new_page()
        await asyncio.sleep(SETTLED_S)
        yield page
    finally:
        await context.close()


async def _ready(page: Page, address: str, selector: str, *, slower: int = 1) -> tuple[float, float]:
    """Milliseconds from the navigation until what `selector` names is painted and the page can answer.

    And the processor's milliseconds of the page's main thread: what of it is the page's own work, however busy the
    machine is with other things.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.add_init_script(f"({_READY})({json.dumps(selector)})")
    await page.goto(address, wait_until="commit")
    await _until(page, "window.__ready !== undefined")
    metrics = {one["name"]: float(one["value"]) for one in (await session.send("Performance.getMetrics"))["metrics"]}
    return float(await page.evaluate("window.__ready")), metrics["TaskDuration"] * 1000


async def _until(page: Page, expression: str, *, seconds: float = 60) -> None:
    # Playwright's own wait evaluates text in the page, which the pages' policy forbids.
    async with asyncio.timeout(seconds):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - the page has nothing else to wait for
            await asyncio.sleep(0.02)


async def _stop_frames(page: Page) -> list[float]:
    times: list[float] = await page.evaluate("() => { cancelAnimationFrame(window.__next); return window.__frames; }")
    return times[1:]


def _gzipped(address: str) -> int:
    """Bytes of a built script as a proxy would send it."""
    return len(gzip.compress((BUILT / urlsplit(address).path.lstrip("/")).read_bytes(), 6))


# ------------------------------------------------------------------------------------------------ the call


def _write_script(path: Path) -> tuple[int, int]:
    """What is heard in the call: (utterances, its length in ms)."""
    transcript, _, _, duration_ms = written_call(minutes=MINUTES)
    lines: list[dict[str, object]] = [{"call": "bench", "rep_speaker": 0}]
    lines.extend(
        {"no": u.no, "speaker": u.speaker, "start_ts": u.start_ts, "end_ts": u.end_ts, "text": u.text}
        for u in transcript
    )
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return len(transcript), duration_ms


def _rubric(script: Path) -> str:
    """A rubric with so many criteria, each of which some utterance of the call shows, spread over all of it."""
    said = [json.loads(line) for line in script.read_text().splitlines()[1:]]
    said = [line for line in said if len(line["text"].split()) >= 6]
    chosen = said[:: max(1, len(said) // CRITERIA)][:CRITERIA]
    lines = ["id: many", "title: Many criteria", "sections:"]
    for number, line in enumerate(chosen):
        if number % 10 == 0:
            lines += [f"  - id: part_{number // 10}", f"    title: Part {number // 10 + 1}", "    criteria:"]
        role = "rep" if line["speaker"] == 0 else "customer"
        lines += [
            f"      - id: criterion_{number}",
            f'        question: "Was point {number + 1} of the call said?"',
            f"        role: {role}",
            f"        shown_as: said point {number + 1} of the call",
            f"        shown_by: [{json.dumps(line['text'])}]",
        ]
    return "\n".join(lines) + "\n"


async def _set_up(running: ServerProcess) -> None:
    # A console may break the line anywhere in it.
    told = "".join((running.folder / "server.log").read_text().split())
    code = re.search(r"/setup\?code=([A-Za-z0-9_-]{24})", told)
    if code is None:
        raise Unavailable("the server printed no set-up code: nothing was measured")
    person = {"organisation": "Bench", "name": "Bench", "email": _EMAIL, "password": _PASSWORD}
    async with httpx.AsyncClient(base_url=running.url, timeout=30) as http:
        (await http.post("/v1/setup", json={"setup_code": code.group(1), **person})).raise_for_status()


async def _an_hours_call(running: ServerProcess, token: str, script: Path, duration_ms: int) -> tuple[str, int]:
    """Send an hour of sound as a phone would and wait for its review: (call, claims). Raises Unavailable."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=60) as http:
        (await http.put("/v1/rubrics/default", content=_rubric(script))).raise_for_status()
        client = CaptureClient(
            url=running.capture_url,
            start=Start(token=token, rep_id="bench", consent="Measured.", title="An hour", rep_speaker=0),
        )
        await client.open()
        second = (np.sin(np.arange(SAMPLE_RATE) / 20) * 3000).astype("<i2").tobytes()
        for _ in range(duration_ms // 1000 + 2):
            await client.send(second)
        await client.stop()
        until = time.monotonic() + 300
        while time.monotonic() < until:
            answer = await http.get(f"/v1/calls/{client.call_id}/artifact")
            if answer.status_code == 200:
                await client.close()
                artifact = answer.json()
                findings = sum(len(section["findings"]) for section in artifact["sections"])
                return client.call_id, findings + len(artifact["coaching_moments"])
            await asyncio.sleep(0.5)
    raise Unavailable("the hour's call was not reviewed within five minutes: nothing was measured")
