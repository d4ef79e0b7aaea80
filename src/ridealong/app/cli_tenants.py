"""`ridealong db …`, `models …` and `members …`: the database, and whose it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ridealong.app.cli_shared import DEFAULT_TENANT, Tenant, run, settings_of
from ridealong.core.people import MemberRole
from ridealong.core.usage import LEAST_TOKENS, MOST_TOKENS

db = typer.Typer(no_args_is_help=True, help="The database: its state, tenants, tokens and documents.")
models = typer.Typer(no_args_is_help=True, help="A tenant's own models, keys and tokens.")
members = typer.Typer(no_args_is_help=True, help="The people of a tenant: who may sign in.")


@db.command("status")
def db_status() -> None:
    """Which database is used, its version, and how much it holds."""
    from ridealong.app.commands import database_status  # noqa: PLC0415

    sys.stdout.write(json.dumps(run(database_status(settings_of())), indent=2) + "\n")


@db.command("migrate")
def db_migrate() -> None:
    """Bring the database to this version's schema (serve and coach do so by themselves)."""
    from ridealong.app.commands import database_status  # noqa: PLC0415

    run(database_status(settings_of()))
    sys.stdout.write("The database is up to date.\n")


@db.command("tenant")
def db_tenant(
    slug: Annotated[str, typer.Argument(help="Short name: lower-case letters, digits and hyphens.")],
    name: Annotated[str, typer.Option(help="The name that people read.")] = "",
) -> None:
    """Add a tenant."""
    from ridealong.app.commands import add_tenant  # noqa: PLC0415

    sys.stdout.write(run(add_tenant(settings_of(), slug=slug, name=name or slug)) + "\n")


@db.command("token")
def db_token(
    scopes: Annotated[list[str], typer.Argument(help="capture, read, admin")],
    *,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never when left out.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Issue a token. It is shown this once."""
    from ridealong.app.commands import issue_token  # noqa: PLC0415

    sys.stdout.write(run(issue_token(settings_of(), tenant=tenant, scopes=scopes, days=days)) + "\n")


@db.command("document")
def db_document(
    kind: Annotated[str, typer.Argument(help="taxonomy, rubric or template")],
    file: Annotated[Path, typer.Argument(help="The document.")],
    *,
    name: Annotated[
        str,
        typer.Option(
            help="Its name. Without it a template has its file's, and the others are `default`, the one in use."
        ),
    ] = "",
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Check a taxonomy, rubric or template, and make it the tenant's own."""
    from ridealong.app.commands import put_document  # noqa: PLC0415

    if not name:
        # `objections.md.liquid` is the template `objections.md`: no report would ever use one that is called `default`.
        name = file.name.removesuffix(".liquid") if kind == "template" else "default"
    sys.stdout.write(run(put_document(settings_of(), tenant=tenant, kind=kind, name=name, path=file)) + "\n")


@db.command("enroll")
def db_enroll(
    rep: Annotated[str, typer.Argument(help="The rep's id, as the app sends it.")],
    audio: Annotated[Path, typer.Argument(help="At least 10 seconds of the rep alone.")],
    *,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Enrol a rep's voice, so that the rep is known on one-channel calls."""
    from ridealong.app.commands import enroll_voice  # noqa: PLC0415

    run(enroll_voice(settings_of(), tenant=tenant, rep_id=rep, path=audio))


@models.command("show")
def models_show(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """What the tenant chose, what is in use, and for which vendors it has a key. Keys are not shown."""
    from ridealong.app.commands import show_models  # noqa: PLC0415

    sys.stdout.write(run(show_models(settings_of(), tenant=tenant)) + "\n")


@models.command("set")
def models_set(
    *,
    live: Annotated[str | None, typer.Option(help="vendor:model for calls; `none`; `server`: as the settings.")] = None,
    review: Annotated[
        str | None, typer.Option(help="vendor:model,… for reviews, in order; `none`; `server`: as the settings.")
    ] = None,
    verify: Annotated[str | None, typer.Option(help="vendor:model that doubts; `server`: as the settings.")] = None,
    key_of: Annotated[
        str | None, typer.Option(help="Set the key of this vendor: it is asked for, or read from standard input.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="With --key-of: the vendor's address.")] = None,
    forget: Annotated[str | None, typer.Option(help="Forget the key and address of this vendor.")] = None,
    tokens: Annotated[
        str | None, typer.Option(help="Tokens a day (UTC) for all models together; `server`: as the settings.")
    ] = None,
    live_tokens: Annotated[
        str | None, typer.Option(help="So many of them for calls, and no more; `server`: as the settings.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Change the tenant's models, keys and tokens."""
    from ridealong.app.commands import set_models  # noqa: PLC0415

    change: dict[str, object] = {}
    if tokens is not None:
        change["tokens_per_day"] = None if tokens == "server" else _tokens("--tokens", tokens, least=LEAST_TOKENS)
    if live_tokens is not None:
        change["live_tokens_per_day"] = (
            None if live_tokens == "server" else _tokens("--live-tokens", live_tokens, least=LEAST_TOKENS)
        )
    if live is not None:
        change["live_model"] = None if live == "server" else live
    if review is not None:
        names = [part.strip() for part in review.split(",") if part.strip() not in ("", "none")]
        change["review_models"] = None if review == "server" else names
    if verify is not None:
        change["verify_model"] = None if verify == "server" else verify
    vendors: dict[str, object] = {} if forget is None else {forget: None}
    if key_of is not None:
        # Not an argument: those are seen by every user of the machine, and stay in the shell's history.
        key = typer.prompt(f"Key of {key_of}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        vendors[key_of] = {"key": str(key)} | ({} if url is None else {"url": url})
    elif url is not None:
        raise typer.BadParameter("--url needs --key-of: a key does not follow an address that changes")
    sys.stdout.write(run(set_models(settings_of(), tenant=tenant, change=change | {"vendors": vendors})) + "\n")


@models.command("allow")
def models_allow(
    *,
    tokens: Annotated[
        str | None,
        typer.Option(help="The most tokens a day that the tenant may choose; `none`: no limit; `server`: the setting."),
    ] = None,
    live_tokens: Annotated[str | None, typer.Option(help="The same of those for calls.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Allow one tenant more or fewer tokens than RIDEALONG_TENANT_TOKENS_PER_DAY does."""
    from ridealong.app.commands import allow_tokens  # noqa: PLC0415

    change: dict[str, int | None] = {}
    for name, option, given in (
        ("tokens_per_day", "--tokens", tokens),
        ("live_tokens_per_day", "--live-tokens", live_tokens),
    ):
        if given is not None:
            change[name] = None if given == "server" else 0 if given == "none" else _tokens(option, given, least=1)
    if not change:
        raise typer.BadParameter("say what is allowed: --tokens, --live-tokens or both")
    sys.stdout.write(run(allow_tokens(settings_of(), tenant=tenant, change=change)) + "\n")


def _tokens(option: str, given: str, *, least: int) -> int:
    try:
        number = int(given)
    except ValueError:
        number = -1
    if not least <= number <= MOST_TOKENS:
        raise typer.BadParameter(f"{option}: write a whole number from {least} to {MOST_TOKENS}, not {given!r}")
    return number


@models.command("rotate")
def models_rotate() -> None:
    """Encrypt all tenants' keys under the newest RIDEALONG_SECRET_KEY."""
    from ridealong.app.commands import rotate_keys  # noqa: PLC0415

    sys.stdout.write(run(rotate_keys(settings_of())) + "\n")


@members.command("add")
def members_add(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.")],
    *,
    role: Annotated[MemberRole, typer.Option(help="rep, manager or admin.")] = MemberRole.REP,
    name: Annotated[str, typer.Option(help="The name that people read.")] = "",
    rep: Annotated[str | None, typer.Option(help="The rep's id on calls; the e-mail address when left out.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Add a member, and print the link with which they choose a password."""
    from ridealong.app.commands import add_member  # noqa: PLC0415

    sys.stdout.write(
        run(add_member(settings_of(), tenant=tenant, email=email, role=role, name=name, rep_id=rep)) + "\n"
    )


@members.command("invite")
def members_invite(
    email: Annotated[str, typer.Argument(help="The member's e-mail address.")], *, tenant: Tenant = DEFAULT_TENANT
) -> None:
    """Print a new link with which a member chooses a password, for who lost it."""
    from ridealong.app.commands import invite_member  # noqa: PLC0415

    sys.stdout.write(run(invite_member(settings_of(), tenant=tenant, email=email)) + "\n")


@members.command("list")
def members_list(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """The tenant's members, one a line."""
    from ridealong.app.commands import list_members  # noqa: PLC0415

    sys.stdout.write(run(list_members(settings_of(), tenant=tenant)))
