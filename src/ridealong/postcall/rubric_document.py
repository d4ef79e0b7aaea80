"""The shape of a rubric's YAML. `docs/rubric.schema.json` is made of it, for editors that complete and check."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SCHEMA_URL: Final = "https://json-schema.org/draft/2020-12/schema"
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RUBRIC_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def _an_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("an id is lower-case letters, digits and underscores, and begins with a letter")
    return value


def _a_rubric_id(value: str) -> str:
    if not _RUBRIC_ID.fullmatch(value):
        raise ValueError(
            "a rubric's id is lower-case letters, digits, hyphens and underscores, and begins with a letter"
        )
    return value


def _a_sentence(value: str) -> str:
    if not value.strip():
        raise ValueError("write a sentence or remove the line")
    return value.strip()


def _a_phrase(value: str) -> str:
    words = value.split()
    if not any(any(c.isalnum() for c in word) for word in words):
        raise ValueError("a phrase holds at least one word")
    if words[0] == "*" or words[-1] == "*":
        raise ValueError("a phrase begins and ends with a word: `*` stands between two")
    if any("*" in word[:-1] for word in words):
        raise ValueError("`*` stands by itself for up to three words, or at the end of a word for any ending")
    return " ".join(words)


def _listed(value: Any) -> Any:
    """One word where a list may stand is a list of one."""
    return [value] if isinstance(value, str) else value


_Id = Annotated[str, AfterValidator(_an_id), Field(json_schema_extra={"pattern": f"^{_ID.pattern}$"})]
_RubricId = Annotated[
    str, AfterValidator(_a_rubric_id), Field(json_schema_extra={"pattern": f"^{_RUBRIC_ID.pattern}$"})
]
_Sentence = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_a_sentence)]
_Phrase = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_a_phrase)]
_Weight = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
_Text = Annotated[str, Field(max_length=600)]
_Examples = Annotated[list[_Sentence], Field(max_length=100)]
_Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_a_sentence)]
_SomeWords = Annotated[
    list[_Word], Field(max_length=30), BeforeValidator(_listed, json_schema_input_type=list[str] | str)
]
_RoleName = Literal["rep", "customer", "anybody"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class WhenDocument(_Part):
    """When a part applies. All that is given must hold; of a list, one is enough."""

    call_type: _SomeWords = []
    """Types of call, as the call's context names them. `unstated`: calls that nobody gave a type."""
    stage: _SomeWords = []
    """Stages of the deal, as the call's context names them. `unstated`: calls that nobody gave a stage."""
    moments: _SomeWords = []
    """Moment types of the taxonomy, one of which must have occurred."""
    min_minutes: Annotated[float | None, Field(ge=0, le=1440, allow_inf_nan=False)] = None
    """The call lasted at least so long."""
    max_minutes: Annotated[float | None, Field(ge=0, le=1440, allow_inf_nan=False)] = None
    """The call lasted at most so long."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("say when: call_type, stage, moments, min_minutes or max_minutes")
        if self.min_minutes is not None and self.max_minutes is not None and self.min_minutes > self.max_minutes:
            raise ValueError("min_minutes is greater than max_minutes: no call would match")
        return self


class AnchorDocument(_Part):
    """A labelled example: what somebody said and the score it is worth."""

    words: _Sentence
    """As it was said on a call."""
    score: Literal["yes", "partly", "no"]
    why: _Text = ""
    """Why it is worth that, for people and hosted models."""


class CriterionDocument(_Part):
    """One thing to look for."""

    id: _Id
    """Unique in the rubric, among criteria and rules."""
    question: _Sentence
    """What is asked about the call, as a question that yes or no can answer."""
    role: _RoleName
    """Who must have said it."""
    shown_by: Annotated[list[_Sentence], Field(min_length=1, max_length=100)]
    """Sentences that show it, as people say them. The local reviewer compares the call with them: ten varied ones do
    more than one good definition."""
    partly_shown_by: _Examples = []
    """Sentences that go some of the way."""
    not_shown_by: _Examples = []
    """Sentences that look alike and are not it."""
    anchors: Annotated[list[AnchorDocument], Field(max_length=30)] = []
    """Labelled examples with the reason for their score."""
    good: _Text = ""
    """What earns a yes, in words."""
    partial: _Text = ""
    """What earns a partly, in words."""
    poor: _Text = ""
    """What earns a no, in words."""
    shown_as: Annotated[str, Field(max_length=200)] = ""
    """Completes "The rep …" or "The customer …" in a finding's statement."""
    weight: _Weight = 1.0
    """Against the other criteria of the section."""
    called_for_by: _SomeWords = []
    """Moment types whose occurrence makes the absence of this a finding."""
    takes_up: Literal["rep", "customer"] | None = None
    """Whose earlier words must come up again in what shows it. The local reviewer takes no others for proof."""
    place: Literal["opening", "closing"] | None = None
    """Where in a call it belongs. When it is missing, the words there are cited."""
    advice: _Text = ""
    """What to try next time."""
    when: WhenDocument | None = None
    """The criterion applies only then; without it always."""


class EffectDocument(_Part):
    """What a broken rule does to the score."""

    deduct: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0
    """Points of 100 that are taken off."""
    cap: Annotated[float | None, Field(ge=0, le=100, allow_inf_nan=False)] = None
    """No score above this."""
    of: Literal["section", "call"] = "section"
    """`call`: the call's score is treated like the section's."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.deduct and self.cap is None:
            raise ValueError("say what a broken rule does: `deduct` points, a `cap`, or both")
        return self


class _Sounds(_Part):
    """How something sounds on a call: `phrases`, `shown_by`, or both."""

    phrases: Annotated[list[_Phrase], Field(max_length=100)] = []
    """Words in this order, in capitals or not. `*` stands for up to three words, `guarantee*` for any ending. Behind a
    "not" or "never" they don't count, unless the phrase holds one itself."""
    unless: Annotated[list[_Phrase], Field(max_length=100)] = []
    """Phrases that excuse a sentence that holds one of `phrases` or comes near `shown_by`."""
    shown_by: _Examples = []
    """Sentences as people say them, compared by meaning."""
    not_shown_by: _Examples = []
    """Sentences that look alike and are not it."""


class BeforeDocument(_Sounds):
    """What comes too early: words, moments, or so many seconds of the call. The first of them counts."""

    role: _RoleName = "anybody"
    """Who says the words."""
    shown_as: Annotated[str, Field(max_length=200)] = ""
    """Completes "The rep …" or "The customer …" in a finding's statement."""
    moments: _SomeWords = []
    """Moment types of the taxonomy."""
    seconds: Annotated[float | None, Field(gt=0, le=86_400, allow_inf_nan=False)] = None
    """It must be said within so many seconds of the call."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.phrases and not self.shown_by and not self.moments and self.seconds is None:
            raise ValueError("say before what: phrases, shown_by, moments or seconds")
        return self


class RuleDocument(_Sounds):
    """What must be said, must not be said, or must be said before something else."""

    id: _Id
    """Unique in the rubric, among criteria and rules."""
    kind: Literal["must_say", "must_not_say", "must_say_before"]
    role: _RoleName
    """Who must, or must not, say it."""
    shown_as: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_a_sentence)]
    """Completes "The rep …" in a finding's statement: `said that the call is recorded`."""
    before: BeforeDocument | None = None
    """Of `must_say_before`: what it has to come before."""
    severity: Literal["low", "medium", "high"] = "medium"
    """How bad it is. Without an `effect`: 5, 15 or 30 points off the section."""
    effect: EffectDocument | None = None
    """What a broken rule does to the score."""
    when: WhenDocument | None = None
    """The rule applies only then; without it always."""
    advice: _Text = ""
    """What to say instead."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.phrases and not self.shown_by:
            raise ValueError("say how it sounds: `phrases`, `shown_by`, or both")
        if (self.kind == "must_say_before") != (self.before is not None):
            raise ValueError("`before` belongs to must_say_before, and must_say_before needs it")
        return self


class SectionDocument(_Part):
    """A part of the rubric with a score of its own."""

    id: _Id
    title: _Sentence
    weight: _Weight = 1.0
    """Against the other sections."""
    criteria: list[CriterionDocument] = []
    rules: list[RuleDocument] = []
    when: WhenDocument | None = None
    """The criteria and rules apply only then; without it always."""

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.criteria and not self.rules:
            raise ValueError("a section holds criteria, rules, or both")
        return self


class RubricDocument(_Part):
    """What a call is scored on."""

    id: _RubricId
    title: _Sentence
    sections: Annotated[list[SectionDocument], Field(min_length=1)]


def rubric_schema() -> dict[str, Any]:
    """The JSON Schema of a rubric. What only the whole shows (ids used twice, moment types) is not in it."""
    return {"$schema": SCHEMA_URL, **RubricDocument.model_json_schema(), "title": "A Ridealong rubric"}
