"""`ridealong crm …`: what is written into a tenant's CRM, and what it tells of calls."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from ridealong.app.cli_shared import DEFAULT_TENANT, Tenant, run, settings_of
from ridealong.core.errors import Refused

crm = typer.Typer(no_args_is_help=True, help="A tenant's CRM: reviews written there, and what it knows of calls.")


class Vendor(StrEnum):
    HUBSPOT = "hubspot"
    SALESFORCE = "salesforce"


Call = Annotated[UUID, typer.Argument(help="The call.")]


@crm.command("show")
def crm_show(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """The account and its mapping. The secret is not shown."""
    from ridealong.app.crm_commands import show_crm  # noqa: PLC0415

    sys.stdout.write(run(show_crm(settings_of(), tenant=tenant)) + "\n")


@crm.command("set")
def crm_set(
    vendor: Annotated[Vendor, typer.Argument(help="hubspot or salesforce")],
    *,
    url: Annotated[str, typer.Option(help="Its address; of HubSpot by default its own.")] = "",
    client_id: Annotated[str, typer.Option(help="Salesforce: the client of its client credentials.")] = "",
    mapping: Annotated[Path | None, typer.Option(help="The YAML file that maps values to properties.")] = None,
    write_back: Annotated[bool, typer.Option(help="Write each review that is done.")] = True,
    keep_secret: Annotated[bool, typer.Option("--keep-secret", help="The token or secret stays as it is.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Set up the CRM. Its token or secret is asked for, or read from standard input."""
    from ridealong.app.crm_commands import set_crm  # noqa: PLC0415
    from ridealong.web.crm import NewCrm  # noqa: PLC0415

    secret = None
    if not keep_secret:
        # Not an argument: those are seen by every user of the machine, and stay in the shell's history.
        typed = typer.prompt(f"Secret of {vendor}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        secret = str(typed).strip()
    try:
        new = NewCrm(
            vendor=vendor.value,
            url=url,
            client_id=client_id,
            secret=secret,
            write_back=write_back,
            mapping="" if mapping is None else mapping.read_text(encoding="utf-8"),
        )
    except ValueError:
        # What is wrong with it would be shown with what it is.
        raise Refused("bad_request", "the secret is empty, or holds spaces or characters that no token has") from None
    except OSError as error:
        raise Refused("bad_request", f"the mapping cannot be read: {error.strerror}") from None
    sys.stdout.write(run(set_crm(settings_of(), tenant=tenant, new=new)) + "\n")


@crm.command("check")
def crm_check(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Ask the CRM whether it takes our token and has all that the mapping names; exit code 1 where not."""
    from ridealong.app.crm_commands import check_crm  # noqa: PLC0415

    text, works = run(check_crm(settings_of(), tenant=tenant))
    sys.stdout.write(text + "\n")
    if not works:
        raise typer.Exit(1)


@crm.command("push")
def crm_push(
    call: Call,
    *,
    deal: Annotated[str | None, typer.Option(help="The CRM's id of the deal that the call belongs to.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Write the call's review now, and show what came of it; exit code 1 where not all was written."""
    from ridealong.app.crm_commands import push_call  # noqa: PLC0415

    text, written = run(push_call(settings_of(), tenant=tenant, call_id=call, deal_id=deal))
    sys.stdout.write(text + "\n")
    if not written:
        raise typer.Exit(1)


@crm.command("pull")
def crm_pull(call: Call, *, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Fill in what CRM and calendars know of the call, and show who said what."""
    from ridealong.app.crm_commands import pull_call  # noqa: PLC0415

    sys.stdout.write(run(pull_call(settings_of(), tenant=tenant, call_id=call)) + "\n")


@crm.command("log")
def crm_log(
    *, limit: Annotated[int, typer.Option(min=1, max=200, help="Calls.")] = 20, tenant: Tenant = DEFAULT_TENANT
) -> None:
    """What was written of the newest calls, with every attempt and why it failed."""
    from ridealong.app.crm_commands import list_pushes  # noqa: PLC0415

    sys.stdout.write(run(list_pushes(settings_of(), tenant=tenant, limit=limit)) + "\n")
