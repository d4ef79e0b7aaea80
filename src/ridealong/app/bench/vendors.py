"""Hosted ears and a hosted live model: from the final on the vendor's wire to the nudge on the rep's, and its cost.

The server is one process on one core. Senders and the vendors' wires (`wires`) share the other one, with PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import websockets

from ridealong.app.bench.live import CONSENT, bench_token, unlimited
from ridealong.app.bench.measure import Row, percentile
from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.bench.wires import script
from ridealong.app.client import Start
from ridealong.speech import SAMPLE_RATE

Json = dict[str, Any]

FRAME_MS: Final = 100
SECONDS: Final = 90
"""A call's length."""
RAMP_S: Final = 20.0
"""Within so many seconds all calls begin."""


@dataclass(slots=True)
class _Heard:
    """What one sender got: its connection's number at the ears, and when each nudge came for which time of the call."""

    number: int = -1
    nudges: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    utterances: int = 0


@contextlib.asynccontextmanager
async def _wires(folder: Path) -> AsyncGenerator[tuple[int, int]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ridealong.app.bench.wires", str(SECONDS), str(folder / "finals")),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise AssertionError
        ears, model = json.loads(await process.stdout.readline())
        _pin(process.pid, 1)
        yield ears, model
    finally:
        process.kill()
        await process.wait()


def _pin(pid: int, core: int) -> None:
    """All threads of `pid` on `core`, where there is more than one."""
    cores = sorted(os.sched_getaffinity(0) | {0})
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), {cores[core % len(cores)]})


async def _call(running: ServerProcess, token: str, heard: _Heard, *, frames: int, done: asyncio.Event) -> None:
    start = Start(token=token, rep_id="bench", consent=CONSENT, title="bench", rep_speaker=0)
    silence = bytes(SAMPLE_RATE * 2 * FRAME_MS // 1000)
    async with websockets.connect(running.capture_url, max_size=None, compression=None) as socket:
        await socket.send(start.message())

        async def listen() -> None:
            async for text in socket:
                now = time.monotonic()
                if '"ack"' in text[:20]:  # pyright: ignore
                    continue
                event: Json = json.loads(text)
                if event.get("event") == "utterance":
                    heard.utterances += 1
                    first = str(event["text"]).split()[0]
                    if event["no"] == 0 and first[1:].isdigit():
                        heard.number = int(first[1:])
                elif event.get("event") == "nudge" and event["type"] not in ("silence", "monologue", "interruption"):
                    heard.nudges.append((event["evidence"][0]["start_ts"], now))

        listening = asyncio.create_task(listen())
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            for frame in range(1, frames + 1):
                await asyncio.sleep(began + frame * FRAME_MS / 1000 - loop.time())
                await socket.send(silence)
            await done.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def _waits(count: int) -> list[float]:
    """Seconds before each call's beginning. All say the same script, so even steps would have the same seven calls
    finish their sentences in the same moment, over and over: calls begin at any time within `RAMP_S`, like people's.
    """
    drawn = random.Random(count)  # noqa: S311
    begins = sorted(drawn.uniform(0, RAMP_S) for _ in range(count))
    return [after - before for before, after in itertools.pairwise([0.0, *begins])]


async def _measure(count: int) -> Json:
    said = script(SECONDS * 1000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with _wires(folder) as (ears, model):
            env = {
                # As where the process may use one core from its start; here PostgreSQL must not share that one.
                "RIDEALONG_THREADS": "1",
                "RIDEALONG_TRANSCRIBER": "deepgram",
                "RIDEALONG_DEEPGRAM_URL": f"ws://127.0.0.1:{ears}",
                "RIDEALONG_DEEPGRAM_API_KEY": "bench",
                "RIDEALONG_GROQ_API_KEY": "bench",
                "RIDEALONG_GROQ_URL": f"http://127.0.0.1:{model}/openai/v1",
            }
            async with server(folder, env) as running:
                token = await bench_token(folder)
                await unlimited(running, token)
                _pin(running.process.pid, 0)
                _pin(os.getpid(), 1)
                try:
                    before = running.rss_mb()
                    found = [_Heard() for _ in range(count)]
                    done = asyncio.Event()
                    async with asyncio.TaskGroup() as group:
                        for heard, wait_s in zip(found, _waits(count), strict=True):
                            await asyncio.sleep(wait_s)
                            group.create_task(
                                _call(running, token, heard, frames=SECONDS * 1000 // FRAME_MS, done=done)
                            )
                        # All calls run now; what is measured ends before the first of them does.
                        cpu, began = running.cpu_s(), time.monotonic()
                        await asyncio.sleep(SECONDS - 25)
                        cpu, ended = running.cpu_s() - cpu, time.monotonic()
                        after = running.rss_mb()
                        await asyncio.sleep(27)
                        done.set()
                    asked = await asyncio.to_thread(_asked, model)
                finally:
                    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
                finals: dict[tuple[int, int], float] = {}
                answers: dict[tuple[int, int], float] = {}
                for line in (folder / "finals").read_text().splitlines():
                    kind, number, at, seconds = line.split()
                    (finals if kind == "final" else answers)[int(number), int(at)] = float(seconds)
    return {
        "ms": _own(found, said, {key: at for key, at in finals.items() if began <= at < ended}, answers),
        "cpu_s_per_call_minute": cpu / (count * (ended - began) / 60),
        "mb_per_call": (after - before) / count,
        "asked": asked,
        "utterances": sum(heard.utterances for heard in found),
    }


def _asked(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/asked", timeout=5) as answer:
        return int(json.loads(answer.read())["asked"])


def _own(
    found: Sequence[_Heard],
    said: Sequence[Json],
    finals: Mapping[tuple[int, int], float],
    answers: Mapping[tuple[int, int], float],
) -> list[float]:
    """Milliseconds from each nudge's final to the nudge, without what the model took where it was waited for."""
    own: list[float] = []
    for heard in found:
        for ts, at in heard.nudges:
            lines = [no for no, line in enumerate(said) if line["start_ts"] - 50 <= ts < line["end_ts"]]
            if not lines or (heard.number, lines[-1]) not in finals:
                continue
            taken = at - finals[heard.number, lines[-1]]
            model_s = answers.get((heard.number, lines[-1]), math.inf)
            own.append((taken - model_s if taken >= model_s else taken) * 1000)
    return own


def rows(counts: Sequence[int] = (1, 50, 200)) -> list[Row]:
    """One row a number of calls for the time, one for what a call costs."""
    import uvloop  # noqa: PLC0415

    floors = {1: ("p50 ≤ 3, p95 ≤ 10 ms", "1 / 3 ms"), 200: ("p95 ≤ 30, p99 ≤ 60 ms", "10 / 25 ms")}
    shown: list[Row] = []
    for count in counts:
        what = f"final on Deepgram's wire → nudge on the rep's, {count} calls on one core, model time subtracted"
        floor, aim = floors.get(count, ("", ""))
        found: Json | None = None
        try:
            found = uvloop.run(_measure(count))
        except* websockets.ConnectionClosed:
            refused = "not reached: calls were refused or lost"
            shown.append(Row(part="vendors", what=what, value=refused, floor=floor, aim=aim, ok=False))
        if found is None:
            continue
        own = found["ms"]
        if not own:
            raise AssertionError("no nudge came: the bench is broken")
        p50, p95, p99 = (percentile(own, q) for q in (50, 95, 99))
        ok = {1: p50 <= 3 and p95 <= 10, 200: p95 <= 30 and p99 <= 60}.get(count)
        shown.append(
            Row(
                part="vendors",
                what=what,
                value=f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms ({len(own)} nudges)",
                floor=floor,
                aim=aim,
                ok=ok,
                numbers={"p50_ms": p50, "p95_ms": p95, "p99_ms": p99},
            )
        )
        cpu, size = found["cpu_s_per_call_minute"], found["mb_per_call"]
        share = found["asked"] / max(1, found["utterances"])
        shown.append(
            Row(
                part="vendors",
                what=f"the same, {count} calls: CPU a call-minute, memory a call, model calls an utterance",
                value=f"{cpu:.3f} s, {size:.1f} MB, {share:.0%}",
                floor="0.15 s, 2 MiB, 30%" if count == 200 else "",
                aim="0.08 s, 1 MiB, 15%" if count == 200 else "",
                ok=(cpu <= 0.15 and size <= 2.1 and share <= 0.3) if count == 200 else None,
                numbers={"cpu_s": cpu, "mb": size, "asked": share},
            )
        )
    return shown
