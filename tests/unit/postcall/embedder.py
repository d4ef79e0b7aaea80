"""An embedder without a model: sentences that share letters and words are near each other, the same in every run."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ridealong.embedding import DIMENSIONS

if TYPE_CHECKING:
    from ridealong.embedding import Vectors


class LetterEmbedder:
    """Hashes words and character trigrams into the vector's places. Counts the sentences it was asked for."""

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            folded = f" {' '.join(text.casefold().split())} "
            parts = [folded[i : i + 3] for i in range(len(folded) - 2)] + 3 * folded.split()
            for part in parts:
                place = zlib.crc32(part.encode())
                vectors[row, place % DIMENSIONS] += 1.0 if place & 1024 else -1.0
            vectors[row] /= max(1e-6, float(np.linalg.norm(vectors[row])))
        return vectors

    def layers(self, texts: Sequence[str]) -> Vectors:
        """The vector thrice: it has no layers."""
        return np.tile(self.embed(texts), (1, 3))
