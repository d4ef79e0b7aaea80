"""When audio's arrival gives its header the lie, and when it only looks so."""

from __future__ import annotations

import random

import pytest

from ridealong.live import AudioFormat, Encoding
from ridealong.web.pace import Pace

PCM16K = AudioFormat(encoding=Encoding.PCM16, sample_rate=16_000, channels=1)


def arrivals(pace: Pace, *, rate: float, seconds: float, from_s: float = 0.0, frame_s: float = 0.1) -> list[str]:
    """Warnings while `rate` bytes a second arrive steadily."""
    found: list[str] = []
    for number in range(round(seconds / frame_s)):
        warning = pace.arrived(round(rate * frame_s), at=from_s + number * frame_s)
        if warning is not None:
            found.append(warning)
    return found


def test_audio_at_its_own_pace_is_never_suspected() -> None:
    assert not arrivals(Pace(PCM16K, began_at=0.0, live=True), rate=32_000, seconds=3600)


@pytest.mark.parametrize("factor", [0.97, 1.03, 0.75, 1.4])
def test_a_clock_that_is_a_little_off_is_not_suspected(factor: float) -> None:
    assert not arrivals(Pace(PCM16K, began_at=0.0, live=True), rate=32_000 * factor, seconds=600)


@pytest.mark.parametrize(("sent_hz", "frame_s"), [(48_000, 0.02), (32_000, 0.1), (8_000, 0.02), (8_000, 0.5)])
def test_another_rate_than_stated_is_told_once_with_the_likely_one(sent_hz: int, frame_s: float) -> None:
    warnings = arrivals(Pace(PCM16K, began_at=0.0, live=True), rate=sent_hz * 2, seconds=60, frame_s=frame_s)
    assert len(warnings) == 1
    likely = int(warnings[0].split("about ")[1].split(" ")[0])
    assert likely == pytest.approx(sent_hz, rel=0.05)


def test_two_channels_stated_as_one_are_told() -> None:
    assert arrivals(Pace(PCM16K, began_at=0.0, live=True), rate=64_000, seconds=60)


def test_recorded_audio_may_come_as_fast_as_it_likes() -> None:
    assert not arrivals(Pace(PCM16K, began_at=0.0, live=False), rate=3_200_000, seconds=60)


def test_catching_up_after_a_stall_is_not_suspected() -> None:
    pace = Pace(PCM16K, began_at=0.0, live=True)
    assert not arrivals(pace, rate=32_000, seconds=30)
    # Twenty seconds of no network, then everything that was recorded meanwhile within two seconds.
    assert not arrivals(pace, rate=320_000, seconds=2, from_s=50)
    assert not arrivals(pace, rate=32_000, seconds=60, from_s=52)


def test_a_network_that_stalls_now_and_then_is_not_suspected() -> None:
    pace, chance, at = Pace(PCM16K, began_at=0.0, live=True), random.Random(4), 0.0
    for _ in range(2000):
        at += chance.choice((0.05, 0.1, 0.1, 1.5))
        assert pace.arrived(1600, at=at) is None


def test_a_pause_is_not_slowness() -> None:
    pace, at = Pace(PCM16K, began_at=0.0, live=True), 0.0
    for _ in range(30):
        assert not arrivals(pace, rate=32_000, seconds=2, from_s=at)
        pace.broken()
        at += 2.7


def test_opus_is_not_judged() -> None:
    opus = AudioFormat(encoding=Encoding.OPUS, sample_rate=48_000, channels=1)
    assert not arrivals(Pace(opus, began_at=0.0, live=True), rate=10, seconds=600)


def test_mulaw_counts_one_byte_a_sample() -> None:
    mulaw = AudioFormat(encoding=Encoding.MULAW, sample_rate=8_000, channels=1)
    assert not arrivals(Pace(mulaw, began_at=0.0, live=True), rate=8_000, seconds=600)
    assert arrivals(Pace(mulaw, began_at=0.0, live=True), rate=16_000, seconds=60)
    both = AudioFormat(encoding=Encoding.MULAW, sample_rate=8_000, channels=2)
    assert not arrivals(Pace(both, began_at=0.0, live=True), rate=16_000, seconds=600)
