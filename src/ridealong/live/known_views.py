"""What a model has read once is remembered: training reads the same texts again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from ridealong.embedding.minilm import VIEWS_WIDTH
from ridealong.live.features import clauses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ridealong.core.transcript import Role
    from ridealong.embedding import Vectors
    from ridealong.embedding.minilm import Earlier
    from ridealong.live.features import Reader


class KnownViews:
    """A `Reader` that reads each text once, whole and with its clauses. One thread at a time.

    `fresh` holds what was read here and not known before: what a caller keeps for the next time.
    """

    def __init__(self, reader: Reader, known: Mapping[str, Vectors] | None = None) -> None:
        self._reader = reader
        self._known: dict[str, Vectors] = dict(known or {})
        self.fresh: dict[str, Vectors] = {}

    def read(self, texts: Iterable[str], *, threads: int) -> None:
        """Read those of `texts` that are not known, on as many threads."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        with ThreadPoolExecutor(threads) as pool:
            for text, views in zip(new, pool.map(self._read, new), strict=True):
                self._known[text] = self.fresh[text] = views

    def views(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._of(text)[0] for text in texts], np.float32).reshape(len(texts), VIEWS_WIDTH)

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        known = self._of(text)
        if len(known) == 1 + len(spans):
            return known
        # Cut otherwise than at its clauses: nobody asks for that twice.
        return self._reader.pieces(text, spans) if spans else known[:1]

    def answer(self, text: str, role: Role, before: Sequence[Earlier], facts: Vectors) -> Vectors:
        """Not remembered: each is asked for once."""
        return self._reader.answer(text, role, before, facts)

    def _of(self, text: str) -> Vectors:
        if text not in self._known:
            self._known[text] = self.fresh[text] = self._read(text)
        return self._known[text]

    def _read(self, text: str) -> Vectors:
        return self._reader.pieces(text, clauses(text))
