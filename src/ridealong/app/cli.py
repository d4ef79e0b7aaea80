"""`ridealong …`: the command line."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from rich.console import Console

from ridealong.app import cli_crm, cli_judgement, cli_tenants
from ridealong.app.cli_shared import DEFAULT_TENANT, Tenant, run, settings_of
from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument, MissingPart, RidealongError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Live nudges for the rep, a grounded review for the manager.",
)
app.add_typer(cli_tenants.db, name="db")
app.add_typer(cli_tenants.models, name="models")
app.add_typer(cli_tenants.members, name="members")
app.add_typer(cli_judgement.rubric, name="rubric")
app.add_typer(cli_judgement.templates, name="template")
app.add_typer(cli_judgement.moments, name="moments")
app.add_typer(cli_judgement.taxonomy, name="taxonomy")
app.add_typer(cli_judgement.reviews, name="review")
app.add_typer(cli_judgement.policy, name="policy")
app.add_typer(cli_crm.crm, name="crm")


class Speed(StrEnum):
    REAL = "1"
    MAX = "max"


class ReportFormat(StrEnum):
    MD = "md"
    HTML = "html"
    EMAIL = "email"
    SLACK = "slack"
    TXT = "txt"
    JSON = "json"


class ExportKind(StrEnum):
    FINDINGS = "findings"
    MOMENTS = "moments"


class ExportFormat(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"


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


@app.command()
def demo(
    *,
    speed: Annotated[Speed, typer.Option(help="Real pace, or as fast as it is heard.")] = Speed.REAL,
    port: Annotated[int | None, typer.Option(help="Port to serve on afterwards.")] = None,
) -> None:
    """Play the bundled sample call: live transcript, moments, nudges, then the review; keeps serving until Ctrl-C."""
    from ridealong.app.demo import run_demo  # noqa: PLC0415

    run(run_demo(settings_of(port=port), speed=_factor(speed)))


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the capture socket, the event socket and the API until Ctrl-C."""
    from ridealong.app.serve import run_server  # noqa: PLC0415

    run(run_server(settings_of(host=host, port=port)))


@app.command()
def coach(
    audio: Annotated[Path | None, typer.Argument(help="A recording: any audio file.")] = None,
    *,
    transcript: Annotated[Path | None, typer.Option(help="A diarised transcript (JSON lines) instead.")] = None,
    speed: Annotated[Speed, typer.Option(help="Real pace, or as fast as it is heard.")] = Speed.MAX,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One event a line, and nothing else.")] = False,
    transcriber: Annotated[str | None, typer.Option(help="Which transcriber hears it.")] = None,
    layout: Annotated[Layout, typer.Option(help="What the channels hold.")] = Layout.AUTO,
    rep_speaker: Annotated[
        list[int] | None,
        typer.Option(min=0, help="The rep's speaker id, where you know it; once for each of several reps."),
    ] = None,
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
    run(
        run_coach(
            settings_of(transcriber=transcriber),
            audio=audio,
            transcript=transcript,
            speed=_factor(speed),
            jsonl=jsonl,
            layout=None if layout is Layout.AUTO else layout.value,
            rep_speakers=rep_speaker or (),
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
    html: Annotated[bool, typer.Option("--html", help="The same as --format html.")] = False,
    form: Annotated[ReportFormat, typer.Option("--format", help="What it is written as.")] = ReportFormat.MD,
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

    text = run(
        show_report(
            settings_of(),
            tenant=tenant,
            call_id=call,
            template=template,
            form="html" if html else form.value,
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

    run(show_hits(settings_of(), tenant=tenant, text=" ".join(words), limit=limit, as_json=as_json))


@app.command()
def export(
    kind: Annotated[ExportKind, typer.Argument(help="findings or moments")],
    *,
    form: Annotated[ExportFormat, typer.Option("--format", help="csv or parquet")] = ExportFormat.CSV,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Write the findings or moments of all calls that began in these days (UTC), one a line."""
    from ridealong.app.export_files import write_export  # noqa: PLC0415

    if output is None and form is ExportFormat.PARQUET and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is no text: name a file with -o")
    run(
        write_export(
            settings_of(),
            tenant=tenant,
            kind=kind.value,
            form=form.value,
            since=None if since is None else since.date(),
            until=None if until is None else until.date(),
            output=output,
        )
    )


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
    answer = show_answer(settings_of(), tenant=tenant, question=" ".join(question), scope=scope, as_json=as_json)
    sys.stdout.write(run(answer).rstrip("\n") + "\n")


@app.command()
def deals(*, as_json: Annotated[bool, typer.Option("--json")] = False, tenant: Tenant = DEFAULT_TENANT) -> None:
    """The customers and deals that calls name, the one that was spoken about last first."""
    from ridealong.app.across_commands import show_deals  # noqa: PLC0415

    sys.stdout.write(run(show_deals(settings_of(), tenant=tenant, as_json=as_json)).rstrip("\n") + "\n")


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

    text = run(show_deal(settings_of(), tenant=tenant, customer=customer, deal=name, as_json=as_json))
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
    text = run(show_themes(settings_of(), tenant=tenant, scope=scope, as_json=as_json))
    sys.stdout.write(text.rstrip("\n") + "\n")


@app.command()
def doctor() -> None:
    """Check this machine and the settings; exit code 1 when something would not work."""
    from ridealong.app.doctor import run_doctor  # noqa: PLC0415

    if not run(run_doctor(settings_of())):
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
    run(erase_call(settings_of(), tenant=tenant, call_id=call))


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


def _factor(speed: Speed) -> float:
    return 1.0 if speed is Speed.REAL else 0.0


if __name__ == "__main__":
    main()
