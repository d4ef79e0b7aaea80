"""Both tracks of one call as two streams, each on a connection of its own."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from ridealong.store import calls as stored_calls
from tests.integration.web.real import RealSite
from tests.integration.web.test_twilio import AUDIO, BURSTS, SECONDS, Phone, line, site
from tests.vendors.twilio import TwilioStream, until_closed

__all__ = ["site"]

NEAR_MS = 120
"""Two connections' clocks are laid against each other by when their frames come: as exact as the network is."""


class Apart(Phone):
    """A phone system with a stream for each track, in real time."""

    streams = 2
    connected = 0

    def track(self, track: str, *, from_ms: int = 0) -> TwilioStream:
        stream = self.stream(audio={track: AUDIO[track][8 * from_ms :]})
        stream.stream_sid = f"MZ{track}{from_ms}"
        return stream

    async def play(
        self, track: str, *, from_ms: int = 0, until_ms: int | None = None, breaks: bool = False
    ) -> int | None:
        """From `from_ms` of the call on. `breaks`: the connection is lost at `until_ms`, else the stream stops."""
        async with line(self.site.address) as socket:
            # All are connected before the first one speaks: what a connection takes is no part of the call.
            self.connected += 1
            while self.connected < self.streams:
                await asyncio.sleep(0.001)
            await asyncio.sleep(from_ms / 1000)
            stream = self.track(track, from_ms=from_ms)
            stop_at = None if until_ms is None else until_ms - from_ms
            await stream.run(socket, speed=1.0, stop_at_ms=stop_at, hang_up=not breaks)
            if breaks:
                socket.transport.abort()
                return None
            return await until_closed(socket)

    async def kept(self) -> tuple[stored_calls.StoredCall, bytes]:
        (call,) = await self.stored()
        (journal,) = self.journals()
        return call, journal


def onsets(journal: bytes, channel: int) -> list[int]:
    codes = np.frombuffer(journal, np.uint8).reshape(-1, 2)[:, channel]
    loud = np.flatnonzero((codes & 0x7F) < 0x40)
    begins = [loud[0], *(after for before, after in pairwise(loud) if after - before > 800)]
    return [int(at) // 8 for at in begins]


def near(found: list[int], true: tuple[int, ...]) -> bool:
    return len(found) == len(true) and all(abs(a - b) <= NEAR_MS for a, b in zip(found, true, strict=True))


@pytest.mark.parametrize("later_ms", [0, 700])
async def test_two_streams_of_a_track_each_are_one_call_with_two_channels(site: RealSite, later_ms: int) -> None:
    phone = Apart(site)
    closed = await asyncio.gather(phone.play("inbound"), phone.play("outbound", from_ms=later_ms))
    assert closed == [1000, 1000]
    call, journal = await phone.kept()
    assert (call.channels, call.ended_reason) == (2, "stopped")
    assert near(onsets(journal, 0), BURSTS["inbound"])
    assert near(onsets(journal, 1), BURSTS["outbound"])
    assert abs(call.audio_ms - 1000 * SECONDS) <= NEAR_MS
    async with site.store.tenant(site.tenant_id) as conn:
        assert await stored_calls.load_gaps(conn, call.call_id) == []


@pytest.mark.parametrize("breaks", [False, True])
async def test_the_other_track_s_stream_goes_on_with_the_call(site: RealSite, breaks: bool) -> None:
    phone = Apart(site)
    await asyncio.gather(phone.play("inbound", until_ms=2_800, breaks=breaks), phone.play("outbound", from_ms=300))
    call, journal = await phone.kept()
    assert call.ended_reason == "stopped"
    assert near(onsets(journal, 0), BURSTS["inbound"][:2])
    assert near(onsets(journal, 1), BURSTS["outbound"])


async def test_a_track_that_breaks_and_comes_back_joins_the_other_again(site: RealSite) -> None:
    phone = Apart(site)
    phone.streams = 3
    await asyncio.gather(
        phone.play("inbound", until_ms=2_800, breaks=True),
        phone.play("outbound"),
        phone.play("inbound", from_ms=3_400),
    )
    call, journal = await phone.kept()
    assert call.ended_reason == "stopped"
    assert near(onsets(journal, 0), BURSTS["inbound"])
    assert near(onsets(journal, 1), BURSTS["outbound"])


async def test_a_second_stream_that_breaks_leaves_the_call_to_the_first(site: RealSite) -> None:
    phone = Apart(site)
    await asyncio.gather(phone.play("inbound"), phone.play("outbound", until_ms=2_000, breaks=True))
    call, journal = await phone.kept()
    assert call.ended_reason == "stopped"
    assert near(onsets(journal, 0), BURSTS["inbound"])
    assert near(onsets(journal, 1), BURSTS["outbound"][:1])
