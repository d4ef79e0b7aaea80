"""Why a finished review no longer says what a new one would."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Outdated(StrEnum):
    """What changed since the review was made."""

    TRANSCRIPT = "transcript"
    SPEAKERS = "speakers"
    CONTEXT = "context"
    RUBRIC = "rubric"


SENTENCES: Final[Mapping[Outdated, str]] = MappingProxyType(
    {
        Outdated.TRANSCRIPT: "a newer transcript of this call has not been reviewed",
        Outdated.SPEAKERS: "who is the rep and who the customer was corrected since the review was made",
        Outdated.CONTEXT: "the type of the call or the stage of its deal was changed since the review was made",
        Outdated.RUBRIC: "calls are reviewed with another rubric now than this one was",
    }
)
"""For people, as a warning of the artifact."""
