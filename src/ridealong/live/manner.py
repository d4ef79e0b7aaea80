"""How a rep sounds and how a customer sounds: the evidence behind the guess which of two voices is the rep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.transcript import Role
from ridealong.embedding.cache import built, default_cache_dir, digest
from ridealong.embedding.minilm import identity
from ridealong.live.train import example_files, shipped_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.live.train import Example

VERSION: Final = "2"
STRENGTH: Final = 3.0
"""Inverse regularisation (scikit-learn's C). On held-out calls the middle layers tell 70% of single utterances right,
the sentence embedding alone 60%: how somebody talks is lost where only the meaning is kept."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Manner:
    """Logistic regression on an utterance's views (see `live.features.Reader`): `weights` and `bias` give log-odds."""

    weights: Vectors
    bias: float

    def rep_log_odds(self, views: Vectors) -> float:
        """ln P(a rep said it) / P(a customer said it), at equal odds before."""
        return float(self.weights @ views) + self.bias

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, weights=self.weights, bias=np.float32(self.bias))

    @classmethod
    def read(cls, path: Path) -> Manner:
        with np.load(path, allow_pickle=False) as file:
            return cls(weights=file["weights"], bias=float(file["bias"]))


def load_manner(reader: Reader, cache_dir: Path | None = None) -> Manner:
    """The shipped one, fitted first where `cache_dir` does not hold it yet (some ten seconds)."""
    name = f"manner-{digest([*example_files(), f'{VERSION} {identity()}'.encode()])}.npz"
    path = built(cache_dir or default_cache_dir(), name, lambda to: fit(shipped_examples(), reader).save(to))
    return Manner.read(path)


def sentences(examples: Sequence[Example]) -> list[tuple[str, bool]]:
    """(text, whether a rep said it) of all turns whose speaker is known, each text once."""
    found: dict[str, bool] = {}
    for example in examples:
        for text, role in [(example.text, example.role), *((t.text, t.role) for t in example.before)]:
            if role is not Role.UNKNOWN:
                found.setdefault(text, role is Role.REP)
    return list(found.items())


def fit(examples: Sequence[Example], reader: Reader) -> Manner:
    """Fit on the training examples, both roles weighing the same."""
    # At build time only: scikit-learn costs 130 MB that a server must not carry.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    pairs = sentences(examples)
    views = reader.views([text for text, _ in pairs])
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
    model.fit(views, np.array([rep for _, rep in pairs]))
    return Manner(weights=np.asarray(model.coef_, np.float32)[0], bias=float(np.asarray(model.intercept_)[0]))
