"""Compare what the moments' head can stand on, with everything else alike, as a table in Markdown.

    .venv/bin/python tools/compare_classifiers.py [--only static] FOLDER…

The folders hold labelled calls; each gives a column of figures. `--only`: rows whose name holds that.

Every row has the same context, facts, clauses, head and calibration on whole calls; what differs is the views of the
words, and the examples fitted on.
`wordllama` (static embeddings) is needed for its rows, at authoring time only. The figures are of the classifier
alone, before any policy: macro-F1 of what is recorded, the same with the words misheard (tools/misheard.py), and
precision and recall above the floors. `ridealong moments eval` shows the rest.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from misheard import misheard
from sklearn.feature_extraction.text import HashingVectorizer

from ridealong.app.bench.classify import LabelledCall, judge, read_call, scores
from ridealong.core.moments import CONTENT_TYPES
from ridealong.embedding.minilm import DIMENSIONS, VIEWS_WIDTH, load_embedder
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import Example, shipped_examples, train

if TYPE_CHECKING:
    from ridealong.core.transcript import Role
    from ridealong.embedding import Vectors
    from ridealong.embedding.minilm import Earlier, MiniLm
    from ridealong.live.head import Head

    Pieces = Callable[[str, Sequence[tuple[int, int]]], Vectors]

FLOORS: Final = {t.id: t.floor for t in default_taxonomy().content_types}
NEW: Final = ("indirect-", "train-", "told-")
"""What the names of the later examples begin with: without them the first classifier was trained."""


class Views:
    """A reader whose views are what `read` gives, filled up with zeros; each text is read once."""

    def __init__(self, read: Pieces) -> None:
        self._read = read
        self._known: dict[tuple[str, tuple[tuple[int, int], ...]], Vectors] = {}

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        key = (text, tuple(spans))
        if key not in self._known:
            read = self._read(text, spans)
            self._known[key] = np.pad(read, ((0, 0), (0, VIEWS_WIDTH - read.shape[1]))).astype(np.float32)
        return self._known[key]

    def views(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.pieces(text, ())[0] for text in texts], np.float32).reshape(len(texts), VIEWS_WIDTH)

    def answer(self, text: str, role: Role, before: Sequence[Earlier], facts: Vectors) -> Vectors:  # noqa: ARG002
        """Nothing: here it is the head that is compared."""
        return np.zeros(len(CONTENT_TYPES), np.float32)


def static() -> Pieces:
    import wordllama  # noqa: PLC0415

    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def read(text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        found = model.embed([text, *(text[a:b] for a, b in spans)], norm=True)
        return np.pad(found, ((0, 0), (0, DIMENSIONS - found.shape[1])))

    return read


def characters(width: int) -> Pieces:
    """Hashed 3- to 5-grams within words, which a misheard ending leaves mostly alike."""
    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=width, norm="l2")
    return lambda text, spans: hashed.transform([text, *(text[a:b] for a, b in spans)]).toarray()


def blocks(reader: MiniLm, *chosen: int) -> Pieces:
    """Of MiniLM's views: 0 the middle layer, 1 the tuned one."""

    def read(text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        views = reader.pieces(text, spans)
        return np.concatenate([views[:, b * DIMENSIONS : (b + 1) * DIMENSIONS] for b in chosen], axis=1)

    return read


def sentences(minilm: MiniLm) -> Pieces:
    """The sentence embeddings that search goes by."""
    return lambda text, spans: minilm.embed([text, *(text[a:b] for a, b in spans)])


def beside(*parts: Pieces) -> Pieces:
    return lambda text, spans: np.concatenate([part(text, spans) for part in parts], axis=1)


def misheard_calls(calls: Sequence[LabelledCall]) -> list[LabelledCall]:
    return [
        replace(
            call,
            utterances=tuple(
                replace(u, text=misheard(u.text, random.Random(u.text)) or u.text)  # noqa: S311 - repeatable
                for u in call.utterances
            ),
        )
        for call in calls
    ]


def figures(reader: Views, head: Head, calls: Sequence[LabelledCall]) -> list[str]:
    judged = [j for call in calls for j in judge(call, reader, head)]
    noisy = [j for call in misheard_calls(calls) for j in judge(call, reader, head)]
    shown = [(t in j.truth) for j in judged for t, sure in j.found.items() if sure >= FLOORS[t]]
    true = sum(len(j.truth) for j in judged)
    return [
        f"{np.mean([s.f1 for s in scores(judged)]):.2f}",
        f"{np.mean([s.f1 for s in scores(noisy)]):.2f}",
        f"{np.mean(shown) if shown else 1.0:.2f} / {sum(shown) / max(1, true):.2f}",
    ]


def compare(folders: Sequence[Path], minilm: MiniLm, only: str) -> None:
    sets = [[read_call(path) for path in sorted(folder.glob("*.jsonl"))] for folder in folders]
    everything = shipped_examples()
    first = [example for example in everything if not example.call.startswith(NEW)]
    rows: list[tuple[str, Callable[[], Pieces], Sequence[Example]]] = [
        ("MiniLM, middle and tuned layer (shipped)", lambda: blocks(minilm, 0, 1), everything),
        ("MiniLM, tuned layer", lambda: blocks(minilm, 1), everything),
        ("MiniLM, middle layer", lambda: blocks(minilm, 0), everything),
        ("MiniLM, sentence and middle layer", lambda: beside(sentences(minilm), blocks(minilm, 0)), everything),
        ("the same, first examples", lambda: beside(sentences(minilm), blocks(minilm, 0)), first),
        ("MiniLM, sentence alone", lambda: sentences(minilm), everything),
        ("MiniLM, sentence, character n-grams", lambda: beside(sentences(minilm), characters(DIMENSIONS)), everything),
        ("static embeddings", static, everything),
        ("static embeddings, character n-grams", lambda: beside(static(), characters(DIMENSIONS)), everything),
    ]
    print(f"| the head stands on | examples | {' | '.join(f'{f.name}: F1, misheard, P / R' for f in folders)} | s |")
    print("|---|---|" + "---|" * (len(folders) + 1))
    for name, pieces, examples in (row for row in rows if only in row[0]):
        reader, began = Views(pieces()), time.process_time()
        head = train(examples, reader, whole_calls=shipped_examples("calibration"))
        cells = [", ".join(figures(reader, head, chosen)) for chosen in sets]
        print(f"| {name} | {len(examples)} | {' | '.join(cells)} | {time.process_time() - began:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    compare(chosen.folders, load_embedder(), chosen.only)


if __name__ == "__main__":
    main()
