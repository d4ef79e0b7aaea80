"""Which of a type's wordings to show: by turns, so that a rep does not read the same line twice in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ridealong.live.taxonomy import MomentType, nudge_texts

_NO_VALUES: Final[Mapping[str, str]] = {}


class Wording:
    """The wordings used on one call. Deterministic: the same moments in the same order get the same words."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def choose(self, moment_type: MomentType, values: Mapping[str, str] = _NO_VALUES) -> str:
        """The next wording of `moment_type` that `values` can fill; '' of a type that is noted only and has none."""
        texts = nudge_texts(moment_type, values) or nudge_texts(moment_type, _NO_VALUES)
        if not texts:
            return ""
        last = self._last.get(moment_type.id)
        chosen = texts[(texts.index(last) + 1) % len(texts)] if last in texts else texts[0]
        self._last[moment_type.id] = chosen
        return chosen
