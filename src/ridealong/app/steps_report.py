"""`ridealong report --steps`: every step of a review, who made it, what it took, what it made and what it dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ridealong.postcall.render import steps_total

if TYPE_CHECKING:
    from ridealong.core.artifact import Artifact, ReviewStep
    from ridealong.core.outline import StepResult


def steps_json(artifact: Artifact) -> dict[str, object]:
    """`steps`: each finished step with its tokens; `asked`: what was asked of models, one entry a question's part."""
    return {
        "reviewer": artifact.reviewer,
        "steps": [
            {**result.as_json(), "input_tokens": _input(asked), "output_tokens": _output(asked)}
            for result, asked in _with_questions(artifact)
        ],
        "asked": [step.as_json() for step in artifact.steps],
    }


def steps_report(artifact: Artifact) -> str:
    """Both as Markdown tables."""
    lines = [f"Made by {artifact.reviewer}.", ""]
    if artifact.step_results:
        lines += [
            "| step | kind | made by | time | tokens in | out | made | dropped | removed | lowered | unchecked |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
            *(
                f"| {r.step} | {r.kind.value} | {r.by} | {r.seconds:.2f} s | {_input(asked)} | {_output(asked)}"
                f" | {r.made} | {r.dropped} | {r.removed} | {r.lowered} | {r.unchecked} |"
                for r, asked in _with_questions(artifact)
            ),
            "",
        ]
    return "\n".join(lines) + "\n" + questions_table(artifact.steps)


def questions_table(steps: Sequence[ReviewStep]) -> str:
    """What a review asked of which model and what that took."""
    if not steps:
        return "No model was asked."
    lines = [
        f"Asked of models: {steps_total(steps)}.",
        "",
        "| step | part | prompt | model | outcome | asked | tokens in | from cache | into cache | out | cost | time |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        cost = "" if step.cost_usd is None else f"${step.cost_usd:.4f}"
        lines.append(
            f"| {step.step} | {step.part} | {step.prompt} | {step.model} | {step.outcome.value.replace('_', ' ')}"
            f" | {step.attempts} | {step.input_tokens} | {step.cache_read_tokens} | {step.cache_written_tokens}"
            f" | {step.output_tokens} | {cost} | {step.seconds:.1f} s |"
        )
    return "\n".join(lines)


def _with_questions(artifact: Artifact) -> Iterator[tuple[StepResult, list[ReviewStep]]]:
    for result in artifact.step_results:
        yield result, [step for step in artifact.steps if step.step == result.step]


def _input(asked: Sequence[ReviewStep]) -> int:
    return sum(step.input_tokens for step in asked)


def _output(asked: Sequence[ReviewStep]) -> int:
    return sum(step.output_tokens for step in asked)
