"""A claim is a statement with its proof. There is none without."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from ridealong.core.confidence import Signals
from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.transcript import UNATTRIBUTED, Evidence, Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A statement about a call, how surely it holds (0 to 1), and the evidence, first the strongest."""

    statement: str
    confidence: float
    evidence: tuple[Evidence, ...]
    claim_id: UUID | None = field(default=None, compare=False)
    """Its stored id; None for one that is not stored. Two claims that state and prove the same are equal."""
    signals: Signals | None = field(default=None, compare=False)
    """What `confidence` was made of; None for a claim whose reviewer's own word was taken."""

    def __post_init__(self) -> None:
        if not self.statement.strip():
            raise ValueError("a claim needs a statement")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError("a claim's confidence lies between 0 and 1")
        if not self.evidence:
            raise Ungrounded("a claim needs at least one piece of evidence", fault=Fault.NO_EVIDENCE)
        if len({e.transcript_id for e in self.evidence}) != 1:
            raise Ungrounded("all evidence of a claim comes from one revision of one call")


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """The span that a claim of absence was searched in, and what came closest to showing the opposite."""

    from_no: int
    """First utterance of the span; the last is the claim's `through`."""
    start_ts: int
    """Begin of the first, in ms of call audio."""
    end_ts: int
    """End of the last, in ms of call audio."""
    closest: Evidence | None = None
    """None where nothing in the span came near."""
    similarity: float = 0.0
    """How close that is, as a cosine; 0 where nothing came near."""

    @classmethod
    def of(
        cls,
        transcript: Transcript,
        *,
        from_no: int,
        through: int,
        closest_no: int | None = None,
        similarity: float = 0.0,
    ) -> Searched:
        """With the times of the utterances that `from_no` and `through` number, and with all words of the closest."""
        closest = None if closest_no is None else transcript[closest_no]
        known = closest is not None and closest.speaker is not UNATTRIBUTED
        return cls(
            from_no=from_no,
            start_ts=transcript[from_no].start_ts,
            end_ts=transcript[through].end_ts,
            closest=transcript.cite_whole(closest.no) if closest is not None and known else None,
            similarity=similarity if known else 0.0,
        )


class CitedAs(StrEnum):
    """What the evidence of a claim of absence is: it says where to listen, and never proves that nothing was said."""

    CALLED_FOR = "called_for"
    """It called for what is missing: an objection, a question."""
    NEAREST = "nearest"
    """Of all that was searched it came nearest to what is missing, and is not it."""
    PLACE = "place"
    """It stands where what is missing belongs: at the call's opening or closing."""
    SPAN = "span"
    """The first and the last words that were searched: nothing in between came near."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsenceClaim(Claim):
    """Something did not happen. `through`: the last utterance searched; what is cited proves nothing by itself."""

    through: int
    cited_as: CitedAs | None = CitedAs.CALLED_FOR
    """None for one that was stored before this was told."""
    searched: Searched | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        # Named, not super(): a slotted dataclass is a new class, which zero-argument super() does not know.
        Claim.__post_init__(self)
        if self.through < max(e.utterance_no for e in self.evidence):
            raise Ungrounded("`through`, the last utterance searched, lies before the evidence")

    @property
    def called_for(self) -> bool:
        """Whether what it cites called for what is missing, and was itself not searched for it."""
        return self.cited_as in (None, CitedAs.CALLED_FOR)
