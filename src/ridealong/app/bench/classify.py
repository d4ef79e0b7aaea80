"""`python -m ridealong.app.bench.classify [FOLDER]`: how well and how fast moments are judged.

FOLDER holds labelled calls: transcripts as `coach --transcript` reads them, each line with `"moments": [{"type": …}]`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.embedding.minilm import load_embedder
from ridealong.live.classify import MomentClassifier
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import load_head

if TYPE_CHECKING:
    from ridealong.live.features import Reader
    from ridealong.live.head import Head

DEFAULT_FOLDER = Path(__file__).parents[4] / "tests" / "fixtures" / "labelled_calls"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledCall:
    """A call whose moments a person has marked; `truth` holds the content types of each utterance, by its number."""

    name: str
    roles: Roles
    utterances: tuple[Utterance, ...]
    truth: dict[int, frozenset[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What was found in one labelled utterance."""

    truth: frozenset[str]
    found: dict[str, float]
    """Confidence by type."""
    milliseconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Precision, recall and F1 (harmonic mean) of one type; `support` is how often it truly occurs."""

    type: str
    precision: float
    recall: float
    support: int

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def read_call(path: Path) -> LabelledCall:
    """Read one labelled transcript."""
    header, *lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    speakers = {int(line["speaker"]) for line in lines}
    roles = Roles(
        RoleAssignment(
            speaker_id=SpeakerId(s),
            role=Role.REP if s == header["rep_speaker"] else Role.CUSTOMER,
            source=RoleSource.STATED,
            confidence=1.0,
        )
        for s in sorted(speakers)
    )
    return LabelledCall(
        name=path.stem,
        roles=roles,
        utterances=tuple(
            Utterance(
                no=line["no"],
                speaker=SpeakerId(line["speaker"]),
                start_ts=line["start_ts"],
                end_ts=line["end_ts"],
                text=line["text"],
            )
            for line in lines
        ),
        truth={
            line["no"]: frozenset(m["type"] for m in line.get("moments", ()) if m["type"] in CONTENT_TYPES)
            for line in lines
        },
    )


def judge(call: LabelledCall, reader: Reader, head: Head) -> list[Judged]:
    """Play one call through the classifier."""
    classifier = MomentClassifier(taxonomy=default_taxonomy(), embedder=reader, head=head)
    transcript = Transcript(TranscriptId(call_id=uuid4()))
    found: list[Judged] = []
    for utterance in call.utterances:
        transcript.append(utterance)
        begun = time.perf_counter()
        classified = classifier.classify(transcript, utterance, call.roles)
        taken = (time.perf_counter() - begun) * 1000
        confidences = {d.type: d.confidence for d in classified.detections}
        found.append(Judged(truth=call.truth[utterance.no], found=confidences, milliseconds=taken))
    return found


def scores(judged: Sequence[Judged], floors: dict[str, float] | None = None) -> list[Score]:
    """One score a type, counting what was found at or above its floor (0 where none is given)."""
    found: list[Score] = []
    for name in CONTENT_TYPES:
        floor = (floors or {}).get(name, 0.0)
        said = [j.found.get(name, -1.0) >= floor for j in judged]
        true = [name in j.truth for j in judged]
        right = sum(s and t for s, t in zip(said, true, strict=True))
        found.append(
            Score(
                type=name,
                precision=right / sum(said) if any(said) else 1.0,
                recall=right / sum(true) if any(true) else 1.0,
                support=sum(true),
            )
        )
    return found


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0]) if arguments else DEFAULT_FOLDER
    reader = load_embedder()
    head = load_head(reader)
    calls = [read_call(path) for path in sorted(folder.glob("*.jsonl"))]
    judged = [j for call in calls for j in judge(call, reader, head)]
    floors = {t.id: t.floor for t in default_taxonomy().content_types}
    for title, chosen in (("recorded", None), ("worth a nudge", floors)):
        rows = scores(judged, chosen)
        sys.stdout.write(f"\n{title:22s}  P     R     F1    n\n")
        for s in rows:
            sys.stdout.write(f"{s.type:22s}  {s.precision:.2f}  {s.recall:.2f}  {s.f1:.2f}  {s.support}\n")
        sys.stdout.write(f"{'macro':22s}              {np.mean([s.f1 for s in rows]):.3f}\n")
    times = [j.milliseconds for j in judged]
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    sys.stdout.write(f"\n{len(judged)} utterances of {len(calls)} calls; ms each: ")
    sys.stdout.write(f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
