"""One channel of a call at Deepgram: its finals brought into order, and its words told apart from those said before.

All times are ms of the call. What becomes of the words, and whose they are, is `Ear`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

CONTIGUOUS_MS: Final = 60
"""Windows of results follow each other to the rounding of their numbers."""
_SAME_MS: Final = 150
"""The same word heard twice has the same time to this."""
_REMEMBERED: Final = 400
_NEAR_CUT_MS: Final = 400
"""A word that begins so soon behind what was said may still be one of it."""
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
_HOLES: Final = 8


class ClockBroken(Exception):
    """The connection's times do not fit the audio that it was sent: it has to be opened again."""


class Place(Enum):
    """Where a final belongs among those that came before it."""

    NEXT = auto()
    HELD = auto()
    """Too early: one before it seems to be still to come."""
    LATE = auto()
    """It lies wholly before the last window."""


@dataclass(frozen=True, slots=True)
class Word:
    """A final word. `key` is what makes it the same word: connections punctuate differently, by what they hear
    around it. `number` is the connection's number of who says it, if it gives one."""

    text: str
    key: str
    start_ts: int
    end_ts: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """A final window of results."""

    start_ts: int
    end_ts: int
    words: list[Word]
    ends_turn: bool


class Accepted(NamedTuple):
    """What a final holds: words that are new, those that an earlier connection had heard, whether a turn ends."""

    fresh: list[Word]
    again: list[Word]
    ends_turn: bool


@dataclass(slots=True)
class Channel:
    """What one channel has heard, over all connections. Not thread-safe."""

    index: int
    cut_ts: int
    """End of the last word that was said, over all connections."""
    origin_ts: int = 0
    """Where the connection began."""
    overlap_until: int = field(init=False)
    """Words up to here were said before this connection began."""
    window_end: int = field(init=False)
    """End of the last final window on this connection."""
    final_through: int = field(init=False)
    silent_through: int = field(init=False)
    open_from: int | None = None
    """Start of the words of the open interim."""
    open_until: int = 0
    """Where the last word ended that an interim had."""
    contiguous: bool = True
    """So far each final began where the one before ended: a hole means that one is still to come."""
    turn_open: bool = False
    speaking: bool = False
    held: list[Window] = field(default_factory=list[Window])
    torn: Word | None = None
    """The last word of an audio that broke off, kept back: it may be half of one."""
    said: deque[Word] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _known: deque[Word] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """All final words of this connection, also those that were said on an earlier one."""
    _before: list[Word] = field(default_factory=list[Word])
    """The words said on earlier connections that this one has not heard again yet. Each is heard again once: people
    repeat themselves, and the second "no" of two is no old one."""
    _last_before: Word | None = None
    _met_last: int | None = None
    """When this connection heard the last of them: whatever it hears behind that is new."""
    _holes: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_HOLES))
    _followed: int = 0
    """How many finals began, one after the other, where the one before ended, or the connection."""
    _shuffled: bool = False
    """A final came behind a later one: from now on one that leaves a hole waits for what may belong there."""

    def __post_init__(self) -> None:
        at = self.cut_ts
        self.overlap_until = self.window_end = self.final_through = self.silent_through = at

    def begin(self, origin_ts: int) -> None:
        """A new connection, which begins at `origin_ts`."""
        self.overlap_until = self.cut_ts
        self.origin_ts = self.window_end = origin_ts
        self.contiguous = True
        self.open_until = 0
        self.held = []
        self.torn = None
        self._holes.clear()
        self._known.clear()
        self._before = list(self.said)
        self._last_before = self.said[-1] if self.said else None
        self._met_last = None

    # ---- their order

    def place(self, final: Window) -> Place:
        """Where `final` belongs. One that comes too early is held."""
        expected = self.window_end
        if final.start_ts > expected + CONTIGUOUS_MS:
            waited_for = self.open_from is not None and self.open_from < final.start_ts - CONTIGUOUS_MS
            # What others wait for, it may overtake as well: never before those that are held and come first.
            behind = bool(self.held) and self.held[0].start_ts < final.start_ts
            if self.contiguous or self._shuffled or waited_for or behind:
                self.held.append(final)
                self.held.sort(key=lambda each: each.start_ts)
                return Place.HELD
            self._holes.append((expected, final.start_ts))
        elif final.end_ts <= expected + CONTIGUOUS_MS and expected > self.origin_ts:
            return Place.LATE
        return Place.NEXT

    def next_held(self, *, all_of_it: bool = False) -> Window | None:
        """Lets the next go that waited, if what it waited for has come, or whatever has come (`all_of_it`)."""
        while self.held and (all_of_it or self.held[0].start_ts <= self.window_end + CONTIGUOUS_MS):
            final = self.held.pop(0)
            if final.start_ts > self.window_end + CONTIGUOUS_MS:
                self._holes.append((self.window_end, final.start_ts))
            if final.end_ts > self.window_end + CONTIGUOUS_MS or final.words:
                return final
        return None

    def missing(self, *, holes_are_usual: bool) -> tuple[int, int] | None:
        """From where to where a result is missing for which others wait."""
        if not self.held:
            return None
        followed = self.contiguous and self._followed >= _FOLLOWED and not holes_are_usual
        hole = self.window_end, self.held[0].start_ts
        return hole if self.had_words() or (followed and hole[1] - hole[0] >= _LOST_MS) else None

    def had_words(self) -> bool:
        """Whether an interim had words before the first final that waits, which so is not theirs."""
        return (
            bool(self.held)
            and self.open_from is not None
            and (self.window_end - _LOST_MS < self.open_from <= self.held[0].start_ts - _LOST_MS)
        )

    # ---- their words

    def accept(self, final: Window, edge_ts: int | None) -> Accepted:
        """The next final. The last word of an audio that broke off at `edge_ts` is kept back as `torn`, and its turn
        goes on. Raises ClockBroken."""
        overlapping = final.start_ts < self.window_end - CONTIGUOUS_MS
        near = max(self.cut_ts, self.overlap_until) + _NEAR_CUT_MS
        fresh: list[Word] = []
        again: list[Word] = []
        unheard = 0
        for word in final.words:
            early = word.start_ts + word.end_ts <= 2 * self.overlap_until
            # Times differ a little from connection to connection: a short word may seem to lie before the cut.
            behind = self._met_last is not None and word.start_ts > self._met_last
            old = (
                (word.start_ts < near and self._heard_again(word))
                or (early and not behind)
                or (overlapping and word.start_ts < near and _among(self.said, word))
            )
            (again if old else fresh).append(word)
            unheard += not old and overlapping and word.start_ts + word.end_ts <= 2 * self.window_end
        # Two people at once: a word or two of the next window may lie before the end of the last one's.
        if unheard > _AT_ONCE and not self._knows_any(again):
            raise ClockBroken
        self._followed = self._followed + 1 if final.start_ts <= self.window_end + CONTIGUOUS_MS else 0
        self._known.extend(final.words)
        self.window_end = max(self.window_end, final.end_ts)
        # Words behind its window, which an interim had already, are another final's.
        more = self.open_from is not None and self.open_until > self.window_end + _LOST_MS
        self.open_from = self.window_end if more else None
        if fresh and _breaks_off(final, fresh[-1], edge_ts):
            self.torn = fresh.pop()
            self.final_through = max(self.final_through, self.torn.start_ts)
            return Accepted(fresh, again, ends_turn=False)
        self.final_through = max(self.final_through, self.window_end)
        return Accepted(fresh, again, ends_turn=final.ends_turn)

    def accept_late(self, final: Window) -> list[Word]:
        """What is new in a final with words that lies wholly before the last window: the same again, one that came
        late, or a clock gone back. Raises ClockBroken."""
        middle = (final.start_ts + final.end_ts) // 2
        for hole in self._holes:
            if hole[0] - _OVER_MS <= final.start_ts and hole[0] - CONTIGUOUS_MS <= middle < hole[1]:
                self._holes.remove(hole)
                # There may have been several in it.
                left = (hole[0], final.start_ts), (final.end_ts, hole[1])
                self._holes.extend(each for each in left if each[1] - each[0] > CONTIGUOUS_MS)
                self._shuffled = True
                fresh = [word for word in final.words if not _among(self.said, word)]
                self._known.extend(fresh)
                return fresh
        # Also in audio that was sent again: a clock that begins anew there must not pass for words said before.
        if not self._knows_any(final.words):
            raise ClockBroken
        return []

    def _heard_again(self, word: Word) -> bool:
        """Whether it is a word that an earlier connection heard, and that was not heard again yet."""
        same = [
            said for said in self._before if said.key == word.key and abs(said.start_ts - word.start_ts) <= _SAME_MS
        ]
        if not same:
            return False
        met = min(same, key=lambda said: abs(said.start_ts - word.start_ts))
        self._before.remove(met)
        if met == self._last_before:
            self._met_last = word.start_ts
        return True

    def _knows_any(self, words: Iterable[Word]) -> bool:
        return any(_among(self._known, word) for word in words)


def _breaks_off(final: Window, last: Word, edge_ts: int | None) -> bool:
    return edge_ts is not None and final.end_ts <= edge_ts + CONTIGUOUS_MS and last.end_ts > edge_ts - _EDGE_MS


def _among(words: deque[Word], word: Word) -> bool:
    return any(said.key == word.key and abs(said.start_ts - word.start_ts) <= _SAME_MS for said in reversed(words))
