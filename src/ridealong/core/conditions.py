"""When a part of a rubric applies to a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNSTATED: Final = "unstated"
"""In a condition: calls of which nobody said it."""
SURE: Final = 0.5
"""A moment less sure than this has not occurred, as far as a condition is concerned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFacts:
    """What conditions look at. `moments`: the types that occurred, at least `SURE`; `duration_ms` of call audio."""

    call_type: str
    stage: str
    moments: frozenset[str]
    duration_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """All parts that say something must hold; of what one part lists, one is enough. Says nothing: always."""

    call_types: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    min_minutes: float | None = None
    max_minutes: float | None = None

    def unmet(self, facts: CallFacts) -> str | None:
        """Why this does not apply to the call, as a sentence; None where it applies."""
        if self.call_types and not _among(facts.call_type, self.call_types):
            return f"applies to calls of the type {_either(self.call_types)} only"
        if self.stages and not _among(facts.stage, self.stages):
            return f"applies in the stage {_either(self.stages)} only"
        if self.moments and not facts.moments.intersection(self.moments):
            return f"applies only where this occurred: {_either(tuple(m.replace('_', ' ') for m in self.moments))}"
        minutes = facts.duration_ms / 60_000
        if self.min_minutes is not None and minutes < self.min_minutes:
            return f"applies to calls of {self.min_minutes:g} minutes or more"
        if self.max_minutes is not None and minutes > self.max_minutes:
            return f"applies to calls of {self.max_minutes:g} minutes or less"
        return None


ALWAYS: Final = When()


def _among(said: str, wanted: tuple[str, ...]) -> bool:
    return any(same_word(said or UNSTATED, word) for word in wanted)


def same_word(one: str, other: str) -> bool:
    """Whether two ways to write a call's type or stage are one for a condition."""
    return _plain(one) == _plain(other)


def _plain(word: str) -> str:
    """`In-home sale`, `in_home_sale` and `in home sale` are one: people and CRMs write it as they please."""
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
