"""Two people at once on one channel, heard in what the recogniser's encoder made of a stretch.

A linear model over the encoder's states: they exist for every final stretch, so the mark costs a product of matrices.
`tools/train_overlap.py` fits it on mixtures of single voices and writes `overlap.json`; `docs/decisions/0003` says how
well it does on voices that it never met.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.core.errors import MissingPart
from ridealong.speech import SpokenWord

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    States = NDArray[np.float32]

FRAME_MS: Final = 24
"""One state of the encoder: 384 samples."""
SMOOTHING: Final = 5
"""States on each side that are averaged with one (264 ms in all): a sound alone cannot tell one voice from two."""
MIN_SPAN_MS: Final = 200
"""Two voices that meet for less are a change of speaker, not talking at once."""
_SHARE: Final = 0.5
"""A word is overlapped when this much of it is: its own times are estimated, and less would mark its neighbours."""
_DOUBT: Final = 0.5
"""What a certain overlap takes from the confidence in the speaker: either of two people may have said the word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `start_ms` to `end_ms` of the stretch, two people speak. `probability`: the model's mean, 0 to 1."""

    start_ms: int
    end_ms: int
    probability: float


class OverlapModel:
    """The loaded weights. Immutable, so safe to use from many threads. Raises MissingPart without its file."""

    def __init__(self) -> None:
        try:
            stored: dict[str, Any] = json.loads((files("ridealong.speech") / "overlap.json").read_text("utf-8"))
        except OSError as error:
            raise MissingPart(
                "the overlap model is missing: install ridealong again, overlap.json is its data"
            ) from error
        self._weights: Vector = np.asarray(stored["weights"], dtype=np.float32)
        self._bias = float(stored["bias"])
        self._threshold = float(stored["threshold"])

    def spans(self, states: States) -> list[Span]:
        """Where two people speak in a stretch whose encoder states `[frames, 288]` these are; times from its begin."""
        if states.shape[0] == 0:
            return []
        # Both steps are linear: averaging one number a state instead of 288 gives the same.
        logits = smoothed((states @ self._weights)[:, np.newaxis])[:, 0] + self._bias
        marked = np.concatenate(([False], logits > self._threshold, [False]))
        edges = np.flatnonzero(marked[1:] != marked[:-1]).reshape(-1, 2)
        return [
            Span(
                start_ms=int(first) * FRAME_MS,
                end_ms=int(stop) * FRAME_MS,
                probability=float(np.mean(1.0 / (1.0 + np.exp(-logits[first:stop])))),
            )
            for first, stop in edges
            if (stop - first) * FRAME_MS >= MIN_SPAN_MS
        ]


def mark_overlap(words: Sequence[SpokenWord], spans: Sequence[Span], begin_ts: int) -> tuple[SpokenWord, ...]:
    """Mark the words that lie in `spans` (counted from `begin_ts`) and trust their speaker less.

    The speaker stays who speaks in the stretch around them: the louder voice, whose words these mostly are.
    """
    return tuple(_marked(word, spans, begin_ts) for word in words)


def _marked(word: SpokenWord, spans: Sequence[Span], begin_ts: int) -> SpokenWord:
    shared = [
        (max(0, min(word.end_ts, begin_ts + span.end_ms) - max(word.start_ts, begin_ts + span.start_ms)), span)
        for span in spans
    ]
    if sum(length for length, _ in shared) < _SHARE * (word.end_ts - word.start_ts) or not spans:
        return word
    _, span = max(shared, key=lambda item: item[0])
    confidence = word.speaker_confidence * (1.0 - _DOUBT * span.probability)
    return replace(word, overlapped=True, speaker_confidence=confidence)


def smoothed(states: States) -> States:
    """Each state averaged with `SMOOTHING` neighbours on each side, fewer at the ends."""
    count = states.shape[0]
    sums = np.concatenate((np.zeros((1, states.shape[1])), np.cumsum(states, axis=0, dtype=np.float64)))
    first = np.maximum(np.arange(count) - SMOOTHING, 0)
    stop = np.minimum(np.arange(count) + SMOOTHING + 1, count)
    means: States = ((sums[stop] - sums[first]) / (stop - first)[:, np.newaxis]).astype(np.float32)
    return means
