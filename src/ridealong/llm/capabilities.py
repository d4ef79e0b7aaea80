"""What each model can do and costs, as data: vendors change both more often than we release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ridealong.core.errors import InvalidDocument
from ridealong.document import read_document
from ridealong.llm import VENDORS, Effort, Usage
from ridealong.llm.schema import SchemaMode

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rates(_Part):
    """US dollars per million tokens. None: as `input`."""

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    output: float = Field(ge=0)

    def cost(self, usage: Usage) -> float:
        """US dollars of that usage at these rates."""
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        plain = max(0, usage.input - usage.cache_read - usage.cache_written)
        spent = plain * self.input + usage.cache_read * cached + usage.cache_written * written
        return (spent + usage.output * self.output) / 1_000_000


class LongPrompt(Rates):
    """The rates of a whole request whose prompt has more than `over_tokens`."""

    over_tokens: int = Field(gt=0)


class Price(Rates):
    """Rates as of `seen` at `source`. `verified`: read at the vendor itself."""

    long_prompt: LongPrompt | None = None
    seen: date
    source: Line
    verified: bool = True

    def cost(self, usage: Usage) -> float:
        """US dollars of that usage."""
        if self.long_prompt is not None and usage.input > self.long_prompt.over_tokens:
            return self.long_prompt.cost(usage)
        return super().cost(usage)


class Transcription(_Part):
    """A vendor's recogniser of whole recordings: US dollars a minute, of each channel, as of `seen` at `source`."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+:\S+$")]
    minute: float = Field(ge=0)
    diarised_minute: float = Field(default=0.0, ge=0)
    """On top where one channel's voices are told apart."""
    seen: date
    source: Line
    verified: bool = True
    note: Line | None = None

    def cost(self, audio_ms: int, channels: int) -> float:
        """US dollars of a recording. Two channels are two speakers, and nobody has to be told apart."""
        minute = self.minute + (self.diarised_minute if channels == 1 else 0.0)
        return minute * channels * audio_ms / 60_000


class Cache(_Part):
    """The prompt cache. `marked`: it wants the prefix marked in the request; else it finds prefixes by itself."""

    minimum_tokens: int = Field(default=1024, ge=0)
    ttl_s: int = Field(default=300, ge=0)
    marked: bool = False


class Capability(_Part):
    """One model. See `capabilities.yaml` for what each field means."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+:\S+$")]
    schema_mode: SchemaMode = SchemaMode.OBJECT
    streams: bool = True
    sampling: bool = True
    output_parameter: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")] = "max_tokens"
    effort: Mapping[Effort, Mapping[str, object]] = Field(default_factory=dict[Effort, Mapping[str, object]])
    thinking_tokens: Mapping[Effort, int] = Field(default_factory=dict[Effort, int])
    context_tokens: int = Field(default=32_000, gt=0)
    output_tokens: int = Field(default=4_096, gt=0)
    cache: Cache | None = None
    price: Price | None = None
    retires: date | None = None
    successor: str | None = None
    note: Line | None = None

    def output_limit(self, answer_tokens: int, effort: Effort) -> int:
        """Tokens to allow: the answer's and those that the model thinks with, which count as output everywhere."""
        return min(self.output_tokens, answer_tokens + self.thinking_tokens.get(effort, 0))

    def retired(self, today: date) -> bool:
        return self.retires is not None and self.retires <= today


class _Document(_Part):
    version: int = 1
    models: tuple[Capability, ...] = ()
    transcription: tuple[Transcription, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        seen: set[str] = set()
        for model in self.models:
            vendor = model.id.partition(":")[0]
            if vendor not in VENDORS:
                raise ValueError(f"there is no vendor '{vendor}' in '{model.id}': use one of {', '.join(VENDORS)}")
            if model.id in seen:
                raise ValueError(f"the model '{model.id}' stands here a second time")
            seen.add(model.id)
        return self


_SOURCE: Final = "capabilities.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """All known models by their name `vendor:id`."""

    models: Mapping[str, Capability]
    transcription: Mapping[str, Transcription] = field(default_factory=dict[str, Transcription])

    def knows(self, name: str) -> bool:
        """Whether there is an entry for it."""
        return name in self.models or _undated(name) in self.models

    def of(self, name: str) -> Capability:
        """The model's entry; for an unknown one what hardly any model refuses: no effort, no sampling, JSON by prompt.

        A dated id (`claude-haiku-4-5-20251001`) has the entry of the undated one.
        """
        found = self.models.get(name) or self.models.get(_undated(name))
        if found is not None:
            return found.model_copy(update={"id": name})
        return Capability(id=name, sampling=False, schema_mode=_SAFEST.get(name.partition(":")[0], SchemaMode.NONE))


_SAFEST: Final = {
    "groq": SchemaMode.OBJECT,
    "openai": SchemaMode.STRICT,
    "anthropic": SchemaMode.STRICT,
    "google": SchemaMode.STRICT,
    "compatible": SchemaMode.NONE,
    "scripted": SchemaMode.STRICT,
}


def load_capabilities(override: Path | None = None) -> Capabilities:
    """The package's table; entries of the operator's file take the place of those of the same id.

    Raises InvalidDocument with the line of the first mistake.
    """
    models = {model.id: model for model in _packaged().models}
    transcription = {one.id: one for one in _packaged().transcription}
    if override is not None:
        try:
            text = override.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidDocument(
                f"cannot be read ({type(error).__name__}): set RIDEALONG_MODELS_FILE to a YAML file",
                source=str(override),
            ) from None
        own = read_document(text, _Document, source=str(override))
        models |= {model.id: model for model in own.models}
        transcription |= {one.id: one for one in own.transcription}
    return Capabilities(models=models, transcription=transcription)


@lru_cache(maxsize=1)
def _packaged() -> _Document:
    text = (files("ridealong.llm") / _SOURCE).read_text(encoding="utf-8")
    return read_document(text, _Document, source=_SOURCE)


def _undated(name: str) -> str:
    head, _, tail = name.rpartition("-")
    return head if len(tail) == 8 and tail.isdigit() else name
