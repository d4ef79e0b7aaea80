"""Two tracks of telephone frames become one stream on the sample clock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridealong.web.tracks import BYTES_PER_MS, SILENCE, WINDOW_MS, Frame, Lost, TwoTracks

FRAME = 160


def data(channel: int, index: int) -> bytes:
    """Another byte for each frame, and never silence."""
    return bytes([1 + channel + 2 * (index % 120)]) * FRAME


def frame(channel: int, index: int, *, chunk: bool = True) -> Frame:
    return Frame(start_ms=20 * index, data=data(channel, index), chunk=index + 1 if chunk else None)


class Heard:
    """What came out: one bytes object a channel, and the holes with the ms at which they lie."""

    def __init__(self, tracks: TwoTracks) -> None:
        self.tracks = tracks
        self.channels = (bytearray(), bytearray())
        self.lost: list[tuple[int, int]] = []

    def take(self, mixed: list[bytes | Lost]) -> None:
        for part in mixed:
            if isinstance(part, Lost):
                self.lost.append((self.ms, part.duration_ms))
            else:
                for channel in (0, 1):
                    self.channels[channel].extend(part[channel::2])

    def feed(self, channel: int, one: Frame) -> None:
        self.take(self.tracks.feed(channel, one))

    @property
    def ms(self) -> int:
        return len(self.channels[0]) // BYTES_PER_MS

    def at(self, channel: int, index: int) -> bytes:
        return bytes(self.channels[channel][index * FRAME : (index + 1) * FRAME])


@pytest.mark.parametrize("chunk", [True, False])
def test_frames_in_order_on_both_tracks_do_not_wait(chunk: bool) -> None:
    heard = Heard(TwoTracks())
    for index in range(50):
        heard.feed(0, frame(0, index, chunk=chunk))
        heard.feed(1, frame(1, index, chunk=chunk))
        assert heard.ms == 20 * (index + 1)
    for channel in (0, 1):
        assert all(heard.at(channel, index) == data(channel, index) for index in range(50))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), chunk=st.booleans())
def test_every_frame_has_its_place_however_they_come(seed: int, chunk: bool) -> None:
    rng = random.Random(seed)
    missing = {(rng.randint(0, 1), rng.randint(2, 97)) for _ in range(rng.randint(0, 12))}
    late_start = rng.randint(0, 40)
    sent = [
        (20 * index + rng.uniform(0, WINDOW_MS - 40), channel, index)
        for channel in (0, 1)
        for index in range(late_start if channel else 0, 100)
        if (channel, index) not in missing
    ]
    sent += [(at + rng.uniform(0, 60), channel, index) for at, channel, index in rng.sample(sent, 20)]
    heard = Heard(TwoTracks())
    for _, channel, index in sorted(sent):
        heard.feed(channel, frame(channel, index, chunk=chunk))
    heard.take(heard.tracks.flush())
    there = {(channel, index) for _, channel, index in sent}
    for channel in (0, 1):
        for index in range(max(i for _, i in there) + 1):
            wanted = data(channel, index) if (channel, index) in there else SILENCE * FRAME
            assert heard.at(channel, index) == wanted
    assert not heard.lost
    assert heard.tracks.dropped == 20


@pytest.mark.parametrize(("hole_ms", "told"), [(20, False), (400, False), (980, False), (1000, True), (5000, True)])
def test_a_short_hole_is_silence_and_a_long_one_is_told(hole_ms: int, told: bool) -> None:
    heard = Heard(TwoTracks())
    after = 25 + hole_ms // 20
    for index in [*range(25), *range(after, after + 25)]:
        for channel in (0, 1):
            heard.feed(channel, frame(channel, index))
    heard.take(heard.tracks.flush())
    assert heard.lost == ([(500, hole_ms)] if told else [])
    assert heard.ms == 1000 + (0 if told else hole_ms)
    assert heard.at(1, heard.ms // 20 - 1) == data(1, after + 24)


def test_a_track_that_is_silent_for_long_does_not_hold_up_the_other_and_is_no_gap() -> None:
    heard = Heard(TwoTracks())
    for index in range(200):
        heard.feed(0, frame(0, index))
        assert heard.ms >= 20 * (index + 1) - WINDOW_MS
    heard.feed(1, frame(1, 200))
    heard.feed(0, frame(0, 200))
    heard.take(heard.tracks.flush())
    assert not heard.lost
    assert heard.at(1, 199) == SILENCE * FRAME
    assert (heard.at(0, 200), heard.at(1, 200)) == (data(0, 200), data(1, 200))


def test_a_stream_of_one_track_does_not_wait_for_the_other() -> None:
    heard = Heard(TwoTracks((0,)))
    heard.feed(0, frame(0, 0))
    assert heard.ms == 20
    assert heard.at(1, 0) == SILENCE * FRAME


def test_timestamps_that_jitter_leave_no_clicks_and_no_drift() -> None:
    heard = Heard(TwoTracks((0,)))
    rng = random.Random(1)
    for index in range(500):
        jittered = max(0, 20 * index + rng.randint(-9, 9))
        heard.feed(0, Frame(start_ms=jittered, data=data(0, index), chunk=index + 1))
    heard.take(heard.tracks.flush())
    assert SILENCE[0] not in heard.channels[0]
    assert all(heard.at(0, index) == data(0, index) for index in range(500))


def test_a_frame_that_comes_after_its_time_is_dropped_and_moves_nothing() -> None:
    heard = Heard(TwoTracks((0,)))
    for index in [*range(10), *range(11, 40)]:
        heard.feed(0, frame(0, index))
    heard.feed(0, frame(0, 10))
    heard.take(heard.tracks.flush())
    assert heard.at(0, 10) == SILENCE * FRAME
    assert heard.at(0, 39) == data(0, 39)
    assert (heard.ms, heard.tracks.dropped) == (800, 1)


def test_one_mad_timestamp_does_not_end_the_hearing() -> None:
    heard = Heard(TwoTracks((0,)))
    for index in range(50):
        stamp = 80_000_000 if index == 20 else 20 * index
        heard.feed(0, Frame(start_ms=stamp, data=data(0, index), chunk=index + 1))
    heard.take(heard.tracks.flush())
    for index in range(50):
        assert heard.at(0, index) == (SILENCE * FRAME if index == 20 else data(0, index))
    assert not heard.lost


def test_a_long_break_on_both_tracks_is_believed_from_its_second_frame_on() -> None:
    heard = Heard(TwoTracks())
    for index in [*range(10), *range(3_000, 3_010)]:
        for channel in (0, 1):
            heard.feed(channel, frame(channel, index))
    heard.take(heard.tracks.flush())
    assert heard.lost == [(200, 59_800)]
    assert heard.at(1, 19) == data(1, 3_009)


def test_a_carriers_clock_that_begins_anew_goes_on_where_the_call_stands() -> None:
    heard = Heard(TwoTracks((0,)))
    for index in range(400):
        heard.feed(0, Frame(start_ms=20 * (index % 200), data=data(0, index), chunk=index + 1))
    assert heard.ms == 8_000
    assert heard.at(0, 399) == data(0, 399)


def test_memory_is_bounded_whatever_comes() -> None:
    tracks = TwoTracks()
    rng = random.Random(3)
    for index in range(5_000):
        tracks.feed(rng.randint(0, 1), Frame(start_ms=rng.randint(0, 60_000), data=bytes(160), chunk=index))
        waiting = sum(len(t.waiting) for t in tracks._tracks)  # pyright: ignore[reportPrivateUsage]
        assert waiting <= 2 * WINDOW_MS // 20 + 2
