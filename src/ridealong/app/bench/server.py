"""A real server in a process of its own, for measurements and for tests that kill it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ridealong.core.errors import Unavailable


@dataclass(slots=True)
class ServerProcess:
    """`ridealong serve` on a folder of its own."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process
    started_s: float
    """From the start of the process until it answers that it takes calls."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def capture_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/capture"

    def rss_mb(self) -> float:
        """Resident memory of the server process in MB (without PostgreSQL's)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def kill(self) -> None:
        """What a power cut or the kernel does: no chance to tidy up."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 30)
            except TimeoutError:
                await self.kill()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def start_server(folder: Path, env: Mapping[str, str] | None = None, *, wait_s: float = 120.0) -> ServerProcess:
    """Start a server on `folder`. Raises Unavailable with its last words when it does not come up."""
    port = free_port()
    output = folder / "server.log"
    began = time.monotonic()
    with output.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ridealong.app.cli",
            "serve",
            env={
                **os.environ,
                "RIDEALONG_DATA_DIR": str(folder),
                "RIDEALONG_PORT": str(port),
                "RIDEALONG_HOST": "127.0.0.1",
                **(env or {}),
            },
            stdout=sink,
            stderr=sink,
        )
    while not await asyncio.to_thread(_ready, port):
        if process.returncode is not None or time.monotonic() - began > wait_s:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise Unavailable(f"the server did not start: {output.read_text()[-2000:]}")
        await asyncio.sleep(0.02)
    return ServerProcess(folder=folder, port=port, process=process, started_s=time.monotonic() - began)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.asynccontextmanager
async def server(folder: Path, env: Mapping[str, str] | None = None) -> AsyncGenerator[ServerProcess]:
    running = await start_server(folder, env)
    try:
        yield running
    finally:
        await running.stop()
