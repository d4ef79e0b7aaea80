"""What a call's recogniser still needs of the audio it heard: samples and frames, on the call's clock."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.speech import SAMPLE_RATE
from ridealong.speech.activity import FRAME, FRAME_MS, is_voice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

_KEEP_MS: Final = 1_000
"""Audio kept before an open region (context for very short windows)."""
_SLACK: Final = 16
"""Frames that may be dropped late: moving the samples for every frame would cost more than keeping them."""


class Tape:
    """Samples and frames of one call from some time on. Frames are numbered from the call's (re)start, times are ms."""

    def __init__(self, origin_ts: int) -> None:
        self._origin_ts = origin_ts
        self._samples: Mono = np.zeros(0, dtype=np.float32)
        self._samples_from = 0  # sample index of self._samples[0], counted from the origin
        self._seen = 0  # samples that came back out as frames
        self._frames: deque[tuple[float, float]] = deque()  # (probability, level) of each kept frame
        self._frames_from = 0

    @property
    def kept_ms(self) -> int:
        """Milliseconds of audio in memory."""
        return self._samples.shape[0] * 1000 // SAMPLE_RATE

    @property
    def end_ts(self) -> int:
        """Up to when there is audio."""
        return self._origin_ts + (self._samples_from + self._samples.shape[0]) * 1000 // SAMPLE_RATE

    @property
    def first_frame(self) -> int:
        """The oldest frame that is kept."""
        return self._frames_from

    def add(self, samples: Mono) -> None:
        """Put 16 kHz samples behind what is there."""
        self._samples = np.concatenate((self._samples, samples.astype(np.float32, copy=False)))

    def next_frame(self) -> Mono | None:
        """The samples of the next whole frame that was not handed out yet."""
        at = self._seen - self._samples_from
        if self._samples.shape[0] - at < FRAME:
            return None
        self._seen += FRAME
        return self._samples[at : at + FRAME]

    def note(self, probability: float, samples: Mono) -> None:
        """Keep of the newest frame how likely it is voice, and how loud it is (RMS)."""
        level = float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
        self._frames.append((probability, level))

    def ts(self, frame: int) -> int:
        """When `frame` begins."""
        return self._origin_ts + frame * FRAME_MS

    def frame_at(self, ts: int) -> int:
        """The frame that `ts` lies in."""
        return (ts - self._origin_ts) // FRAME_MS

    def audio(self, start_ts: int, end_ts: int) -> Mono:
        """The kept samples between two times."""
        per_ms = SAMPLE_RATE // 1000
        first = (start_ts - self._origin_ts) * per_ms - self._samples_from
        last = (end_ts - self._origin_ts) * per_ms - self._samples_from
        return self._samples[max(0, first) : max(0, last)]

    def frames(self, first: int, last: int) -> list[tuple[float, float]]:
        """(probability of voice, level) of the frames from `first` up to `last`; `first` must be kept."""
        return [self._frames[frame - self._frames_from] for frame in range(first, last)]

    def voiced(self, first: int, last: int) -> list[int]:
        """The kept frames from `first` up to `last` that are voice."""
        last = min(last, self._frames_from + len(self._frames))
        return [
            frame
            for frame in range(max(first, self._frames_from), last)
            if is_voice(self._frames[frame - self._frames_from][0])
        ]

    def dip_near(self, middle: int, first: int, last: int) -> int:
        """The middle of the quietest frame from `first` up to `last`, the nearer to the time `middle` the better."""
        levels = [level for _, level in self.frames(first, last)]
        floor = max(1e-5, max(levels) * 1e-3)
        # In decibels, a second of distance weighs like 30 dB: near dips win over far ones.
        costs = [
            20 * np.log10(max(level, floor)) + 30 * abs(self.ts(first + index) + FRAME_MS // 2 - middle) / 1000
            for index, level in enumerate(levels)
        ]
        return self.ts(first + int(np.argmin(costs))) + FRAME_MS // 2

    def quietest(self, first: int, last: int) -> int:
        """When the frame begins, from `first` up to `last`, that is the quietest and least like voice."""
        frames = self.frames(first, last)
        probabilities = np.array([probability for probability, _ in frames])
        levels = np.array([level for _, level in frames])
        width = 3
        smooth = np.convolve(levels / max(float(levels.max()), 1e-9) + probabilities, np.ones(width) / width, "same")
        return self.ts(first + int(smooth[1:-1].argmin()) + 1)

    def forget(self, before: int) -> None:
        """Drop what lies more than a second before the frame `before`."""
        drop = before - _KEEP_MS // FRAME_MS - self._frames_from
        if drop > _SLACK:
            for _ in range(drop):
                self._frames.popleft()
            self._samples = self._samples[drop * FRAME :].copy()
            self._samples_from += drop * FRAME
            self._frames_from += drop
