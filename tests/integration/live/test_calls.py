"""A whole call: from bytes to rows, undisturbed and disturbed, always with the same result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ridealong.core.errors import InvalidAudio, InvalidSettings, Refused, Unavailable
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    GapRecorded,
    MomentDecided,
    PartialHeard,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Reason, Sight, Tier
from ridealong.core.transcript import Role, SpeakerId, Utterance
from ridealong.live import CallStart, ChannelLayout, Encoding
from ridealong.live.session import LiveCall
from ridealong.speech import Audio, Heard, HeardThrough, Hearing, Transcriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store import Store, calls, effects, moments, reviews
from tests.integration.live.conftest import LENGTH_MS, SPOKEN, House, OneWord

Start = Callable[..., CallStart]

PIECE = bytes(3200)
PIECES = LENGTH_MS // 100


async def send(call: LiveCall, count: int = PIECES, piece: bytes = PIECE) -> None:
    sender = call.attach()
    for _ in range(count):
        await sender.write(piece)
        await call.taken()
    await sender.detach()


async def stop(call: LiveCall) -> list[CallEvent]:
    sender = call.attach()
    await sender.stop()
    await call.over.wait()
    return [n.event async for n in call.watch() if not isinstance(n.event, PartialHeard)]


async def stored(store: Store, tenant_id: UUID, call_id: UUID) -> list[Utterance]:
    async with store.tenant(tenant_id) as conn:
        return list(await calls.load_transcript(conn, await calls.latest_revision(conn, call_id)))


def said(utterances: list[Utterance] | tuple[Utterance, ...]) -> list[tuple[object, ...]]:
    return [(u.no, u.speaker, u.start_ts, u.end_ts, u.text) for u in utterances]


async def test_a_call_is_heard_nudged_stored_and_its_review_asked_for(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    await send(call)
    events = await stop(call)
    assert said([e.utterance for e in events if isinstance(e, UtteranceFinished)]) == said(SPOKEN)
    decided = [e for e in events if isinstance(e, MomentDecided)]
    assert [(e.moment.type, e.moment.tier) for e in decided] == [("objection_raised", Tier.NUDGE)]
    assert decided[0].moment.evidence[0].quote == "expensive"
    assert isinstance(events[-1], CallEnded)
    assert events[-1].audio_ms == LENGTH_MS

    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_call(conn, call.call_id)
        assert (found.status, found.audio_ms, found.ended_reason) == ("ended", LENGTH_MS, "stopped")
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        assert [m.moment.type for m in await moments.load_moments(conn, transcript)] == ["objection_raised"]
        assert (await reviews.find_review(conn, call.call_id)).status is reviews.ReviewStatus.QUEUED


async def test_how_far_a_nudge_got_and_what_it_was_decided_by_are_kept_over_a_restart(
    house: House, tenant_id: UUID, start: Start
) -> None:
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call)
    await call.taken()
    event = await anext(n.event async for n in call.watch() if isinstance(n.event, MomentDecided))
    assert not call.sighted(uuid4(), Sight.SEEN)
    assert call.sighted(event.moment_id, Sight.SENT)
    await first.close()

    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    assert isinstance(house.minds, OneWord)
    assert house.minds.taken_up == [(len(again.transcript), ("objection_raised",))]
    assert again.sighted(event.moment_id, Sight.SEEN)
    assert again.sighted(event.moment_id, Sight.SENT)
    await stop(again)
    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        [stored_moment] = await moments.load_moments(conn, transcript)
        [outcome] = await effects.load_outcomes(conn, call.call_id, {1: transcript})
    assert stored_moment.moment.circumstances == event.moment.circumstances is not None
    assert outcome.sent_ts is not None
    assert outcome.seen_ts is not None
    assert outcome.effect is None


async def test_a_dropped_sender_comes_back_and_goes_on_where_it_was(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    await send(call, 70)
    again = await live.find(tenant_id, call.call_id)
    assert again is call
    await send(call, PIECES - 70)
    await stop(call)
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)


async def test_who_reads_the_database_of_a_running_call_first_lets_it_catch_up(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    for count in (70, PIECES - 70):
        await send(call, count)
        # Several at once, as a page asks.
        await asyncio.gather(*(live.caught_up(call.call_id) for _ in range(3)))
        assert said(await stored(house.store, tenant_id, call.call_id)) == said(tuple(call.transcript))
    await live.caught_up(uuid4())


@pytest.mark.parametrize("at", [0, 7, 45, 95, 131, 160])
async def test_a_call_taken_up_by_the_next_process_ends_like_an_undisturbed_one(
    house: House, tenant_id: UUID, start: Start, at: int
) -> None:
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call, at)
    before = call.last_seq
    await first.close()

    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    assert again.journal.received == at * len(PIECE)
    assert isinstance(again, LiveCall)
    assert again.last_seq >= before
    await send(again, PIECES - at)
    events = await stop(again)
    assert said([e.utterance for e in events if isinstance(e, UtteranceFinished)]) == said(SPOKEN)
    assert len([e for e in events if isinstance(e, MomentDecided)]) == 1
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)
    assert again.judge.role_of(SPOKEN[0].speaker) is Role.REP


async def taken_up_in_a_silence(house: House, tenant_id: UUID, start: Start, *, pieces: int) -> LiveCall:
    """A call of so many pieces whose process ended when it had told of a silence, taken up by the next process."""
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call, pieces)
    await call.taken()
    async for numbered in call.watch():
        if isinstance(numbered.event, MomentDecided) and numbered.event.moment.type == "silence":
            break
    await first.close()

    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    await send(again, 10)
    return again


async def test_a_silence_that_was_told_is_not_told_again_by_the_next_process(
    house: House, tenant_id: UUID, start: Start
) -> None:
    again = await taken_up_in_a_silence(house, tenant_id, start, pieces=PIECES + 45)
    events = await stop(again)
    assert [e.moment.type for e in events if isinstance(e, MomentDecided)].count("silence") == 1


async def test_a_silence_behind_the_reps_question_is_the_customers_stored_and_not_told_again_by_the_next_process(
    house: House, tenant_id: UUID, start: Start
) -> None:
    asked = RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=SPOKEN[:5])
    house.transcriber = ReplayTranscriber(asked)
    again = await taken_up_in_a_silence(house, tenant_id, start, pieces=PIECES + 10)
    await stop(again)
    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, again.call_id))
        found = {m.moment.type: m.moment for m in await moments.load_moments(conn, transcript)}
    assert {name: m.reason for name, m in found.items()} == {
        "objection_raised": Reason.DELIVERED,
        "silence": Reason.CUSTOMER_IS_THINKING,
    }
    assert found["silence"].tier is Tier.NOTED
    assert found["silence"].evidence[0].quote == "Compared with what"
    assert found["silence"].trigger_ts == SPOKEN[4].end_ts + 4000


async def test_several_reps_of_a_running_call_are_kept_over_a_restart_and_stored(
    house: House, tenant_id: UUID, start: Start
) -> None:
    first = house.process()
    call = await first.begin(tenant_id, replace(start(), rep_speakers=(0, 7)))
    await send(call, 70)
    call.name_speaker(1, Role.REP)
    await first.close()

    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    assert again.start.rep_speakers == (0, 7)
    again.name_speaker(7, Role.CUSTOMER)
    await send(again, PIECES - 70)
    await stop(again)
    async with house.store.tenant(tenant_id) as conn:
        roles = await calls.load_roles(conn, await calls.latest_revision(conn, call.call_id))
    assert set(roles.reps) == {0, 1}
    assert roles.role_of(SpeakerId(7)) is Role.CUSTOMER


async def test_numbers_of_events_have_no_hole_over_a_restart(house: House, tenant_id: UUID, start: Start) -> None:
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call, 70)
    await first.close()
    second = house.process()
    await second.recover()
    again = await second.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    await send(again, PIECES - 70)
    sender = again.attach()
    await sender.stop()
    await again.over.wait()
    numbers = [n.seq async for n in again.watch() if not isinstance(n.event, PartialHeard)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_call_that_ended_while_nothing_could_be_stored_is_stored_by_the_next_process(
    house: House, tenant_id: UUID, start: Start
) -> None:
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call)
    sender = call.attach()
    await sender.stop()
    # The process dies between the end and its storing.
    await first.close()
    second = house.process()
    taken_up = await second.recover()
    if taken_up:
        again = await second.find(tenant_id, call.call_id)
        await again.over.wait()
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)
    async with house.store.tenant(tenant_id) as conn:
        assert (await calls.load_call(conn, call.call_id)).status == "ended"


async def test_a_pause_is_a_gap_and_adds_no_time(house: House, tenant_id: UUID, start: Start) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(78):
        await sender.write(PIECE)
        await call.taken()
    await sender.pause()
    with pytest.raises(Refused, match="paused"):
        await sender.write(PIECE)
    await asyncio.sleep(0.1)
    await sender.resume()
    for _ in range(PIECES - 78):
        await sender.write(PIECE)
        await call.taken()
    await sender.detach()
    events = await stop(call)
    gaps = [e for e in events if isinstance(e, GapRecorded)]
    assert [(g.at_ts, g.reason) for g in gaps] == [(7800, "paused")]
    assert gaps[0].duration_ms >= 100
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)


async def test_a_stated_gap_is_kept_where_it_was(house: House, tenant_id: UUID, start: Start) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    await send(call, 30)
    sender = call.attach()
    await sender.gap(12_000, "phone was full")
    await sender.detach()
    await send(call, PIECES - 30)
    await stop(call)
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_gaps(conn, call.call_id)
    assert [(g.at_ts, g.duration_ms, g.reason) for g in found] == [(3000, 12_000, "phone was full")]


async def test_a_second_sender_is_refused_while_the_first_one_lives(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    first = call.attach()
    await first.write(PIECE)
    with pytest.raises(Refused) as refused:
        call.attach()
    assert refused.value.code == "second_sender"
    await first.write(PIECE)


async def test_a_file_instead_of_samples_is_refused_and_nothing_is_kept(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    with pytest.raises(InvalidAudio, match="WAV"):
        await sender.write(b"RIFF\0\0\0\0WAVEfmt ")
    assert call.journal.written == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"consent": "  "}, "consent_missing"),
        ({"channels": 2}, "bad_format"),
        ({"channels": 3, "layout": ChannelLayout.REP_FIRST}, "bad_format"),
        ({"sample_rate": 4000}, "bad_format"),
        ({"sample_rate": 96_000}, "bad_format"),
        ({"encoding": Encoding.MULAW, "sample_rate": 16_000}, "bad_format"),
        ({"encoding": Encoding.OPUS, "sample_rate": 16_000}, "bad_format"),
    ],
)
async def test_a_start_that_cannot_work_is_refused_and_leaves_nothing(
    house: House, tenant_id: UUID, start: Start, wrong: dict[str, object], code: str
) -> None:
    live = house.process()
    with pytest.raises(Refused) as refused:
        await live.begin(tenant_id, start(**wrong))
    assert refused.value.code == code
    assert not list(house.recordings.unstored())
    assert live.running(tenant_id) == []


async def test_another_tenants_call_is_unknown(house: House, tenant_id: UUID, start: Start) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    with pytest.raises(Refused) as refused:
        await live.find(UUID(int=1), call.call_id)
    assert refused.value.code == "unknown_call"


async def test_an_ended_call_takes_no_sender(house: House, tenant_id: UUID, start: Start) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    await send(call, 10)
    await stop(call)
    with pytest.raises(Refused) as refused:
        await live.find(tenant_id, call.call_id)
    assert refused.value.code == "call_ended"


async def test_a_call_without_any_audio_ends_and_is_stored(house: House, tenant_id: UUID, start: Start) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    events = await stop(call)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].audio_ms == 0
    assert await stored(house.store, tenant_id, call.call_id) == []


async def test_a_call_that_grows_too_long_is_ended_with_a_warning(house: House, tenant_id: UUID, start: Start) -> None:
    house.max_call_ms = 2000
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(21):
        await sender.write(PIECE)
    with pytest.raises(Refused) as refused:
        await sender.write(PIECE)
    assert refused.value.code == "call_ended"
    await call.over.wait()
    events = [n.event async for n in call.watch()]
    assert [e.code for e in events if isinstance(e, WarningGiven)] == ["too_long"]


async def test_a_sender_that_stays_away_ends_the_call(house: House, tenant_id: UUID, start: Start) -> None:
    house.resume_grace_s = 0.05
    live = house.process()
    call = await live.begin(tenant_id, start())
    await send(call, 40)
    async with asyncio.timeout(60):
        await call.over.wait()
    async with house.store.tenant(tenant_id) as conn:
        assert (await calls.load_call(conn, call.call_id)).ended_reason == "sender_lost"


class Failing:
    """Fails `times` times, each after some words, then hears on."""

    def __init__(self, inner: Transcriber, times: int) -> None:
        self._inner = inner
        self.left = times

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        count = 0
        async for heard in self._inner.hear(audio, hearing):
            yield heard
            count += 1
            if self.left and count > 8:
                self.left -= 1
                raise Unavailable("the recogniser fell over")

    async def close(self) -> None:
        await self._inner.close()


async def test_a_recogniser_that_falls_over_is_started_again_and_no_word_is_lost(
    house: House, tenant_id: UUID, start: Start
) -> None:
    house = replace(house, transcriber=Failing(house.transcriber, 1))
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(PIECES):
        await sender.write(PIECE)
    await sender.detach()
    events = await stop(call)
    assert "speech_interrupted" in [e.code for e in events if isinstance(e, WarningGiven)]
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)


class Refusing:
    """A vendor that refuses the key, until a person mends it."""

    def __init__(self, inner: Transcriber) -> None:
        self._inner = inner
        self.tries = 0

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        self.tries += 1
        async for _ in audio:
            raise InvalidSettings("the key is refused: check it")
        yield HeardThrough(ts=0)

    async def close(self) -> None:
        await self._inner.close()


async def test_a_call_that_nobody_can_hear_goes_on_is_kept_and_has_a_gap(
    house: House, tenant_id: UUID, start: Start
) -> None:
    refusing = Refusing(house.transcriber)
    house = replace(house, transcriber=refusing)
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(PIECES // 2):
        await sender.write(PIECE)
    while not call.unheard:
        await asyncio.sleep(0.01)
    # The sender of a file is not held up, and the call takes what is said.
    await asyncio.wait_for(call.taken(), 60)
    for _ in range(PIECES - PIECES // 2):
        await sender.write(PIECE)
    await sender.detach()
    events = await stop(call)
    assert refusing.tries == 2
    assert [e.code for e in events if isinstance(e, WarningGiven)].count("not_transcribed") == 1
    (gap,) = [e for e in events if isinstance(e, GapRecorded)]
    assert (gap.at_ts, gap.duration_ms, gap.reason) == (0, call.audio_ms_total(), "not_transcribed")
    assert gap.duration_ms > 10_000


class AwayAtTheEnd(Refusing):
    """Refuses while the call lasts, is away at the first `away` tries after it, and then hears it."""

    def __init__(self, inner: Transcriber, over: Callable[[], bool], away: int) -> None:
        super().__init__(inner)
        self._over = over
        self._away = away

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        if not self._over():
            async for heard in super().hear(audio, hearing):
                yield heard
            return
        self._away -= 1
        if self._away >= 0:
            raise Unavailable("the recogniser is away")
        async for heard in self._inner.hear(audio, hearing):
            yield heard


async def test_a_recogniser_that_is_back_seconds_after_a_call_still_hears_it(
    house: House, tenant_id: UUID, start: Start
) -> None:
    stopped = asyncio.Event()
    house = replace(house, transcriber=AwayAtTheEnd(house.transcriber, stopped.is_set, away=1))
    call = await house.process().begin(tenant_id, start())
    sender = call.attach()
    for _ in range(PIECES):
        await sender.write(PIECE)
    while not call.unheard:
        await asyncio.sleep(0.01)
    await sender.detach()
    stopped.set()
    events = await stop(call)
    assert not [e for e in events if isinstance(e, GapRecorded)]
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)


class Wrong:
    """Has a mistake of its own, as nobody foresaw it."""

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        async for _ in audio:
            raise ValueError("somebody said something")
        yield HeardThrough(ts=0)

    async def close(self) -> None:
        """Nothing was loaded."""


async def test_a_call_that_fails_inside_keeps_nobody_waiting_and_is_taken_up_later(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = replace(house, transcriber=Wrong()).process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(PIECES):
        await sender.write(PIECE)
    async with asyncio.timeout(60):
        await call.over.wait()
        events = [n.event async for n in call.watch()]
    assert [e.code for e in events if isinstance(e, WarningGiven)] == ["internal"]
    await live.close()

    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    await stop(again)
    assert said(await stored(house.store, tenant_id, call.call_id)) == said(SPOKEN)
