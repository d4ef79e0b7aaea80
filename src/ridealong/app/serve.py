"""`ridealong serve`."""

from __future__ import annotations

from rich.console import Console

from ridealong.app.runtime import DEFAULT_TENANT, Runtime, spare_collector
from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings
from ridealong.store import tenants
from ridealong.web.server import create_app, serve


async def run_server(settings: Settings) -> None:
    """Serve until the process is told to stop; calls that run then are taken up by the next one."""
    out = Console(stderr=True, highlight=False)
    async with Runtime.open(settings) as runtime:
        token = await first_token(runtime)
        if token is not None:
            out.print(
                f"This is a new database. Its tenant is [bold]{DEFAULT_TENANT}[/]; a token for it, shown only now:"
            )
            out.print(f"  {token}", style="bold", markup=False)
        taken_up = await runtime.calls.recover()
        if taken_up:
            out.print(f"Took up {taken_up} interrupted call{'s' if taken_up > 1 else ''}.")
        if await runtime.people.setup_needed():
            home = settings.public_url or f"http://{settings.host}:{settings.port}"
            out.print(
                "Nobody can sign in yet. Make the first admin here; the code holds until somebody did or this ends:"
            )
            out.print(
                f"  {home}/setup?code={runtime.people.setup_code.code}", style="bold", markup=False, soft_wrap=True
            )
        out.print(f"Listening on http://{settings.host}:{settings.port} (its description: /openapi.json; Ctrl-C ends)")
        app = create_app(runtime.web_services())
        spare_collector()
        try:
            async with runtime.retention().sweeping(), runtime.messenger().delivering():
                await serve(app, host=settings.host, port=settings.port)
        except OSError as error:
            raise InvalidSettings(
                f"port {settings.port} of {settings.host} cannot be used ({error.strerror}): set RIDEALONG_PORT"
            ) from error


async def first_token(runtime: Runtime) -> str | None:
    """In a database without tenants: make the default one, and a token for everything. None in any other."""
    if await tenants.list_tenants(runtime.store):
        return None
    tenant = await tenants.create_tenant(runtime.store, DEFAULT_TENANT, "Default")
    return await tenants.issue_token(runtime.store, tenant.tenant_id, list(tenants.Scope))
