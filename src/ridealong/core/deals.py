"""A deal over all of its calls: what is known of each MEDDIC field, which claim said it first, and what changed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ridealong.core.answer import CallNamed, CitedCall
from ridealong.core.outline import Who
from ridealong.core.rubric import Score
from ridealong.core.transcript import Evidence


class DealField(StrEnum):
    METRICS = "metrics"
    ECONOMIC_BUYER = "economic_buyer"
    DECISION_CRITERIA = "decision_criteria"
    DECISION_PROCESS = "decision_process"
    PAPER_PROCESS = "paper_process"
    PAIN = "pain"
    CHAMPION = "champion"
    COMPETITION = "competition"


FIELD_OF_SECTION: Final[Mapping[str, DealField]] = MappingProxyType(
    {
        **{field.value: field for field in DealField},
        "identify_pain": DealField.PAIN,
        "implicate_pain": DealField.PAIN,
        "implicated_pain": DealField.PAIN,
        "competitors": DealField.COMPETITION,
    }
)
"""Which field the findings of a rubric's section fill, by the section's id."""


class Effect(StrEnum):
    """What a claim did to its field."""

    SET = "set"
    CHANGED = "changed"
    CONFIRMED = "confirmed"
    """It says much the same as what holds."""
    WEAKER = "weaker"
    """It shows the field in part only, where something holds that shows it whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldEntry:
    """What one call says of a field. The value is the customer's own words: the claim's first quote."""

    effect: Effect
    score: Score
    cited: CitedCall

    @property
    def value(self) -> str:
        return self.cited.claim.evidence[0].quote

    def as_json(self) -> dict[str, object]:
        return {
            "effect": self.effect.value,
            "score": self.score.value,
            "value": self.value,
            **self.cited.as_json(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownField:
    """One field with its history, the earliest call first; empty where no call says anything of it."""

    field: DealField
    history: tuple[FieldEntry, ...]

    @property
    def holds(self) -> FieldEntry | None:
        """The entry that set the value or changed it last."""
        return next((e for e in reversed(self.history) if e.effect in (Effect.SET, Effect.CHANGED)), None)

    def as_json(self) -> dict[str, object]:
        holds = self.holds
        return {
            "field": self.field.value,
            "holds": None if holds is None else holds.as_json(),
            "history": [entry.as_json() for entry in self.history],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one call says of a field, before it is compared with the others."""

    field: DealField
    score: Score
    cited: CitedCall


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreedAction:
    """What somebody said on a call will be done, and by when in the words that they used; None: not said.

    Nobody tells whether it was done: a later call may.
    """

    who: Who
    due: str | None
    cited: CitedCall

    def as_json(self) -> dict[str, object]:
        return {"who": self.who.value, "due": self.due, **self.cited.as_json()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """Two things said on one call that do not fit together, as its review found them."""

    title: str
    cited: CitedCall

    def as_json(self) -> dict[str, object]:
        return {"title": self.title, **self.cited.as_json()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deal:
    """All that the calls of one customer, or of one of its deals, say. `calls` are those that were read.

    `next_actions` and `contradictions` come from the calls' newest reviews, those of the newest call first.
    """

    customer: str
    deal: str
    stage: str
    calls: tuple[CallNamed, ...]
    fields: tuple[KnownField, ...]
    next_actions: tuple[AgreedAction, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that it cites."""
        cited = [
            *(entry.cited for field in self.fields for entry in field.history),
            *(one.cited for one in (*self.next_actions, *self.contradictions)),
        ]
        return tuple(evidence for one in cited for evidence in one.claim.evidence)

    def as_json(self) -> dict[str, object]:
        return {
            "customer": self.customer,
            "deal": self.deal,
            "stage": self.stage,
            "calls": [call.as_json() for call in self.calls],
            "fields": [field.as_json() for field in self.fields],
            "next_actions": [action.as_json() for action in self.next_actions],
            "contradictions": [one.as_json() for one in self.contradictions],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDeal:
    """A deal in the list. `deal` is empty where the calls of a customer name none; the rep is the newest call's."""

    customer: str
    deal: str
    stage: str
    rep_id: str
    rep_name: str
    calls: int
    first_call_at: datetime
    last_call_at: datetime

    def as_json(self) -> dict[str, object]:
        return {
            "customer": self.customer,
            "deal": self.deal,
            "stage": self.stage,
            "rep_id": self.rep_id,
            "rep_name": self.rep_name,
            "calls": self.calls,
            "first_call_at": self.first_call_at.isoformat(),
            "last_call_at": self.last_call_at.isoformat(),
        }


def history(said: Sequence[tuple[Said, Mapping[int, bool]]]) -> tuple[FieldEntry, ...]:
    """The entries of one field, given what each call says of it, the earliest first.

    With each stands which of the earlier ones (by their place) say much the same. A later value takes the place of what
    holds, unless it says the same or shows the field in part only where what holds shows it whole.
    """
    entries: list[FieldEntry] = []
    holds: int | None = None
    for place, (one, same) in enumerate(said):
        if holds is None:
            effect = Effect.SET
        elif same.get(holds, False):
            effect = Effect.CONFIRMED
        elif one.score is Score.PARTLY and said[holds][0].score is Score.YES:
            effect = Effect.WEAKER
        else:
            effect = Effect.CHANGED
        if effect in (Effect.SET, Effect.CHANGED):
            holds = place
        entries.append(FieldEntry(effect=effect, score=one.score, cited=one.cited))
    return tuple(entries)
