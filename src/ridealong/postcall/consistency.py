"""The last gate of a review: no two of its statements may say the opposite of each other.

Sections and coaching moments are made side by side and do not know each other. Where one says that something was done
and another that it was not, a second reading looks at both once more where there is a model to read; then the one with
less behind it is left out or made less sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import ModelFailed
from ridealong.core.faults import Fate, Fault
from ridealong.core.rubric import CoachingMoment, Criterion, Score, SectionReview
from ridealong.postcall.reviewer import Support
from ridealong.postcall.tally import Tally

if TYPE_CHECKING:
    from ridealong.core.confidence import ConfidenceModel
    from ridealong.postcall.reviewer import CallReviewer, StepLog

STANDS: Final = 0.5
"""A statement this sure at least takes its opposite out; one that is less sure only makes it less sure."""
CONTRADICTED: Final = 0.5
"""What is left of a confidence where nothing weighs signals."""

Key = tuple[str, str]
"""A finding: its section's id and its criterion's. A coaching moment: empty, and its place."""
About = Callable[[CoachingMoment], Criterion | None]
"""The criterion that a coaching moment says something about; None where it is about none of the rubric."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One statement of the review with what it says about which criterion. `holds`: it was done."""

    key: Key
    criterion_id: str
    holds: bool
    claim: Claim


def statements(sections: Sequence[SectionReview], coaching: Sequence[CoachingMoment], about: About) -> list[Said]:
    """What the review says about its criteria, rules aside. Coaching moments about none of them are left out."""
    found = [
        Said(key=(s.section_id, f.criterion_id), criterion_id=f.criterion_id, holds=f.score is Score.YES, claim=f.claim)
        for s in sections
        for f in s.findings
        if f.score is not Score.PARTLY and f.criterion_id not in {rule.rule_id for rule in s.rules}
    ]
    for place, moment in enumerate(coaching):
        criterion = about(moment)
        if criterion is not None:
            absent = isinstance(moment.claim, AbsenceClaim)
            found.append(Said(key=("", str(place)), criterion_id=criterion.id, holds=not absent, claim=moment.claim))
    return found


def contradictions(said: Sequence[Said]) -> list[tuple[Said, Said]]:
    """Each pair of which the first says that something was done and the second that it was not.

    What was done outside of the span that was searched contradicts nothing, nor does what called for it.
    """
    pairs: list[tuple[Said, Said]] = []
    for yes in said:
        for no in said:
            if not yes.holds or no.holds or yes.criterion_id != no.criterion_id:
                continue
            if isinstance(no.claim, AbsenceClaim) and not _within(yes.claim, no.claim):
                continue
            pairs.append((yes, no))
    return pairs


def _within(done: Claim, absent: AbsenceClaim) -> bool:
    first = 0 if absent.searched is None else absent.searched.from_no
    cited = {e.utterance_no for e in absent.evidence} if absent.called_for else frozenset[int]()
    return any(first <= e.utterance_no <= absent.through and e.utterance_no not in cited for e in done.evidence)


@dataclass(slots=True, eq=False)
class Settled:
    """What the contradictions of a review came to: the claims that fall, and those that are less sure now."""

    dropped: dict[Key, Fault] = field(default_factory=dict[Key, Fault])
    lowered: dict[Key, Claim] = field(default_factory=dict[Key, Claim])
    unchecked: int = 0

    @property
    def tally(self) -> Tally:
        tally = Tally()
        tally.add(Fate.DROPPED, self.dropped.values())
        tally.add(Fate.LOWERED, [Fault.CONTRADICTION for _ in self.lowered])
        return tally

    def apply(
        self, sections: Sequence[SectionReview], coaching: Sequence[CoachingMoment]
    ) -> tuple[list[SectionReview], list[CoachingMoment]]:
        """The findings and moments that remain; a section's score is for its owner to compute again."""
        kept = [
            replace(
                s,
                findings=tuple(
                    replace(f, claim=self.lowered.get((s.section_id, f.criterion_id), f.claim))
                    for f in s.findings
                    if (s.section_id, f.criterion_id) not in self.dropped
                ),
            )
            for s in sections
        ]
        moments = [
            replace(m, claim=self.lowered.get(("", str(place)), m.claim))
            for place, m in enumerate(coaching)
            if ("", str(place)) not in self.dropped
        ]
        return kept, moments


async def settle(
    pairs: Sequence[tuple[Said, Said]], reviewer: CallReviewer, log: StepLog, confidence: ConfidenceModel | None
) -> Settled:
    """Decide each pair. Where models fail, the deterministic rule decides alone."""
    settled = Settled()
    if not pairs:
        return settled
    claims = {said.key: said.claim for pair in pairs for said in pair}
    names = {f"{section}/{name}": key for key in claims for section, name in [key]}
    try:
        verdicts = await reviewer.verify({name: claims[key] for name, key in names.items()}, log)
    except ModelFailed:
        verdicts = None
    for name, verdict in (verdicts or {}).items():
        if verdict is Support.NOT:
            settled.dropped[names[name]] = Fault.CONTRADICTION
    for yes, no in pairs:
        if yes.key in settled.dropped or no.key in settled.dropped:
            continue
        # Of two that are as sure the one that shows words stands against the one that found none.
        winner, loser = (yes, no) if yes.claim.confidence >= no.claim.confidence else (no, yes)
        if verdicts is None and winner.claim.confidence >= STANDS:
            settled.dropped[loser.key] = Fault.CONTRADICTION
            settled.lowered.pop(loser.key, None)
        else:
            settled.lowered[loser.key] = _lowered(loser.claim, confidence)
    return settled


def _lowered(claim: Claim, confidence: ConfidenceModel | None) -> Claim:
    if claim.signals is None or confidence is None:
        return replace(claim, confidence=claim.confidence * CONTRADICTED)
    signals = replace(claim.signals, contradicted=True)
    return replace(claim, signals=signals, confidence=min(claim.confidence, confidence.probability(signals)))
