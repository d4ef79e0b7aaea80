"""Which property of a customer's CRM each value goes to: a YAML document of the tenant's, checked line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ridealong.core.context import LONGEST
from ridealong.core.deals import DealField
from ridealong.core.errors import InvalidDocument
from ridealong.document import read_document

SOURCE: Final = "crm.yaml"

PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]
"""As both vendors name properties. Nothing else may reach a query."""
StageName = Annotated[str, Field(min_length=1, max_length=LONGEST["stage"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Strict):
    """Where a value goes. With `link` the address that plays it has a property of its own, else it ends the value."""

    property: PropertyName
    link: PropertyName | None = None


class CrmMapping(_Strict):
    """The document. `fields` by the deal view's names; `stages`: the CRM's word for a stage to the one of rubrics."""

    fields: Mapping[DealField, Place] = {}
    summary: Place | None = None
    next_steps: Place | None = None
    note: bool = True
    """Whether each call leaves a note (HubSpot) or a completed task (Salesforce) with the deal."""
    task_external_id: PropertyName | None = None
    """Salesforce: a unique external-id field of tasks, by which it keeps one task for each call itself."""
    overwrite: Literal["own", "all"] = "own"
    """`own`: what somebody wrote into a property by hand stays. `all`: it is overwritten."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Values of which we are less sure are not written."""
    stages: Mapping[str, StageName] = {}

    @field_validator("fields", mode="before")
    @classmethod
    def _named_places(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {name: _place(value) for name, value in given.items()}  # pyright: ignore[reportUnknownVariableType]

    @field_validator("summary", "next_steps", mode="before")
    @classmethod
    def _named_place(cls, given: object) -> object:
        return _place(given)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        named = [name for place in self.places() for name in (place.property, place.link) if name is not None]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"`{twice[0]}` is named twice: two values would overwrite each other")
        return self

    def places(self) -> list[Place]:
        """Of all values that are written."""
        return [*self.fields.values(), *(place for place in (self.summary, self.next_steps) if place is not None)]

    def properties(self) -> tuple[str, ...]:
        """The CRM's properties that the document names, in its order."""
        return tuple(name for place in self.places() for name in (place.property, place.link) if name is not None)

    def stage_of(self, stage: str, label: str) -> str:
        """The word of rubrics for the CRM's stage; without one its label in small letters with underscores.

        A stage whose word is too long for a call's context has none.
        """
        for own in (stage, label):
            if own in self.stages:
                return self.stages[own]
        plain = "_".join((label or stage).lower().split())
        return plain if len(plain) <= LONGEST["stage"] else ""


def read_mapping(text: str) -> CrmMapping:
    """Raises InvalidDocument with the line of the mistake. An empty text is the default: notes, and no property."""
    if not text.strip():
        return CrmMapping()
    try:
        return read_document(text, CrmMapping, source=SOURCE)
    except InvalidDocument as error:
        raise InvalidDocument(_told(str(error.args[0])), source=SOURCE, line=_line_of(text, error)) from None


def _line_of(text: str, error: InvalidDocument) -> int:
    """A name that is given twice is told with the line of the second, which the document alone does not say."""
    words = str(error.args[0])
    if "is named twice" not in words:
        return error.line
    name = words.split("`")[1]
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(rf"\b{name}\b", line.partition("#")[0])
    ]
    return lines[1] if len(lines) > 1 else error.line


def _told(message: str) -> str:
    known = ", ".join(DealField)
    if message.startswith("fields.") and "Input should be '" in message:
        return f"{message.partition(':')[0]}: there is no such field; known are {known}"
    return message


def _place(given: object) -> object:
    """A bare name is a place without a link of its own."""
    return {"property": given} if isinstance(given, str) else given
