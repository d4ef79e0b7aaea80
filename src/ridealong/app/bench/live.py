"""Path A over the socket: how soon a nudge is there, what fifty calls cost, what a call weighs."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from ridealong.app.bench.measure import Row, percentile
from ridealong.app.bench.server import ServerProcess, server
from ridealong.app.client import CaptureClient, Start, paced
from ridealong.app.coach import PIECE_MS
from ridealong.sample import sample_audio_path, sample_transcript_path
from ridealong.speech import SAMPLE_RATE
from ridealong.speech.audio import iter_recording

CONSENT: Final = "Measured on synthetic voices."

Json = dict[str, Any]


async def bench_token(folder: Path) -> str:
    """A token of the server's own default tenant, which it showed when its database was new."""
    words = (folder / "server.log").read_text().split()
    return next(word for word in words if word.startswith("ra_"))


async def unlimited(running: ServerProcess, token: str) -> None:
    """Lift the attention budget and the cool-downs: the bench wants every nudge on the wire, not four."""
    async with httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {token}"}) as http:
        found = await http.get("/v1/taxonomies/default")
        text = found.raise_for_status().text
        changed = _without_limits(text)
        (await http.put("/v1/taxonomies/default", content=changed)).raise_for_status()


def _without_limits(taxonomy: str) -> str:
    lines: list[str] = []
    for line in taxonomy.splitlines():
        key = line.strip().removeprefix("- ").split(":")[0]
        indent = line[: len(line) - len(line.lstrip())]
        if key == "cool_down_s":
            lines.append(f"{indent}cool_down_s: 0")
        elif key == "max_nudges":
            lines.append(f"{indent}max_nudges: 1000")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


async def _send(client: CaptureClient, pieces: Sequence[bytes], *, speed: float) -> float:
    """Send the pieces at pace; returns the monotonic time at which the first one began to be spoken."""
    began = time.monotonic()
    async for piece in paced(pieces, piece_ms=PIECE_MS, speed=speed):
        await client.send(piece)
    await client.stop()
    return began


async def _call(running: ServerProcess, token: str, pieces: Sequence[bytes]) -> tuple[float, list[Json]]:
    client = CaptureClient(
        url=running.capture_url, start=Start(token=token, rep_id="bench", consent=CONSENT, title="bench", rep_speaker=0)
    )
    await client.open()
    sending = asyncio.create_task(_send(client, pieces, speed=1.0))
    events = [event async for event in client.until("artifact")]
    began = await sending
    await client.close()
    return began, events


def _sample_pieces() -> list[bytes]:
    return [audio.pcm16 for audio in iter_recording(sample_audio_path(), piece_ms=PIECE_MS)]


async def nudge_latency() -> list[Row]:
    """The bundled call at real pace with the local recogniser, from the end of each trigger phrase to its nudge frame.

    The trigger's end is read from the script's exact times where the moment matches a scripted one, else from the
    transcript's own; also where it was told before its turn was over, since the script knows where a turn ends and not
    where a phrase in it does.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with server(folder) as running:
            token = await bench_token(folder)
            await unlimited(running, token)
            began, events = await _call(running, token, _sample_pieces())
    truth = [json.loads(line) for line in sample_transcript_path().read_text().splitlines()[1:]]
    ahead = {event["moment_id"] for event in events if event.get("event") == "moment_ahead"}
    triggers = {event["moment_id"]: event["trigger_ts"] for event in events if event.get("event") == "moment"}
    seen: list[float] = []
    for event in events:
        if event.get("event") != "nudge":
            continue
        trigger_ts = float(triggers[event["moment_id"]])
        for line in truth if event["moment_id"] not in ahead else ():
            scripted = {moment["type"] for moment in line.get("moments", [])}
            if event["type"] in scripted and abs(line["end_ts"] - trigger_ts) < 1500:
                trigger_ts = float(line["end_ts"])
        seen.append((event["received_at"] - began) * 1000 - trigger_ts)
    p50, p95 = percentile(seen, 50), percentile(seen, 95)
    return [
        Row(
            part="live",
            what="trigger phrase → nudge on the socket, real pace, local recogniser",
            value=f"p50 {p50 / 1000:.2f} s, p95 {p95 / 1000:.2f} s ({len(seen)} nudges, {len(ahead)} of them ahead)",
            floor="p95 ≤ 1.5 s",
            aim="p95 ≤ 0.8 s",
            ok=p95 <= 1500,
            numbers={"p50_ms": p50, "p95_ms": p95, "nudges": len(seen)},
        )
    ]


async def many_calls(count: int = 50) -> list[Row]:
    """`count` calls at once, words replayed: from the utterance's frame to its nudge's frame on the same socket."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {"RIDEALONG_TRANSCRIBER": "replay", "RIDEALONG_REPLAY": str(sample_transcript_path())}
        async with server(folder, env) as running:
            token = await bench_token(folder)
            await unlimited(running, token)
            silence = bytes(SAMPLE_RATE * 2 * PIECE_MS // 1000)
            length_ms = json.loads(sample_transcript_path().read_text().splitlines()[-1])["end_ts"]
            pieces = [silence] * (length_ms // PIECE_MS + 10)
            cpu = running.cpu_s()
            tasks: list[asyncio.Task[tuple[float, list[Json]]]] = []
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    tasks.append(group.create_task(_call(running, token, pieces)))
                    # Calls do not begin in step; in step every utterance would fall on the same millisecond.
                    await asyncio.sleep(10 / count)
            cpu = running.cpu_s() - cpu
    own: list[float] = []
    for task in tasks:
        heard: dict[int, float] = {}
        for event in task.result()[1]:
            if event.get("event") == "utterance":
                heard[event["no"]] = event["received_at"]
            elif event.get("event") == "nudge":
                no = event["evidence"][0]["utterance_no"]
                if event["type"] not in ("silence", "monologue", "interruption"):
                    own.append((event["received_at"] - heard[no]) * 1000)
    p50, p99 = percentile(own, 50), percentile(own, 99)
    minutes = count * length_ms / 60_000
    return [
        Row(
            part="live",
            what=f"finished utterance → nudge frame, {count} calls at once (replay), our own time",
            value=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(own)} nudges)",
            floor="p99 ≤ 50 ms",
            aim="p99 ≤ 10 ms",
            ok=p99 <= 50,
            numbers={"p50_ms": p50, "p99_ms": p99},
        ),
        Row(
            part="live",
            what="processor time of a replayed call-minute, review included",
            value=f"{cpu / minutes:.3f} s",
            numbers={"cpu_s_per_call_minute": cpu / minutes},
        ),
    ]


async def memory(calls: int = 3, seconds: int = 40) -> list[Row]:
    """Resident memory with models loaded and one call heard, and what each further local call adds."""
    pieces = _sample_pieces()[: seconds * 1000 // PIECE_MS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with server(folder) as running:
            token = await bench_token(folder)
            loaded = running.rss_mb()
            marks: list[float] = []
            for count in (1, calls):
                tasks = [asyncio.create_task(_call(running, token, pieces)) for _ in range(count)]
                await asyncio.sleep(seconds * 0.9)
                marks.append(running.rss_mb())
                await asyncio.gather(*tasks)
    each = (marks[1] - marks[0]) / (calls - 1)
    return [
        Row(
            part="memory",
            what="server with models loaded",
            value=f"{loaded:.0f} MB (while hearing one call {marks[0]:.0f} MB)",
            floor="≤ 600 MB",
            aim="≤ 400 MB",
            ok=loaded <= 600,
            numbers={"loaded_mb": loaded, "one_call_mb": marks[0]},
        ),
        Row(
            part="memory",
            what="each further local call",
            value=f"{each:.1f} MB",
            floor="≤ 40 MB",
            aim="≤ 20 MB",
            ok=each <= 40,
            numbers={"each_mb": each},
        ),
    ]


async def start_up(times: int = 5) -> list[Row]:
    """From the start of the process to the first acknowledged byte, on a data folder that was used before."""
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index in range(times + 1):
            began = time.monotonic()
            async with server(folder) as running:
                client = CaptureClient(
                    url=running.capture_url,
                    start=Start(token=await bench_token(folder), rep_id="bench", consent=CONSENT),
                )
                await client.open()
                await client.send(np.zeros(1600, "<i2").tobytes())
                while client.received == 0:  # noqa: ASYNC110 - the acknowledgement is read by the client's own task
                    await asyncio.sleep(0.005)
                if index:
                    seen.append(time.monotonic() - began)
                await client.stop()
                _ = [event async for event in client.until("ended")]
                await client.close()
    p50, worst = percentile(seen, 50), max(seen)
    return [
        Row(
            part="start",
            what="start-up to the first acknowledged byte, warm data folder",
            value=f"median {p50:.2f} s, worst {worst:.2f} s of {times}",
            floor="≤ 5 s",
            aim="≤ 2 s",
            ok=worst <= 5,
            numbers={"p50_s": p50, "max_s": worst},
        )
    ]


if __name__ == "__main__":
    for row in asyncio.run(nudge_latency()):
        sys.stdout.write(f"{row.what}: {row.value}\n")
