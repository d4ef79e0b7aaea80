"""Two-person calls that nothing was tuned on: turns of single voices, cut from meetings and put together anew.

Each call is made at run time from two voices of the AMI half minutes: the parts of their turns in which nobody else
speaks, levelled, one after the other with the gaps of a telephone call. Every call is heard twice, with the voices as
recorded and with each voice's tract made longer or shorter by a tenth, which makes people of them that no threshold
ever met. Where the voices come from different rooms, the rooms help to tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soxr

from ridealong.speech import SAMPLE_RATE
from ridealong.speech.audio import read_recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

Turn = tuple[str, float, float]

_PIECE_S: Final = (0.8, 3.0)
"""Shorter pieces of a meeting are mostly a cough or a "mm-hm"; longer ones are cut, so that both speak often."""
_ENOUGH_S: Final = 5.0
_MOST_S: Final = 14.0
_GAP_S: Final = (0.2, 0.9)
_SPEECH_RMS: Final = 0.05
_NOISE_RMS: Final = 0.0006
_TRACTS: Final = {"M": 1.1, "F": 0.9}
"""By the letter that AMI's names begin with. It moves the voices towards each other, which is the harder way."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MadeCall:
    name: str
    samples: Mono
    turns: tuple[Turn, ...]


def made_calls(folder: Path) -> list[MadeCall]:
    """All pairs of voices with enough to say alone in the .rttm recordings of `folder`: as recorded, and moved."""
    voices = {
        name: pieces for name, pieces in _voices(folder).items() if sum(map(len, pieces)) > _ENOUGH_S * SAMPLE_RATE
    }
    calls: list[MadeCall] = []
    for index, (one, other) in enumerate(combinations(sorted(voices), 2)):
        pair = {name: voices[name] for name in (one, other)}
        calls.append(_call(f"{one} and {other}", pair, seed=index))
        moved = {name: [_moved(piece, _TRACTS.get(name[0], 1.1)) for piece in pieces] for name, pieces in pair.items()}
        calls.append(_call(f"{one} and {other}, tracts moved", moved, seed=index))
    return calls


def read_turns(path: Path) -> list[Turn]:
    """(speaker, start, end) in seconds of each line of an .rttm file."""
    fields = [line.split() for line in path.read_text().splitlines() if line.startswith("SPEAKER")]
    return [(f[7], float(f[3]), float(f[3]) + float(f[4])) for f in fields]


def _voices(folder: Path) -> dict[str, list[Mono]]:
    voices: dict[str, list[Mono]] = {}
    for path in sorted(folder.glob("*.rttm")):
        samples = read_recording(path.with_suffix(".flac")).samples[:, 0]
        turns = read_turns(path)
        for turn in turns:
            for start, end in _alone(turn, turns):
                count = max(1, round((end - start) / _PIECE_S[1]))
                edges = np.linspace(start, end, count + 1) * SAMPLE_RATE
                voices.setdefault(turn[0], []).extend(
                    _levelled(samples[int(a) : int(b)])
                    for a, b in pairwise(edges)
                    if b - a >= _PIECE_S[0] * SAMPLE_RATE
                )
    return voices


def _alone(turn: Turn, turns: list[Turn]) -> list[tuple[float, float]]:
    """The parts of `turn` in which nobody else speaks."""
    parts = [turn[1:]]
    for speaker, start, end in turns:
        if speaker != turn[0]:
            cut = [((a, min(b, start)), (max(a, end), b)) for a, b in parts]
            parts = [part for both in cut for part in both if part[1] > part[0]]
    return parts


def _levelled(samples: Mono) -> Mono:
    return (samples * (_SPEECH_RMS / max(1e-6, float(np.sqrt(np.mean(samples**2)))))).astype(np.float32)


def _moved(samples: Mono, tract: float) -> Mono:
    """Played faster or slower: all resonances and the pitch move together."""
    moved: Any = soxr.resample(samples, SAMPLE_RATE * tract, SAMPLE_RATE)
    return moved.astype(np.float32)


def _call(name: str, pair: dict[str, list[Mono]], *, seed: int) -> MadeCall:
    """Turns of one or two pieces, in turn, until one of the two has nothing left to say."""
    random = np.random.default_rng(seed)
    left = {speaker: _first(pieces) for speaker, pieces in pair.items()}
    heard: list[Mono] = [np.zeros(SAMPLE_RATE // 2, dtype=np.float32)]
    turns: list[Turn] = []
    at = len(heard[0])
    speakers = list(pair)
    turn = 0
    while left[speakers[turn % 2]]:
        speaker = speakers[turn % 2]
        for _ in range(1 + int(random.random() < 0.3)):
            if left[speaker]:
                piece = left[speaker].pop(0) * np.float32(10 ** (random.uniform(-3, 3) / 20))
                gap = np.zeros(int(random.uniform(*_GAP_S) * SAMPLE_RATE), dtype=np.float32)
                turns.append((speaker, at / SAMPLE_RATE, (at + len(piece)) / SAMPLE_RATE))
                heard += [piece, gap]
                at += len(piece) + len(gap)
        turn += 1
    samples = np.concatenate(heard)
    noise = random.normal(0, _NOISE_RMS, len(samples)).astype(np.float32)
    return MadeCall(name=name, samples=samples + noise, turns=tuple(turns))


def _first(pieces: list[Mono]) -> list[Mono]:
    lengths = np.cumsum([len(piece) for piece in pieces])
    return pieces[: max(1, int(np.searchsorted(lengths, _MOST_S * SAMPLE_RATE)))]
