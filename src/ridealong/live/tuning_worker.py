"""`python -m ridealong.live.tuning_worker FOLDER [MODELS_DIR]`: one training, in a process of its own.

The server would carry scipy and the shipped examples (150 MB) for the rest of its life. The models are loaded at once;
a line on the standard input says that `job.json` and `views.npz` lie in the folder. The worker leaves `head.npz`,
`report.json` and `fresh.npz` (what it had to read) there.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridealong.core.transcript import Role
from ridealong.cores import cores
from ridealong.embedding.minilm import load_embedder
from ridealong.live.features import Surroundings, Turn
from ridealong.live.head import Head
from ridealong.live.known_views import KnownViews
from ridealong.live.teaching import Believed, Place, Source, Statement, sift, sift_added
from ridealong.live.train import Example, load_head, plain
from ridealong.live.tuning import DOUBLED, Fitted, TunedType, tune
from ridealong.live.tuning_base import Base, load_base, rows_of
from ridealong.live.tuning_report import Past, Trained, report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ridealong.embedding import Vectors


def main(folder: Path, cache: Path | None) -> int:
    """Train what the folder asks for; the exit code is 0 where `report.json` was written."""
    embedder = load_embedder(cache)
    base, shipped = load_base(embedder, cache), load_head(embedder, cache)
    # What fits is loaded while the job is gathered.
    import_module("scipy.optimize")

    # The job is written meanwhile. Without a line nobody wants it any more.
    if not sys.stdin.buffer.readline():
        return 1
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    reader = KnownViews(embedder, read_views(folder / "views.npz"))
    types = tuple(TunedType(**entry) for entry in job["types"])
    statements = [_statement(entry) for entry in job["statements"]]
    past = tuple(Past(example=_example(entry), place=Place(**entry["place"])) for entry in job["past"])
    reader.read(_texts(statements, past, types), threads=cores())
    running = Head.load(folder / "running.npz") if (folder / "running.npz").is_file() else shipped
    believed, fitted = learn(types, statements, base, shipped, reader, trust=job["trust_feedback"])
    examples = [p.example for p in past]
    found = report(
        Trained(
            fitted=fitted,
            types=types,
            believed=believed,
            base=base,
            running=running,
            shipped=shipped,
            past=past,
            past_running=_probabilities(running, examples, reader),
            past_candidate=_probabilities(fitted.head, examples, reader),
        )
    )
    fitted.head.save(folder / "head.npz")
    write_views(folder / "fresh.npz", reader.fresh)
    (folder / "report.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


def learn(
    types: Sequence[TunedType],
    statements: Sequence[Statement],
    base: Base,
    shipped: Head,
    reader: KnownViews,
    *,
    trust: bool,
) -> tuple[Believed, Fitted]:
    """What of `statements` is believed, and the head that was fitted to it."""
    believed = sift(statements, _of_type(shipped, statements, reader), trust=trust)
    fitted = tune(types, believed.statements, base, shipped, reader)
    before = _of_type(shipped, believed.statements, reader)
    sure, columns = fitted.head.probabilities(fitted.held_out), fitted.head.types
    after = [
        float(sure[n, columns.index(s.type)]) if s.type in columns else 0.0 for n, s in enumerate(believed.statements)
    ]
    rest = sift_added(believed, before, after, trust=trust)
    if len(rest.statements) < len(believed.statements):
        fitted = tune(types, rest.statements, base, shipped, reader)
    return rest, fitted


def _of_type(shipped: Head, statements: Sequence[Statement], reader: KnownViews) -> list[float | None]:
    """How probable the shipped classifier holds each statement's type; None where it does not know the type."""
    said = _probabilities(shipped, [s.example for s in statements], reader)
    known = {name: number for number, name in enumerate(shipped.types)}
    return [float(said[n, known[s.type]]) if s.type in known else None for n, s in enumerate(statements)]


def _probabilities(head: Head, examples: Sequence[Example], reader: KnownViews) -> Vectors:
    if not examples:
        return np.zeros((0, len(head.types)), np.float32)
    rows, starts = rows_of(examples, reader, within_a_call=True)
    return head.probabilities(np.maximum.reduceat(head.margins(rows), starts[:-1], axis=0))


def _texts(statements: Sequence[Statement], past: Sequence[Past], types: Sequence[TunedType]) -> list[str]:
    """Everything that has to be read: at once, so that it is read on all cores."""
    examples = [*(s.example for s in statements), *(p.example for p in past)]
    written = [s.example.text for s in statements if s.place is None][:DOUBLED]
    answered = [Surroundings.of(e.role, e.before).answered for e in examples]
    return [
        *(e.text for e in examples),
        *(turn.text for turn in answered if turn is not None),
        *(plain(text) for text in written),
        *(t.description for t in types),
    ]


def _example(entry: Mapping[str, Any]) -> Example:
    return Example(
        text=entry["text"],
        role=Role(entry["role"]),
        types=(),
        before=tuple(Turn(text=turn["text"], role=Role(turn["role"])) for turn in entry["before"]),
        call=entry["group"],
    )


def _statement(entry: Mapping[str, Any]) -> Statement:
    return Statement(
        example=_example(entry),
        type=entry["type"],
        holds=entry["holds"],
        source=Source(entry["source"]),
        by=entry["by"],
        by_name=entry["by_name"],
        place=None if entry["place"] is None else Place(**entry["place"]),
    )


def read_views(path: Path) -> dict[str, Vectors]:
    """Texts with what the model sees in each: written by `write_views`."""
    with np.load(path, allow_pickle=False) as file:
        texts = json.loads(bytes(file["texts"]).decode())
        views, starts = file["views"].astype(np.float32), file["starts"]
    return {text: views[starts[n] : starts[n + 1]] for n, text in enumerate(texts)}


def write_views(path: Path, known: Mapping[str, Vectors]) -> None:
    """In half precision. Texts as bytes of JSON: an array of strings would pad each to the longest."""
    parts = list(known.values())
    with path.open("wb") as file:
        np.savez(
            file,
            texts=np.frombuffer(json.dumps(list(known)).encode(), np.uint8),
            views=np.concatenate(parts).astype(np.float16) if parts else np.zeros((0, 1), np.float16),
            starts=np.cumsum([0, *(len(p) for p in parts)]),
        )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None))
