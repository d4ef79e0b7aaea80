"""What Deepgram's messages mean for the call. Pure: messages in, `Heard` out; no clock but the audio's, no I/O.

One connection's clock begins at zero; `begin` says where in the call that is. What was final on an earlier connection
is not said again: it only serves to tell the new connection's speakers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any, Final

from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.speech import Activity, Heard, HeardThrough, Hearing, NotHeard, Partial, SpokenWord, Words
from ridealong.speech.providers.deepgram.channel import CONTIGUOUS_MS, Channel, ClockBroken, Place, Window, Word
from ridealong.speech.providers.deepgram.speakers import Speakers, number_of

__all__ = ["ClockBroken", "Ear"]

_SILENCE_MARGIN_MS: Final = 1_000
"""Where an interim says that nothing was heard up to its end, a word may still begin shortly before it."""
_LEAD_MS: Final = 1_000
_BEYOND_MS: Final = 5_000
_BEFORE_MS: Final = 500
"""No window begins so long before its connection."""


class Ear:
    """Hears one call. Each method returns what there is to tell."""

    def __init__(self, hearing: Hearing) -> None:
        at = hearing.resumed_at_ts
        self._apart = hearing.channels == 2
        self._speakers = Speakers((voice.speaker_id for voice in hearing.known_voices), hearing.turns_before)
        self._channels = [Channel(index=index, cut_ts=at) for index in range(hearing.channels)]
        self._origin_ts = 0.0
        self._edge_ts: int | None = None
        """Where the audio broke off when the vendor was asked to finish its words."""
        self._told = at
        self.heard_ts = at
        """How far the connection has answered, with whatever."""
        self.processed_ts = at
        """How far it says to have processed the audio: Metadata, as it closes."""
        self._holes_are_usual = False

    # ---- connections

    def resend_from(self, least_ms: int, most_ms: int) -> int:
        """From where a new connection needs audio: what is not final yet, and enough before it to tell the speakers."""
        cut = self.final_through
        # Nobody has to be told from others, but a recogniser hears its first word better behind some other sound.
        return max(0, cut - _LEAD_MS) if self._apart else self._speakers.overlap_from(cut, least_ms, most_ms)

    @property
    def final_through(self) -> int:
        """Everything before it is final, on every channel."""
        return min(channel.final_through for channel in self._channels)

    @property
    def open(self) -> bool:
        """Words were heard that are not final yet."""
        return any(channel.open_from is not None or channel.held for channel in self._channels)

    @property
    def torn(self) -> bool:
        """A word at the end of the audio was made final and is kept back. Only a new connection hears it whole, where
        the audio goes on; where it is over, `finish` says it as it was heard."""
        for channel in self._channels:  # noqa: SIM110 - asked with every frame: a generator costs more than all of it
            if channel.torn is not None:
                return True
        return False

    def break_off(self, at_ts: int) -> None:
        """No audio came for a while behind `at_ts`, which may be inside a word, and what is open shall become final."""
        self._edge_ts = at_ts

    def begin(self, origin_ts: float) -> None:
        """A new connection, whose zero is `origin_ts` of the call."""
        self._origin_ts = origin_ts
        self._edge_ts = None
        self._speakers.begin()
        self.heard_ts = self.processed_ts = round(origin_ts)
        for channel in self._channels:
            channel.begin(round(origin_ts))

    def skip_to(self, ts: int) -> None:
        """Audio before `ts` cannot be heard any more."""
        for channel in self._channels:
            channel.final_through = max(channel.final_through, ts)

    # ---- messages

    def take(self, message: dict[str, Any], sent_ts: int) -> list[Heard]:
        """What a message says. Messages of unknown type or shape say nothing. Raises ClockBroken."""
        try:
            match message.get("type"):
                case "Results":
                    return self._results(message, sent_ts)
                case "SpeechStarted":
                    return self._started(self._channel(message, "channel"), self._ts(message["timestamp"]))
                case "UtteranceEnd":
                    return self._utterance_end(self._channel(message, "channel"))
                case "Metadata":
                    self.processed_ts = max(self.processed_ts, self._ts(message["duration"]))
                    return []
                case _:
                    return []
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            return []

    @property
    def holds(self) -> bool:
        """Results wait for one that seems to come late: `release` lets them go."""
        return any(channel.held for channel in self._channels)

    @property
    def missing(self) -> tuple[int, int] | None:
        """From where to where there was a result, as far as can be told, that has not come: the ones behind wait."""
        return next((hole for channel in self._channels if (hole := self._missing(channel)) is not None), None)

    def give_up(self) -> list[Heard]:
        """What is missing does not come on another connection either: tell of it, and of what waited behind it."""
        hole = self.missing
        # Where no interim had words, that is how this vendor's windows are, and there was nothing to be heard.
        words = any(channel.had_words() for channel in self._channels)
        self._holes_are_usual = self._holes_are_usual or not words
        return [*([NotHeard(start_ts=hole[0], end_ts=hole[1])] if hole and words else []), *self.release()]

    def release(self) -> list[Heard]:
        """What was waited for does not come."""
        heard: list[Heard] = []
        for channel in self._channels:
            if channel.held:
                channel.contiguous = False
                heard += self._unhold(channel, all_of_it=True)
        return heard

    def through(self, sent_ts: int, long_sent_ts: int) -> HeardThrough:
        """The clock: how far everything has been heard when audio was sent up to `sent_ts`.

        `long_sent_ts`: what was sent so long ago that, if nothing was said of it, nobody spoke.
        """
        at = min(self._through(channel, long_sent_ts) for channel in self._channels)
        self._told = max(self._told, min(at, sent_ts))
        return HeardThrough(ts=self._told)

    def finish(self, end_ts: int) -> list[Heard]:
        """The audio is over, and so is what Deepgram has to say of it."""
        heard = self.release()
        for channel in self._channels:
            if channel.torn is not None:
                words = self._spoken(channel, [channel.torn])
                heard += [*self._speaks(channel, words[0].start_ts), Words(words=words)] if words else []
                channel.torn, channel.turn_open = None, True
            heard += self._turn_ends(channel)
        self._told = max(self._told, end_ts)
        return [*heard, HeardThrough(ts=self._told)]

    # ---- results

    def _results(self, message: dict[str, Any], sent_ts: int) -> list[Heard]:
        channel = self._channel(message, "channel_index")
        best = message["channel"]["alternatives"][0]
        words: list[dict[str, Any]] = best.get("words") or []
        start_ts = self._ts(message["start"])
        end_ts = self._ts(message["start"] + message["duration"])
        if words:
            end_ts = max(end_ts, self._ts(words[-1]["end"]))
            if self._ts(words[0]["start"]) > sent_ts + _BEYOND_MS:
                raise ClockBroken
        if start_ts < self._origin_ts - _BEFORE_MS:
            raise ClockBroken
        self.heard_ts = max(self.heard_ts, min(end_ts, sent_ts))
        if not message.get("is_final"):
            return self._interim(channel, start_ts, end_ts, words, best)
        ends_turn = bool(message.get("speech_final") or message.get("from_finalize"))
        return self._final(channel, Window(start_ts, end_ts, [self._word(w) for w in words], ends_turn))

    def _interim(
        self, channel: Channel, start_ts: int, end_ts: int, words: list[dict[str, Any]], best: dict[str, Any]
    ) -> list[Heard]:
        """Words may change, and the speakers that interims name are not to be trusted: only channels are."""
        settled = max(channel.overlap_until, channel.window_end)
        first = next((w for w in words if self._ts(w["start"]) + self._ts(w["end"]) > 2 * settled), None)
        if first is None:
            # Where windows follow each other, one that begins later says nothing of what the final before it holds.
            overtook = channel.contiguous and start_ts > channel.window_end + CONTIGUOUS_MS
            if not words and not overtook and end_ts > max(channel.window_end, channel.open_from or 0):
                channel.open_from = None
                channel.silent_through = max(channel.silent_through, end_ts - _SILENCE_MARGIN_MS)
            return []
        start = max(0, self._ts(first["start"]))
        # An interim of later words does not settle what an earlier one heard: its final is still to come.
        channel.open_from = start if channel.open_from is None else min(channel.open_from, start)
        channel.open_until = max(channel.open_until, self._ts(words[-1]["end"]))
        text = best.get("transcript") or ""
        if first is not words[0] or not text:
            text = " ".join(_text(w) for w in words[words.index(first) :])
        end = max(start + 1, self._ts(words[-1]["end"]))
        speaker: Speaker = SpeakerId(channel.index) if self._apart else UNATTRIBUTED
        return [Partial(speaker=speaker, start_ts=start, end_ts=end, text=text)] if text.strip() else []

    def _final(self, channel: Channel, final: Window) -> list[Heard]:
        match channel.place(final):
            case Place.HELD:
                return []
            case Place.LATE:
                return self._late(channel, final)
            case Place.NEXT:
                return self._accept(channel, final) + self._unhold(channel)

    def _missing(self, channel: Channel) -> tuple[int, int] | None:
        return channel.missing(holes_are_usual=self._holes_are_usual)

    def _unhold(self, channel: Channel, *, all_of_it: bool = False) -> list[Heard]:
        heard: list[Heard] = []
        while (final := channel.next_held(all_of_it=all_of_it)) is not None:
            heard += self._accept(channel, final)
        return heard

    def _late(self, channel: Channel, final: Window) -> list[Heard]:
        if not final.words:
            return self._turn_ends(channel) if final.ends_turn and final.end_ts >= channel.window_end - 1 else []
        words = self._spoken(channel, channel.accept_late(final))
        # Its own utterance: what is open was said after it.
        return [Words(words=(), ends_turn=True), Words(words=words, ends_turn=True)] if words else []

    def _accept(self, channel: Channel, final: Window) -> list[Heard]:
        fresh, again, ends_turn = channel.accept(final, self._edge_ts)
        self._only_speakers(again)
        if not fresh:
            return self._turn_ends(channel) if ends_turn else []
        words = self._spoken(channel, fresh)
        if not words:
            return []
        heard = self._speaks(channel, words[0].start_ts)
        channel.turn_open = not ends_turn
        heard.append(Words(words=words, ends_turn=ends_turn))
        return heard + self._stopped(channel) if ends_turn else heard

    def _spoken(self, channel: Channel, words: list[Word]) -> tuple[SpokenWord, ...]:
        spoken: list[SpokenWord] = []
        others = [c.said for c in self._channels if c is not channel]
        for each in words:
            if not each.text:
                continue
            word = _lasting(each)
            speaker = self._speaker(channel, word)
            spoken.append(
                SpokenWord(
                    text=word.text,
                    start_ts=word.start_ts,
                    end_ts=word.end_ts,
                    speaker=speaker,
                    overlapped=any(_overlaps(said, word.start_ts, word.end_ts) for said in others),
                )
            )
            channel.said.append(word)
            channel.cut_ts = max(channel.cut_ts, word.end_ts)
            if speaker is not UNATTRIBUTED and not self._apart:
                self._speakers.said(word.start_ts, word.end_ts, speaker)
        spoken.sort(key=lambda each: each.start_ts)
        return tuple(spoken)

    def _speaker(self, channel: Channel, word: Word) -> Speaker:
        if self._apart:
            return SpeakerId(channel.index)
        return UNATTRIBUTED if word.number is None else self._speakers.name(word.number)

    def _only_speakers(self, words: list[Word]) -> None:
        if not self._apart:
            for word in words:
                if word.number is not None:
                    self._speakers.heard_again(word.number, word.start_ts, word.end_ts)

    # ---- turns

    def _started(self, channel: Channel, at_ts: int) -> list[Heard]:
        return [] if at_ts < channel.cut_ts else self._speaks(channel, at_ts)

    def _speaks(self, channel: Channel, at_ts: int) -> list[Heard]:
        if channel.speaking:
            return []
        alone = not any(each.speaking for each in self._channels)
        channel.speaking = True
        return [Activity(at_ts=at_ts, speaking=True)] if alone else []

    def _stopped(self, channel: Channel) -> list[Heard]:
        if not channel.speaking:
            return []
        channel.speaking = False
        alone = not any(each.speaking for each in self._channels)
        return [Activity(at_ts=channel.cut_ts, speaking=False)] if alone else []

    def _utterance_end(self, channel: Channel) -> list[Heard]:
        """So long a gap after the last word that nothing final is still to come before it."""
        if self._missing(channel) is not None:
            return []
        if channel.held:
            channel.contiguous = False
        return self._unhold(channel, all_of_it=True) + self._turn_ends(channel)

    def _turn_ends(self, channel: Channel) -> list[Heard]:
        if not channel.turn_open:
            return self._stopped(channel)
        channel.turn_open = False
        return [Words(words=(), ends_turn=True), *self._stopped(channel)]

    # ---- times and words

    def _through(self, channel: Channel, long_sent_ts: int) -> int:
        if channel.open_from is not None or channel.held or channel.torn is not None:
            return channel.final_through
        return max(channel.final_through, channel.silent_through, long_sent_ts)

    def _ts(self, seconds: float) -> int:
        return round(self._origin_ts + seconds * 1000)

    def _channel(self, message: dict[str, Any], key: str) -> Channel:
        place = message.get(key) or [0]
        return self._channels[place[0] if len(self._channels) > 1 else 0]

    def _word(self, word: dict[str, Any]) -> Word:
        text = _text(word)
        return Word(
            text=text,
            key="".join(filter(str.isalnum, text.casefold())),
            start_ts=self._ts(word["start"]),
            end_ts=self._ts(word["end"]),
            number=number_of(word),
        )


def _text(word: dict[str, Any]) -> str:
    return str(word.get("punctuated_word") or word["word"]).strip()


def _lasting(word: Word) -> Word:
    """As it stands in a transcript: inside the call, and not without length."""
    if word.start_ts >= 0 and word.end_ts > word.start_ts:
        return word
    start = max(0, word.start_ts)
    return replace(word, start_ts=start, end_ts=max(start + 1, word.end_ts))


def _overlaps(said: deque[Word], start_ts: int, end_ts: int) -> bool:
    for word in reversed(said):
        if word.end_ts <= start_ts - 30_000:
            return False
        if word.start_ts < end_ts and start_ts < word.end_ts:
            return True
    return False
