"""Is this a sale at all? A running belief about the call, which lowers the confidence of moments where it is not.

Friends who divide the chores refuse, postpone and agree just as customers do: single utterances look alike, talks do
not. Each utterance moves the belief a little, so a sale that begins with the weather is believed soon enough.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.embedding.cache import built, default_cache_dir, digest
from ridealong.embedding.minilm import identity
from ridealong.live.train import example_files, shipped_examples

if TYPE_CHECKING:
    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.live.train import Example

VERSION: Final = "3"
STRENGTH: Final = 0.3
"""Inverse regularisation (scikit-learn's C)."""

BEFORE: Final = 1.5
"""Log-odds before a word was said: whoever starts the coach mostly sells."""

SHARE: Final = 0.5
"""How much of an utterance's log-odds counts: neighbours are about the same thing, and are no independent evidence."""

MOST: Final = 2.0
"""No utterance counts for more log-odds than this, before SHARE."""

LIMIT: Final = 6.0
"""Nor is the belief ever surer than this: a call may turn."""

LONGEST_SET: Final = 20
"""Single examples come in sets of fewer lines than this, and no labelled call is so short."""

LOOK_BACK: Final = 12
"""Utterances that are read again when a call is taken up in the middle."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SaleSense:
    """Logistic regression on an utterance's views (see `live.features.Reader`). Shared by all calls."""

    weights: Vectors
    bias: float

    def log_odds(self, views: Vectors) -> float:
        """ln P(said in a sale) / P(said elsewhere), at equal odds before."""
        return float(self.weights @ views) + self.bias

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, weights=self.weights, bias=np.float32(self.bias))

    @classmethod
    def read(cls, path: Path) -> SaleSense:
        with np.load(path, allow_pickle=False) as file:
            return cls(weights=file["weights"], bias=float(file["bias"]))


class SaleBelief:
    """Of one call."""

    def __init__(self, sense: SaleSense) -> None:
        self._sense = sense
        self._log_odds = BEFORE
        self.begun = False
        """Whether anything was heard of the call."""

    @property
    def likelihood(self) -> float:
        """The probability that the call is a sale, by what was heard so far."""
        return 1.0 / (1.0 + math.exp(-self._log_odds))

    def heard(self, views: Vectors) -> None:
        """One utterance more."""
        self.begun = True
        step = SHARE * min(max(self._sense.log_odds(views), -MOST), MOST)
        self._log_odds = min(max(self._log_odds + step, -LIMIT), LIMIT)


def load_sale_sense(reader: Reader, cache_dir: Path | None = None) -> SaleSense:
    """The shipped one, fitted first where `cache_dir` does not hold it yet (some fifteen seconds)."""
    name = f"sale-{digest([*example_files(), _no_sale_file(), f'{VERSION} {identity()}'.encode()])}.npz"
    path = built(
        cache_dir or default_cache_dir(), name, lambda to: fit(shipped_examples(), no_sale_texts(), reader).save(to)
    )
    return SaleSense.read(path)


def no_sale_texts() -> list[str]:
    """What is said in talks of many kinds in which nobody sells: chores, doctors, meetings, support, games."""
    return list(dict.fromkeys(json.loads(line)["text"] for line in _no_sale_file().decode().splitlines()))


def _no_sale_file() -> bytes:
    return (files("ridealong.live") / "examples" / "no_sale" / "talks.jsonl").read_bytes()


def fit(sales: Sequence[Example], others: Sequence[str], reader: Reader) -> SaleSense:
    """Fit on what is said in sales and elsewhere, both weighing the same; of sales, single examples as much as whole
    calls, from the first greeting to the last. By the calls alone, which are full of people, a call of plain sentences
    about prices and vendors was believed to be none.
    """
    # At build time only: scikit-learn costs 130 MB that a server must not carry.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    lines = Counter(example.call for example in sales)
    in_calls = {example.text: lines[example.call] > LONGEST_SET for example in sales}
    share = Counter(in_calls.values())
    weights = [1 / len(share) / share[in_call] for in_call in in_calls.values()] + [1 / len(others)] * len(others)
    views = reader.views([*in_calls, *others])
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    sold = np.array([True] * len(in_calls) + [False] * len(others))
    model.fit(views, sold, sample_weight=np.array(weights) * len(sold) / 2)
    return SaleSense(weights=np.asarray(model.coef_, np.float32)[0], bias=float(np.asarray(model.intercept_)[0]))
