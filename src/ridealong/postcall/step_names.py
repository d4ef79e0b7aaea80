"""What the steps of a review are called, in the workflow, in the artifact and on the page."""

from __future__ import annotations

from typing import Final

COACHING: Final = "coaching moments"
CONSISTENCY: Final = "consistency"
OUTLINE: Final = "outline"
NEXT_ACTIONS: Final = "next actions"
GAPS: Final = "contradictions and gaps"
FOLLOW_UP: Final = "follow-up"
STOOD_IN: Final = "stood_in"
"""The count of a step that the local narrator made because no model answered in time."""


def section_step(section_id: str) -> str:
    return f"section {section_id}"
