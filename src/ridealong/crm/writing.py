"""What of a review goes into a CRM: the note of the call, and the values of the deal's properties. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.core.crm import CallNote, DealProperty, NotePart, Proven, printed

if TYPE_CHECKING:
    from datetime import datetime

    from ridealong.core.artifact import Artifact
    from ridealong.core.claims import Claim
    from ridealong.core.deals import KnownField
    from ridealong.crm.mapping import CrmMapping, Place

PlayLink = Callable[[UUID, int], str]
"""The address that plays a call from so many ms of its audio on."""

FIELD_TITLES: Final[Mapping[str, str]] = {
    "metrics": "Metrics",
    "economic_buyer": "Economic buyer",
    "decision_criteria": "Decision criteria",
    "decision_process": "Decision process",
    "paper_process": "Paper process",
    "pain": "Pain",
    "champion": "Champion",
    "competition": "Competition",
}


def call_page(home: str, call_id: UUID) -> str:
    return f"{home}/calls/{call_id}"


def play_link(home: str) -> PlayLink:
    return lambda call_id, start_ts: f"{call_page(home, call_id)}?t={start_ts}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What one property is to hold, and where in its own the link goes."""

    place: Place
    values: tuple[Proven, ...]

    def written(self, known: Mapping[str, DealProperty]) -> dict[str, str]:
        """Each property's text, as far as the property holds it; empty where it holds not even the link."""
        longest = known[self.place.property].longest
        if self.place.link is None:
            text = printed(self.values, longest)
            return {} if text is None else {self.place.property: text}
        links = [value.link for value in self.values]
        room = known[self.place.link].longest
        # The first link has to fit: a value without the words that prove it is not written.
        if room is not None and len(links[0]) > room:
            return {}
        text = "\n".join(" ".join(value.text.split()) for value in self.values)
        link = "\n".join(links)
        return {
            self.place.property: text if longest is None else text[:longest],
            self.place.link: link if room is None or len(link) <= room else links[0],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """Everything of one call. `of_call`: what a later call of the same deal takes the place of."""

    note: CallNote
    of_deal: tuple[Wanted, ...]
    of_call: tuple[Wanted, ...]


def write_up(
    artifact: Artifact,
    fields: tuple[KnownField, ...],
    mapping: CrmMapping,
    *,
    started_at: datetime,
    home: str,
) -> Writing:
    """What of the review, and of the deal's fields, the mapping wants written."""
    play = play_link(home)
    call_id = artifact.transcript_id.call_id

    def sure(claim: Claim) -> bool:
        return claim.confidence >= mapping.min_confidence

    def proven(text: str, claim: Claim) -> Proven:
        # By the claim's own call: a field of the deal may have been said on another one.
        said = claim.evidence[0]
        return Proven(text=text, claim=claim, link=play(said.transcript_id.call_id, said.start_ts))

    summary = tuple(proven(s.summary.statement, s.summary) for s in artifact.outline if sure(s.summary))
    steps = tuple(
        proven(a.claim.statement if a.due is None else f"{a.claim.statement} ({a.due})", a.claim)
        for a in artifact.next_actions
        if sure(a.claim)
    )
    held = {known.field: known.holds for known in fields}
    values = {
        name: proven(f"“{entry.value}”", entry.cited.claim)
        for name, entry in held.items()
        if entry is not None and sure(entry.cited.claim)
    }
    here = tuple(
        proven(f"{FIELD_TITLES[name]}: {value.text}", value.claim)
        for name, value in values.items()
        if value.claim.evidence[0].transcript_id.call_id == call_id
    )
    parts = [("Summary", summary), ("Next steps", steps), ("The deal", here)]
    note = CallNote(
        call_id=call_id,
        title=artifact.title,
        started_at=started_at,
        duration_ms=artifact.duration_ms,
        page=call_page(home, call_id),
        parts=tuple(NotePart(title=title, lines=lines) for title, lines in parts if lines),
    )
    of_call = [(mapping.summary, summary), (mapping.next_steps, steps)]
    return Writing(
        note=note,
        of_deal=tuple(
            Wanted(place=place, values=(values[name],)) for name, place in mapping.fields.items() if name in values
        ),
        of_call=tuple(Wanted(place=place, values=lines) for place, lines in of_call if place is not None and lines),
    )
