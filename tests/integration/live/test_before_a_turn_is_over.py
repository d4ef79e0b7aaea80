"""A sure moment in a long turn is told while the turn goes on, and kept with the finished words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from ridealong.core.events import MomentAhead, MomentDecided, PartialHeard, UtteranceFinished
from ridealong.core.moments import Reason, Sight, Tier, Verdict
from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.live import CallStart
from ridealong.live.session import LiveCall
from ridealong.speech import Audio, Heard, HeardThrough, Hearing, NotHeard, Partial, SpokenWord, Words
from ridealong.speech.providers.deepgram import DeepgramTranscriber
from ridealong.store import calls, effects, moments
from tests.integration.live.conftest import House
from tests.unit.speech.deepgram.listening import options
from tests.vendors import deepgram as vendor

Start = Callable[..., CallStart]

CUSTOMER = SpeakerId(1)
PIECE = bytes(3200)
LONG = (
    "Well everything that we have looked at so far is far too expensive, and I said so to my wife in the car on the way"
    " back, because she asked me what we wanted with it"
)
WORD_MS = 300
BEGIN_MS = 1_000


def words(text: str, speaker: Speaker = CUSTOMER, begin_ts: int = BEGIN_MS) -> tuple[SpokenWord, ...]:
    return tuple(
        SpokenWord(text=w, start_ts=begin_ts + i * WORD_MS, end_ts=begin_ts + (i + 1) * WORD_MS, speaker=speaker)
        for i, w in enumerate(text.split())
    )


GREETING = Words(words=words("Hello there.", begin_ts=100), ends_turn=True)
"""Whose voice it is, is known from a finished utterance on."""


class Spoken:
    """A recogniser that hears a greeting, then `text`: its words so far each second, and all, final, at its end.

    `final` is what they become; `also` are other final words, told when they are over. With `pieces` the words come
    final, so many at a time.
    """

    def __init__(
        self,
        text: str = LONG,
        *,
        final: Sequence[SpokenWord] | None = None,
        also: Sequence[Words] = (),
        speaker: Speaker = CUSTOMER,
        pieces: int = 0,
    ) -> None:
        self._said = words(text, speaker)
        self._final = self._said if final is None else tuple(final)
        self._also = (GREETING, *also)
        self._pieces = pieces
        self._speaker = speaker

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        told, done, given = hearing.resumed_at_ts, False, 0
        async for piece in audio:
            now = piece.start_ts + piece.duration_ms
            for each in self._also:
                if told < each.words[-1].end_ts <= now:
                    yield each
            so_far = [w for w in self._said if w.end_ts <= now]
            if not done and so_far and now // 1000 > told // 1000:
                if now >= self._said[-1].end_ts:
                    yield Words(words=self._final[given:], ends_turn=True)
                    done = True
                elif self._pieces:
                    if len(so_far) - given >= self._pieces:
                        yield Words(words=tuple(so_far[given:]))
                        given = len(so_far)
                else:
                    text = " ".join(w.text for w in so_far)
                    yield Partial(speaker=self._speaker, start_ts=BEGIN_MS, end_ts=so_far[-1].end_ts, text=text)
            told = now
            yield HeardThrough(ts=min(now, BEGIN_MS) if not done else now)

    async def close(self) -> None:
        """Nothing was loaded."""


async def send(call: LiveCall, until_ms: int) -> None:
    sender = call.attach()
    while call.audio_ms() < until_ms:
        await sender.write(PIECE)
        await call.taken()
    await sender.detach()


async def told(call: LiveCall) -> list[MomentAhead | MomentDecided | UtteranceFinished]:
    sender = call.attach()
    await sender.stop()
    await call.over.wait()
    lasting = [n.event async for n in call.watch() if not isinstance(n.event, PartialHeard)]
    found = [e for e in lasting if isinstance(e, MomentAhead | MomentDecided | UtteranceFinished)]
    return [e for e in found if _is_of_the_turn(e)]


def _is_of_the_turn(event: MomentAhead | MomentDecided | UtteranceFinished) -> bool:
    if isinstance(event, UtteranceFinished):
        return event.utterance.text != "Hello there."
    return event.moment.type == "objection_raised"


async def ahead(call: LiveCall) -> MomentAhead:
    async with asyncio.timeout(20):
        return await anext(n.event async for n in call.watch() if isinstance(n.event, MomentAhead))


async def test_it_is_told_at_once_and_kept_once_with_what_the_rep_said_of_it(
    house: House, tenant_id: UUID, start: Start
) -> None:
    live = replace(house, transcriber=Spoken()).process()
    call = await live.begin(tenant_id, start())
    await send(call, 6_000)
    early = await ahead(call)
    assert call.sighted(early.moment_id, Sight.SEEN)
    assert call.feedback(early.moment_id, Verdict.HELPFUL, None)
    await send(call, 14_000)
    first, utterance, kept = await told(call)

    assert isinstance(first, MomentAhead)
    assert (first.moment.tier, first.moment.reason) == (Tier.NUDGE, Reason.DELIVERED)
    assert first.moment.evidence[0].quote == "expensive"
    # "expensive" ends at 4.9 s, the turn at 11.8 s.
    assert abs(first.moment.trigger_ts - 4_900) <= 300
    assert first.latency.total <= 2_000
    assert isinstance(utterance, UtteranceFinished)
    assert isinstance(kept, MomentDecided)
    assert kept.told_ahead
    assert (kept.moment_id, kept.at, kept.moment.nudge) == (first.moment_id, first.at, first.moment.nudge)
    assert (kept.moment.trigger_ts, kept.latency) == (first.moment.trigger_ts, first.latency)
    assert kept.moment.circumstances == first.moment.circumstances

    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        [found] = await moments.load_moments(conn, transcript)
        [outcome] = await effects.load_outcomes(conn, call.call_id, {1: transcript})
    assert found.moment_id == first.moment_id
    assert found.moment.evidence[0].utterance == utterance.utterance
    assert outcome.seen_ts is not None
    assert outcome.verdicts == (Verdict.HELPFUL,)


async def test_what_was_told_before_a_restart_is_proven_after_it_and_not_told_again(
    house: House, tenant_id: UUID, start: Start
) -> None:
    spoken = replace(house, transcriber=Spoken())
    first = spoken.process()
    call = await first.begin(tenant_id, start())
    await send(call, 6_000)
    early = await ahead(call)
    assert call.sighted(early.moment_id, Sight.SENT)
    await first.close()

    second = spoken.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    assert again.sighted(early.moment_id, Sight.SEEN)
    await send(again, 14_000)
    events = await told(again)
    assert [(type(e), e.moment_id) for e in events if not isinstance(e, UtteranceFinished)] == [
        (MomentAhead, early.moment_id),
        (MomentDecided, early.moment_id),
    ]
    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        [found] = await moments.load_moments(conn, transcript)
        [outcome] = await effects.load_outcomes(conn, call.call_id, {1: transcript})
    assert found.moment_id == early.moment_id
    assert outcome.sent_ts is not None
    assert outcome.seen_ts is not None


@pytest.mark.parametrize("speaker", [CUSTOMER, SpeakerId(0)])
async def test_words_that_turn_out_otherwise_are_cited_as_they_turned_out(
    house: House, tenant_id: UUID, start: Start, speaker: SpeakerId
) -> None:
    otherwise = words(LONG.replace("expensive", "expansive"), speaker)
    live = replace(house, transcriber=Spoken(final=otherwise)).process()
    call = await live.begin(tenant_id, start())
    await send(call, 26_000)
    async with asyncio.timeout(20):
        # It does not wait for the call's end.
        await anext(e async for n in call.watch() if isinstance(e := n.event, MomentDecided) and e.told_ahead)
    [_, utterance, kept] = await told(call)
    assert isinstance(utterance, UtteranceFinished)
    assert isinstance(kept, MomentDecided)
    assert kept.moment.tier is Tier.NUDGE
    assert "expansive," in kept.moment.evidence[0].quote
    assert len(kept.moment.evidence[0].quote.split()) <= 3
    assert kept.moment.evidence[0].utterance == utterance.utterance
    assert kept.moment.evidence[0].speaker_id == speaker


async def test_what_nobody_said_in_the_end_is_not_kept(house: House, tenant_id: UUID, start: Start) -> None:
    class TakenBack(Spoken):
        async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
            async for heard in super().hear(audio, hearing):
                lost = isinstance(heard, Words) and heard is not GREETING
                yield NotHeard(start_ts=BEGIN_MS, end_ts=10_000) if lost else heard

    live = replace(house, transcriber=TakenBack()).process()
    call = await live.begin(tenant_id, start())
    await send(call, 6_000)
    early = await ahead(call)
    assert call.sighted(early.moment_id, Sight.SEEN)
    await send(call, 14_000)
    assert [type(e) for e in await told(call)] == [MomentAhead]
    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        kept = await moments.load_moments(conn, transcript)
    assert early.moment_id not in {found.moment_id for found in kept}


async def test_what_another_says_meanwhile_proves_nothing(house: House, tenant_id: UUID, start: Start) -> None:
    other = Words(words=words("Right, and that was on the Monday.", SpeakerId(0), 4_500), ends_turn=True)
    live = replace(house, transcriber=Spoken(also=[other])).process()
    call = await live.begin(tenant_id, start())
    await send(call, 14_000)
    events = await told(call)
    [kept] = [e for e in events if isinstance(e, MomentDecided)]
    assert kept.told_ahead
    assert kept.moment.evidence[0].speaker_id == CUSTOMER


async def test_final_pieces_of_a_turn_are_judged_as_they_come(house: House, tenant_id: UUID, start: Start) -> None:
    live = replace(house, transcriber=Spoken(pieces=5)).process()
    call = await live.begin(tenant_id, start())
    await send(call, 14_000)
    first, *_ = await told(call)
    assert isinstance(first, MomentAhead)
    assert first.moment.trigger_ts == 4_900
    assert first.latency.total <= 2_000


@pytest.mark.parametrize(("pieces", "fresh"), [(11, True), (16, False)])
async def test_what_is_no_longer_fresh_waits_for_the_end_of_its_turn(
    house: House, tenant_id: UUID, start: Start, pieces: int, fresh: bool
) -> None:
    # "expensive" ends at 4.3 s and is final at 5 or at 6 s; the turn ends at 8.2 s.
    text = (
        "Well everything we have looked at so far is too expensive, and I said so to my wife in the car on the way back"
    )
    live = replace(house, transcriber=Spoken(text, pieces=pieces)).process()
    call = await live.begin(tenant_id, start())
    await send(call, 14_000)
    events = await told(call)
    assert [type(e) for e in events if not isinstance(e, UtteranceFinished)] == [MomentAhead, MomentDecided][
        not fresh :
    ]
    kept = events[-1]
    assert isinstance(kept, MomentDecided)
    assert kept.moment.reason is (Reason.DELIVERED if fresh else Reason.LATE)


@pytest.mark.parametrize(("speaker", "rep"), [(UNATTRIBUTED, 0), (CUSTOMER, None)])
async def test_nothing_is_told_before_it_is_known_who_says_it(
    house: House, tenant_id: UUID, start: Start, speaker: Speaker, rep: int | None
) -> None:
    live = replace(house, transcriber=Spoken(speaker=speaker, final=words(LONG))).process()
    call = await live.begin(tenant_id, start(rep_speaker=rep))
    await send(call, 14_000)
    assert not [e for e in await told(call) if isinstance(e, MomentAhead)]


async def test_deepgrams_final_pieces_of_one_channel_are_judged_before_the_turn_is_over(
    house: House, tenant_id: UUID, start: Start
) -> None:
    said = [
        vendor.Spoken(text=w.text, start_ts=w.start_ts, end_ts=w.end_ts, speaker=1)
        for w in (*words("Hello there.", begin_ts=100), *words(LONG, begin_ts=1_500))
    ]
    pcm = (vendor.marked_audio(18_000) * 32768).astype("<i2").tobytes()
    async with vendor.deepgram(said, final_delay_s=0.0) as standin:
        live = replace(house, transcriber=DeepgramTranscriber(options(standin))).process()
        call = await live.begin(tenant_id, start())
        sender = call.attach()
        for at in range(0, len(pcm), len(PIECE)):
            await sender.write(pcm[at : at + len(PIECE)])
            await asyncio.sleep(0.03)  # the vendor answers while it is being said
        await sender.detach()
        events = await told(call)
    assert [type(e) for e in events] == [MomentAhead, UtteranceFinished, MomentDecided]
    # "expensive," ends at 5.4 s, a second before its piece does, the turn at 12.3 s.
    assert isinstance(events[0], MomentAhead)
    assert events[0].moment.trigger_ts == 5_400
    assert events[0].moment.evidence[0].end_ts < 12_300
