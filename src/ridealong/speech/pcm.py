"""16-bit PCM and float samples, each into the other, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from ridealong.speech import Samples

PCM16_STEP: Final = np.float32(1 / 32768)


def pcm16(samples: Samples) -> bytes:
    """Signed 16-bit little-endian, interleaved; the exact bytes again where the samples came from PCM16."""
    scaled = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    np.minimum(scaled, np.float32(32767), out=scaled)
    np.maximum(scaled, np.float32(-32768), out=scaled)
    return scaled.astype("<i2").tobytes()


def samples_of(data: bytes, channels: int) -> Samples:
    """Whole frames of PCM16 as float32 in -1..1, shape [frames, channels]."""
    samples = np.multiply(np.frombuffer(data, dtype="<i2"), PCM16_STEP, dtype=np.float32)
    return samples.reshape(-1, channels)
