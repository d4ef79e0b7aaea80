"""How many statements of a review had which fault, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ridealong.core.faults import Fate, Fault


@dataclass(slots=True, eq=False)
class Tally:
    """Counts by fate and fault. Steps keep it as flat numbers with names, "dropped:quote_not_found"."""

    counts: Counter[tuple[Fate, Fault]] = field(default_factory=Counter[tuple[Fate, Fault]])

    def add(self, fate: Fate, faults: Iterable[Fault]) -> None:
        self.counts.update((fate, fault) for fault in faults)

    def flat(self) -> dict[str, int]:
        return {f"{fate.value}:{fault.value}": n for (fate, fault), n in self.counts.items() if n}


def by_fate(steps: Iterable[Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The tallies of several steps as an artifact shows them: fate, then fault, each with how many."""
    found: dict[str, dict[str, int]] = {fate.value: {} for fate in Fate}
    known = {fault.value for fault in Fault}
    for step in steps:
        for name, count in step.items():
            fate, colon, fault = name.partition(":")
            if colon and fate in found and fault in known:
                found[fate][fault] = found[fate].get(fault, 0) + count
    return {fate: dict(sorted(faults.items())) for fate, faults in found.items()}
