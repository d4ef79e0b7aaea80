"""Rubrics as tenants write them: YAML, checked so that every mistake is told with its line."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from importlib.resources import files
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES
from ridealong.core.rubric import Criterion, Rubric, Section
from ridealong.core.transcript import Role
from ridealong.document import read_document

SHIPPED: Final = ("meddic", "bant", "spin", "discovery")
DEFAULT_RUBRIC: Final = "discovery"

MAX_CRITERIA: Final = 100
"""Each costs about 20 ms a call and a line that somebody reads."""

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _an_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("an id is lower-case letters, digits and underscores, and begins with a letter")
    return value


def _a_sentence(value: str) -> str:
    if not value.strip():
        raise ValueError("write a sentence or remove the line")
    return value.strip()


_Id = Annotated[str, AfterValidator(_an_id)]
_Sentence = Annotated[str, Field(max_length=400), AfterValidator(_a_sentence)]
_Weight = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class _CriterionDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: _Id
    question: _Sentence
    role: Literal["rep", "customer", "anybody"]
    shown_by: Annotated[list[_Sentence], Field(min_length=1, max_length=100)]
    partly_shown_by: Annotated[list[_Sentence], Field(max_length=100)] = []
    not_shown_by: Annotated[list[_Sentence], Field(max_length=100)] = []
    shown_as: Annotated[str, Field(max_length=200)] = ""
    weight: _Weight = 1.0
    called_for_by: list[str] = []
    advice: Annotated[str, Field(max_length=600)] = ""


class _SectionDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: _Id
    title: _Sentence
    weight: _Weight = 1.0
    criteria: Annotated[list[_CriterionDocument], Field(min_length=1)]


class _RubricDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: _Id
    title: _Sentence
    sections: Annotated[list[_SectionDocument], Field(min_length=1)]


def load_rubric(
    text: str, source: str, *, moment_types: Collection[str] | None = (*CONTENT_TYPES, *TIMING_TYPES)
) -> Rubric:
    """Read a rubric. `moment_types` are those of the tenant's taxonomy, which `called_for_by` may name; None: any
    (a rubric that was checked when it was kept).

    Raises InvalidDocument with the line of the first mistake.
    """
    document = read_document(text, _RubricDocument, source=source)
    lines = _Lines(text, source)
    _refuse_doubles(document, lines)
    for s, section in enumerate(document.sections):
        for c, criterion in enumerate(section.criteria):
            for t, name in enumerate(criterion.called_for_by):
                if moment_types is not None and name not in moment_types:
                    raise lines.mistake(
                        f"there is no moment type '{name}': use {', '.join(moment_types)}",
                        ("sections", s, "criteria", c, "called_for_by", t),
                    )
    return Rubric(
        id=document.id,
        title=document.title,
        sections=tuple(
            Section(
                id=section.id,
                title=section.title,
                weight=section.weight,
                criteria=tuple(_criterion(c) for c in section.criteria),
            )
            for section in document.sections
        ),
    )


def shipped_rubric_text(name: str) -> str:
    """The YAML of a rubric that comes with the product. Raises InvalidDocument naming those that exist."""
    if name not in SHIPPED:
        raise InvalidDocument(f"there is no rubric '{name}': use one of {', '.join(SHIPPED)}", source=name)
    return files("ridealong.postcall").joinpath("rubrics", f"{name}.yaml").read_text(encoding="utf-8")


def shipped_rubric(name: str) -> Rubric:
    """A rubric that comes with the product. Raises InvalidDocument naming those that exist."""
    return load_rubric(shipped_rubric_text(name), f"{name}.yaml")


def _refuse_doubles(document: _RubricDocument, lines: _Lines) -> None:
    sections: set[str] = set()
    criteria: set[str] = set()
    for s, section in enumerate(document.sections):
        if section.id in sections:
            raise lines.mistake(f"the section id '{section.id}' is used twice", ("sections", s, "id"))
        sections.add(section.id)
        for c, criterion in enumerate(section.criteria):
            if criterion.id in criteria:
                raise lines.mistake(
                    f"the criterion id '{criterion.id}' is used twice", ("sections", s, "criteria", c, "id")
                )
            criteria.add(criterion.id)
    if len(criteria) > MAX_CRITERIA:
        raise lines.mistake(f"a rubric has at most {MAX_CRITERIA} criteria", ("sections",))


def _criterion(document: _CriterionDocument) -> Criterion:
    return Criterion(
        id=document.id,
        question=document.question,
        role=Role.UNKNOWN if document.role == "anybody" else Role(document.role),
        shown_by=tuple(document.shown_by),
        partly_shown_by=tuple(document.partly_shown_by),
        not_shown_by=tuple(document.not_shown_by),
        shown_as=document.shown_as.strip(),
        weight=document.weight,
        called_for_by=tuple(document.called_for_by),
        advice=document.advice.strip(),
    )


class _Lines:
    """Where in the text a part of the document stands, for mistakes that only the whole shows."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source

    def mistake(self, message: str, location: Sequence[str | int]) -> InvalidDocument:
        node = YAML(typ="rt").load(self._text)
        line = 1
        for part in location:
            marks = node.lc
            line = int((marks.key(part) if isinstance(part, str) else marks.item(part))[0]) + 1
            node = node[part]
        return InvalidDocument(message, source=self._source, line=line)
