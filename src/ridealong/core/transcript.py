"""The transcript: an append-only, numbered log of utterances, and the one way to prove something from it.

Times are integer milliseconds of call audio (position in the recording, never the wall clock).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, NewType
from uuid import UUID

from ridealong.core.errors import InvalidUtterance, Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.quote import find_quote

SpeakerId = NewType("SpeakerId", int)
"""A voice within one call. Two calls' speaker 0 have nothing to do with each other."""


class Unattributed(Enum):
    """The type of `UNATTRIBUTED`: words whose speaker is not known. Shown, never cited, never guessed."""

    UNATTRIBUTED = "unattributed"


UNATTRIBUTED: Final = Unattributed.UNATTRIBUTED

Speaker = SpeakerId | Unattributed


class Role(StrEnum):
    """What a speaker is on this call."""

    REP = "rep"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class RoleSource(StrEnum):
    """How a role came to be known, surest first."""

    CHANNEL = "channel"
    ENROLLED_VOICE = "enrolled_voice"
    STATED = "stated"
    HEURISTIC = "heuristic"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleAssignment:
    """The role of one speaker, how it is known and how surely (0 to 1)."""

    speaker_id: SpeakerId
    role: Role
    source: RoleSource
    confidence: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError("a role's confidence lies between 0 and 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptId:
    """One revision of one call's transcript. What cites an old revision keeps citing it."""

    call_id: UUID
    revision: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word with its time. `estimated`: the recogniser gave no time, so it was spread over its stretch."""

    text: str
    start_ts: int
    end_ts: int
    estimated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """What one speaker said in one go. Immutable once it is in the transcript."""

    no: int
    speaker: Speaker
    start_ts: int
    end_ts: int
    text: str
    words: tuple[Word, ...] = ()
    overlapped: bool = False
    """Somebody else spoke at the same time."""
    speaker_confidence: float = 1.0
    """How sure the diariser is of the speaker, 0 to 1; 1 where the channel or the source says it."""

    def __post_init__(self) -> None:
        if self.no < 0:
            raise InvalidUtterance("an utterance's number is 0 or more")
        if self.start_ts < 0 or self.end_ts <= self.start_ts:
            raise InvalidUtterance(f"utterance {self.no}: end_ts must be later than start_ts, and start_ts 0 or more")
        if not self.text.strip():
            raise InvalidUtterance(f"utterance {self.no}: the text is empty")
        if not 0.0 <= self.speaker_confidence <= 1.0:
            raise InvalidUtterance(f"utterance {self.no}: speaker_confidence lies between 0 and 1")

    @property
    def duration_ms(self) -> int:
        return self.end_ts - self.start_ts


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """What a model may write: which utterance, and its words. Never a time, never a speaker."""

    utterance_no: int
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A proven citation. Made by `Transcript.cite` alone; times and speaker are read from the utterance."""

    transcript_id: TranscriptId
    utterance: Utterance
    quote_start: int
    """First character of the quote in `utterance.text` (code points)."""
    quote_end: int

    def __post_init__(self) -> None:
        if self.utterance.speaker is UNATTRIBUTED:
            raise Ungrounded(f"utterance {self.utterance.no} has no known speaker and cannot be cited")
        if not 0 <= self.quote_start < self.quote_end <= len(self.utterance.text):
            raise Ungrounded(f"the quote lies outside the text of utterance {self.utterance.no}")

    @property
    def utterance_no(self) -> int:
        return self.utterance.no

    @property
    def speaker_id(self) -> SpeakerId:
        speaker = self.utterance.speaker
        if isinstance(speaker, Unattributed):  # unreachable: refused on construction
            raise Ungrounded(f"utterance {self.utterance.no} has no known speaker")
        return speaker

    @property
    def start_ts(self) -> int:
        return self.utterance.start_ts

    @property
    def end_ts(self) -> int:
        return self.utterance.end_ts

    @property
    def quote(self) -> str:
        return self.utterance.text[self.quote_start : self.quote_end]


@dataclass(slots=True)
class Transcript:
    """The log of one revision. Grows at its end, never changes behind it."""

    id: TranscriptId
    _log: list[Utterance] = field(default_factory=list[Utterance])
    _by_no: dict[int, Utterance] = field(default_factory=dict[int, Utterance])
    _end_ts: int = 0

    @classmethod
    def of(cls, transcript_id: TranscriptId, utterances: Iterable[Utterance]) -> Transcript:
        transcript = cls(transcript_id)
        for utterance in utterances:
            transcript.append(utterance)
        return transcript

    def append(self, utterance: Utterance) -> None:
        """Add `utterance` at the end.

        Raises InvalidUtterance when its number is not above all earlier ones. Start times may step back a little:
        two people can speak at once, and who finishes first is logged first.
        """
        if self._log and utterance.no <= self._log[-1].no:
            raise InvalidUtterance(
                f"utterance {utterance.no} comes after utterance {self._log[-1].no}: numbers only grow"
            )
        self._log.append(utterance)
        self._by_no[utterance.no] = utterance
        self._end_ts = max(self._end_ts, utterance.end_ts)

    def __len__(self) -> int:
        return len(self._log)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self._log)

    def __getitem__(self, no: int) -> Utterance:
        """The utterance with this number. Raises KeyError."""
        return self._by_no[no]

    def __contains__(self, no: object) -> bool:
        return no in self._by_no

    def recent(self, count: int) -> Sequence[Utterance]:
        """The last `count` utterances, oldest first."""
        return tuple(self._log[-count:])

    @property
    def utterances(self) -> Sequence[Utterance]:
        return tuple(self._log)

    @property
    def next_no(self) -> int:
        return self._log[-1].no + 1 if self._log else 0

    @property
    def end_ts(self) -> int:
        """End of the latest-ending utterance in ms, 0 while there is none."""
        return self._end_ts

    def window(self, *, until_no: int, span_ms: int) -> Sequence[Utterance]:
        """The utterances up to and with `until_no` that end within `span_ms` before its end, oldest first."""
        last = self._by_no[until_no]
        return (*self.before(no=until_no, end_ts=last.end_ts, span_ms=span_ms), last)

    def before(self, *, no: int, end_ts: int, span_ms: int) -> Sequence[Utterance]:
        """The utterances numbered below `no` that end within `span_ms` before `end_ts`, oldest first."""
        index = bisect_left(self._log, no, key=lambda u: u.no)
        found: list[Utterance] = []
        # By number, not by slice: a copy of all that was said before would make each utterance dearer than the last.
        for at in range(index - 1, -1, -1):
            utterance = self._log[at]
            # Utterances overlap by seconds, not by minutes: far behind the window nothing can reach into it.
            if utterance.end_ts < end_ts - span_ms - 30_000:
                break
            if utterance.end_ts >= end_ts - span_ms:
                found.append(utterance)
        return tuple(reversed(found))

    def cite(self, citation: Citation) -> Evidence:
        """Look the citation up and prove it.

        The quote must stand in the utterance from the start of a word to the end of a word. Case, spacing and
        punctuation are ignored, and nothing else is. Raises Ungrounded.
        """
        utterance = self._by_no.get(citation.utterance_no)
        if utterance is None:
            raise Ungrounded(f"there is no utterance {citation.utterance_no}", fault=Fault.NO_SUCH_UTTERANCE)
        if utterance.speaker is UNATTRIBUTED:
            raise Ungrounded(
                f"utterance {utterance.no} has no known speaker and cannot be cited", fault=Fault.SPEAKER_NOT_KNOWN
            )
        span = find_quote(utterance.text, citation.quote)
        if span is None:
            raise Ungrounded(f"utterance {utterance.no} does not contain the quote", fault=Fault.QUOTE_NOT_FOUND)
        return Evidence(transcript_id=self.id, utterance=utterance, quote_start=span[0], quote_end=span[1])

    def cite_whole(self, utterance_no: int) -> Evidence:
        """Cite everything that was said in one utterance. Raises Ungrounded."""
        utterance = self._by_no.get(utterance_no)
        if utterance is None:
            raise Ungrounded(f"there is no utterance {utterance_no}")
        return self.cite(Citation(utterance_no=utterance_no, quote=utterance.text))


class Roles(Mapping[SpeakerId, RoleAssignment]):
    """Who is what on a call, as known at one moment. Immutable; `with_role` returns a new one."""

    __slots__ = ("_by_speaker",)

    def __init__(self, assignments: Iterable[RoleAssignment] = ()) -> None:
        self._by_speaker = MappingProxyType({a.speaker_id: a for a in assignments})

    def __getitem__(self, speaker_id: SpeakerId) -> RoleAssignment:
        return self._by_speaker[speaker_id]

    def __iter__(self) -> Iterator[SpeakerId]:
        return iter(self._by_speaker)

    def __len__(self) -> int:
        return len(self._by_speaker)

    def role_of(self, speaker: Speaker) -> Role:
        if isinstance(speaker, Unattributed) or speaker not in self._by_speaker:
            return Role.UNKNOWN
        return self._by_speaker[speaker].role

    def with_role(self, assignment: RoleAssignment) -> Roles:
        return Roles([*(a for a in self._by_speaker.values() if a.speaker_id != assignment.speaker_id), assignment])

    @property
    def reps(self) -> tuple[SpeakerId, ...]:
        """Everybody who is known to speak as a rep, mostly one."""
        return tuple(a.speaker_id for a in self._by_speaker.values() if a.role is Role.REP)

    @property
    def rep(self) -> SpeakerId | Unattributed:
        """The rep's speaker id, of several the first one's, or UNATTRIBUTED while it is not known."""
        return next(iter(self.reps), UNATTRIBUTED)
