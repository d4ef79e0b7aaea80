"""How loud a recording is over its time: what the waveform of a call's page is drawn from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from ridealong.live.playback import PcmRecording

STEP_MS: Final = 20
"""Milliseconds that share one peak: finer than any screen shows of a call, and short enough to part two speakers."""
PEAKS_FILE: Final = "peaks.npy"
_BLOCK: Final = 500
"""Steps that are read at once: ten seconds."""

Peaks = NDArray[np.uint16]
"""Shape [channels, steps]: the highest amplitude in each step, 0 to 32768."""


def peaks_of(recording: PcmRecording, *, keep: bool) -> Peaks:
    """The recording's peaks. `keep`: it will not grow, so they are kept in a file beside it. Blocks."""
    kept = recording.path.with_name(PEAKS_FILE)
    if keep and kept.exists() and kept.stat().st_mtime >= recording.path.stat().st_mtime:
        return np.load(kept, allow_pickle=False)
    peaks = _measured(recording)
    if keep:
        _write(kept, peaks)
    return peaks


def _measured(recording: PcmRecording) -> Peaks:
    channels = recording.channels
    frames = recording.sample_rate * STEP_MS // 1000
    step_bytes = frames * channels * 2
    found: list[Peaks] = []
    offset = 0
    while data := recording.read_now(offset, step_bytes * _BLOCK):
        offset += len(data)
        samples = np.frombuffer(data[: len(data) - len(data) % (2 * channels)], "<i2").reshape(-1, channels)
        rest = -len(samples) % frames
        if rest:
            samples = np.concatenate([samples, np.zeros((rest, channels), np.int16)])
        # As int32: the amplitude of -32768 is no int16.
        found.append(np.abs(samples.astype(np.int32)).reshape(-1, frames, channels).max(axis=1).T.astype(np.uint16))
    return np.concatenate(found, axis=1) if found else np.zeros((channels, 0), np.uint16)


def _write(path: Path, peaks: Peaks) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, peaks, allow_pickle=False)
    part.replace(path)


def masked(peaks: Peaks, spans: Iterable[tuple[int, int]]) -> Peaks:
    """`peaks` within the spans (start_ts, end_ts in ms), and 0 outside."""
    mask = np.zeros(peaks.shape[-1], dtype=bool)
    for start_ts, end_ts in spans:
        mask[start_ts // STEP_MS : -(-end_ts // STEP_MS)] = True
    return np.where(mask, peaks, 0).astype(np.uint16)


def drawn(peaks: NDArray[np.uint16], points: int) -> list[float]:
    """One channel's peaks [steps] as at most `points` numbers from 0 to 1, each the highest of its part."""
    steps = len(peaks)
    if steps == 0:
        return []
    starts = np.linspace(0, steps, min(points, steps), endpoint=False).astype(int)
    highest = np.maximum.reduceat(peaks, starts)
    return [round(float(value), 3) for value in np.minimum(highest / 32767.0, 1.0)]
