"""What the steps behind the sections say of a call: its stages, what does not fit together, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ridealong.core.claims import Claim
from ridealong.core.errors import Ungrounded
from ridealong.core.transcript import Transcript

STAGES: Final = (
    "opening",
    "rapport",
    "discovery",
    "demo",
    "pricing",
    "objections",
    "negotiation",
    "next_steps",
    "closing",
)
"""The stages that the product knows, in the order that calls tend to have. The list is open: a reviewer may name
another one (lower-case letters, digits and underscores), and whoever reads must expect that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A stretch of the call, from the first to the last of its utterances, with what it was about.

    Times are ms of call audio, those of its utterances. What the summary cites lies inside.
    """

    stage: str
    first_no: int
    last_no: int
    start_ts: int
    end_ts: int
    summary: Claim

    def __post_init__(self) -> None:
        if self.first_no > self.last_no or self.start_ts >= self.end_ts:
            raise Ungrounded("a stage ends where it begins or later")
        if not all(self.first_no <= e.utterance_no <= self.last_no for e in self.summary.evidence):
            raise Ungrounded("what a stage's summary cites was said in another stage")

    @classmethod
    def of(cls, transcript: Transcript, stage: str, first_no: int, last_no: int, summary: Claim) -> Stage:
        """The stage with the times of its utterances. Raises Ungrounded where the transcript lacks them."""
        if first_no not in transcript or last_no not in transcript:
            raise Ungrounded("a stage begins and ends with utterances of the call")
        inside = [u for u in transcript if first_no <= u.no <= last_no]
        if not inside:
            raise Ungrounded("a stage ends where it begins or later")
        return cls(
            stage=stage,
            first_no=first_no,
            last_no=last_no,
            start_ts=min(u.start_ts for u in inside),
            # Who begins last may end first: the stage lasts until everybody in it has finished.
            end_ts=max(u.end_ts for u in inside),
            summary=summary,
        )


class GapKind(StrEnum):
    """A contradiction is between two things that were said; a gap is what one of them called for and nobody took up."""

    CONTRADICTION = "contradiction"
    GAP = "gap"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Two findings that do not fit together, or one that leaves something open. Its claim cites both sides.

    `sections`: ids of the rubric's sections that it lies between; empty where it is about the call as a whole.
    """

    gap: GapKind
    title: str
    claim: Claim
    sections: tuple[str, ...] = ()


class Who(StrEnum):
    """Whose turn it is."""

    REP = "rep"
    CUSTOMER = "customer"
    BOTH = "both"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class NextAction:
    """What somebody said will be done (the claim), by whom, and by when in the words that they used; None: not said."""

    who: Who
    claim: Claim
    due: str | None = None


class FollowUpPart(StrEnum):
    """Where in the e-mail a sentence stands, in this order."""

    RECAP = "recap"
    ANSWERS = "answers"
    AGREED = "agreed"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpSentence:
    """A sentence of the draft. It says something of the call, so it is a claim: the sentence is its statement."""

    part: FollowUpPart
    claim: Claim


FOLLOW_UP_SUBJECT: Final = "Our conversation"
FOLLOW_UP_GREETING: Final = "Hello,"
FOLLOW_UP_THANKS: Final = "thank you for your time. Here is what I took from our conversation."
FOLLOW_UP_CLOSING: Final = "If I got anything wrong, please tell me."
FOLLOW_UP_SIGNATURE: Final = "Best regards"
"""All words of the draft that cite nothing. They are ours, and say nothing about the call."""


class StepKind(StrEnum):
    """Who did a step: this machine's rules and small models, or a hosted model."""

    LOCAL = "local"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What one step of a review made, and what became of its drafts. Holds nothing that was said.

    `made`: claims kept. `dropped`: drafts that nothing proved. `removed`, `lowered` and `unchecked`: by the second
    reading. `seconds`: from the step's begin to its stored result.
    """

    step: str
    kind: StepKind
    by: str
    """The reviewer's name with its version."""
    seconds: float
    made: int
    dropped: int = 0
    removed: int = 0
    lowered: int = 0
    unchecked: int = 0

    def as_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "kind": self.kind.value,
            "by": self.by,
            "seconds": round(self.seconds, 3),
            "made": self.made,
            "dropped": self.dropped,
            "removed": self.removed,
            "lowered": self.lowered,
            "unchecked": self.unchecked,
        }
