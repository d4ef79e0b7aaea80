"""Sentence embeddings: one small model, shared by the classifier, the reviewer and the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DIMENSIONS: Final = 384
"""Length of a sentence's vector; also the width of the database's vector columns."""


class Embedder(Protocol):
    """Sentences to unit vectors. Thread-safe; blocks while it computes (about a millisecond a sentence)."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape [len(texts), DIMENSIONS], float32, each of length 1."""
        ...


@runtime_checkable
class Layered(Embedder, Protocol):
    """An embedder that also tells what its other layers make of a sentence: how it is said, more than about what."""

    def layers(self, texts: Sequence[str]) -> Vectors:
        """[len(texts), 3 x DIMENSIONS]: each text's vector as `embed` gives it, then the mean of a middle layer, then
        that of the layer that was tuned on sales talk.
        """
        ...
