"""What the stand-ins of CRMs share: faults on command, and what was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.vendors.loopback import Refusal, hang_up

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class CrmFaults:
    """One misbehaviour of a CRM: for the next requests whose method and path begin so (`PATCH /crm`), one each.

    `status` 0: the connection is closed without a word. `after`: what was asked is done all the same, as where an
    answer gets lost on its way.
    """

    at: str
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: bool = False


@dataclass(kw_only=True)
class CrmStandIn:
    """A CRM on a port of its own. `asked`: method and path of each request."""

    port: int = 0
    faults: deque[CrmFaults] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    slow_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def writes(self) -> list[str]:
        """What was asked that changes something, the asking of questions by POST apart."""
        return [one for one in self.asked if not one.startswith("GET") and not self.is_question(one)]

    def is_question(self, asked: str) -> bool:
        return asked.endswith(("/search", "/batch/read", "/oauth2/token"))

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def refuse(self, request: web.Request) -> Refusal | None:
        """Of a request that is not allowed, whatever it asks."""
        raise NotImplementedError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        @web.middleware
        async def misbehave(request: web.Request, handler: Answering) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path}")
            if self.slow_s:
                await asyncio.sleep(self.slow_s)
            fault = next((f for f in self.faults if self.asked[-1].startswith(f.at)), None)
            if fault is not None:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                if fault.after:
                    await handler(request)
                if fault.status == 0:
                    hang_up(request)
                    return web.Response()
                if isinstance(fault.body, str):
                    return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
                return web.json_response(fault.body, status=fault.status, headers=fault.headers)
            refused = self.refuse(request)
            try:
                if refused is not None:
                    raise refused
                return await handler(request)
            except Refusal as error:
                return web.json_response(error.body, status=error.status, headers=error.headers)

        app = web.Application(middlewares=[misbehave])
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()
