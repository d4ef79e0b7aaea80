"""Short silences inside a region of speech: where one person may have stopped and another one begun.

A silence shorter than a pause ends nothing by itself. When the voice behind it is soon clearly another known one, it
was the end of a turn all the same, and waiting for a settled change of speaker would cost seconds.
`docs/decisions/0003` has the measurements. Pure; frames are those of `activity.FRAME`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GAP_FRAMES: Final = 4
"""128 ms: silences inside words and before stops are shorter."""
LOOKS: Final = {16: 0.25, 24: 0.2, 32: 0.2}
"""How many frames behind the gap (0.5 s, 0.8 s, 1.0 s) its voice is compared, and by how much (cosine) it must be more
like another known voice than like the one before the gap. Little audio needs a greater distance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A silence between `end` (one past the last frame with voice) and `resume` (the next one with voice)."""

    end: int
    resume: int


class Gaps:
    """The gaps of the open region that are still looked at."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    def note(self, gap: Gap) -> None:
        if gap.resume - gap.end >= GAP_FRAMES:
            self._gaps.append(gap)

    def due(self, frame: int) -> list[Gap]:
        """The gaps whose voice is compared when `frame` frames were heard, oldest first."""
        self._gaps = [gap for gap in self._gaps if frame - gap.resume <= max(LOOKS)]
        return [gap for gap in self._gaps if frame - gap.resume in LOOKS]

    def judge(self, gap: Gap, frame: int, margin: float) -> bool:
        """Whether `margin` (cosine: the best other voice less the one before the gap) proves a change of speaker.

        A voice that is no more like another one is not compared again.
        """
        if margin >= LOOKS[frame - gap.resume]:
            return True
        if margin < 0:
            self._gaps.remove(gap)
        return False

    def clear(self, *, until: int | None = None) -> None:
        """Forget the gaps before frame `until` and one that ends there; all of them when None."""
        self._gaps = [] if until is None else [gap for gap in self._gaps if gap.resume > until]
