"""The taxonomy, a tenant's document: which moments there are, what to say at each, how much a rep may be bothered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib.resources import files
from string import Formatter
from typing import Annotated, Final, Literal, Self, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ridealong.core.effects import ActsWhen
from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES, word_count
from ridealong.core.transcript import Role
from ridealong.document import read_document

MIN_WORDS: Final = 6
MAX_WORDS: Final = 12
"""A nudge is read in one glance while somebody talks."""

SLOTS: Final = ("competitor", "answer")
LONGEST_NAME: Final = 3
"""Words that a competitor's name is reckoned with when a nudge's length is checked."""

FEWEST_EXAMPLES: Final = 8
"""From so many on a type of the tenant's own is learned."""

MOST_EXAMPLES: Final = 1000

SHIPPED_FLOOR: Final = 0.82
"""What the shipped types' precision is measured at: also where a tenant's document says nothing of it. A type of its
own, learned from few examples, is hardly ever as sure."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(StrEnum):
    CONTENT = "content"
    TIMING = "timing"


class TypeExample(_Model):
    """Words that are, or are not, a moment of a type; `after`: the other side's turn that they answer."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
    after: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""

    @model_validator(mode="before")
    @classmethod
    def _words_alone(cls, given: object) -> object:
        return {"text": given} if isinstance(given, str) else given

    @field_validator("text")
    @classmethod
    def _has_words(cls, text: str) -> str:
        if not re.search(r"\w", text):
            raise ValueError("an example needs at least one word")
        return text


class MomentType(_Model):
    """One type of moment. See `taxonomy.yaml` for what each field means."""

    id: Identifier
    label: Line = Field(validation_alias=AliasChoices("label", "name"))
    kind: Kind = Kind.CONTENT
    role: Literal["customer", "rep", "any"]
    tier: Literal["nudge", "noted"] = "nudge"
    floor: float = Field(default=0.55, ge=0, le=1)
    detect: float = Field(default=0.42, ge=0, le=1)
    cool_down_s: float = Field(default=60.0, ge=0, le=86_400)
    description: Line
    nudges: tuple[Line, ...] = ()
    """At least one, unless the type is noted only."""
    examples: Annotated[tuple[TypeExample, ...], Field(max_length=MOST_EXAMPLES)] = ()
    not_examples: Annotated[tuple[TypeExample, ...], Field(max_length=MOST_EXAMPLES)] = ()
    acted_on_by: tuple[Line, ...] = Field(default=(), max_length=40)
    acted_on_when: ActsWhen | None = None

    @model_validator(mode="before")
    @classmethod
    def _shipped_types_have_their_floor(cls, given: object) -> object:
        if isinstance(given, dict) and cast("dict[str, object]", given).get("id") in CONTENT_TYPES:
            return {"floor": SHIPPED_FLOOR, **cast("dict[str, object]", given)}
        return cast("object", given)

    @field_validator("nudges")
    @classmethod
    def _nudges_can_be_read(cls, nudges: tuple[str, ...]) -> tuple[str, ...]:
        for number, nudge in enumerate(nudges, start=1):
            slots = slots_of(nudge)
            if unknown := [s for s in slots if s not in SLOTS]:
                raise ValueError(f"nudge {number} has the unknown slot {{{unknown[0]}}}; known: {', '.join(SLOTS)}")
            if "answer" in slots:
                continue  # its length depends on the trackers: checked there
            for name in ("Acme", "Acme of Ohio"):
                words = word_count(fill(nudge, {"competitor": name}) or "")
                if not MIN_WORDS <= words <= MAX_WORDS:
                    raise ValueError(f"nudge {number} has {words} words; a nudge has {MIN_WORDS} to {MAX_WORDS}")
        if nudges and all(slots_of(nudge) for nudge in nudges):
            raise ValueError("at least one nudge must do without slots")
        return nudges

    @property
    def bound_role(self) -> Role:
        """The role that the speaker must have; UNKNOWN where anybody will do."""
        return Role.UNKNOWN if self.role == "any" else Role(self.role)


class Tracker(_Model):
    """Names and phrases that a tenant listens for. A hit makes a moment of `type`."""

    name: Line
    type: Identifier
    phrases: tuple[Line, ...] = Field(min_length=1)
    answer: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""

    @field_validator("name")
    @classmethod
    def _name_is_short(cls, name: str) -> str:
        if word_count(name) > LONGEST_NAME:
            raise ValueError(f"a tracker's name has at most {LONGEST_NAME} words: it fills a slot of a nudge")
        return name

    @field_validator("phrases")
    @classmethod
    def _phrases_have_words(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not re.search(r"\w", phrase):
                raise ValueError("a phrase needs at least one word")
        return phrases


class QuietSettings(_Model):
    """When no nudge is shown, whatever happens; what is found then is noted."""

    first_s: float = Field(default=0.0, ge=0, le=86_400)
    while_rep_speaks: bool = False
    while_customer_thinks: bool = True
    """Of a silence alone: who was asked something, or told a price, has it to think in."""


class PolicySettings(_Model):
    max_nudges: int = Field(default=6, ge=0, le=1000)
    window_s: float = Field(default=600.0, gt=0, le=86_400)
    max_lateness_s: float = Field(default=2.0, gt=0, le=60)
    quiet: QuietSettings = QuietSettings()
    hold_out: float = Field(default=0.0, ge=0, le=0.5)


class TimingSettings(_Model):
    silence_s: float = Field(default=4.0, gt=0, le=3600)
    monologue_s: float = Field(default=76.0, gt=0, le=3600)
    interruption_s: float = Field(default=0.3, ge=0, le=60)
    backchannel_words: int = Field(default=2, ge=0, le=20)
    backchannel_s: float = Field(default=1.0, ge=0, le=20)


class Taxonomy(_Model):
    """All of it. Immutable, hashable by identity; one is shared by a tenant's calls."""

    id: Identifier = "default"
    version: int = 1
    policy: PolicySettings = PolicySettings()
    timing: TimingSettings = TimingSettings()
    types: Annotated[tuple[MomentType, ...], Field(min_length=1)]
    trackers: tuple[Tracker, ...] = ()

    def find(self, type_id: str) -> MomentType | None:
        """The type, or None where this taxonomy has removed it."""
        return next((t for t in self.types if t.id == type_id), None)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        mistake = next(_mistakes(self), None)
        if mistake is not None:
            # A ValidationError of its own carries the place of the mistake, and so its line.
            place, message = mistake
            detail = InitErrorDetails(
                type=PydanticCustomError("taxonomy", "{message}", {"message": message}), loc=place, input=None
            )
            raise ValidationError.from_exception_data("Taxonomy", [detail])
        return self

    @property
    def content_types(self) -> tuple[MomentType, ...]:
        return tuple(t for t in self.types if t.kind is Kind.CONTENT)


def load_taxonomy(text: str, source: str) -> Taxonomy:
    """Read a tenant's taxonomy. Raises InvalidDocument with the line of the first mistake."""
    return read_document(text, Taxonomy, source=source)


def default_taxonomy_text() -> str:
    """The document that comes with the package."""
    return (files("ridealong.live") / "taxonomy.yaml").read_text(encoding="utf-8")


def default_taxonomy() -> Taxonomy:
    """The taxonomy that comes with the package."""
    return load_taxonomy(default_taxonomy_text(), "taxonomy.yaml")


def slots_of(nudge: str) -> tuple[str, ...]:
    """The names of the slots in a nudge. Raises ValueError for a brace that opens or closes none."""
    found: list[str] = []
    for _, name, form, conversion in Formatter().parse(nudge):
        if name is None:
            continue
        if form or conversion:
            raise ValueError("a slot is a plain name in braces, for example {competitor}")
        found.append(name)
    return tuple(found)


def fill(nudge: str, values: Mapping[str, str]) -> str | None:
    """The nudge with its slots filled, or None where a value is missing or empty."""
    text = ""
    for literal, name, _, _ in Formatter().parse(nudge):
        text += literal
        if name is not None:
            if not values.get(name):
                return None
            text += values[name]
    return text


def nudge_texts(moment_type: MomentType, values: Mapping[str, str]) -> tuple[str, ...]:
    """What could be shown for a moment of this type, best first.

    Wordings that name what was heard come before general ones; a filled one outside 6 to 12 words is left out.
    """
    named: list[str] = []
    general: list[str] = []
    for nudge in moment_type.nudges:
        text = fill(nudge, values)
        if text is not None and MIN_WORDS <= word_count(text) <= MAX_WORDS:
            (named if slots_of(nudge) else general).append(text)
    return tuple(named or general)


def _mistakes(taxonomy: Taxonomy) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """What does not fit together: the place in the document, and what to do."""
    ids: set[str] = set()
    for number, one in enumerate(taxonomy.types):
        if one.id in ids:
            yield ("types", number, "id"), f"the type '{one.id}' stands here a second time"
        ids.add(one.id)
        yield from ((("types", number, *place), message) for place, message in _type_mistakes(one))
    by_id = {one.id: one for one in taxonomy.types}
    tracked_types = {tracker.type for tracker in taxonomy.trackers}
    for number, one in enumerate(taxonomy.types):
        if one.id not in (*CONTENT_TYPES, *TIMING_TYPES, *tracked_types):
            if not one.examples:
                yield (
                    ("types", number, "id"),
                    f"'{one.id}' is a type of your own: give it at least {FEWEST_EXAMPLES} examples, or a tracker",
                )
            elif len({e.text.casefold() for e in one.examples}) < FEWEST_EXAMPLES:
                yield (
                    ("types", number, "examples"),
                    f"'{one.id}' has {len(one.examples)} examples: give at least {FEWEST_EXAMPLES} different ones",
                )
    names: set[str] = set()
    for number, tracker in enumerate(taxonomy.trackers):
        if tracker.name.casefold() in names:
            yield ("trackers", number, "name"), f"the tracker '{tracker.name}' stands here a second time"
        names.add(tracker.name.casefold())
        tracked = by_id.get(tracker.type)
        if tracked is None or tracked.kind is Kind.TIMING:
            yield ("trackers", number, "type"), f"there is no content type '{tracker.type}' in this taxonomy"
            continue
        if tracker.answer and not _fits(tracked, tracker):
            yield (
                ("trackers", number, "answer"),
                f"with this answer no nudge of '{tracked.id}' has {MIN_WORDS} to {MAX_WORDS} words",
            )


def _type_mistakes(one: MomentType) -> Iterator[tuple[tuple[int | str, ...], str]]:
    if not one.nudges and one.tier == "nudge":
        yield ("nudges",), "give at least one nudge, or make the tier `noted`"
    if one.kind is Kind.TIMING and (one.examples or one.not_examples):
        yield ("examples",), "a timing type is computed from the clock: it learns from no examples"
    both = {e.text.casefold() for e in one.examples} & {e.text.casefold() for e in one.not_examples}
    for number, example in enumerate(one.not_examples):
        if example.text.casefold() in both:
            yield ("not_examples", number), "these words stand among the examples as well"
    if one.detect > one.floor and one.kind is Kind.CONTENT:
        yield ("detect",), f"detect ({one.detect}) must not be above floor ({one.floor})"
    if one.id in TIMING_TYPES:
        if one.kind is not Kind.TIMING:
            yield ("kind",), f"'{one.id}' is a timing type"
    elif one.kind is Kind.TIMING:
        yield ("kind",), f"timing types are {', '.join(TIMING_TYPES)}; a type of your own is of kind content"


def _fits(tracked: MomentType, tracker: Tracker) -> bool:
    values = {"competitor": tracker.name, "answer": tracker.answer}
    with_answer = [n for n in tracked.nudges if "answer" in slots_of(n)]
    texts = [fill(n, values) for n in with_answer]
    return not with_answer or any(t is not None and MIN_WORDS <= word_count(t) <= MAX_WORDS for t in texts)
