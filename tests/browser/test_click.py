"""A claim in a report is clicked in a real browser, and that part of the call plays."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ridealong.app.bench.server import server
from ridealong.app.client import CaptureClient, Start
from tests.browser.devtools import browser, chromium
from tests.integration.app.test_killed_server import SPOKEN, get, reviewed, token_of

HOSTILE = "Honestly <img src=x onerror=alert(1)> {{ 7 | times: 6 }} **it** is way too expensive for us \x1b[31m today."


@dataclass(frozen=True)
class Told:
    """A reviewed call behind a real server."""

    report_url: str
    artifact: dict[str, Any]
    transcript: list[dict[str, Any]]


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own folder: another session closes that to the embedded server's user, and its path is long.
    made = Path(tempfile.mkdtemp(prefix="ridealong-click-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
async def told(folder: Path, tmp_path: Path) -> AsyncIterator[Told]:
    script = tmp_path / "script.jsonl"
    spoken = [(HOSTILE if no == 5 else text, speaker) for no, (text, speaker) in enumerate(SPOKEN)]
    script.write_text(
        "\n".join(
            [
                json.dumps({"call": "clicked", "rep_speaker": 0}),
                *(
                    json.dumps(
                        {"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text}
                    )
                    for no, (text, speaker) in enumerate(spoken)
                ),
            ]
        )
    )
    sound = (np.sin(np.arange(16_000 * 41) / 20) * 3000).astype("<i2").tobytes()
    async with server(folder, {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(script)}) as running:
        token = token_of(folder)
        start = Start(
            token=token, rep_id="rep-1", consent="Said so at the start.", title="<b>A call</b>", rep_speaker=0
        )
        client = CaptureClient(url=running.capture_url, start=start)
        await client.open()
        for at in range(0, len(sound), 32_000):
            await client.send(sound[at : at + 32_000])
        await client.stop()
        artifact = await reviewed(running, token, client.call_id)
        await client.close()
        transcript = (await get(running, token, f"/v1/calls/{client.call_id}/transcript")).json()["utterances"]
        async with httpx.AsyncClient(
            base_url=running.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as http:
            link = (await http.post(f"/v1/calls/{client.call_id}/links", json={}, timeout=30)).json()
        yield Told(report_url=running.url + link["report"], artifact=artifact, transcript=transcript)


@pytest.mark.timeout(300)
async def test_a_clicked_claim_plays_from_where_it_was_said(told: Told, tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here (apt-get install chromium): the click is not tested")
    player = "document.querySelector('iframe.player').contentDocument?.querySelector('video, audio')"
    starts = {u["start_ts"] for u in told.transcript}
    async with browser(program, tmp_path / "profile") as page:
        await page.open(told.report_url)
        links = await page.value("[...document.querySelectorAll('a.play')].map(a => a.hash)")
        assert links, "the report has nothing to click"
        # The last one is not at the call's beginning, where a player stands anyway.
        claims = [(number, float(link.removeprefix("#t=").split(",")[0])) for number, link in enumerate(links)]
        number, start_s = max(claims, key=lambda claim: claim[1])
        end_s = float(links[number].split(",")[1])
        assert start_s > 0
        assert round(start_s * 1000) in starts
        await page.click(f"document.querySelectorAll('a.play')[{number}]")
        await page.until(f"{player} && {player}.readyState >= 2")
        await page.until(f"!{player}.paused && {player}.currentTime > {start_s} + 0.2")
        # `played` holds what really sounded: it begins where the claim begins, wherever it has come to by now.
        first = await page.value(f"{player}.played.start(0)")
        assert abs(first - start_s) < 0.1
        now = await page.value(f"{player}.currentTime")
        assert start_s < now <= end_s + 0.5
        await page.until(f"{player}.paused", seconds=end_s - start_s + 30)
        assert abs(await page.value(f"{player}.currentTime") - end_s) < 0.5, "it played on behind the claim"
        # Another claim is heard from its own start.
        other, other_s = min(claims, key=lambda claim: claim[1])
        await page.click(f"document.querySelectorAll('a.play')[{other}]")
        await page.until(f"{player} && {player}.played.length > 0 && {player}.currentTime < {start_s}")
        assert abs(await page.value(f"{player}.played.start(0)") - other_s) < 0.1
        # What was said stands there as words.
        assert await page.value("document.querySelectorAll('script, img').length") == 0
        assert await page.value("document.querySelector('h1').textContent.includes('<b>A call</b>')")
        if keep := os.environ.get("RIDEALONG_KEEP_PICTURES"):
            await page.value("window.scrollTo(0, 0)")
            await asyncio.sleep(0.3)
            await page.picture(Path(keep) / "report.png")
