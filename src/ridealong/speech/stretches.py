"""Stretches of one speaker, and the times of the words in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ridealong.speech import SpokenWord

if TYPE_CHECKING:
    from ridealong.core.transcript import Speaker
    from ridealong.speech.diarize import Part
    from ridealong.speech.tape import Tape


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Audio of one speaker between two times; `parts` are the diariser's windows in it."""

    start_ts: int
    end_ts: int
    parts: tuple[Part, ...]
    """Empty when the speaker is fixed."""


def spread(text: str, stretch: Stretch, tape: Tape, speaker: Speaker, confidence: float) -> tuple[SpokenWord, ...]:
    """Give each word a time: the stretch's voiced frames shared out by the words' lengths."""
    first, last = tape.frame_at(stretch.start_ts), tape.frame_at(stretch.end_ts)
    voiced = tape.voiced(first, max(last, first + 1)) or [first]
    texts = text.split()
    weights = np.cumsum([0, *(len(word) + 1 for word in texts)])
    edges = weights / weights[-1] * len(voiced)
    words: list[SpokenWord] = []
    for index, word in enumerate(texts):
        begin = voiced[min(int(edges[index]), len(voiced) - 1)]
        stop = voiced[min(max(int(np.ceil(edges[index + 1])) - 1, int(edges[index])), len(voiced) - 1)] + 1
        start_ts = min(max(tape.ts(begin), stretch.start_ts), stretch.end_ts - 1)
        words.append(
            SpokenWord(
                text=word,
                start_ts=start_ts,
                end_ts=max(start_ts + 1, min(tape.ts(stop), stretch.end_ts)),
                speaker=speaker,
                estimated=True,
                speaker_confidence=confidence,
            )
        )
    return tuple(words)


def until(stretch: Stretch, cut_ts: int, middles: Sequence[int]) -> Stretch:
    """The part of `stretch` before `cut_ts`; `middles` are the times of the open windows."""
    if stretch.end_ts <= cut_ts:
        return stretch
    parts = tuple(
        replace(part, last=max([i for i in range(part.first, part.last + 1) if middles[i] <= cut_ts]))
        for part in stretch.parts
        if middles[part.first] <= cut_ts
    )
    return Stretch(start_ts=stretch.start_ts, end_ts=cut_ts, parts=parts)
