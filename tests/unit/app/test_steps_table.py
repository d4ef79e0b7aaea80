"""`ridealong report --steps`: what a review asked of which model."""

from __future__ import annotations

from dataclasses import replace

from ridealong.app.commands import steps_table
from ridealong.core.artifact import StepOutcome
from tests.integration.store.conversation import STEP


def test_every_step_has_a_line_and_the_total_counts_what_failed_too() -> None:
    late = replace(
        STEP, model="scripted:late", outcome=StepOutcome.LATE, attempts=2, input_tokens=0, cost_usd=None, seconds=13.0
    )
    table = steps_table("hosted-2 (scripted:one)", [late, STEP])
    assert "3 questions" in table
    assert "at least $0.0125" in table
    assert "| section need | draft | scripted:late | late | 2 |" in table
    assert "| section need | draft | scripted:one | answered | 1 | 900 | 800 |" in table


def test_a_review_without_models_says_so() -> None:
    assert steps_table("local-1", []) == "Made by local-1: no model was asked."
