"""What Deepgram's messages mean for the call. Pure: messages in, `Heard` out; no clock but the audio's, no I/O.

One connection's clock begins at zero; `begin` says where in the call that is. What was final on an earlier connection
is not said again: it only serves to tell the new connection's speakers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.speech import Activity, Heard, HeardThrough, Hearing, NotHeard, Partial, SpokenWord, Words
from ridealong.speech.providers.deepgram.speakers import Speakers, number_of

_CONTIGUOUS_MS: Final = 60
"""Windows of results follow each other to the rounding of their numbers."""
_SAME_MS: Final = 150
"""The same word heard twice has the same time to this."""
_SILENCE_MARGIN_MS: Final = 1_000
"""Where an interim says that nothing was heard up to its end, a word may still begin shortly before it."""
_REMEMBERED: Final = 400
_LEAD_MS: Final = 1_000
_BEYOND_MS: Final = 5_000
_BEFORE_MS: Final = 500
"""No window begins so long before its connection."""
_OVER_MS: Final = 1_000
"""How long two people may speak at once where one window ends and the next begins."""
_EDGE_MS: Final = 200
"""A word that ends so close before the end of the audio may go on behind it."""
_LOST_MS: Final = 600
"""From this length on a hole between windows in which an interim had words is a result that is missing; a shorter one
may be an interim's first word, whose time was corrected."""
_FOLLOWED: Final = 2
"""Windows in a row that followed each other: then one that does not has lost the one before it."""
_AT_ONCE: Final = 2
"""Words of a window that may lie before the end of the last window without the clock being wrong."""


class ClockBroken(Exception):
    """The connection's times do not fit the audio that it was sent: it has to be opened again."""


@dataclass(slots=True)
class _Final:
    start_ts: int
    end_ts: int
    words: list[dict[str, Any]]
    ends_turn: bool


@dataclass(slots=True)
class _Channel:
    index: int
    cut_ts: int
    """End of the last word that was said, over all connections."""
    overlap_until: int
    """Words up to here were said before this connection began."""
    window_end: int
    """End of the last final window on this connection."""
    final_through: int
    silent_through: int
    open_from: int | None = None
    """Start of the words of the open interim."""
    open_until: int = 0
    """Where the last word ended that an interim had."""
    contiguous: bool = True
    """So far each final began where the one before ended: a hole means that one is still to come."""
    turn_open: bool = False
    speaking: bool = False
    held: list[_Final] = field(default_factory=list[_Final])
    holes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    torn: dict[str, Any] | None = None
    """The last word of an audio that broke off, kept back: it may be half of one."""
    followed: int = 0
    """How many finals began, one after the other, where the one before ended, or the connection."""
    shuffled: bool = False
    """A final came behind a later one: from now on one that leaves a hole waits for what may belong there."""
    said: deque[tuple[str, int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    known: deque[tuple[str, int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """All final words of this connection, also those that were said on an earlier one."""
    before: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    """The words said on earlier connections that this one has not heard again yet. Each is heard again once: people
    repeat themselves, and the second "no" of two is no old one."""
    last_before: tuple[str, int, int] | None = None
    met_last: int | None = None
    """When this connection heard the last of them: whatever it hears behind that is new."""


class Ear:
    """Hears one call. Each method returns what there is to tell."""

    def __init__(self, hearing: Hearing) -> None:
        at = hearing.resumed_at_ts
        self._apart = hearing.channels == 2
        self._speakers = Speakers((voice.speaker_id for voice in hearing.known_voices), hearing.turns_before)
        self._channels = [
            _Channel(
                index=index,
                cut_ts=at,
                overlap_until=at,
                window_end=at,
                final_through=at,
                silent_through=at,
            )
            for index in range(hearing.channels)
        ]
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
            channel.overlap_until = channel.cut_ts
            channel.window_end = round(origin_ts)
            channel.contiguous = True
            channel.open_until = 0
            channel.held = []
            channel.holes = []
            channel.torn = None
            channel.known.clear()
            channel.before = list(channel.said)
            channel.last_before = channel.said[-1] if channel.said else None
            channel.met_last = None

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
        words = any(self._had_words(channel) for channel in self._channels)
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
        final = _Final(start_ts=start_ts, end_ts=end_ts, words=words, ends_turn=ends_turn)
        return self._placed(channel, final)

    def _interim(
        self, channel: _Channel, start_ts: int, end_ts: int, words: list[dict[str, Any]], best: dict[str, Any]
    ) -> list[Heard]:
        """Words may change, and the speakers that interims name are not to be trusted: only channels are."""
        settled = max(channel.overlap_until, channel.window_end)
        first = next((w for w in words if self._ts(w["start"]) + self._ts(w["end"]) > 2 * settled), None)
        if first is None:
            # Where windows follow each other, one that begins later says nothing of what the final before it holds.
            overtook = channel.contiguous and start_ts > channel.window_end + _CONTIGUOUS_MS
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

    def _placed(self, channel: _Channel, final: _Final) -> list[Heard]:
        """Where a final belongs: next, too early (held for a moment), late into a hole, or seen before."""
        expected = channel.window_end
        if final.start_ts > expected + _CONTIGUOUS_MS:
            waited_for = channel.open_from is not None and channel.open_from < final.start_ts - _CONTIGUOUS_MS
            # What others wait for, it may overtake as well: never before those that are held and come first.
            behind = bool(channel.held) and channel.held[0].start_ts < final.start_ts
            if channel.contiguous or channel.shuffled or waited_for or behind:
                channel.held.append(final)
                channel.held.sort(key=lambda each: each.start_ts)
                return []
            channel.holes = [*channel.holes[-7:], (expected, final.start_ts)]
        elif final.end_ts <= expected + _CONTIGUOUS_MS and expected > round(self._origin_ts):
            return self._late(channel, final)
        return self._accept(channel, final) + self._unhold(channel)

    def _missing(self, channel: _Channel) -> tuple[int, int] | None:
        if not channel.held:
            return None
        followed = channel.contiguous and channel.followed >= _FOLLOWED and not self._holes_are_usual
        hole = channel.window_end, channel.held[0].start_ts
        return hole if self._had_words(channel) or (followed and hole[1] - hole[0] >= _LOST_MS) else None

    def _had_words(self, channel: _Channel) -> bool:
        """Whether an interim had words before the first final that waits, which so is not theirs."""
        return (
            bool(channel.held)
            and channel.open_from is not None
            and (channel.window_end - _LOST_MS < channel.open_from <= channel.held[0].start_ts - _LOST_MS)
        )

    def _unhold(self, channel: _Channel, *, all_of_it: bool = False) -> list[Heard]:
        heard: list[Heard] = []
        while channel.held and (all_of_it or channel.held[0].start_ts <= channel.window_end + _CONTIGUOUS_MS):
            final = channel.held.pop(0)
            if final.start_ts > channel.window_end + _CONTIGUOUS_MS:
                channel.holes = [*channel.holes[-7:], (channel.window_end, final.start_ts)]
            if final.end_ts > channel.window_end + _CONTIGUOUS_MS or final.words:
                heard += self._accept(channel, final)
        return heard

    def _late(self, channel: _Channel, final: _Final) -> list[Heard]:
        """A window that lies wholly before the last one: the same again, one that came late, or a clock gone back."""
        if not final.words:
            return self._turn_ends(channel) if final.ends_turn and final.end_ts >= channel.window_end - 1 else []
        middle = (final.start_ts + final.end_ts) // 2
        for hole in channel.holes:
            if hole[0] - _OVER_MS <= final.start_ts and hole[0] - _CONTIGUOUS_MS <= middle < hole[1]:
                # There may have been several in it.
                left = [(hole[0], final.start_ts), (final.end_ts, hole[1])]
                left = [each for each in left if each[1] - each[0] > _CONTIGUOUS_MS]
                channel.holes = [*(each for each in channel.holes if each != hole), *left]
                channel.shuffled = True
                fresh = [w for w in final.words if not self._said_before(channel, w)]
                words = self._spoken(channel, fresh)
                channel.known.extend((_key(w), self._ts(w["start"]), self._ts(w["end"])) for w in fresh)
                # Its own utterance: what is open was said after it.
                return [Words(words=(), ends_turn=True), Words(words=words, ends_turn=True)] if words else []
        if any(self._known(channel, w) for w in final.words):
            return []
        # Also in audio that was sent again: a clock that begins anew there must not pass for words said before.
        raise ClockBroken

    def _accept(self, channel: _Channel, final: _Final) -> list[Heard]:
        overlapping = final.start_ts < channel.window_end - _CONTIGUOUS_MS
        near = max(channel.cut_ts, channel.overlap_until) + 400
        fresh: list[dict[str, Any]] = []
        again: list[dict[str, Any]] = []
        unheard = 0
        for word in final.words:
            start, end = self._ts(word["start"]), self._ts(word["end"])
            early = start + end <= 2 * channel.overlap_until
            # Times differ a little from connection to connection: a short word may seem to lie before the cut.
            behind = channel.met_last is not None and start > channel.met_last
            old = (
                (start < near and self._heard_again(channel, word))
                or (early and not behind)
                or (overlapping and start < near and self._said_before(channel, word))
            )
            (again if old else fresh).append(word)
            unheard += not old and overlapping and start + end <= 2 * channel.window_end
        # Two people at once: a word or two of the next window may lie before the end of the last one's.
        if unheard > _AT_ONCE and not any(self._known(channel, w) for w in again):
            raise ClockBroken
        channel.followed = channel.followed + 1 if final.start_ts <= channel.window_end + _CONTIGUOUS_MS else 0
        self._only_speakers(again)
        channel.known.extend((_key(w), self._ts(w["start"]), self._ts(w["end"])) for w in final.words)
        channel.window_end = max(channel.window_end, final.end_ts)
        # Words behind its window, which an interim had already, are another final's.
        more = channel.open_from is not None and channel.open_until > channel.window_end + _LOST_MS
        channel.open_from = channel.window_end if more else None
        if fresh and self._breaks_off(final, fresh[-1]):
            channel.torn = fresh.pop()
            channel.final_through = max(channel.final_through, self._ts(channel.torn["start"]))
            final.ends_turn = False
        else:
            channel.final_through = max(channel.final_through, channel.window_end)
        if not fresh:
            return self._turn_ends(channel) if final.ends_turn else []
        words = self._spoken(channel, fresh)
        if not words:
            return []
        heard = self._speaks(channel, words[0].start_ts)
        channel.turn_open = not final.ends_turn
        heard.append(Words(words=words, ends_turn=final.ends_turn))
        return heard + self._stopped(channel) if final.ends_turn else heard

    def _breaks_off(self, final: _Final, last: dict[str, Any]) -> bool:
        edge = self._edge_ts
        return edge is not None and final.end_ts <= edge + _CONTIGUOUS_MS and self._ts(last["end"]) > edge - _EDGE_MS

    def _spoken(self, channel: _Channel, words: list[dict[str, Any]]) -> tuple[SpokenWord, ...]:
        spoken: list[SpokenWord] = []
        others = [c.said for c in self._channels if c is not channel]
        for word in words:
            text = _text(word)
            if not text:
                continue
            start = max(0, self._ts(word["start"]))
            end = max(start + 1, self._ts(word["end"]))
            speaker = self._speaker(channel, word)
            spoken.append(
                SpokenWord(
                    text=text,
                    start_ts=start,
                    end_ts=end,
                    speaker=speaker,
                    overlapped=any(_overlaps(said, start, end) for said in others),
                )
            )
            channel.said.append((_key(word), start, end))
            channel.cut_ts = max(channel.cut_ts, end)
            if speaker is not UNATTRIBUTED and not self._apart:
                self._speakers.said(start, end, speaker)
        spoken.sort(key=lambda each: each.start_ts)
        return tuple(spoken)

    def _speaker(self, channel: _Channel, word: dict[str, Any]) -> Speaker:
        if self._apart:
            return SpeakerId(channel.index)
        number = number_of(word)
        return UNATTRIBUTED if number is None else self._speakers.name(number)

    def _only_speakers(self, words: list[dict[str, Any]]) -> None:
        if not self._apart:
            for word in words:
                number = number_of(word)
                if number is not None:
                    self._speakers.heard_again(number, self._ts(word["start"]), self._ts(word["end"]))

    def _heard_again(self, channel: _Channel, word: dict[str, Any]) -> bool:
        """Whether it is a word that an earlier connection heard, and that was not heard again yet."""
        key, start = _key(word), self._ts(word["start"])
        same = [said for said in channel.before if said[0] == key and abs(said[1] - start) <= _SAME_MS]
        if not same:
            return False
        met = min(same, key=lambda said: abs(said[1] - start))
        channel.before.remove(met)
        if met == channel.last_before:
            channel.met_last = start
        return True

    def _said_before(self, channel: _Channel, word: dict[str, Any]) -> bool:
        return self._among(channel.said, word)

    def _known(self, channel: _Channel, word: dict[str, Any]) -> bool:
        return self._among(channel.known, word)

    def _among(self, words: deque[tuple[str, int, int]], word: dict[str, Any]) -> bool:
        text, start = _key(word), self._ts(word["start"])
        return any(said == text and abs(at - start) <= _SAME_MS for said, at, _ in reversed(words))

    # ---- turns

    def _started(self, channel: _Channel, at_ts: int) -> list[Heard]:
        return [] if at_ts < channel.cut_ts else self._speaks(channel, at_ts)

    def _speaks(self, channel: _Channel, at_ts: int) -> list[Heard]:
        if channel.speaking:
            return []
        alone = not any(each.speaking for each in self._channels)
        channel.speaking = True
        return [Activity(at_ts=at_ts, speaking=True)] if alone else []

    def _stopped(self, channel: _Channel) -> list[Heard]:
        if not channel.speaking:
            return []
        channel.speaking = False
        alone = not any(each.speaking for each in self._channels)
        return [Activity(at_ts=channel.cut_ts, speaking=False)] if alone else []

    def _utterance_end(self, channel: _Channel) -> list[Heard]:
        """So long a gap after the last word that nothing final is still to come before it."""
        if self._missing(channel) is not None:
            return []
        if channel.held:
            channel.contiguous = False
        return self._unhold(channel, all_of_it=True) + self._turn_ends(channel)

    def _turn_ends(self, channel: _Channel) -> list[Heard]:
        if not channel.turn_open:
            return self._stopped(channel)
        channel.turn_open = False
        return [Words(words=(), ends_turn=True), *self._stopped(channel)]

    # ---- times

    def _through(self, channel: _Channel, long_sent_ts: int) -> int:
        if channel.open_from is not None or channel.held or channel.torn is not None:
            return channel.final_through
        return max(channel.final_through, channel.silent_through, long_sent_ts)

    def _ts(self, seconds: float) -> int:
        return round(self._origin_ts + seconds * 1000)

    def _channel(self, message: dict[str, Any], key: str) -> _Channel:
        place = message.get(key) or [0]
        return self._channels[place[0] if len(self._channels) > 1 else 0]


def _text(word: dict[str, Any]) -> str:
    return str(word.get("punctuated_word") or word["word"]).strip()


def _key(word: dict[str, Any]) -> str:
    """What makes it the same word: connections punctuate differently, by what they hear around it."""
    return "".join(filter(str.isalnum, _text(word).casefold()))


def _overlaps(said: deque[tuple[str, int, int]], start_ts: int, end_ts: int) -> bool:
    for _, start, end in reversed(said):
        if end <= start_ts - 30_000:
            return False
        if start < end_ts and start_ts < end:
            return True
    return False
