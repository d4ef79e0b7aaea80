"""Times of Opus packets, against packets that libopus made."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from ridealong.core.errors import InvalidAudio
from ridealong.recording import opus
from ridealong.recording.journal import AudioJournal


def packets(seconds: int, frame_ms: str = "20") -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"  # type: ignore[attr-defined]
    encoder.options = {"frame_duration": frame_ms}
    encoder.open()
    size = encoder.frame_size  # type: ignore[attr-defined]
    made: list[bytes] = []
    wave = (np.sin(np.arange(48_000 * seconds) / 20) * 8000).astype(np.int16)
    for at in range(0, len(wave) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(wave[None, at : at + size], format="s16", layout="mono")
        frame.sample_rate = 48_000
        made += [bytes(packet) for packet in encoder.encode(frame)]  # type: ignore[attr-defined]
    return made


@pytest.fixture
def disk() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.mark.parametrize(("frame_ms", "samples"), [("2.5", 120), ("10", 480), ("20", 960), ("60", 2880)])
def test_the_length_of_a_packet_is_read_from_its_first_bytes(frame_ms: str, samples: int) -> None:
    assert {opus.packet_samples(packet) for packet in packets(1, frame_ms)} == {samples}


@pytest.mark.parametrize("packet", [b"", b"\x03", b"\xff\x3f"])
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(InvalidAudio):
        opus.packet_samples(packet)


async def test_seeking_lands_before_the_wanted_time_with_room_for_the_decoder(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=True, executor=disk)
    for packet in packets(3):
        await journal.write(packet)
    assert opus.total_ms(journal) == 3000
    _, start_ts = opus.seek(journal, 2000)
    assert 2000 - opus.PREROLL_MS - 20 <= start_ts <= 2000 - opus.PREROLL_MS
    assert opus.seek(journal, 0) == (0, 0)
    assert opus.ms_at(journal, journal.file_size) == 3000
    await journal.close()
