"""How alike two sentences are in what somebody *does* with them, whatever trade they speak of.

The sentence embedding tells topics first: "who signs for the vans?" is nearer to "the vans are late" than to "whose
budget is it?". Here each sentence's layers (the embedding, a middle one and the one tuned on sales talk) go through
a linear map that was fitted so that the examples of one criterion lie together and those that look alike and are not it
lie apart (`app/bench/grading_fit.py`). It knows no criterion by name: held out by criterion it ranks better than the
vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.embedding import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ridealong.embedding import Layered, Vectors
    from ridealong.postcall.reviewer import ReviewContext

FILE: Final = "likeness.npz"
MIDDLE: Final = 0.6
"""Weight of each of the other layers against the last one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Likeness:
    """`centre` [1152] is the mean of the weighted layers, `map` [1152, width] what they are multiplied with."""

    centre: Vectors
    map: Vectors

    @property
    def width(self) -> int:
        return self.map.shape[1]

    def of(self, layers: Vectors) -> Vectors:
        """Unit vectors [n, width] of layers [n, 1152]: their products say how alike the sentences are, -1 to 1."""
        return unit((weighted(layers) - self.centre) @ self.map)


def weighted(layers: Vectors) -> Vectors:
    """Views with each layer of length 1, times its weight."""
    last, *middle = np.split(layers, layers.shape[1] // DIMENSIONS, axis=1)
    return np.concatenate([unit(last), *(MIDDLE * unit(layer) for layer in middle)], axis=1)


def unit(rows: NDArray[np.floating[Any]]) -> Vectors:
    """`rows`, each of length 1."""
    return (rows / np.maximum(1e-9, np.linalg.norm(rows, axis=-1, keepdims=True))).astype(np.float32)


@cache
def load_likeness() -> Likeness:
    """The shipped map."""
    stored = np.load(BytesIO(files("ridealong.postcall").joinpath("calibration", FILE).read_bytes()))
    return Likeness(centre=stored["centre"].astype(np.float32), map=stored["map"].astype(np.float32))


def layers_of(texts: Sequence[str], context: ReviewContext, embedder: Layered) -> Vectors:
    """The layers of `texts`, each made once while `context` lives."""
    known = context.layers
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        known.update(zip(new, embedder.layers(new), strict=True))
    return np.stack([known[text] for text in texts])
