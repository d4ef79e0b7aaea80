"""Whether a speaker of the call is somebody whose voice was enrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.speech import VoiceMatched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.transcript import SpeakerId
    from ridealong.speech import EnrolledVoice

MATCH: Final = 0.5
"""Cosine between a speaker's mean voice and an enrolled one from which they are the same person."""
_MATCH_WINDOWS: Final = 8


class EnrolledVoices:
    """Compares the speakers of one call with the enrolled voices, and remembers what it said of them."""

    def __init__(self, enrolled: Sequence[EnrolledVoice]) -> None:
        self._enrolled = enrolled
        self._matched: dict[int, float] = {}

    def match(
        self, speaker_id: SpeakerId, voice_of: Callable[[int], tuple[NDArray[np.float32], int]]
    ) -> list[VoiceMatched]:
        """Who `speaker_id` is; nothing where that was said already.

        `voice_of` gives a speaker's mean voice and the number of windows behind it.
        """
        if not self._enrolled:
            return []
        voice, windows = voice_of(speaker_id)
        if windows < _MATCH_WINDOWS:
            return []
        matches: list[VoiceMatched] = []
        for enrolled in self._enrolled:
            cosine = float(voice @ np.asarray(enrolled.voiceprint, dtype=np.float32))
            if cosine < MATCH:
                continue
            confidence = min(0.99, 0.5 + (cosine - MATCH) * 1.5)
            # Said again only when it has become clearly surer.
            if confidence - self._matched.get(speaker_id, 0.0) >= 0.1:
                self._matched[speaker_id] = confidence
                matches.append(VoiceMatched(speaker_id=speaker_id, rep_id=enrolled.rep_id, confidence=confidence))
        return matches
