"""An answer to a question over many calls: sentences, each with the claims that prove it, one for each call cited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ridealong.core.artifact import claim_json
from ridealong.core.claims import Claim
from ridealong.core.confidence import in_words
from ridealong.core.errors import Ungrounded
from ridealong.core.transcript import Evidence, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class CallNamed:
    """What tells a call apart from others where several are shown. Empty text: nobody said it."""

    call_id: UUID
    title: str
    started_at: datetime
    rep_id: str
    rep_name: str
    customer: str
    deal: str

    def as_json(self) -> dict[str, object]:
        return {
            "call_id": str(self.call_id),
            "title": self.title,
            "started_at": self.started_at.isoformat(),
            "rep_id": self.rep_id,
            "rep_name": self.rep_name,
            "customer": self.customer,
            "deal": self.deal,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which words are asked about. None, UNKNOWN and empty: all. `started_to` is not included.

    `moments`: only words in which a moment of one of these types was found. `customer` and `deal` as the call's context
    names them, in capitals or not.
    """

    started_from: datetime | None = None
    started_to: datetime | None = None
    rep_id: str | None = None
    customer: str | None = None
    deal: str | None = None
    role: Role = Role.UNKNOWN
    moments: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "started_from": None if self.started_from is None else self.started_from.isoformat(),
            "started_to": None if self.started_to is None else self.started_to.isoformat(),
            "rep_id": self.rep_id,
            "customer": self.customer,
            "deal": self.deal,
            "role": None if self.role is Role.UNKNOWN else self.role.value,
            "moments": list(self.moments),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CitedCall:
    """What a sentence says, proved by the words of one call."""

    call: CallNamed
    claim: Claim

    def __post_init__(self) -> None:
        if any(e.transcript_id.call_id != self.call.call_id for e in self.claim.evidence):
            raise Ungrounded("the evidence is of another call than the one that is named")

    def as_json(self) -> dict[str, object]:
        revision = self.claim.evidence[0].transcript_id.revision
        return {"call": self.call.as_json(), "revision": revision, **claim_json(self.claim)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """One sentence of an answer with what proves it, the strongest first. There is none without."""

    statement: str
    confidence: float
    """How probably a careful person who hears the cited words agrees, 0 to 1; a guess where no model was asked."""
    cited: tuple[CitedCall, ...]

    def __post_init__(self) -> None:
        if not self.statement.strip():
            raise ValueError("a sentence says something")
        if not self.cited:
            raise Ungrounded("a sentence of an answer cites at least one call")

    def as_json(self) -> dict[str, object]:
        return {
            "statement": self.statement,
            "confidence": round(self.confidence, 3),
            "confidence_words": in_words(self.confidence),
            "cited": [cited.as_json() for cited in self.cited],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the tenant's calls say about a question. Without sentences nothing was found, and `notes` say so.

    `calls` were searched, `passages` of them read closely. `dropped_drafts`: sentences of a model that nothing proved,
    after one retry; `removed_sentences`: proved, and taken out by the second reading; `unchecked_sentences`: not read a
    second time, for want of time.
    """

    question: str
    scope: Scope
    answered_by: str
    sentences: tuple[Sentence, ...]
    calls: int
    passages: int
    dropped_drafts: int = 0
    removed_sentences: int = 0
    unchecked_sentences: int = 0
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that it cites."""
        return tuple(e for sentence in self.sentences for cited in sentence.cited for e in cited.claim.evidence)

    def as_json(self) -> dict[str, object]:
        return {
            "question": self.question,
            "scope": self.scope.as_json(),
            "answered_by": self.answered_by,
            "found": bool(self.sentences),
            "sentences": [sentence.as_json() for sentence in self.sentences],
            "calls": self.calls,
            "passages": self.passages,
            "dropped_drafts": self.dropped_drafts,
            "removed_sentences": self.removed_sentences,
            "unchecked_sentences": self.unchecked_sentences,
            "notes": list(self.notes),
        }
