"""`ridealong rubric …`, `template …`, `moments …`, `taxonomy …`, `review …` and `policy …`: how calls are judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from ridealong.app.cli_shared import DEFAULT_TENANT, Tenant, run, settings_of
from ridealong.core.context import CallContext

rubric = typer.Typer(no_args_is_help=True, help="Rubrics: what calls are scored on.")
templates = typer.Typer(no_args_is_help=True, help="Templates: what a report looks like.")
moments = typer.Typer(no_args_is_help=True, help="Moments: how well they are judged.")
taxonomy = typer.Typer(
    no_args_is_help=True, help="A tenant's own moment types: train, choose a version, see the effect."
)
reviews = typer.Typer(no_args_is_help=True, help="Reviews: how sure their statements are.")
policy = typer.Typer(no_args_is_help=True, help="The nudge policy: tried on past calls.")


@templates.command("check")
def template_check(
    file: Annotated[Path, typer.Argument(help="For example own.email.liquid: its name says the form.")],
) -> None:
    """Whether a template can be kept; a claim that it prints without its link is a warning, with its line.

    Partials of its own (`partial-NAME.FORM.liquid`) are looked for beside it. Exit code 2 for a mistake.
    """
    from ridealong.app.template_files import check_template_file  # noqa: PLC0415

    sys.stdout.write(check_template_file(file))


@moments.command("eval")
def moments_eval(
    files: Annotated[list[Path], typer.Argument(help="Labelled transcripts (JSON lines), or folders of them.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="Judge with this tenant's taxonomy and classifier; the product's own when left out."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="With --tenant: this version of its classifier, not the live one.")
    ] = None,
) -> None:
    """Score the live path on labelled calls: lines of `coach --transcript` with "moments": [{"type": …}]."""
    from ridealong.app.evaluation.run import run_evaluation  # noqa: PLC0415

    if version is not None and tenant is None:
        raise typer.BadParameter("--version is one of a tenant: give --tenant as well")
    run(run_evaluation(settings_of(), files, tenant=tenant, version=version, json_wanted=as_json, html=html))


@taxonomy.command("train")
def taxonomy_train(
    *,
    promote: Annotated[
        bool, typer.Option("--promote", help="Let it judge new calls, also if it may be worse.")
    ] = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Run it beside the live one; nothing of it is shown.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Only keep it as a candidate.")] = False,
    trust_feedback: Annotated[
        bool, typer.Option("--trust-feedback", help="Also learn from feedback that contradicts what is sure.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Fit the tenant's classifier to its examples and feedback. It goes live if it is not worse than what runs."""
    from ridealong.app.tuning_commands import train  # noqa: PLC0415

    if promote + shadow + keep > 1:
        raise typer.BadParameter("give one of --promote, --shadow and --keep")
    then = "live" if promote else "shadow" if shadow else "candidate" if keep else "if_not_worse"
    if not run(train(settings_of(), tenant=tenant, then=then, trust_feedback=trust_feedback, as_json=as_json)):
        raise typer.Exit(1)


@taxonomy.command("versions")
def taxonomy_versions(
    *, as_json: Annotated[bool, typer.Option("--json")] = False, tenant: Tenant = DEFAULT_TENANT
) -> None:
    """The versions of the tenant's classifier, and which one judges new calls."""
    from ridealong.app.tuning_commands import list_versions  # noqa: PLC0415

    run(list_versions(settings_of(), tenant=tenant, as_json=as_json))


@taxonomy.command("promote")
def taxonomy_promote(
    version: Annotated[int, typer.Argument(min=1, help="The version; an earlier one is a roll-back.")],
    *,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Let a version judge new calls."""
    from ridealong.app.tuning_commands import move  # noqa: PLC0415

    sys.stdout.write(run(move(settings_of(), tenant=tenant, version=version, to="live")) + "\n")


@taxonomy.command("shadow")
def taxonomy_shadow(
    version: Annotated[int, typer.Argument(min=1, help="The version.")],
    *,
    compare: Annotated[bool, typer.Option("--compare", help="Show what it found so far, as JSON.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Run a version beside the live one on new calls, or compare both."""
    from ridealong.app.tuning_commands import move, show_shadow  # noqa: PLC0415

    if compare:
        run(show_shadow(settings_of(), tenant=tenant, version=version))
    else:
        sys.stdout.write(run(move(settings_of(), tenant=tenant, version=version, to="shadow")) + "\n")


@taxonomy.command("retire")
def taxonomy_retire(
    version: Annotated[int, typer.Argument(min=1, help="The version.")], *, tenant: Tenant = DEFAULT_TENANT
) -> None:
    """Let a version judge nothing; behind the live one stands the shipped classifier."""
    from ridealong.app.tuning_commands import move  # noqa: PLC0415

    sys.stdout.write(run(move(settings_of(), tenant=tenant, version=version, to="retired")) + "\n")


@taxonomy.command("queue")
def taxonomy_queue(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """What would teach the classifier the most if somebody said what it is. Answer over the API."""
    from ridealong.app.tuning_commands import show_queue  # noqa: PLC0415

    run(show_queue(settings_of(), tenant=tenant, limit=limit, as_json=as_json))


@taxonomy.command("feedback")
def taxonomy_feedback(*, tenant: Tenant = DEFAULT_TENANT) -> None:
    """What people taught, and what the latest version made of it, as JSON."""
    from ridealong.app.tuning_commands import show_feedback  # noqa: PLC0415

    run(show_feedback(settings_of(), tenant=tenant))


@reviews.command("calibrate")
def review_calibrate(
    *,
    back: Annotated[int | None, typer.Option(min=0, help="Use this earlier version again; 0: as shipped.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the versions, and change nothing.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Learn from the votes on claims how sure a claim is. Needs 40 voted claims, some of either kind."""
    from ridealong.app.calibration import run_calibration  # noqa: PLC0415

    sys.stdout.write(run(run_calibration(settings_of(), tenant=tenant, back=back, listed=listed)) + "\n")


@rubric.command("check")
def rubric_check(file: Annotated[Path, typer.Argument(help="A rubric (YAML).")]) -> None:
    """Check a rubric, and show what weighs how much; exit code 2 with the line of the first mistake."""
    from ridealong.app.rubric_commands import check_rubric  # noqa: PLC0415

    sys.stdout.write(check_rubric(file) + "\n")


@rubric.command("try")
def rubric_try(
    call: Annotated[str, typer.Argument(help="A stored call's id, or a transcript file (JSON lines).")],
    *,
    rubric: Annotated[
        str | None, typer.Option(help="A file or a name; what calls are reviewed with when left out.")
    ] = None,
    rep_speaker: Annotated[
        list[int] | None, typer.Option(min=0, help="Of a file: the rep's speaker id; once for each of several reps.")
    ] = None,
    call_type: Annotated[str, typer.Option(help="Try it as a call of this type.")] = "",
    stage: Annotated[str, typer.Option(help="Try it as a call in this stage.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The artifact as JSON.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Review a call under a rubric with the local reviewer; nothing is stored."""
    from ridealong.app.rubric_commands import show_trial  # noqa: PLC0415

    about = CallContext(call_type=call_type, stage=stage)
    text = run(
        show_trial(
            settings_of(),
            call=call,
            rubric=rubric,
            tenant=tenant,
            rep_speakers=rep_speaker or (),
            about=about,
            as_json=as_json,
        )
    )
    sys.stdout.write(text.rstrip("\n") + "\n")


@rubric.command("diff")
def rubric_diff(
    old: Annotated[str, typer.Argument(help="A rubric: a file or a name.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    calls: Annotated[list[str] | None, typer.Argument(help="Calls or transcript files to score under both.")] = None,
    *,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Show what differs between two rubrics, and how the scores of calls change."""
    from ridealong.app.rubric_commands import show_difference  # noqa: PLC0415

    found = run(show_difference(settings_of(), old=old, new=new, calls_to_try=calls or [], tenant=tenant))
    sys.stdout.write(found + "\n")


@rubric.command("schema")
def rubric_schema() -> None:
    """Print the JSON Schema of rubrics, for editors that complete and check YAML."""
    from ridealong.postcall.rubric_document import rubric_schema  # noqa: PLC0415

    sys.stdout.write(json.dumps(rubric_schema(), indent=2, ensure_ascii=False) + "\n")


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

    run(run_replay(settings_of(), call_ids, tenant=tenant, policy=policy_file, taxonomy=taxonomy, as_json=as_json))
