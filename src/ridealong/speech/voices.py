"""Voices as numbers: the speaker model inside moonshine-voice's shared library, run by onnxruntime.

The library keeps the model as data under exported names; nothing is downloaded. It takes one waveform of 16 kHz and
returns 512 numbers; the cosine between two of them says how alike two voices are.
"""

from __future__ import annotations

import ctypes
import platform
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

from ridealong.core.errors import InvalidAudio, MissingPart
from ridealong.speech import SAMPLE_RATE
from ridealong.speech.activity import FRAME, ActivityDetector, ActivityModel
from ridealong.speech.recognize import session_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]
    Vector = NDArray[np.float32]

DIMENSIONS: Final = 512
WINDOW_MS: Final = 1_500
MIN_WINDOW_MS: Final = 600
"""Below this the model's statistics rest on too few frames to mean anything."""
MIN_ENROLMENT_MS: Final = 8_000
"""Speech needed for a voiceprint: five independent windows."""


class VoiceModel:
    """The loaded speaker model. Safe to use from many threads at once. Raises MissingPart without it."""

    def __init__(self) -> None:
        name = "libmoonshine.dylib" if platform.system() == "Darwin" else "libmoonshine.so"
        try:
            with as_file(files("moonshine_voice") / name) as path:
                library = ctypes.CDLL(str(path))
                size = ctypes.c_size_t.in_dll(library, "speaker_embedding_model_ort_byte_count").value
                raw = (ctypes.c_uint8 * size).in_dll(library, "speaker_embedding_model_ort_bytes")
                self._session = ort.InferenceSession(bytes(raw), session_options(), providers=["CPUExecutionProvider"])
        except (ImportError, OSError, ValueError) as error:
            raise MissingPart(
                "the speaker model is missing: it comes inside moonshine-voice 0.0.59 alone; run `make setup`"
            ) from error

    def embed(self, samples: Mono) -> Vector:
        """The voice in `samples` (16 kHz mono, at least `MIN_WINDOW_MS`) as a unit vector. 6 ms for 1.5 s."""
        waveform = np.ascontiguousarray(samples, dtype=np.float32)[np.newaxis]
        outputs: Any = self._session.run(None, {"waveform": waveform})
        vector: Vector = outputs[0][0]
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0.0:
            return np.zeros(DIMENSIONS, dtype=np.float32)
        return vector / np.float32(length)


class Enrolment:
    """Makes voiceprints."""

    def __init__(self, voices: VoiceModel, activity: ActivityModel) -> None:
        self._voices = voices
        self._activity = activity

    def enrol(self, samples: Mono) -> tuple[float, ...]:
        """The voiceprint of the one person who speaks in `samples` (16 kHz mono): a unit vector of 512 numbers.

        Blocks for about 1% of the recording's length. Raises InvalidAudio when it holds less than 8 s of speech.
        """
        detector = ActivityDetector(self._activity)
        pieces = [samples[at : at + FRAME] for at in range(0, samples.shape[0] - FRAME + 1, FRAME)]
        voiced = [piece for piece in pieces if detector.frame(piece) >= 0.5]
        speech_ms = len(voiced) * FRAME * 1000 // SAMPLE_RATE
        if speech_ms < MIN_ENROLMENT_MS:
            raise InvalidAudio(
                f"the recording holds {speech_ms / 1000:.1f} s of speech; "
                f"a voiceprint needs {MIN_ENROLMENT_MS // 1000} s: record the rep speaking alone for about 20 s"
            )
        speech = np.concatenate(voiced)
        window = WINDOW_MS * SAMPLE_RATE // 1000
        vectors = [self.embed_window(speech, at, window) for at in range(0, speech.shape[0] - window + 1, window)]
        mean = np.mean(vectors, axis=0)
        return tuple(float(x) for x in mean / np.linalg.norm(mean))

    def embed_window(self, speech: Mono, at: int, window: int) -> Vector:
        return self._voices.embed(speech[at : at + window])


def enrol(samples: Mono) -> tuple[float, ...]:
    """Load the models and make one voiceprint: see `Enrolment.enrol`. For a server, keep an `Enrolment`."""
    return Enrolment(VoiceModel(), ActivityModel()).enrol(samples)
