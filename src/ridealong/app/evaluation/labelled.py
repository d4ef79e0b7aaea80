"""Labelled calls: transcripts as `coach --transcript` reads them, each line with `"moments": [{"type": …}]`.

A line without `moments` holds none; a file in which no line has the key is not labelled and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import TIMING_TYPES
from ridealong.speech.session_file import RecordedSession, read_session

MOST_TYPES: Final = 2
"""An utterance carries at most two content types."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledCall:
    """`truth` holds the types of each utterance, by its number; empty sets are there too."""

    name: str
    session: RecordedSession
    truth: dict[int, frozenset[str]]
    unlabelled: int = 0
    """Lines without the key, which are taken as holding no moment."""

    @property
    def minutes(self) -> float:
        """From the start of the call to the end of its last utterance."""
        return max((u.end_ts for u in self.session.utterances), default=0) / 60_000


def transcripts_in(paths: Sequence[Path]) -> list[Path]:
    """The files themselves; for a folder, the `.jsonl` files in it, by name. Raises InvalidDocument."""
    found: dict[Path, Path] = {}
    for path in paths:
        inside = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not inside:
            raise InvalidDocument("there is no .jsonl file in this folder", source=str(path))
        for one in inside:
            # Named twice, also within a folder that is named too, it is one call all the same.
            found.setdefault(one.resolve(), one)
    return list(found.values())


def read_labelled(path: Path, known: Collection[str]) -> LabelledCall:
    """Read one labelled call; `known` are the types that the taxonomy has. Raises InvalidDocument with the line."""
    session = read_session(path)
    truth: dict[int, frozenset[str]] = {}
    labelled = 0
    lines = [(n, line) for n, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1) if line.strip()]
    for number, line in lines[1:]:
        # `read_session` has checked that each line but the first is an utterance.
        entry = cast("dict[str, Any]", json.loads(line))
        labelled += "moments" in entry
        truth[int(entry["no"])] = _types(entry.get("moments", []), known, path.name, number)
    if not labelled:
        raise InvalidDocument(
            'no line is labelled: give each its moments, as "moments": [{"type": "stall"}], or [] where there is none',
            source=path.name,
        )
    return LabelledCall(name=session.call, session=session, truth=truth, unlabelled=len(truth) - labelled)


def _types(value: object, known: Collection[str], source: str, line: int) -> frozenset[str]:
    wrong = 'moments is a list of objects with a type, as [{"type": "stall"}]'
    if not isinstance(value, list):
        raise InvalidDocument(wrong, source=source, line=line)
    types: set[str] = set()
    for entry in cast("list[object]", value):
        name = cast("dict[str, object]", entry).get("type") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise InvalidDocument(wrong, source=source, line=line)
        if name not in known:
            raise InvalidDocument(
                f"the type {name!r} is not in the taxonomy; known: {', '.join(sorted(known))}", source=source, line=line
            )
        types.add(name)
    if len(types - set(TIMING_TYPES)) > MOST_TYPES:
        raise InvalidDocument(f"an utterance has at most {MOST_TYPES} content types", source=source, line=line)
    return frozenset(types)
