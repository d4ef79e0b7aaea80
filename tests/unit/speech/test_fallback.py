"""Several transcribers in order."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

import pytest

from ridealong.core.errors import InvalidSettings, RidealongError, Unavailable
from ridealong.speech import Audio, Heard, HeardThrough, Hearing
from ridealong.speech.fallback import FallbackTranscriber
from tests.unit.speech.sound import hear_all, silence


class Scripted:
    """Tells its number as a time, or raises."""

    def __init__(self, number: int, error: RidealongError | None = None) -> None:
        self.number = number
        self.error = error
        self.closed = False

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        if self.error is not None:
            raise self.error
        yield HeardThrough(ts=self.number)

    async def close(self) -> None:
        self.closed = True


async def heard_by(transcriber: FallbackTranscriber) -> int:
    (event,) = await hear_all(transcriber, silence(0.1), Hearing())
    assert isinstance(event, HeardThrough)
    return event.ts


@pytest.mark.parametrize(("error", "away_s"), [(Unavailable("away"), 60), (InvalidSettings("wrong key"), 600)])
async def test_the_next_one_hears_while_the_first_is_away(error: RidealongError, away_s: int) -> None:
    now = 1_000.0
    first, second = Scripted(1, error), Scripted(2)
    both = FallbackTranscriber({"first": first, "second": second}, clock=lambda: now)
    with pytest.raises(Unavailable, match="takes over"):
        await heard_by(both)
    first.error = None
    now += away_s - 1
    assert await heard_by(both) == 2
    now += 2
    assert await heard_by(both) == 1


async def test_what_the_last_one_raises_is_raised() -> None:
    both = FallbackTranscriber({"first": Scripted(1, Unavailable()), "second": Scripted(2, InvalidSettings("no"))})
    with pytest.raises(Unavailable):
        await heard_by(both)
    with pytest.raises(InvalidSettings, match="no"):
        await heard_by(both)


async def test_closing_closes_them_all() -> None:
    first, second = Scripted(1), Scripted(2)
    await FallbackTranscriber({"first": first, "second": second}).close()
    assert first.closed and second.closed
