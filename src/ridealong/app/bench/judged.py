"""Calls whose criteria a person has answered: `NAME.jsonl`, a transcript, and `NAME.answers.yaml` beside it.

    about: "Payroll for a care provider"
    answers:
      bant:                 # a rubric that ships, or a file beside the call
        budget_asked: {answer: "no", at: [], why: "the rep names a price and never asks"}

`answer` is yes, partly, no or not_applicable (nothing on the call gave occasion to it); `at` names the utterances that
show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from ridealong.core.errors import InvalidDocument
from ridealong.document import read_document

SUFFIX: Final = ".answers.yaml"


class JudgedAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answer: Literal["yes", "partly", "no", "not_applicable"]
    at: list[int] = []
    why: str = ""


class _Answers(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    answers: dict[str, dict[str, JudgedAnswer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedCall:
    """`answers` by rubric and criterion."""

    name: str
    transcript: Path
    answers: dict[str, dict[str, JudgedAnswer]]


def judged_calls(folder: Path) -> list[JudgedCall]:
    """The calls in `folder`, by name. Raises InvalidDocument with the line of the first mistake."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise InvalidDocument(f"there is no *{SUFFIX} file in this folder", source=str(folder))
    return [_read(path) for path in files]


def _read(path: Path) -> JudgedCall:
    name = path.name.removesuffix(SUFFIX)
    read = read_document(path.read_text(encoding="utf-8"), _Answers, source=path.name)
    return JudgedCall(name=name, transcript=path.with_name(f"{name}.jsonl"), answers=read.answers)
