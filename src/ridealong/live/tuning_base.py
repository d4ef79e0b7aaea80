"""The shipped examples as numbers, for trainings of a tenant's own head: read once, kept beside the shipped head.

A tenant's training takes seconds because none of this is read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.cache import built, default_cache_dir, digest
from ridealong.embedding.minilm import identity
from ridealong.live.features import FEATURES_VERSION, Surroundings, clauses, row
from ridealong.live.train import example_files, shipped_examples, standard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.live.train import Example, Part

VERSION: Final = 1
"""Part of the cache key: raise it whenever what is kept changes."""


def features_name(embedder_key: str | None = None) -> str:
    """What an utterance is to a head: one that was trained on something else cannot be used. Raises MissingPart."""
    return f"{FEATURES_VERSION} {embedder_key or identity()}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Examples as rows of features; those of one example lie together, its whole text first, then its clauses."""

    rows: Vectors
    starts: NDArray[np.int64]
    """[examples + 1]."""
    roles: NDArray[np.str_]
    """[examples]."""
    labels: NDArray[np.bool_]
    """[examples, len(CONTENT_TYPES)]."""
    calls: NDArray[np.int64]
    """[examples]: which call each is from."""

    def best(self, margins: Vectors) -> Vectors:
        """[rows, n] → [examples, n]: an utterance scores as its best piece does."""
        return np.maximum.reduceat(margins, self.starts[:-1], axis=0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Base:
    """What ships: the examples to train on, and the whole calls that nothing is trained on (`Part`)."""

    training: Rows
    calibration: Rows
    centre: Vectors
    scale: Vectors
    """[WIDTH]: a row is standardised as (row - centre) * scale. The rows here are as they come, not standardised."""

    def standardised(self, rows: Vectors) -> Vectors:
        return ((rows - self.centre) * self.scale).astype(np.float32)

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[np.generic]] = {"centre": self.centre, "scale": self.scale}
        for name, part in (("training", self.training), ("calibration", self.calibration)):
            # Half precision: half of the file, which each training reads, and no figure changes by it.
            arrays[f"{name}.rows"] = part.rows.astype(np.float16)
            arrays |= {f"{name}.{key}": getattr(part, key) for key in ("starts", "roles", "labels", "calls")}
        with path.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType] - the stub takes the names for flags

    @classmethod
    def load(cls, path: Path) -> Base:
        with np.load(path, allow_pickle=False) as file:
            training, calibration = (
                Rows(
                    rows=file[f"{name}.rows"].astype(np.float32),
                    starts=file[f"{name}.starts"],
                    roles=file[f"{name}.roles"],
                    labels=file[f"{name}.labels"],
                    calls=file[f"{name}.calls"],
                )
                for name in ("training", "calibration")
            )
            return cls(training=training, calibration=calibration, centre=file["centre"], scale=file["scale"])


def load_base(reader: Reader, cache_dir: Path | None = None) -> Base:
    """What ships, read first where `cache_dir` does not hold it yet (half a minute)."""
    key = f"{VERSION} {features_name()}".encode()
    name = f"base-{digest([*example_files(), *example_files('calibration'), key])}.npz"
    return Base.load(built(cache_dir or default_cache_dir(), name, lambda to: read_base(reader).save(to)))


def read_base(reader: Reader) -> Base:
    training, calibration = _part("training", reader), _part("calibration", reader)
    centre, scale = standard(training.rows)
    return Base(training=training, calibration=calibration, centre=centre, scale=scale)


def _part(part: Part, reader: Reader) -> Rows:
    examples = shipped_examples(part)
    rows, starts = rows_of(examples, reader)
    calls = {name: number for number, name in enumerate(sorted({e.call for e in examples}))}
    return Rows(
        rows=rows,
        starts=starts,
        roles=np.array([e.role.value for e in examples]),
        labels=np.array([[t in e.types for t in CONTENT_TYPES] for e in examples], np.bool_),
        calls=np.array([calls[e.call] for e in examples], np.int64),
    )


def rows_of(
    examples: Sequence[Example], reader: Reader, *, within_a_call: bool = False
) -> tuple[Vectors, NDArray[np.int64]]:
    """The rows of `examples` and where each one's begin. `within_a_call`: an example without turns before it is taken
    from somewhere within a call, where something was said before."""
    rows: list[Vectors] = []
    starts = [0]
    for example in examples:
        around = Surroundings.of(example.role, example.before)
        before = reader.views([around.answered.text])[0] if around.answered is not None else None
        spans = [(0, len(example.text)), *clauses(example.text)]
        views = reader.pieces(example.text, spans[1:])
        for (start, end), view in zip(spans, views, strict=True):
            found = row(example.text[start:end], view, around, before)
            if within_a_call:
                found[-1] = 1.0
            rows.append(found)
        starts.append(len(rows))
    return np.array(rows, np.float32), np.array(starts, np.int64)


def may_say(roles: NDArray[np.str_], role: str) -> NDArray[np.bool_]:
    """Which of the speakers can be the one that a type of that `role` asks for, where the speaker's role is known."""
    return np.ones(len(roles), np.bool_) if role == "any" else roles == Role(role).value
