"""A finished transcript as a call: the same utterances, and a clock that a silence can be seen on."""

from __future__ import annotations

from ridealong.core.transcript import SpeakerId, Utterance
from ridealong.live.clock import CallClock
from ridealong.live.finished import FinishedTranscript
from ridealong.speech import Activity, HeardThrough


def utterance(no: int, start_ts: int, end_ts: int) -> Utterance:
    return Utterance(no=no, speaker=SpeakerId(no % 2), start_ts=start_ts, end_ts=end_ts, text="words")


async def heard(*utterances: Utterance) -> list[Utterance | Activity | HeardThrough]:
    return [item async for item in FinishedTranscript(utterances).heard(CallClock())]


async def test_the_utterances_come_as_they_are() -> None:
    given = (utterance(4, 0, 30_000), utterance(9, 30_000, 31_000))
    assert [item for item in await heard(*given) if isinstance(item, Utterance)] == list(given)


async def test_the_clock_passes_a_pause_in_small_steps_before_what_follows_it() -> None:
    items = await heard(utterance(0, 0, 1000), utterance(1, 8000, 9000))
    second = next(i for i, item in enumerate(items) if isinstance(item, Utterance) and item.no == 1)
    steps = [item.ts for item in items[:second] if isinstance(item, HeardThrough)]
    assert steps[-1] == 8000
    assert any(5000 <= ts <= 5250 for ts in steps)


async def test_the_clock_never_passes_what_a_later_line_begins_with() -> None:
    items = await heard(
        utterance(0, 0, 1000), utterance(1, 5000, 6000), utterance(2, 2000, 9000), utterance(3, 9000, 9500)
    )
    through = 0
    for item in items:
        if isinstance(item, HeardThrough):
            assert item.ts >= through
            through = item.ts
        elif isinstance(item, Utterance):
            assert item.start_ts >= through


async def test_who_speaks_into_a_long_turn_leaves_no_silence_in_it() -> None:
    items = await heard(
        utterance(0, 0, 1000), utterance(1, 9000, 9400), utterance(2, 1500, 12_000), utterance(3, 17_000, 18_000)
    )
    changes = [(item.at_ts, item.speaking) for item in items if isinstance(item, Activity)]
    assert changes == [(0, True), (1000, False), (1500, True), (12_000, False), (17_000, True), (18_000, False)]
    told = [item for item in items if not isinstance(item, HeardThrough)]
    written = [item.no if isinstance(item, Utterance) else item.at_ts for item in told]
    assert written == [0, 1000, 0, 1500, 1, 12_000, 2, 17_000, 18_000, 3]


async def test_the_times_of_two_turns_that_touch_hold_no_pause() -> None:
    items = await heard(utterance(0, 0, 1000), utterance(1, 1000, 2000))
    assert [(i.at_ts, i.speaking) for i in items if isinstance(i, Activity)] == [(0, True), (2000, False)]
