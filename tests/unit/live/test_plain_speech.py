"""What people say straight out is found: "that's expensive" is the plainest of objections, and was once not one.

The lines of tests/fixtures/plain_speech.jsonl are neither trained on nor calibrated on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from ridealong.app import models
from ridealong.config import Settings
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import shipped_examples

SHARE: Final = 0.7
"""Of 109 lines 57 were found before the plain examples were written, and 83 with them."""

LINES: Final[list[dict[str, Any]]] = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures/plain_speech.jsonl").read_text(encoding="utf-8").splitlines()
]
OPENING: Final = (
    (0, "Thanks for making the time. I wanted to understand how you plan your shifts and show you our planner."),
    (1, "Sure, we have two bakeries and about fifty people."),
    (0, "How do you plan who works when today, and what would you like to change?"),
    (1, "It's a lot of phone calls, so we are looking for software."),
)
ROLES: Final = Roles(
    RoleAssignment(speaker_id=SpeakerId(number), role=role, source=RoleSource.STATED, confidence=1.0)
    for number, role in enumerate((Role.REP, Role.CUSTOMER))
)


@pytest.fixture(scope="module")
def found() -> list[set[str]]:
    """The types found in each line, said after a short opening and one line of the other side."""
    minds = models.load(Settings())
    taxonomy = default_taxonomy()
    types: list[set[str]] = []
    for line in LINES:
        classifier, transcript = minds.classifier(taxonomy), Transcript(TranscriptId(call_id=uuid4()))
        speaker = 0 if line["role"] == "rep" else 1
        last: set[str] = set()
        for no, (who, text) in enumerate((*OPENING, (1 - speaker, line["before"]), (speaker, line["text"]))):
            utterance = Utterance(no=no, speaker=SpeakerId(who), start_ts=no * 3000, end_ts=no * 3000 + 2500, text=text)
            transcript.append(utterance)
            last = {d.type for d in classifier.classify(transcript, utterance, ROLES).detections}
        types.append(last)
    return types


def test_most_of_what_is_said_straight_out_is_found(found: list[set[str]]) -> None:
    right = [line["type"] in types for line, types in zip(LINES, found, strict=True) if line["type"]]
    assert sum(right) / len(right) > SHARE, f"{sum(right)} of {len(right)}"


def test_what_is_no_moment_stays_none(found: list[set[str]]) -> None:
    wrong = [line["text"] for line, types in zip(LINES, found, strict=True) if types and not line["type"]]
    assert len(wrong) <= 3, wrong


def test_no_line_was_trained_on() -> None:
    trained = {e.text.casefold() for part in ("training", "calibration") for e in shipped_examples(part)}
    assert [line["text"] for line in LINES if line["text"].casefold() in trained] == []
