"""`ridealong …`: the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID

import typer
from rich.console import Console

from ridealong import telemetry
from ridealong.config import Settings, load_settings
from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument, MissingPart, RidealongError
from ridealong.core.people import MemberRole

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Live nudges for the rep, a grounded review for the manager.",
)
db = typer.Typer(no_args_is_help=True, help="The database: its state, tenants, tokens and documents.")
app.add_typer(db, name="db")
models = typer.Typer(no_args_is_help=True, help="A tenant's own models, and its keys with their vendors.")
app.add_typer(models, name="models")
members = typer.Typer(no_args_is_help=True, help="The people of a tenant: who may sign in.")
app.add_typer(members, name="members")
moments = typer.Typer(no_args_is_help=True, help="Moments: how well they are judged.")
app.add_typer(moments, name="moments")
policy = typer.Typer(no_args_is_help=True, help="The nudge policy: tried on past calls.")
app.add_typer(policy, name="policy")

T = TypeVar("T")

DEFAULT_TENANT = "default"

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's short name.")]


class Speed(StrEnum):
    REAL = "1"
    MAX = "max"


class SpokenBy(StrEnum):
    REP = "rep"
    CUSTOMER = "customer"


class Layout(StrEnum):
    AUTO = "auto"
    MIXED = "mixed"
    SEPARATE = "separate"
    REP_FIRST = "rep_first"
    CUSTOMER_FIRST = "customer_first"


def main() -> None:
    """Run the command line; an error that has an explanation ends it with that, and exit code 1."""
    try:
        app()
    except RidealongError as error:
        _fail(error)


def _fail(error: RidealongError) -> NoReturn:
    Console(stderr=True, highlight=False).print(f"ridealong: {error}", style="bold red", markup=False)
    sys.exit(2 if isinstance(error, InvalidDocument) else 1)


def _run(work: Coroutine[Any, Any, T]) -> T:
    import uvloop  # noqa: PLC0415 - only commands that run something pay for it

    try:
        return uvloop.run(work)
    except* RidealongError as group:
        error = _first(group)
        raise error from error.__cause__


def _first(group: BaseExceptionGroup[RidealongError]) -> RidealongError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _settings(**overrides: object) -> Settings:
    settings = load_settings(**{name: value for name, value in overrides.items() if value is not None})
    telemetry.configure_logging(level=settings.log_level, as_json=settings.log_json)
    return settings


@app.command()
def demo(
    *,
    speed: Annotated[Speed, typer.Option(help="Real pace, or as fast as it is heard.")] = Speed.REAL,
    port: Annotated[int | None, typer.Option(help="Port to serve on afterwards.")] = None,
) -> None:
    """Play the bundled sample call: live transcript, moments, nudges, then the review; keeps serving until Ctrl-C."""
    from ridealong.app.demo import run_demo  # noqa: PLC0415

    _run(run_demo(_settings(port=port), speed=_factor(speed)))


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the capture socket, the event socket and the API until Ctrl-C."""
    from ridealong.app.serve import run_server  # noqa: PLC0415

    _run(run_server(_settings(host=host, port=port)))


@app.command()
def coach(
    audio: Annotated[Path | None, typer.Argument(help="A recording: any audio file.")] = None,
    *,
    transcript: Annotated[Path | None, typer.Option(help="A diarised transcript (JSON lines) instead.")] = None,
    speed: Annotated[Speed, typer.Option(help="Real pace, or as fast as it is heard.")] = Speed.MAX,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One event a line, and nothing else.")] = False,
    transcriber: Annotated[str | None, typer.Option(help="Which transcriber hears it.")] = None,
    layout: Annotated[Layout, typer.Option(help="What the channels hold.")] = Layout.AUTO,
    rep_speaker: Annotated[int | None, typer.Option(min=0, help="The rep's speaker id, where you know it.")] = None,
    customer: Annotated[str, typer.Option(help="Whose call it is: brings a customer's calls together.")] = "",
    deal: Annotated[str, typer.Option(help="The deal it belongs to.")] = "",
    call_type: Annotated[str, typer.Option(help="For example demo; a rubric can depend on it.")] = "",
    stage: Annotated[str, typer.Option(help="The deal's stage; a rubric can depend on it.")] = "",
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Run a recording, or a transcript, through the same code as a live call: live path and review."""
    from ridealong.app.coach import run_coach  # noqa: PLC0415

    if (audio is None) == (transcript is None):
        raise typer.BadParameter("give either an audio file or --transcript FILE")
    _run(
        run_coach(
            _settings(transcriber=transcriber),
            audio=audio,
            transcript=transcript,
            speed=_factor(speed),
            jsonl=jsonl,
            layout=None if layout is Layout.AUTO else layout.value,
            rep_speaker=rep_speaker,
            tenant=tenant,
            context=CallContext(customer=customer, deal=deal, call_type=call_type, stage=stage),
        )
    )


@app.command()
def report(
    call: Annotated[UUID | None, typer.Argument(help="The call; the latest one when left out.")] = None,
    *,
    template: Annotated[
        str, typer.Option(help="manager, rep, objections-only, or a template of the tenant.")
    ] = "manager",
    html: Annotated[bool, typer.Option("--html", help="HTML instead of Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The artifact as JSON.")] = False,
    steps: Annotated[bool, typer.Option("--steps", help="Each step: who made it, time, tokens, what it made.")] = False,
    diff: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="FROM TO", help="What changed between two artifacts of the call, numbered from 1."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Show the review of a call."""
    from ridealong.app.commands import show_report  # noqa: PLC0415

    text = _run(
        show_report(
            _settings(),
            tenant=tenant,
            call_id=call,
            template=template,
            html=html,
            as_json=as_json,
            steps=steps,
            diff=diff,
        )
    )
    if output is None:
        sys.stdout.write(text.rstrip("\n") + "\n")
    else:
        output.write_text(text)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What to look for.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Find utterances, moments and findings by meaning and by words."""
    from ridealong.app.commands import show_hits  # noqa: PLC0415

    _run(show_hits(_settings(), tenant=tenant, text=" ".join(words), limit=limit, as_json=as_json))


@app.command()
def ask(
    question: Annotated[
        list[str], typer.Argument(help="For example: what did customers say about onboarding this month?")
    ],
    *,
    started_from: Annotated[str | None, typer.Option("--from", help="First day, for example 2026-11-01.")] = None,
    started_to: Annotated[str | None, typer.Option("--to", help="The day after the last one.")] = None,
    rep: Annotated[str | None, typer.Option(help="Only this rep's calls, by id.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only calls with this customer.")] = None,
    deal: Annotated[str | None, typer.Option(help="Only calls about this deal.")] = None,
    role: Annotated[SpokenBy | None, typer.Option(help="Whose words.")] = None,
    moment: Annotated[list[str] | None, typer.Option(help="Only words with a moment of this type; repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Answer a question from what was said on all calls; every sentence is cited and can be played."""
    from ridealong.app.across_commands import day, show_answer  # noqa: PLC0415
    from ridealong.core.answer import Scope  # noqa: PLC0415
    from ridealong.core.transcript import Role  # noqa: PLC0415

    scope = Scope(
        started_from=day(started_from),
        started_to=day(started_to),
        rep_id=rep,
        customer=customer,
        deal=deal,
        role=Role.UNKNOWN if role is None else Role(role.value),
        moments=tuple(moment or ()),
    )
    answer = show_answer(_settings(), tenant=tenant, question=" ".join(question), scope=scope, as_json=as_json)
    sys.stdout.write(_run(answer).rstrip("\n") + "\n")


@app.command()
def deals(*, as_json: Annotated[bool, typer.Option("--json")] = False, tenant: Tenant = DEFAULT_TENANT) -> None:
    """The customers and deals that calls name, the one that was spoken about last first."""
    from ridealong.app.across_commands import show_deals  # noqa: PLC0415

    sys.stdout.write(_run(show_deals(_settings(), tenant=tenant, as_json=as_json)).rstrip("\n") + "\n")


@app.command()
def deal(
    customer: Annotated[str, typer.Argument(help="As the calls name it.")],
    name: Annotated[str | None, typer.Argument(help="One of its deals; all of its calls when left out.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """What is known of a deal over all of its calls: each MEDDIC field, and which claim set or changed it."""
    from ridealong.app.across_commands import show_deal  # noqa: PLC0415

    text = _run(show_deal(_settings(), tenant=tenant, customer=customer, deal=name, as_json=as_json))
    sys.stdout.write(text.rstrip("\n") + "\n")


@app.command()
def themes(
    *,
    started_from: Annotated[str | None, typer.Option("--from", help="First day, for example 2026-11-01.")] = None,
    started_to: Annotated[str | None, typer.Option("--to", help="The day after the last one.")] = None,
    rep: Annotated[str | None, typer.Option(help="Only this rep's calls, by id.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only calls with this customer.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """What customers keep saying: objections, problems, and the alternatives that were named, by week."""
    from ridealong.app.across_commands import day, show_themes  # noqa: PLC0415
    from ridealong.core.answer import Scope  # noqa: PLC0415

    scope = Scope(started_from=day(started_from), started_to=day(started_to), rep_id=rep, customer=customer)
    text = _run(show_themes(_settings(), tenant=tenant, scope=scope, as_json=as_json))
    sys.stdout.write(text.rstrip("\n") + "\n")


@app.command()
def doctor() -> None:
    """Check this machine and the settings; exit code 1 when something would not work."""
    from ridealong.app.doctor import run_doctor  # noqa: PLC0415

    if not _run(run_doctor(_settings())):
        raise typer.Exit(1)


@app.command()
def erase(
    call: Annotated[UUID, typer.Argument(help="The call to erase.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Erase a call completely: audio, transcript, and everything that cites it. Cannot be undone."""
    from ridealong.app.commands import erase_call  # noqa: PLC0415

    if not yes:
        typer.confirm(f"Erase call {call} for good?", abort=True)
    _run(erase_call(_settings(), tenant=tenant, call_id=call))


@app.command()
def bench(
    parts: Annotated[list[str] | None, typer.Argument(help="Parts to run; all when left out.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure speed and quality on this machine."""
    try:
        from ridealong.app.bench.run import run_bench  # noqa: PLC0415
    except ImportError as error:
        raise MissingPart(f"the bench needs the package '{error.name}': run `make setup`") from error

    raise typer.Exit(run_bench(parts or [], as_json=as_json))


@db.command("status")
def db_status() -> None:
    """Which database is used, its version, and how much it holds."""
    from ridealong.app.commands import database_status  # noqa: PLC0415

    sys.stdout.write(json.dumps(_run(database_status(_settings())), indent=2) + "\n")


@db.command("migrate")
def db_migrate() -> None:
    """Bring the database to this version's schema (serve and coach do so by themselves)."""
    from ridealong.app.commands import database_status  # noqa: PLC0415

    _run(database_status(_settings()))
    sys.stdout.write("The database is up to date.\n")


@db.command("tenant")
def db_tenant(
    slug: Annotated[str, typer.Argument(help="Short name: lower-case letters, digits and hyphens.")],
    name: Annotated[str, typer.Option(help="The name that people read.")] = "",
) -> None:
    """Add a tenant."""
    from ridealong.app.commands import add_tenant  # noqa: PLC0415

    sys.stdout.write(_run(add_tenant(_settings(), slug=slug, name=name or slug)) + "\n")


@db.command("token")
def db_token(
    scopes: Annotated[list[str], typer.Argument(help="capture, read, admin")],
    *,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never when left out.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Issue a token. It is shown this once."""
    from ridealong.app.commands import issue_token  # noqa: PLC0415

    sys.stdout.write(_run(issue_token(_settings(), tenant=tenant, scopes=scopes, days=days)) + "\n")


@db.command("document")
def db_document(
    kind: Annotated[str, typer.Argument(help="taxonomy, rubric or template")],
    file: Annotated[Path, typer.Argument(help="The document.")],
    *,
    name: Annotated[str, typer.Option(help="Its name; `default` is the one in use.")] = "default",
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Check a taxonomy, rubric or template, and make it the tenant's own."""
    from ridealong.app.commands import put_document  # noqa: PLC0415

    sys.stdout.write(_run(put_document(_settings(), tenant=tenant, kind=kind, name=name, path=file)) + "\n")


@db.command("enroll")
def db_enroll(
    rep: Annotated[str, typer.Argument(help="The rep's id, as the app sends it.")],
    audio: Annotated[Path, typer.Argument(help="At least 10 seconds of the rep alone.")],
    *,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Enrol a rep's voice, so that the rep is known on one-channel calls."""
    from ridealong.app.commands import enroll_voice  # noqa: PLC0415

    _run(enroll_voice(_settings(), tenant=tenant, rep_id=rep, path=audio))


@models.command("show")
def models_show(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """What the tenant chose, what is in use, and for which vendors it has a key. Keys are not shown."""
    from ridealong.app.commands import show_models  # noqa: PLC0415

    sys.stdout.write(_run(show_models(_settings(), tenant=tenant)) + "\n")


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
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Change the tenant's models and keys."""
    from ridealong.app.commands import set_models  # noqa: PLC0415

    change: dict[str, object] = {}
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
    sys.stdout.write(_run(set_models(_settings(), tenant=tenant, change=change | {"vendors": vendors})) + "\n")


@models.command("rotate")
def models_rotate() -> None:
    """Encrypt all tenants' keys under the newest RIDEALONG_SECRET_KEY."""
    from ridealong.app.commands import rotate_keys  # noqa: PLC0415

    sys.stdout.write(_run(rotate_keys(_settings())) + "\n")


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

    sys.stdout.write(_run(add_member(_settings(), tenant=tenant, email=email, role=role, name=name, rep_id=rep)) + "\n")


@members.command("invite")
def members_invite(
    email: Annotated[str, typer.Argument(help="The member's e-mail address.")], *, tenant: Tenant = DEFAULT_TENANT
) -> None:
    """Print a new link with which a member chooses a password, for who lost it."""
    from ridealong.app.commands import invite_member  # noqa: PLC0415

    sys.stdout.write(_run(invite_member(_settings(), tenant=tenant, email=email)) + "\n")


@members.command("list")
def members_list(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """The tenant's members, one a line."""
    from ridealong.app.commands import list_members  # noqa: PLC0415

    sys.stdout.write(_run(list_members(_settings(), tenant=tenant)))


@moments.command("eval")
def moments_eval(
    files: Annotated[list[Path], typer.Argument(help="Labelled transcripts (JSON lines), or folders of them.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Judge with this tenant's taxonomy; the product's own when left out.")
    ] = None,
) -> None:
    """Score the live path on labelled calls: lines of `coach --transcript` with "moments": [{"type": …}]."""
    from ridealong.app.evaluation.run import run_evaluation  # noqa: PLC0415

    _run(run_evaluation(_settings(), files, tenant=tenant, json_wanted=as_json, html=html))


@policy.command("replay")
def policy_replay(
    call_ids: Annotated[list[UUID], typer.Argument(metavar="CALL...", help="The calls to decide anew.")],
    *,
    policy_file: Annotated[Path | None, typer.Option("--policy", help="What changes: `policy:` and `types:`.")] = None,
    taxonomy: Annotated[Path | None, typer.Option(help="A whole taxonomy instead of the tenant's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """What would have been nudged on past calls under a changed policy, beside what was."""
    from ridealong.app.policy_replay import run_replay  # noqa: PLC0415

    _run(run_replay(_settings(), call_ids, tenant=tenant, policy=policy_file, taxonomy=taxonomy, as_json=as_json))


def _factor(speed: Speed) -> float:
    return 1.0 if speed is Speed.REAL else 0.0


if __name__ == "__main__":
    main()
