"""The audio that was sent, by the count of its samples: the only clock that a connection's times are laid against."""

from __future__ import annotations

from collections import deque
from typing import Final

from ridealong.speech import SAMPLE_RATE, EarlierAudio
from ridealong.speech.pcm import pcm16

FRAMES_A_MS: Final = SAMPLE_RATE // 1000
_KEPT_MS: Final = 30_000


class SentAudio:
    """Counts what was sent and finds it again. Keeps 30 s itself only where nobody else (`earlier`) keeps it."""

    def __init__(self, *, start_ts: int, channels: int, earlier: EarlierAudio | None) -> None:
        self._start_ts = start_ts
        self._frame_bytes = 2 * channels
        self._earlier = earlier
        self._frames = 0
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0

    def add(self, data: bytes) -> int:
        """`data`, whole frames, was sent or is as good as sent; returns `through_ts`."""
        self._frames += len(data) // self._frame_bytes
        if self._earlier is None:
            self._kept.append(data)
            self._kept_bytes += len(data)
            while self._kept_bytes - len(self._kept[0]) >= _KEPT_MS * FRAMES_A_MS * self._frame_bytes:
                self._kept_bytes -= len(self._kept.popleft())
        return self._start_ts + self._frames // FRAMES_A_MS

    @property
    def through_ts(self) -> int:
        return self._start_ts + self._frames // FRAMES_A_MS

    @property
    def exact_ts(self) -> float:
        return self._start_ts + self._frames / FRAMES_A_MS

    async def again(self, from_ts: int) -> tuple[float, bytes]:
        """The audio from `from_ts`, or from as early as there is any, up to now; and when it begins."""
        if self._earlier is None:
            wanted = max(0, round((self.exact_ts - from_ts) * FRAMES_A_MS)) * self._frame_bytes
            data = b"".join(self._kept)[-wanted:] if wanted else b""
        else:
            data = pcm16(await self._earlier(from_ts, self.through_ts)) if from_ts < self.through_ts else b""
        # Laid against its end: what follows is the next sample that is sent.
        return self.exact_ts - len(data) / (self._frame_bytes * FRAMES_A_MS), data
