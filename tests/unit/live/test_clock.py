"""The call's clock, in virtual time."""

from __future__ import annotations

from ridealong.live.clock import CallClock


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_on_between_two_pieces_of_audio() -> None:
    time = Time()
    clock = CallClock(time)
    clock.received(1000)
    time.now += 0.25
    assert clock.now_ts() == 1250


def test_it_stands_still_while_paused() -> None:
    time = Time()
    clock = CallClock(time)
    clock.received(1000)
    clock.pause()
    time.now += 60
    assert clock.now_ts() == 1000
    clock.received(1100)
    time.now += 0.1
    assert round(clock.now_ts()) == 1200


def test_old_audio_that_comes_late_counts_as_late() -> None:
    time = Time()
    clock = CallClock(time)
    clock.received(1000)
    # Ten seconds of backlog arrive at once after a dropped line: what was said at its start is long ago.
    clock.received(11_000)
    assert clock.now_ts() - 1500 > 2000


def test_seconds_are_counted_from_the_first_audio() -> None:
    time = Time()
    clock = CallClock(time)
    assert clock.at() == 0.0
    time.now += 5
    clock.received(100)
    time.now += 2
    assert clock.at() == 2.0
