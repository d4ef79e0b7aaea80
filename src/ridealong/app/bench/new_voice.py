"""`python -m ridealong.app.bench.new_voice [AUTHOR …]`: how good the coach is on a voice that it has never read.

Each author of labelled calls (the letter in a call's name) is left out in turn: head, calibration and the belief that a
call is a sale are fitted on everybody else, then this author's calls, of `examples/calls` and of `examples/dev`, are
played. What is chosen about the coach is chosen by these figures. No call that is kept out for a last look is read.

The layer that reads a turn together with those before it has read all these authors; so it is left out, and a new voice
is judged somewhat better than is told here (`tools/tune_answers.py --without`, and 0054).

Roles are as labelled, budget and cool-downs are played, and each moment is decided when its words end. Takes a quarter
of an hour: one training for each author.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import numpy as np

from ridealong.app.bench.classify import LabelledCall, read_call
from ridealong.app.evaluation.measures import reliability
from ridealong.core.moments import CONTENT_TYPES, Tier
from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.embedding.minilm import load_embedder
from ridealong.live.classify import MomentClassifier
from ridealong.live.known_views import KnownViews
from ridealong.live.policy import Policy
from ridealong.live.sale import fit as fit_sale
from ridealong.live.sale import no_sale_texts
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import shipped_examples, train

if TYPE_CHECKING:
    from ridealong.live.features import Reader
    from ridealong.live.head import Head
    from ridealong.live.sale import SaleSense

DENSE: Final = 0.13
"""Moments an utterance from which on an author's calls are full of them; in ordinary ones there are half as many."""

_AUTHOR: Final = re.compile(r"(?:train|dev)-([a-z])-")


def author_of(call: str) -> str:
    """Who wrote a labelled call: the letter in its name; "" where nobody else's hand is known (the first ones)."""
    found = _AUTHOR.match(call)
    return found[1] if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One moment that was recorded; `shown` whether it was nudged, `right` whether it is labelled."""

    type: str
    confidence: float
    right: bool
    shown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What the coach made of one call; `true` counts its labels by type."""

    found: tuple[Found, ...]
    true: Counter[str]
    utterances: int
    minutes: float


def play(call: LabelledCall, reader: Reader, head: Head, sense: SaleSense) -> Heard:
    """One call through classifier and policy, both at their defaults."""
    taxonomy = default_taxonomy()
    classifier = MomentClassifier(taxonomy=taxonomy, embedder=reader, head=head, sale_sense=sense)
    policy, transcript = Policy(taxonomy), Transcript(TranscriptId(call_id=uuid4()))
    found: list[Found] = []
    for utterance in call.utterances:
        transcript.append(utterance)
        for detection in classifier.classify(transcript, utterance, call.roles).detections:
            decision = policy.decide(detection, decided_ts=detection.trigger_ts)
            found.append(
                Found(
                    type=detection.type,
                    confidence=detection.confidence,
                    right=detection.type in call.truth[utterance.no],
                    shown=decision.tier is Tier.NUDGE,
                )
            )
    return Heard(
        found=tuple(found),
        true=Counter(name for names in call.truth.values() for name in names),
        utterances=len(call.utterances),
        minutes=call.utterances[-1].end_ts / 60_000,
    )


def line(title: str, heard: Sequence[Heard]) -> str:
    """The figures of these calls together, as one row of the table."""
    found = [f for h in heard for f in h.found]
    true = sum((h.true for h in heard), Counter[str]())
    said = Counter(f.type for f in found)
    right = Counter(f.type for f in found if f.right)
    f1 = float(np.mean([2 * right[t] / (said[t] + true[t]) for t in CONTENT_TYPES if said[t] + true[t]]))
    shown = [f.right for f in found if f.shown]
    sure = reliability([(f.confidence, f.right) for f in found])
    minutes = sum(h.minutes for h in heard)
    cells = (
        f"{title:10s}",
        f"{len(heard):5d}",
        f"{f1:.3f}",
        f"{sum(shown) / max(1, len(shown)):9.2f}",
        f"{sum(shown) / max(1, true.total()):.3f}",
        f"{(len(shown) - sum(shown)) / minutes * 10:12.2f}",
        f"{sure.ece:.3f}",
        f"{sure.by_chance.value or 0.0:9.3f}",
    )
    return "  ".join(cells) + "\n"


def main(arguments: Sequence[str]) -> int:
    reader = KnownViews(load_embedder())
    training, whole_calls = shipped_examples(), shipped_examples("calibration")
    folder = Path(str(files("ridealong.live"))) / "examples"
    paths = sorted([*(folder / "calls").glob("*.jsonl"), *(folder / "dev").glob("*.jsonl")], key=lambda p: p.name)
    authors = sorted({author for path in paths if (author := author_of(path.stem))})
    if unknown := set(arguments) - set(authors):
        sys.stderr.write(
            f"No labelled call is by {', '.join(sorted(unknown))}: the authors are {', '.join(authors)}.\n"
        )
        return 1
    sys.stdout.write("author      calls  F1     precision  share  false/10 min  ECE    by chance\n")
    kinds: dict[str, list[Heard]] = {"dense": [], "ordinary": []}
    for author in arguments or authors:
        begun = time.monotonic()
        others = [e for e in training if author_of(e.call) != author]
        head = train(others, reader, whole_calls=[e for e in whole_calls if author_of(e.call) != author])
        head = replace(head, answered=None)
        sense = fit_sale(others, no_sale_texts(), reader)
        heard = [play(read_call(path), reader, head, sense) for path in paths if author_of(path.stem) == author]
        rate = sum(h.true.total() for h in heard) / sum(h.utterances for h in heard)
        kinds["dense" if rate >= DENSE else "ordinary"].extend(heard)
        sys.stdout.write(line(author, heard))
        sys.stdout.flush()
        sys.stderr.write(f"{author}: {time.monotonic() - begun:.0f} s\n")
    for kind, heard in kinds.items():
        if heard:
            sys.stdout.write(line(kind, heard))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
