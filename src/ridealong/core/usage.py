"""Tokens of a model: what an answer, or what was no answer, is billed for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one answer. `input` counts all of the prompt, `cache_read` and `cache_written` are parts of it."""

    input: int = 0
    cache_read: int = 0
    cache_written: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_written=self.cache_written + other.cache_written,
            output=self.output + other.output,
        )
