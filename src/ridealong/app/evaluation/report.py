"""An evaluation in a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ridealong.app.terminal import printable

if TYPE_CHECKING:
    from ridealong.app.evaluation.measures import Evaluation, Interval, Mistake, Reliability, Spread


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Every figure, by the names of `measures.Evaluation`; shares from 0 to 1, times in milliseconds."""
    return dataclasses.asdict(evaluation)


def figure(value: float | None) -> str:
    """A dash where there was nothing to count."""
    return "–" if value is None else f"{value:.2f}"


def interval(found: Interval) -> str:
    if found.value is None:
        return "– (nothing to count)"
    return f"{figure(found.value)} ({figure(found.low)} to {figure(found.high)})"


def spread(found: Spread) -> str:
    return f"p50 {found.p50:.1f} ms, p95 {found.p95:.1f} ms, p99 {found.p99:.1f} ms ({found.count})"


def summary(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The figures beside the table of types, as (what, value)."""
    nudged = evaluation.nudged
    held = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in nudged.held_back.items())
    return [
        ("macro-F1 of what is recorded", interval(evaluation.macro_f1)),
        ("micro-F1 of what is recorded", interval(evaluation.micro_f1)),
        (f"nudged: precision of {nudged.shown} nudges", interval(nudged.precision)),
        ("nudged: share of true moments", interval(nudged.recall)),
        (f"of what the budget allows ({nudged.allowed} of {evaluation.moments} moments)", interval(nudged.of_allowed)),
        ("right, but held back", held or "none"),
        ("false nudges per 10 minutes", interval(nudged.false_per_10_min)),
        (
            f"calibration error (ECE, 10 bins) of {evaluation.recorded_reliability.count} recorded moments",
            _calibration(evaluation.recorded_reliability),
        ),
        (
            f"the same of all {evaluation.judgement_reliability.count} judgements",
            _calibration(evaluation.judgement_reliability),
        ),
        ("from the end of the words to the decision", spread(evaluation.lag)),
        ("judging one utterance", spread(evaluation.classify)),
    ]


def _calibration(found: Reliability) -> str:
    if not found.count:
        return "– (nothing to count)"
    value, low, high = (of or 0.0 for of in (found.by_chance.value, found.by_chance.low, found.by_chance.high))
    return f"{found.ece:.3f}; were all as sure as right, {value:.3f} ({low:.3f} to {high:.3f})"


def heading(evaluation: Evaluation) -> str:
    intervals = "Intervals: 95%, bootstrap over calls."
    if evaluation.calls == 1:
        intervals = "One call tells nothing of others: its intervals are empty."
    return (
        f"{evaluation.calls} call{'' if evaluation.calls == 1 else 's'}, {evaluation.utterances} utterances, "
        f"{evaluation.minutes:.0f} minutes, {evaluation.moments} labelled moments. {intervals}"
    )


def show(evaluation: Evaluation, console: Console) -> None:
    """Print it."""
    console.print(Text(heading(evaluation)))
    table = Table("type", "P", "R", "F1", "F1, 95%", "true", "found", box=None)
    for score in evaluation.types:
        table.add_row(
            score.type,
            figure(score.precision),
            figure(score.recall),
            figure(score.f1),
            "–" if score.f1 is None else f"{figure(score.f1_low)} to {figure(score.f1_high)}",
            str(score.support),
            str(score.found),
        )
    console.print(table)
    for what, value in summary(evaluation):
        console.print(Text.assemble((f"{what}: ", "dim"), value))
    console.print(Text("\nconfidence of recorded moments, and how often they were right"))
    for part in evaluation.recorded_reliability.bins:
        if part.count:
            console.print(Text(f"  {part.confidence:.2f} → {part.right:.2f}  {'▪' * min(part.count, 60)} {part.count}"))
    console.print(Text("\nthe worst mistakes"))
    for mistake in evaluation.worst:
        _show_mistake(mistake, console)


def _show_mistake(mistake: Mistake, console: Console) -> None:
    truth = " and ".join(mistake.truth) or "nothing"
    console.print(
        Text.assemble(
            (f"\n{mistake.kind}", "bold"),
            f": {mistake.type} at {mistake.confidence:.2f}, true: {truth}",
            (f"  {printable(mistake.call)}, utterance {mistake.no}", "dim"),
        )
    )
    for who, text in mistake.before:
        console.print(Text(f"    {who}: {printable(text)}", style="dim"))
    console.print(Text(f"  › {mistake.speaker}: {printable(mistake.text)}"))
