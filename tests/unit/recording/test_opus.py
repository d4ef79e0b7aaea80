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
    clock = opus.PacketClock(journal)
    assert clock.total_ms() == 3000
    _, start_ts = clock.seek(2000)
    assert 2000 - opus.PREROLL_MS - 20 <= start_ts <= 2000 - opus.PREROLL_MS
    assert clock.seek(0) == (0, 0)
    assert clock.ms_at(journal.file_size) == 3000
    await journal.close()


class CountingJournal(AudioJournal):
    """Counts the bytes that are read from it."""

    bytes_read = 0

    def read(self, offset: int, size: int) -> bytes:
        found = super().read(offset, size)
        self.bytes_read += len(found)
        return found


async def test_times_in_the_third_hour_cost_no_more_than_in_the_first_minute(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    sent = packets(10)
    hours = (len(b"".join(sent)) + 2 * len(sent)) * 6 * 60 * 3
    block = b"".join(len(packet).to_bytes(2, "big") + packet for packet in sent)
    (tmp_path / "audio").write_bytes(block * (6 * 60 * 3))
    journal = CountingJournal(tmp_path / "audio", packets=True, executor=disk)
    clock = opus.PacketClock(journal)
    assert clock.total_ms() == 3 * 3_600_000
    assert journal.bytes_read <= hours * 1.1, "a packet was counted more than once"
    for _ in range(20):
        journal.bytes_read = 0
        await journal.write(sent[0])
        clock.total_ms()
        middle = journal.file_size // 2 + 7
        assert abs(clock.ms_at(middle) - clock.total_ms() // 2) < 10_000
        for ts in (0, 2_000, 5_400_000, 10_700_000):
            at, start_ts = clock.seek(ts)
            assert max(0, ts - opus.PREROLL_MS - 20) <= start_ts <= max(0, ts - opus.PREROLL_MS)
            assert clock.ms_at(at) == start_ts
        assert journal.bytes_read < 20 * (1 << 16), "a question reads the call again"
    await journal.close()
