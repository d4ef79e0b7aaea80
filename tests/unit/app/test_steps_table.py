"""`ridealong report --steps`: what a review asked of which model."""

from __future__ import annotations

from dataclasses import replace

from ridealong.app.sample_artifact import sample_artifact
from ridealong.app.steps_report import questions_table, steps_json, steps_report
from ridealong.core.artifact import StepOutcome
from tests.integration.store.conversation import STEP


def test_every_step_has_a_line_and_the_total_counts_what_failed_too() -> None:
    late = replace(
        STEP, model="scripted:late", outcome=StepOutcome.LATE, attempts=2, input_tokens=0, cost_usd=None, seconds=13.0
    )
    table = questions_table([late, STEP])
    assert "3 questions" in table
    assert "at least $0.0125" in table
    assert "| section need | draft |  | scripted:late | late | 2 |" in table
    assert "| section need | draft |  | scripted:one | answered | 1 | 900 | 800 |" in table


def test_a_review_without_models_says_so() -> None:
    assert questions_table([]) == "No model was asked."


def test_the_report_of_steps_shows_each_step_with_who_made_it_its_tokens_and_what_it_dropped() -> None:
    artifact = sample_artifact()
    report = steps_report(artifact)
    assert "| section sample | model | sample | 2.10 s | 1000 | 100 | 2 | 1 | 0 | 0 | 0 |" in report
    assert "| outline | local | local-narrator-1 | 0.10 s | 0 | 0 | 1 | 0 | 0 | 0 | 0 |" in report
    assert "| section sample | draft | section-1+guide-1 | vendor:model |" in report
    (section, outline) = steps_json(artifact)["steps"]  # pyright: ignore
    assert (section["input_tokens"], section["dropped"], outline["kind"]) == (1000, 1, "local")
