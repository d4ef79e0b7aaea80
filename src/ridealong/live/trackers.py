"""A tenant's lists of names and phrases, found in what was said: whole words, any case, the longest match wins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ridealong.live.taxonomy import Tracker

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A phrase of `tracker` at text[start:end]."""

    tracker: Tracker
    start: int
    end: int


class Phrases:
    """All phrases of all trackers as one pattern."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._owner: dict[str, Tracker] = {}
        for tracker in trackers:
            for phrase in tracker.phrases:
                self._owner.setdefault(_SPACES.sub(" ", phrase.strip()).casefold(), tracker)
        # Longest first: a regular expression takes the first alternative that fits.
        ordered = sorted(self._owner, key=len, reverse=True)
        spoken = "|".join(r"\s+".join(re.escape(word) for word in phrase.split(" ")) for phrase in ordered)
        self._pattern = re.compile(rf"(?<!\w)(?:{spoken})(?!\w)", re.IGNORECASE) if ordered else None

    def find(self, text: str) -> tuple[Hit, ...]:
        """Every hit, from left to right, none inside another."""
        if self._pattern is None:
            return ()
        found: list[Hit] = []
        for match in self._pattern.finditer(text):
            tracker = self._owner.get(_SPACES.sub(" ", match.group()).casefold())
            if tracker is not None:
                found.append(Hit(tracker=tracker, start=match.start(), end=match.end()))
        return tuple(found)
