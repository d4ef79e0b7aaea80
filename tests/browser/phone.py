"""A rep's phone: Chromium whose microphone hears the sample call, and a server behind a flaky network."""

from __future__ import annotations

import asyncio
import contextlib
import re
import wave
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final, Literal

import av
import httpx
import numpy as np
import numpy.typing as npt
from playwright.async_api import Browser, BrowserContext, Page, expect

from ridealong.app.bench.server import ServerProcess, server
from ridealong.sample import sample_audio_path
from tests.browser.flaky import FlakyNetwork, flaky_network
from tests.browser.stage import RULES, joined, launched, needed, server_folder, set_up, violations
from tests.integration.app.test_killed_server import token_of

PASSWORD: Final = "a horse that nobody corrects"
REP: Final = "anna@example.com"
RATE: Final = 16_000

Samples = npt.NDArray[np.float64]
Json = dict[str, Any]


def sample_call() -> Samples:
    """The sample call as 16 kHz samples."""
    with av.open(str(sample_audio_path())) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        pieces = [out.to_ndarray().ravel() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float64)


@dataclass
class Phone:
    """A server, the network to it, and a browser in which the rep can sign in."""

    running: ServerProcess
    network: FlakyNetwork
    browser: Browser
    token: str
    manager: httpx.AsyncClient
    """The API as the tenant's manager."""

    @contextlib.asynccontextmanager
    async def context(
        self, *, theme: Literal["dark", "light"] = "dark", microphone: bool = True
    ) -> AsyncGenerator[BrowserContext]:
        """A phone of its own: nothing of another one is in it. No page may ask another host.

        The network is there when it begins and when it ends, whatever the test before did to it.
        """
        context = await self.browser.new_context(
            base_url=self.network.url,
            viewport={"width": 390, "height": 844},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            color_scheme=theme,
            reduced_motion="reduce",
            permissions=["microphone"] if microphone else [],
        )
        context.set_default_timeout(60_000)
        foreign: list[str] = []
        context.on("request", lambda asked: foreign.append(asked.url) if not self._own(asked.url) else None)
        try:
            yield context
            assert not foreign, foreign
        finally:
            self.network.mend()
            await context.close()

    def _own(self, url: str) -> bool:
        return url.startswith((self.network.url, "data:", "blob:"))

    async def signed_in(self, context: BrowserContext) -> Page:
        """The rep's page, signed in through its own form."""
        page = await context.new_page()
        await page.goto("/rep")
        await page.get_by_label("E-mail").fill(REP)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").tap()
        await expect(page.get_by_role("button", name="Start a call")).to_be_visible()
        return page

    async def calls(self) -> list[Json]:
        return list((await self._get("/v1/calls"))["calls"])

    async def call(self, call_id: str) -> Json:
        """The ended call as it is stored. Who listens hears of the end before the database does."""
        async with asyncio.timeout(60):
            while (call := await self._get(f"/v1/calls/{call_id}"))["status"] != "ended":
                await asyncio.sleep(0.05)
        return call

    async def moments(self, call_id: str) -> list[Json]:
        return list((await self._get(f"/v1/calls/{call_id}/moments"))["moments"])

    async def audio(self, call_id: str) -> Samples:
        answer = await self.manager.get(f"/v1/calls/{call_id}/audio.wav")
        assert answer.status_code == 200, answer.text
        return np.frombuffer(answer.content[44:], "<i2").astype(np.float64)

    async def _get(self, path: str) -> Json:
        answer = await self.manager.get(path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def begin(page: Page) -> None:
    """Two taps."""
    await page.get_by_role("button", name="Start a call").tap()
    await page.get_by_role("button", name="Everybody agreed").tap()
    await expect(page.get_by_text("Listening", exact=True)).to_be_visible()
    # What the page says at last, when the call's screen is gone.
    await page.evaluate(
        "setInterval(() => { const timer = document.querySelector('[role=timer]');"
        " if (timer) window.lastRecordedMs = Number(timer.dataset.recordedMs); }, 20)"
    )


async def until(page: Page, expression: str) -> None:
    """Wait for a JavaScript expression to be true. Playwright's own way needs `eval`, which the page forbids."""
    async with asyncio.timeout(120):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.1)


async def recorded_ms(page: Page) -> float:
    return float(await page.get_by_role("timer").get_attribute("data-recorded-ms") or 0)


async def end(page: Page) -> str:
    """End the call; returns its id when the server has all of it."""
    await page.get_by_role("button", name="End", exact=True).tap()
    await page.get_by_role("button", name="End the call").tap()
    await page.wait_for_url(re.compile(r"#/calls/"), timeout=60_000)
    return page.url.rpartition("/")[2]


async def complaints(page: Page) -> list[str]:
    """What axe finds wrong with what the page shows now."""
    return await violations(page, (*RULES, "best-practice"))


def places(heard: Samples, spoken: Samples) -> list[tuple[int, int]]:
    """Where each second of `heard` lies in `spoken`, which is said again and again: (at, difference), in samples.

    A hole or something said twice changes the difference. Seconds too quiet to be told are left out.
    """
    # A quarter of the samples tells places to a quarter of a millisecond, and takes a fifth of the time.
    fine, size = 4, RATE // 4
    coarse, piece_of = _means(spoken, fine), _means(heard, fine)
    length = 1 << (len(coarse) + size).bit_length()
    spectrum = np.fft.rfft(coarse, length)
    power = np.concatenate([[0.0], np.cumsum(coarse**2)])
    found: list[tuple[int, int]] = []
    for at in range(0, len(piece_of) - size, size):
        piece = piece_of[at : at + size]
        if np.sqrt(np.mean(piece**2)) < 300:
            continue
        match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, length)), length)[: len(coarse) - size]
        best = int(np.argmax(match))
        strength = match[best] / np.sqrt((power[best + size] - power[best]) * np.sum(piece**2) + 1e-9)
        if strength > 0.9:
            found.append((at * fine, (best - at) % len(coarse) * fine))
    return found


def _means(samples: Samples, of: int) -> Samples:
    whole = samples[: len(samples) // of * of]
    return np.asarray(whole.reshape(-1, of).mean(axis=1))


@contextlib.asynccontextmanager
async def phone() -> AsyncGenerator[Phone]:
    program = needed("rep.html")
    async with server_folder() as folder:
        sound = folder / "call.wav"
        with wave.open(str(sound), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sample_call().astype("<i2").tobytes())
        data = folder / "data"
        data.mkdir()
        async with (
            server(data) as running,
            flaky_network(running.port) as network,
            launched(
                program,
                # No --use-fake-ui: it would say yes to the microphone where a test says no.
                *("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}"),
            ) as browser,
            httpx.AsyncClient(base_url=running.url, timeout=60) as manager,
        ):
            person = {"organisation": "Fernwell", "name": "Mona <b>Manager</b>", "email": "mona@example.com"}
            await set_up(manager, data, password=PASSWORD, **person)
            await joined(manager, password=PASSWORD, email=REP, name="Anna Berg", role="rep")
            await _be_patient(manager)
            yield Phone(
                running=running,
                network=network,
                browser=browser,
                token=await asyncio.to_thread(token_of, data),
                manager=manager,
            )


async def _be_patient(manager: httpx.AsyncClient) -> None:
    """A nudge may come late: how fast the recogniser is on a busy machine is not what is tested here."""
    taxonomy = await manager.get("/v1/taxonomies/default")
    assert taxonomy.status_code == 200, taxonomy.text
    patient, changed = re.subn(r"max_lateness_s: [\d.]+", "max_lateness_s: 60.0", taxonomy.text)
    assert changed == 1
    kept = await manager.put("/v1/taxonomies/default", content=patient)
    assert kept.status_code == 204, kept.text
