"""`ridealong demo`: the bundled sample call through the server's own socket, watched in the terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.app.client import CaptureClient, Start, paced
from ridealong.app.coach import PIECE_MS
from ridealong.app.runtime import Runtime
from ridealong.app.terminal import CallView
from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.core.events import ReviewFinished
from ridealong.sample import sample_audio_path
from ridealong.speech.audio import iter_recording
from ridealong.store import tenants
from ridealong.web.pages import built
from ridealong.web.people import Opened
from ridealong.web.server import create_app, running
from ridealong.web.sessions import Reception
from ridealong.web.sign_in_link import SignInLink, link_api

if TYPE_CHECKING:
    from ridealong.config import Settings

DEMO_TENANT: Final = "demo"
LINK_S: Final = 24 * 3600.0
REP_ID: Final = "sample-rep"
REP_NAME: Final = "Alex Demo"
EMAIL: Final = "alex@demo.example"


async def run_demo(settings: Settings, *, speed: float) -> None:
    """Serve, send the sample call as a phone would, show what happens, then keep serving while somebody looks.

    The demo has a data folder of its own, beside the one of `serve`, which it does not touch.
    """
    watched = sys.stdout.isatty()
    folder = settings.data_dir / "demo" if watched else Path(tempfile.mkdtemp(prefix="ridealong-demo-"))
    settings = settings.model_copy(update={"data_dir": folder})
    try:
        await _demo(settings, speed=speed, watched=watched)
    except OSError as error:
        raise InvalidSettings(
            f"port {settings.port} cannot be used ({error.strerror}): set RIDEALONG_PORT to another one"
        ) from error
    finally:
        if not watched:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _demo(settings: Settings, *, speed: float, watched: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print(f"Starting Ridealong with its own PostgreSQL in {settings.data_dir} …", flush=True)  # noqa: T201
    async with Runtime.open(settings) as runtime:
        tenant = await runtime.tenant(DEMO_TENANT, create=True)
        token = await tenants.issue_token(runtime.store, tenant.tenant_id, list(tenants.Scope))
        services = runtime.web_services()
        app = create_app(services)

        async def enter() -> Opened:
            return await runtime.people.enter_demo(tenant.tenant_id, email=EMAIL, name=REP_NAME, rep_id=REP_ID)

        link = SignInLink(open_session=enter, life_s=LINK_S)
        app.include_router(link_api(link, Reception(services)))
        # Where nobody watches, nobody looks further on a port that they chose: any free one will do.
        async with running(app, settings.host, settings.port if watched else 0) as address:
            playing = asyncio.create_task(_play(runtime, tenant.tenant_id, address, token, speed=speed))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                return
            call_id = playing.result()
            view = await runtime.tokens.issue(
                tenant.tenant_id, scopes=frozenset({"read"}), call_id=call_id, lifetime_s=LINK_S
            )
            pages = await asyncio.to_thread(built, services.pages)
            entrance = _for_browsers(address) + link.renew(f"/calls/{call_id}") if pages else None
            _say_what_next(address, call_id, view, token, entrance, watched=watched, settings=settings)
            if watched and entrance is not None and _has_display():
                await asyncio.to_thread(webbrowser.open, entrance)
            if watched:
                await stop.wait()
            stopping.cancel()


async def _play(runtime: Runtime, tenant_id: UUID, address: str, token: str, *, speed: float) -> UUID:
    """Send the sample call and show its events; returns its id once it is reviewed."""
    client = CaptureClient(
        url=address.replace("http", "ws", 1) + "/v1/capture",
        start=Start(
            token=token,
            rep_id=REP_ID,
            consent="Both people on this call are synthetic voices reading a written script.",
            title="Sample call",
            rep_speaker=0,
        ),
    )
    await client.open()
    try:
        call = await runtime.calls.find(tenant_id, UUID(client.call_id))
        pieces = [audio.pcm16 for audio in iter_recording(sample_audio_path(), piece_ms=PIECE_MS)]

        async def send() -> None:
            async for piece in paced(pieces, piece_ms=PIECE_MS, speed=speed):
                await client.send(piece)
                if speed <= 0:
                    await call.taken()
            await client.stop()

        artifact: dict[str, object] | None = None
        with CallView() as view:
            async with asyncio.TaskGroup() as group:
                group.create_task(send())
                async for numbered in call.watch(after=0, size=1_000_000):
                    if isinstance(numbered.event, ReviewFinished):
                        artifact = numbered.event.artifact
                    else:
                        view.show(numbered.event)
            if artifact is None:
                raise Unavailable("the review of the sample call did not finish; run `ridealong doctor`")
            view.artifact(artifact)
    finally:
        await client.close()
    return call.call_id


def _for_browsers(address: str) -> str:
    """Where a browser on this machine finds a server that listens on `address`: everywhere is also here."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _has_display() -> bool:
    """Whether a browser that is opened here would be seen. Over a line into another machine it would not."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ


def _say_what_next(
    address: str, call_id: UUID, view: str, token: str, entrance: str | None, *, watched: bool, settings: Settings
) -> None:
    report = f"{address}/v1/calls/{call_id}/report?template=manager&format=html&view={view}"
    lines = [""]
    if entrance is None:
        lines += [
            "The pages are not built here: install Node 20.19 or newer and run `make setup`. Without them,",
            "the whole review, every claim one click from its audio:",
            f"  {report}",
        ]
    else:
        lines += [
            "The call's page, every claim one click from its audio. This link signs you in, once, on this machine:",
            f"  {entrance}",
            "Then also, in the same browser: the rep's phone, which starts a call with this machine's microphone:",
            f"  {_for_browsers(address)}/rep",
            "Without signing in, the review as one page:",
            f"  {report}",
        ]
    if watched:
        env = f"RIDEALONG_DATA_DIR={settings.data_dir} "
        lines += [
            "",
            "To look further, in another terminal:",
            f"  {env}.venv/bin/ridealong report --tenant {DEMO_TENANT}",
            f"  {env}.venv/bin/ridealong search --tenant {DEMO_TENANT} too expensive",
            "  .venv/bin/ridealong coach your-recording.wav",
            "  docs/protocol.md says how an app sends live audio; a token for it:",
            f"  {token}",
            "",
            f"Serving on {address}. Ctrl-C ends.",
        ]
    else:
        lines += ["", "This is no terminal, so the demo ends here, and its links with it: run it in one to open them."]
    print("\n".join(lines), flush=True)  # noqa: T201
