"""How often the evidence for a question is found: `ridealong bench retrieval`.

Public meetings (QMSum, product meetings of AMI): each specific question comes with the spans of turns that answer it. A
question is a hit when one of the five turns that `postcall.retrieval` chooses lies in such a span. Nothing of the
retrieval was fitted by a program; its few weights were set by looking at the meetings outside of HELD_OUT.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.app.bench.measure import Row
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.retrieval import Asked, Numbers, Pool, Relevance, asked, chosen, relevance

if TYPE_CHECKING:
    from ridealong.embedding import Embedder

TURNS: Final = 5
HELD_OUT: Final = ("ES2009", "IS1006", "TS3009", "TS3010")
"""Groups of people whose meetings played no part when the weights were chosen: of those that the data set's own
validation part holds."""
_NOISE = re.compile(r"\{[a-z]+\}")
"""A transcriber's marks such as `{vocalsound}`, which no recogniser writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    text: str
    spans: tuple[tuple[int, int], ...]
    """First and last turn of each stretch that answers."""

    def hit(self, rows: Sequence[int]) -> bool:
        return any(first <= row <= last for row in rows for first, last in self.spans)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Meeting:
    name: str
    pool: Pool
    questions: tuple[Question, ...]


def meetings(folder: Path, embedder: Embedder) -> Iterator[Meeting]:
    """Each meeting in `folder`, embedded (some five seconds each)."""
    for file in sorted(folder.glob("*.json")):
        read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        turns: list[dict[str, str]] = read["meeting_transcripts"]
        texts = [" ".join(_NOISE.sub("", turn["content"]).split()) for turn in turns]
        yield Meeting(
            name=file.stem,
            pool=Pool(
                texts=texts,
                vectors=embedder.embed(texts),
                calls=np.zeros(len(texts), np.int64),
                places=np.arange(len(texts)),
                names=[(turn["speaker"].casefold(),) for turn in turns],
            ),
            questions=tuple(
                Question(
                    text=entry["query"],
                    spans=tuple((int(first), int(last)) for first, last in entry["relevant_text_span"]),
                )
                for entry in read["specific_query_list"]
            ),
        )


Variant = Callable[[Asked, Pool, Relevance], Sequence[int]]


def _top(score: Numbers) -> list[int]:
    return [int(row) for row in np.argsort(-score, kind="stable")[:TURNS]]


VARIANTS: Final[dict[str, Variant]] = {
    "by meaning alone": lambda _asked, _pool, found: _top(found.meaning),
    "by words alone": lambda _asked, _pool, found: _top(found.words),
    "as the product ranks, unspread": lambda _asked, _pool, found: _top(found.score),
    "as the product chooses": lambda _asked, pool, found: chosen(found.score, pool, TURNS),
}


def measure(folder: Path, embedder: Embedder) -> dict[str, dict[str, list[bool]]]:
    """For each variant, whether each question was a hit, of the held-out meetings and of the others."""
    hits: dict[str, dict[str, list[bool]]] = {name: {"held out": [], "others": []} for name in VARIANTS}
    for meeting in meetings(folder, embedder):
        part = "held out" if meeting.name.startswith(HELD_OUT) else "others"
        for question in meeting.questions:
            read = asked(question.text, embedder)
            found = relevance(read, meeting.pool)
            for name, variant in VARIANTS.items():
                hits[name][part].append(question.hit(variant(read, meeting.pool, found)))
    return hits


def rows() -> list[Row]:
    folder = Path(os.environ.get("RIDEALONG_SHARED_DATA", "../shared/data")) / "meetings" / "qmsum"
    if not folder.is_dir():
        return [
            Row(
                part="retrieval",
                what="evidence for questions about meetings",
                value="not measured: set RIDEALONG_SHARED_DATA to the folder that holds meetings/qmsum",
            )
        ]
    found: list[Row] = []
    for name, parts in measure(folder, load_embedder()).items():
        together = [hit for part in parts.values() for hit in part]
        share, held = (float(np.mean(part)) if part else float("nan") for part in (together, parts["held out"]))
        product = name == "as the product chooses"
        found.append(
            Row(
                part="retrieval",
                what=f"evidence among {TURNS} turns, {len(together)} questions, {name}",
                value=f"{share:.3f}; of the {len(parts['held out'])} held out {held:.3f}",
                floor="≥ 0.78" if product else "",
                aim="0.88" if product else "",
                ok=share >= 0.78 if product else None,
                numbers={"hit": share, "held_out_hit": held},
            )
        )
    return found
