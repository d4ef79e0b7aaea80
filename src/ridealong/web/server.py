"""The server: routes, headers and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, Request, WebSocket

from ridealong import __version__
from ridealong.core.errors import Refused
from ridealong.web.across import across_api
from ridealong.web.api import calls_api, operations_api
from ridealong.web.artifacts import artifacts_api
from ridealong.web.audiences import audiences_api
from ridealong.web.calendars import calendars_api
from ridealong.web.call_pages import call_pages_api
from ridealong.web.capture import capture
from ridealong.web.confidence import confidence_api
from ridealong.web.credentials import Doorway
from ridealong.web.crm import crm_api
from ridealong.web.documents import documents_api
from ridealong.web.effects import effects_api
from ridealong.web.events import events_api
from ridealong.web.exports import exports_api
from ridealong.web.frames import FrameProtocol
from ridealong.web.joining import joining_api
from ridealong.web.mail import mail_api
from ridealong.web.members import members_api
from ridealong.web.models import models_api
from ridealong.web.oidc import oidc_api
from ridealong.web.packing import Packing
from ridealong.web.pages import add_pages
from ridealong.web.playlists import playlists_api
from ridealong.web.policy import policy_api
from ridealong.web.report import report_api
from ridealong.web.services import Services
from ridealong.web.sessions import Reception, sessions_api
from ridealong.web.settings import settings_api
from ridealong.web.sharing import sharing_api
from ridealong.web.shell import ProblemApp, Shell, add_problem_answers
from ridealong.web.socket import Line, Sockets
from ridealong.web.talk import talk_api
from ridealong.web.taxonomy import taxonomy_api
from ridealong.web.team import team_api
from ridealong.web.tuning import tuning_api
from ridealong.web.twilio import twilio
from ridealong.web.watch import watch
from ridealong.web.webhooks import webhooks_api

HARD_FRAME_BYTES: Final = 1024 * 1024
"""Above this a message is not even read: the protocol layer closes with 1009. Below, `frame_too_large` says why."""
GOODBYE_S: Final = 8.0
"""How long open sockets get to close when the server stops."""


def create_app(services: Services) -> FastAPI:
    """The whole HTTP and WebSocket surface. Run it with `serve` or `running`, which also know how to end it."""
    app = ProblemApp(
        title="Ridealong",
        version=__version__,
        # Both pages load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    sockets = Sockets()
    app.state.sockets = sockets
    app.state.doorway = Doorway(sessions=services.people, public_url=services.public_url)
    add_problem_answers(app)
    app.add_middleware(Shell)
    app.add_middleware(Packing)
    _add_routes(app, services, sockets)

    @app.websocket("/v1/capture")
    async def _(websocket: WebSocket) -> None:
        async def talk(line: Line) -> None:
            await capture(line, services, sockets)

        await sockets.hold(websocket, kind="capture", limits=services.limits, talk=talk)

    @app.websocket("/v1/twilio")
    async def _(websocket: WebSocket) -> None:
        async def talk(line: Line) -> None:
            await twilio(line, services, sockets)

        await sockets.hold(websocket, kind="twilio", limits=services.limits, talk=talk)

    @app.websocket("/v1/calls/{call_id}/events")
    async def _(websocket: WebSocket, call_id: str) -> None:
        async def talk(line: Line) -> None:
            await watch(line, services, sockets, _call_id(call_id), _after(websocket.query_params.get("after")))

        await sockets.hold(websocket, kind="watch", limits=services.limits, talk=talk)

    add_pages(app, services.pages)
    return app


def _doubting(sockets: Sockets) -> Callable[[Request], AsyncGenerator[None]]:
    """For routes where members, sessions and keys change: each change may take a right away."""

    async def doubted(request: Request) -> AsyncGenerator[None]:
        yield
        if request.method != "GET":
            sockets.doubt_all()

    return doubted


def _add_routes(app: FastAPI, services: Services, sockets: Sockets) -> None:
    """Everything over HTTP but the pages."""

    async def caught_up(request: Request) -> None:
        # What the sockets have told already is what an answer must know too.
        call_id = request.path_params.get("call_id")
        if call_id is not None:
            with contextlib.suppress(ValueError):
                await services.calls.caught_up(UUID(call_id))

    of_a_call, of_people = [Depends(caught_up)], [Depends(_doubting(sockets))]
    app.include_router(operations_api(services))
    app.include_router(calls_api(services), dependencies=of_a_call)
    app.include_router(artifacts_api(services), dependencies=of_a_call)
    app.include_router(report_api(services), dependencies=of_a_call)
    app.include_router(documents_api(services))
    app.include_router(models_api(services))
    app.include_router(call_pages_api(services), dependencies=of_a_call)
    app.include_router(talk_api(services), dependencies=of_a_call)
    app.include_router(sharing_api(services), dependencies=of_a_call)
    app.include_router(playlists_api(services))
    app.include_router(team_api(services))
    app.include_router(across_api(services))
    app.include_router(policy_api(services))
    app.include_router(effects_api(services), dependencies=of_a_call)
    reception = Reception(services)
    app.include_router(sessions_api(reception), dependencies=of_people)
    app.include_router(joining_api(reception), dependencies=of_people)
    app.include_router(oidc_api(services, reception))
    app.include_router(members_api(services), dependencies=of_people)
    app.include_router(settings_api(services.tokens, services.settings))
    app.include_router(webhooks_api(services.tokens, services.webhooks))
    app.include_router(tuning_api(services.tokens, services.tuning), dependencies=of_a_call)
    app.include_router(audiences_api(services.tokens, services.audiences))
    app.include_router(taxonomy_api(services.tokens, services.taxonomy))
    app.include_router(events_api(services.tokens, services.events))
    app.include_router(exports_api(services.tokens, services.exports))
    app.include_router(crm_api(services.tokens, services.crm), dependencies=of_a_call)
    app.include_router(calendars_api(services.tokens, services.calendars))
    app.include_router(mail_api(services.tokens, services.mail))
    app.include_router(confidence_api(services.tokens, services.confidence))


def _call_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("unknown_call", "there is no such call") from None


def _after(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refused("bad_message", "`after` must be the number of an event, 0 or more")
    return int(text)


class _Server(uvicorn.Server):
    """uvicorn that lets every socket say goodbye, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, sockets: Sockets) -> None:
        super().__init__(config)
        self._sockets = sockets

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._sockets.go(GOODBYE_S)
        await super().shutdown(sockets)


def _server(app: FastAPI) -> _Server:
    config = uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws=FrameProtocol,
        ws_max_size=HARD_FRAME_BYTES,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        # Audio does not deflate, and a small compressed frame could unfold to any size.
        ws_per_message_deflate=False,
        # An access log holds query strings, and a view token stands in one.
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return _Server(config, app.state.sockets)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; `port` 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


@contextlib.asynccontextmanager
async def running(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve inside the `async with`; gives the server's address, for example `http://127.0.0.1:8790`.

    On leaving, open sockets are told (`server_going`, close code 1012) and given a few seconds. Raises OSError when the
    port is taken.
    """
    bound = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound.getsockname()[1]}"
    server = _server(app)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        # uvicorn has no event for it.
        while not server.started and not serving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield address
    finally:
        server.should_exit = True
        await serving


async def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM, then end gracefully. Run it under uvloop (`uvloop.run`). Raises OSError."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, asked.set)
    try:
        async with running(app, host, port):
            await asked.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
