"""The end of a call's audio on a connection that does not hear it, and gaps that are none."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.core.errors import Unavailable
from ridealong.speech import Hearing, NotHeard
from tests.unit.speech.deepgram.listening import assert_same, first, hear, script
from tests.vendors.deepgram import Mischief, marked_audio


async def test_words_sent_into_a_stalled_connection_shortly_before_the_end_are_not_lost() -> None:
    # Between two utterances, so that no open interim tells of it. A phone that catches
    # up sends half a minute within a second and stops: no stall can be noticed before that.
    heard, standin = await hear(script(20_000), first(Mischief(stall_after_ms=5_200)), duration_ms=21_000)
    assert len(standin.seen) == 2
    assert_same(heard, script(20_000))


async def test_a_connection_that_closes_before_it_has_heard_the_end_is_not_taken_at_its_word() -> None:
    # It gets the rest of the audio and CloseStream at once, so that its close looks like the answer.
    wrong = [Mischief(stall_after_ms=5_200), Mischief(close_code=1000, close_after_ms=5_000)]
    heard, standin = await hear(script(20_000), lambda n: wrong[n] if n < 2 else Mischief(), duration_ms=21_000)
    assert len(standin.seen) == 3
    assert_same(heard, script(20_000))


@pytest.mark.parametrize("how", [{"close_code": 1011, "close_after_ms": 0}, {"abort_after_ms": 200}])
async def test_connections_that_close_at_once_at_the_end_are_waited_out_like_refused_ones(how: dict[str, int]) -> None:
    wrong = [Mischief(close_code=1011, close_after_ms=20_900), *[Mischief(**how)] * 4]
    heard, standin = await hear(script(20_000), lambda n: wrong[n] if n < 5 else Mischief(), duration_ms=21_000)
    assert len(standin.seen) == 6
    assert not [event for event in heard if isinstance(event, NotHeard)]
    assert_same(heard, script(20_000))


async def test_connections_that_never_do_are_told_as_away_and_not_as_nothing_said() -> None:
    wrong = Mischief(close_code=1011, close_after_ms=0)
    with pytest.raises(Unavailable, match="1011"):
        await hear(script(20_000), lambda _: wrong, duration_ms=21_000, patience_s=2.0)


async def test_a_vendor_that_says_nothing_of_the_quiet_end_has_heard_it() -> None:
    heard, _ = await hear(script(10_000), lambda _: Mischief(quiet_in_silence=True), duration_ms=21_000)
    assert not [event for event in heard if isinstance(event, NotHeard)]
    assert_same(heard, script(10_000))


async def test_earlier_audio_that_comes_back_a_millisecond_short_leaves_no_gap() -> None:
    async def earlier(start_ts: int, end_ts: int) -> np.ndarray:
        return marked_audio(end_ts - start_ts, 1, start_ts)[16:]

    heard, standin = await hear(
        script(20_000),
        first(Mischief(abort_after_ms=300)),
        duration_ms=21_000,
        hearing=Hearing(earlier=earlier),
    )
    assert len(standin.seen) == 2
    assert not [event for event in heard if isinstance(event, NotHeard)]
    assert_same(heard, script(20_000))
