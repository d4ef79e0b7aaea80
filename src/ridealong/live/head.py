"""The trained linear head at inference: one product and a calibration curve a type, NumPy alone.

scikit-learn trains it (see `train`); importing it into the server would cost 130 MB for a dot product.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.moments import CONTENT_TYPES

if TYPE_CHECKING:
    from ridealong.embedding import Vectors


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Head:
    """One-vs-rest logistic regression with Platt's calibration.

    `weights` [types, WIDTH] and `bias` [types] give a margin; `slope` and `offset` [types] turn an utterance's margin
    into a probability: 1 / (1 + exp(-(slope * margin + offset))) (Platt 1999). `share` [types] is the part of all
    utterances that hold the type in the calls for which these probabilities are right; 0 where that is not known.

    `answered` [3, types], where there is any: slope of the margin, slope of what the text model makes of the turn
    together with those before it (`Reader.answer`), and offset, which take the place of `slope` and `offset` where both
    are known. Of a tenant's own types, and of those that it taught, the second is 0.
    """

    types: tuple[str, ...]
    weights: Vectors
    bias: Vectors
    slope: Vectors
    offset: Vectors
    share: Vectors
    answered: Vectors | None = None

    def margins(self, rows: Vectors) -> Vectors:
        """[n, WIDTH] → [n, types]."""
        return rows @ self.weights.T + self.bias

    @property
    def asks_for_answers(self) -> bool:
        """Whether any type's probability depends on the turns before."""
        return self.answered is not None and bool(self.answered[1].any())

    def probabilities(self, margins: Vectors, answer: Vectors | None = None) -> Vectors:
        """Calibrated, of the same shape as `margins`; `answer` [len(CONTENT_TYPES)] as `Reader.answer` gives it."""
        log_odds = margins * self.slope + self.offset
        if answer is not None and self.answered is not None:
            read: dict[str, float] = dict(zip(CONTENT_TYPES, answer.tolist(), strict=True))
            own = np.array([read.get(type_id, 0.0) for type_id in self.types], np.float32)
            log_odds = margins * self.answered[0] + own * self.answered[1] + self.answered[2]
        with np.errstate(over="ignore"):
            return (1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)

    def save(self, path: Path) -> None:
        path.write_bytes(self.as_bytes())

    def as_bytes(self) -> bytes:
        with io.BytesIO() as file:
            np.savez(
                file,
                types=np.array(self.types),
                weights=self.weights,
                bias=self.bias,
                slope=self.slope,
                offset=self.offset,
                share=self.share,
                answered=np.zeros((0, len(self.types)), np.float32) if self.answered is None else self.answered,
            )
            return file.getvalue()

    @classmethod
    def load(cls, path: Path) -> Head:
        return cls.of_bytes(path.read_bytes())

    @classmethod
    def of_bytes(cls, data: bytes) -> Head:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            types = tuple(str(name) for name in file["types"])
            return cls(
                types=types,
                weights=file["weights"],
                bias=file["bias"],
                slope=file["slope"],
                offset=file["offset"],
                # A tenant's head that was trained before shares were kept is not moved.
                share=file["share"] if "share" in file else np.zeros(len(types), np.float32),
                answered=file["answered"] if "answered" in file and len(file["answered"]) else None,
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Heads:
    """What judges a call. `live` None: the shipped head. `shadow` finds beside it what is kept and never shown."""

    live: Head | None = None
    shadow: Head | None = None
    live_version: int | None = None
    shadow_version: int | None = None


SHIPPED: Final = Heads()
"""No head of the tenant's own."""
