"""What a training says of itself: each type by cross-validation, the guard, the tenant's own calls, and the verdict.

It holds the words of nothing but the tenant's document: an utterance of a call is named by its place, so that a report
outlives no call that was erased.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.core.moments import CONTENT_TYPES
from ridealong.live.teaching import share_interval
from ridealong.live.tuning import FEWEST_EXAMPLES, RATE, probabilities
from ridealong.live.tuning_base import may_say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Vectors
    from ridealong.live.head import Head
    from ridealong.live.teaching import Believed, Place, Statement
    from ridealong.live.train import Example
    from ridealong.live.tuning import Fitted, TunedType
    from ridealong.live.tuning_base import Base

RESAMPLES: Final = 1000
WIDE: Final = 0.5
"""An interval of the share found that is wider than this says little: the type is too thin."""

MOST_WORSE: Final = 0.01
LOWEST: Final = -0.03
"""Not worse: macro-F1 on the shipped calls falls by at most the one, and the lower end of the difference's 95%
interval is not below the other."""

MOST_WORSE_OF_A_TYPE: Final = 0.05
"""Of one shipped type: a ninth of it is all that the mean of nine types shows, and feedback is mostly about one."""

ENOUGH_OWN: Final = 20
"""Labelled utterances of the tenant's own calls from which on they have a say: more than MOST_WORSE of them fewer met
than by what runs is worse. Fewer is one statement more or less, on which honest feedback would founder."""

SHOWN: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """An utterance of one of the tenant's calls, with the turns before it."""

    example: Example
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trained:
    """All that a report is made of. `running`: the head that judges calls today, be it the shipped one."""

    fitted: Fitted
    types: tuple[TunedType, ...]
    believed: Believed
    base: Base
    running: Head
    shipped: Head
    past: tuple[Past, ...]
    past_running: Vectors
    past_candidate: Vectors
    """[past, head's types]: probabilities."""


def report(found: Trained) -> dict[str, Any]:
    """Everything, as JSON. `verdict.not_worse` says whether it may take the running one's place unasked."""
    statements = found.believed.statements
    guard, own = _guard(found), _own(found)
    reasons = _reasons(guard, own)
    if found.believed.trusted:
        reasons += _reasons_of_the_trusted(guard, _fewer(found))
    if not found.fitted.tuned:
        reasons.append("nothing was learned: no type has enough examples that are believed")
    return {
        "examples": dict(sorted(Counter(s.source.value for s in statements).items())),
        "left_out": [_left_out(one) for one in found.believed.left_out],
        "trusted": [_left_out(one) for one in found.believed.trusted],
        "types": [_type(found, one) for one in found.types],
        "confused": _confused(found),
        "guard": guard,
        "own_calls": own,
        "changes": _changes(found),
        "near_misses": _near_misses(found),
        "verdict": {"not_worse": not reasons, "reasons": reasons},
    }


def _left_out(one: Any) -> dict[str, object]:
    return {"by": one.by, "by_name": one.by_name, "statements": one.statements, "reason": one.reason}


def _place(place: Place) -> dict[str, object]:
    return {"call_id": place.call_id, "revision": place.revision, "utterance_no": place.utterance_no}


def _named(statement: Statement) -> dict[str, object]:
    """The words where they stand in the document, else where they were said."""
    return {"text": statement.example.text} if statement.place is None else _place(statement.place)


def _held(found: Trained) -> Vectors:
    return found.fitted.head.probabilities(found.fitted.held_out)


def _type(found: Trained, one: TunedType) -> dict[str, object]:
    statements = found.believed.statements
    yes = [n for n, s in enumerate(statements) if s.type == one.id and s.holds]
    no = [n for n, s in enumerate(statements) if s.type == one.id and not s.holds]
    told: dict[str, object] = {
        "type": one.id,
        "new": not one.shipped,
        "trained": one.id in found.fitted.tuned,
        "positives": len(yes),
        "negatives": len(no),
    }
    if one.id not in found.fitted.tuned:
        thin = None
        if not one.shipped:
            thin = f"has {len(yes)} examples: give at least {FEWEST_EXAMPLES}; until then its trackers alone find it"
        return told | {"thin": thin}
    column, sure = found.fitted.head.types.index(one.id), _held(found)
    hits = int((sure[yes, column] >= one.detect).sum())
    low, high = share_interval(hits, len(yes))
    calls = found.base.calibration
    may = may_say(calls.roles, one.role)
    seen = probabilities(found.fitted.head, calls)[may, column] >= one.detect
    false = seen & ~calls.labels[may, CONTENT_TYPES.index(one.id)] if one.shipped else seen
    recall, alarms = (hits / len(yes) if yes else 0.0), float(false.mean())
    thin = None
    if not one.shipped and high - low > WIDE:
        thin = f"{hits} of {len(yes)} examples are found again, which may mean {low:.0%} to {high:.0%}: add examples"
    met = sum(bool(sure[n, column] >= one.detect) is statements[n].holds for n in (*yes, *no))
    return told | {
        "thin": thin,
        "recall": {"value": recall, "low": low, "high": high},
        "false_alarms": alarms,
        "expected_f1": _expected(recall, alarms),
        "expected_f1_low": _expected(low, alarms),
        "expected_f1_high": _expected(high, alarms),
        "statements_met": met,
    }


def _expected(recall: float, alarms: float) -> float:
    """F1 where the type occurs in one utterance of 25, from the share found and the share of others taken for it."""
    right, wrong = RATE * recall, (1 - RATE) * alarms
    return 2 * right / (right + wrong + RATE) if recall else 0.0


def _confused(found: Trained) -> list[dict[str, object]]:
    """Types that take each other's examples: judged by fits that had not seen the example."""
    statements, head, sure = found.believed.statements, found.fitted.head, _held(found)
    detect = {t.id: t.detect for t in found.types}
    pairs: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    also = {(s.example.text, s.type) for s in statements if s.holds}
    for number, statement in enumerate(statements):
        if not statement.holds or statement.type not in head.types:
            continue
        own = sure[number, head.types.index(statement.type)]
        for column, other in enumerate(head.types):
            taken = sure[number, column] >= detect[other] and sure[number, column] > own
            if other != statement.type and taken and (statement.example.text, other) not in also:
                pairs[statement.type, other].append(statement)
    return [
        {"type": a, "taken_for": b, "count": len(those), "examples": [_named(s) for s in those[:3]]}
        for (a, b), those in sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _guard(found: Trained) -> dict[str, Any]:
    """The shipped calls that nothing was trained on: what a tenant's examples must not spoil."""
    calls = found.base.calibration
    kept = [t for t in found.types if t.shipped]
    if not kept:
        names = ("running", "candidate", "shipped", "difference", "low", "high")
        return {"calls": 0, "types": 0, **dict.fromkeys(names, 0.0), "lost": []}
    truth = np.stack([calls.labels[:, CONTENT_TYPES.index(t.id)] for t in kept], axis=1)
    counts = [
        _counts(_said(head, probabilities(head, calls), kept, calls.roles), truth, calls.calls)
        for head in (found.running, found.fitted.head, found.shipped)
    ]
    occurs = counts[0][:, :, [0, 2]].sum(axis=(0, 2)) > 0
    before, after, shipped = (_macro(c.sum(axis=0), occurs) for c in counts)
    chance = np.random.default_rng(11)
    drawn = chance.integers(0, len(counts[0]), (RESAMPLES, len(counts[0])))
    differences = [_macro(counts[1][d].sum(axis=0), occurs) - _macro(counts[0][d].sum(axis=0), occurs) for d in drawn]
    low, high = np.percentile(differences, [2.5, 97.5])
    return {
        "calls": len(counts[0]),
        "types": len(kept),
        "running": before,
        "candidate": after,
        "shipped": shipped,
        "difference": after - before,
        "low": float(low),
        "high": float(high),
        "lost": _lost(kept, counts[1].sum(axis=0), counts[2].sum(axis=0)),
    }


def _lost(
    types: Sequence[TunedType], after: NDArray[np.float64], shipped: NDArray[np.float64]
) -> list[dict[str, object]]:
    """The types that the candidate finds less well than the shipped classifier by more than MOST_WORSE_OF_A_TYPE."""
    found: list[dict[str, object]] = []
    for one, new, old in zip(types, after, shipped, strict=True):
        only = np.ones(1, np.bool_)
        candidate, before = _macro(new[None], only), _macro(old[None], only)
        if candidate < before - MOST_WORSE_OF_A_TYPE:
            found.append({"type": one.id, "candidate": candidate, "shipped": before})
    return found


def _fewer(found: Trained) -> list[dict[str, object]]:
    """The types of which the candidate finds fewer of the shipped examples than the shipped classifier does.

    Whole calls hold a type a few dozen times, and seldom in the plain words that the examples have by the hundred.
    """
    examples, fewer = found.base.training, list[dict[str, object]]()
    candidate, shipped = (probabilities(head, examples) for head in (found.fitted.head, found.shipped))
    for one in found.types:
        if not one.shipped:
            continue
        true = examples.labels[:, CONTENT_TYPES.index(one.id)] & may_say(examples.roles, one.role)
        new, old = (
            int((sure[true, head.types.index(one.id)] >= one.detect).sum())
            for head, sure in ((found.fitted.head, candidate), (found.shipped, shipped))
        )
        if new < old:
            fewer.append({"type": one.id, "candidate": new, "shipped": old})
    return fewer


def _said(head: Head, sure: Vectors, types: Sequence[TunedType], roles: NDArray[np.str_]) -> NDArray[np.bool_]:
    """[utterances, types]: what is recorded. A type that the head does not know is never found."""
    found = np.zeros((len(sure), len(types)), np.bool_)
    for number, one in enumerate(types):
        if one.id in head.types:
            found[:, number] = (sure[:, head.types.index(one.id)] >= one.detect) & may_say(roles, one.role)
    return found


def _counts(said: NDArray[np.bool_], truth: NDArray[np.bool_], calls: NDArray[np.int64]) -> NDArray[np.float64]:
    """[calls, types, 3]: right, wrong, missed."""
    found = np.zeros((int(calls.max()) + 1, said.shape[1], 3))
    for column, chosen in enumerate((said & truth, said & ~truth, ~said & truth)):
        np.add.at(found[:, :, column], calls, chosen)
    return found


def _macro(counts: NDArray[np.float64], occurs: NDArray[np.bool_]) -> float:
    right, wrong, missed = counts[occurs].T
    total = 2 * right + wrong + missed
    return float(np.where(total > 0, 2 * right / np.maximum(total, 1), 1.0).mean()) if occurs.any() else 0.0


def _own(found: Trained) -> dict[str, object] | None:
    """The labelled utterances of the tenant's own calls: the running head against fits that had not seen the call."""
    statements, head = found.believed.statements, found.fitted.head
    sure, place = _held(found), {p.place: n for n, p in enumerate(found.past)}
    detect = {t.id: t.detect for t in found.types}
    met: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for number, statement in enumerate(statements):
        if statement.place is None or statement.place not in place or statement.type not in head.types:
            continue
        before = 0.0
        if statement.type in found.running.types:
            before = found.past_running[place[statement.place], found.running.types.index(statement.type)]
        after = sure[number, head.types.index(statement.type)]
        at = detect[statement.type]
        pair = (bool(before >= at) is statement.holds, bool(after >= at) is statement.holds)
        met[statement.place.call_id].append(pair)
    if not met:
        return None
    counts = np.array([[len(m), sum(b for b, _ in m), sum(a for _, a in m)] for m in met.values()], np.float64)
    drawn = np.random.default_rng(11).integers(0, len(counts), (RESAMPLES, len(counts)))
    differences = [(counts[d][:, 2].sum() - counts[d][:, 1].sum()) / counts[d][:, 0].sum() for d in drawn]
    total, before, after = counts.sum(axis=0)
    low, high = np.percentile(differences, [2.5, 97.5])
    return {
        "calls": len(counts),
        "labelled": int(total),
        "running": before / total,
        "candidate": after / total,
        "difference": (after - before) / total,
        "low": float(low),
        "high": float(high),
    }


def _changes(found: Trained) -> dict[str, object]:
    """Moments of past calls that the candidate would record and the running head would not, and the other way round."""
    roles = np.array([p.example.role.value for p in found.past]) if found.past else np.zeros(0, "<U8")
    before = _said(found.running, found.past_running, found.types, roles)
    after = _said(found.fitted.head, found.past_candidate, found.types, roles)
    places = [
        {**_place(found.past[row].place), "type": found.types[column].id, "change": change}
        for change, where in (("added", after & ~before), ("removed", before & ~after))
        for row, column in np.argwhere(where).tolist()
    ]
    return {
        "utterances": len(found.past),
        "added": int((after & ~before).sum()),
        "removed": int((before & ~after).sum()),
        "places": places[:SHOWN],
    }


def _near_misses(found: Trained) -> list[dict[str, object]]:
    """Utterances that the new head nearly takes for a moment: what the review queue asks about, the nearest first."""
    head = found.fitted.head
    roles = np.array([p.example.role.value for p in found.past]) if found.past else np.zeros(0, "<U8")
    near: list[tuple[float, dict[str, object]]] = []
    for one in found.types:
        if one.id in head.types:
            sure = found.past_candidate[:, head.types.index(one.id)]
            for row in np.flatnonzero(
                (sure < one.detect) & (sure > one.detect / 2) & may_say(roles, one.role)
            ).tolist():
                told = {**_place(found.past[row].place), "type": one.id, "probability": round(float(sure[row]), 3)}
                near.append((float(one.detect - sure[row]), told))
    return [told for _, told in sorted(near, key=lambda pair: pair[0])[: 2 * SHOWN]]


def _reasons_of_the_trusted(guard: dict[str, Any], fewer: Sequence[dict[str, object]]) -> list[str]:
    """What contradicts the classifier in what it is sure of has no tolerance to hide in."""
    told: list[str] = []
    if guard["candidate"] < guard["shipped"]:
        told.append(
            f"macro-F1 on the {guard['calls']} shipped calls falls from {guard['shipped']:.3f}"
            f" to {guard['candidate']:.3f}"
        )
    told += [
        f"of the shipped examples of {one['type']} it finds {one['candidate']} instead of {one['shipped']}"
        for one in fewer
    ]
    return [
        f"trusted feedback contradicts the shipped classifier, and {what}: promote it yourself if that is meant"
        for what in told
    ]


def _reasons(guard: dict[str, Any], own: dict[str, Any] | None) -> list[str]:
    """Why it may be worse than what runs; empty where it is not."""
    found: list[str] = []
    if guard["difference"] < -MOST_WORSE or guard["low"] < LOWEST:
        found.append(
            f"on the {guard['calls']} shipped calls macro-F1 goes from {guard['running']:.3f}"
            f" to {guard['candidate']:.3f}"
            f" (difference {guard['low']:+.3f} to {guard['high']:+.3f}; allowed: -{MOST_WORSE}, lower end {LOWEST})"
        )
    if guard["candidate"] < guard["shipped"] - MOST_WORSE:
        # Against what runs alone, each version might be a little worse than the last.
        found.append(
            f"on the shipped calls macro-F1 is {guard['candidate']:.3f}, that of the shipped classifier"
            f" {guard['shipped']:.3f}"
        )
    found.extend(
        f"{lost['type']} is found less well on the shipped calls: F1 {lost['candidate']:.2f},"
        f" with the shipped classifier {lost['shipped']:.2f}"
        for lost in guard["lost"]
    )
    if own is not None and own["labelled"] >= ENOUGH_OWN and own["difference"] < -MOST_WORSE:
        # Counts: two shares that differ by one in two hundred look the same.
        after, before = (round(own[key] * own["labelled"]) for key in ("candidate", "running"))
        found.append(
            f"of {own['labelled']} labelled utterances of your own calls it meets {after}, the running one {before}"
        )
    return found
