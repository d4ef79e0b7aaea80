"""The model seam: a question with a schema in, an object of that schema out.

A model has one verb, `answer`. An adapter only translates: the request, the answer, the errors. Deadline, retry,
fallback, budget and metering live above, as wrappers with the same Protocol. What a model can do is data
(`llm.capabilities`), not code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from ridealong.core.errors import InvalidSettings, MissingPart
from ridealong.core.usage import Usage as Usage

if TYPE_CHECKING:
    from ridealong.llm.endpoint import Endpoint


class Effort(StrEnum):
    """How long a model may think. Left out on the wire where a model has no such parameter."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A piece of a prompt. `cached`: everything up to its end is the same in later requests and worth caching."""

    text: str
    cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerSchema:
    """What the answer must be: a JSON Schema (2020-12) of an object. `name`: letters, digits and underscores."""

    name: str
    schema: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question. `instructions` are ours; `material` is data (transcript text among it) and never instruction."""

    instructions: tuple[Block, ...]
    material: tuple[Block, ...]
    schema: AnswerSchema
    max_output_tokens: int
    effort: Effort = Effort.LOW
    begun: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    """Called when the first byte of the answer arrives, where an adapter sees it: from then on the vendor's cache
    holds the cached blocks, and other questions with the same ones can read them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a vendor's rate limit leaves, as its answer's headers said. None: it did not say.

    `requests_*` and `tokens_*` are windows of their own, whose lengths differ by vendor (Groq counts requests by the
    day and tokens by the minute); `*_reset_s` are seconds from the answer until that window is full again.
    """

    requests: int | None = None
    """How many the window holds."""
    requests_left: int | None = None
    requests_reset_s: float | None = None
    tokens: int | None = None
    tokens_left: int | None = None
    tokens_reset_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An object that fits the schema. `model` is the id that answered, as the vendor names it."""

    content: Mapping[str, object]
    model: str
    vendor: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    """From sending the question to the last byte of the answer."""
    limits: Limits | None = None


class Model(Protocol):
    """A model of a vendor, ready to be asked by many calls at once."""

    @property
    def name(self) -> str:
        """`vendor:model id`, as the settings write it."""
        ...

    async def answer(self, question: Question) -> Answer:
        """Ask. The answer fits the schema; it is not yet checked against the transcript.

        Cancelling the task cancels the request. Raises the errors of `core.errors` under `ModelFailed`.
        """
        ...

    async def close(self) -> None: ...


class Adapter(Model, Protocol):
    """What stands behind a vendor's name. It borrows the endpoint's connections; closing it does not close them."""

    def __init__(self, endpoint: Endpoint) -> None: ...


_INDEX: Final = {
    "groq": "ridealong.llm.providers.openai_compatible:OpenAICompatibleModel",
    "openai": "ridealong.llm.providers.openai_compatible:OpenAICompatibleModel",
    "compatible": "ridealong.llm.providers.openai_compatible:OpenAICompatibleModel",
    "anthropic": "ridealong.llm.providers.anthropic:AnthropicModel",
    "google": "ridealong.llm.providers.google:GoogleModel",
    "scripted": "ridealong.llm.providers.scripted:ScriptedModel",
}

VENDORS: Final = tuple(_INDEX)
"""The vendors that have an adapter. `compatible` is any endpoint that speaks OpenAI's chat completions."""


def split_name(name: str) -> tuple[str, str]:
    """`vendor:model id` as its two parts; the id may hold colons and slashes. Raises InvalidSettings."""
    vendor, colon, model_id = name.strip().partition(":")
    if not colon or not model_id:
        raise InvalidSettings(f"'{name}' names no model: write vendor:model, for example groq:openai/gpt-oss-20b")
    if vendor not in _INDEX:
        raise InvalidSettings(f"there is no vendor '{vendor}' in '{name}': use one of {', '.join(_INDEX)}")
    return vendor, model_id


def adapter_class(vendor: str) -> type[Adapter]:
    """The adapter of that vendor, imported on use. Raises InvalidSettings or MissingPart."""
    if vendor not in _INDEX:
        raise InvalidSettings(f"there is no vendor '{vendor}': use one of {', '.join(_INDEX)}")
    module_name, class_name = _INDEX[vendor].split(":")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise MissingPart(f"models of '{vendor}' need the package '{error.name}': run `make setup`") from error
    return cast("type[Adapter]", getattr(module, class_name))
