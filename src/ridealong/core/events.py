"""What a running call tells the world, in order. One vocabulary for sockets, the command line and the log on disk.

`at` is seconds since the first audio of the call was sent (wall clock of this process; 0.0 before any).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.moments import Moment, Sight, Verdict
from ridealong.core.transcript import Role, RoleAssignment, Speaker, Utterance


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStarted:
    call_id: UUID
    at: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PartialHeard:
    """Words that may still change. Never cited."""

    speaker: Speaker
    start_ts: int
    end_ts: int
    text: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class UtteranceFinished:
    utterance: Utterance
    role: Role
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleLearned:
    assignment: RoleAssignment
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Milliseconds from the end of the trigger phrase. `speech` + `classify` make `total`."""

    speech: float
    classify: float

    @property
    def total(self) -> float:
        return self.speech + self.classify


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentDecided:
    moment_id: UUID
    moment: Moment
    latency: Latency
    at: float
    told_ahead: bool = False
    """It follows a `MomentAhead`, which told it; `latency` and `at` are of then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentAhead:
    """A moment that did not wait for the end of its turn. Its evidence cites the turn's words as heard by then, in an
    utterance that stands in no transcript; the `MomentDecided` of the same id follows, with the finished words."""

    moment_id: UUID
    moment: Moment
    latency: Latency
    at: float

    @property
    def decided_ts(self) -> int:
        """ms of call audio."""
        known = self.moment.circumstances
        return self.moment.trigger_ts if known is None else known.decided_ts


@dataclass(frozen=True, kw_only=True, slots=True)
class GapRecorded:
    """Audio that was never received: at `at_ts` of call audio about `duration_ms` are missing."""

    at_ts: int
    duration_ms: int
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkMade:
    """Somebody on the call said: this matters."""

    mark_id: UUID
    at_ts: int
    author: Author
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackGiven:
    """What the rep says of a nudge."""

    moment_id: UUID
    verdict: Verdict
    author: Author
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NudgeSighted:
    """How far a nudge got, at `at_ts` of call audio. It is kept and told to nobody: it has no number."""

    moment_id: UUID
    sight: Sight
    at_ts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent:
    """A supervisor's word to the rep, at `at_ts` of call audio. It is for the moment: kept in the call's log alone."""

    text: str
    author: Author
    at_ts: int
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WarningGiven:
    code: str
    message: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded:
    audio_ms: int
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewFinished:
    """The artifact is stored; `artifact` is its JSON as `report --json` prints it."""

    artifact: dict[str, object] = field(default_factory=dict[str, object])
    at: float = 0.0


CallEvent = (
    CallStarted
    | PartialHeard
    | UtteranceFinished
    | RoleLearned
    | MomentAhead
    | MomentDecided
    | GapRecorded
    | MarkMade
    | FeedbackGiven
    | MessageSent
    | WarningGiven
    | CallEnded
    | ReviewFinished
)
