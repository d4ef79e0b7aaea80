"""A claim is a statement with its proof. There is none without."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from ridealong.core.confidence import Signals
from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.transcript import Evidence


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
    """What a search for the opposite of a claim of absence found: what came closest, and how close (cosine)."""

    from_no: int
    """First utterance of the searched span; the last is the claim's `through`."""
    closest_no: int | None
    """None where nothing in the span could have shown it."""
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsenceClaim(Claim):
    """Something did not happen: it cites what called for it, and `through`, the last utterance searched."""

    through: int
    searched: Searched | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        # Named, not super(): a slotted dataclass is a new class, which zero-argument super() does not know.
        Claim.__post_init__(self)
        if self.through < max(e.utterance_no for e in self.evidence):
            raise Ungrounded("`through`, the last utterance searched, lies before the evidence")
