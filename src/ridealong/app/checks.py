"""What a check of `ridealong doctor` says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`warn`: it works, though perhaps not as meant. `fail`: something will not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing looked at. `message` says what was found and, unless it is ok, what to do."""

    name: str
    outcome: Outcome
    message: str
