"""Evidence as database columns, and back. The words are not among them: they stand in the utterance alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ridealong.core.errors import InvalidUtterance, Ungrounded
from ridealong.core.transcript import Evidence, Transcript, Utterance

Vectors: TypeAlias = NDArray[np.float32]
"""Embeddings of shape [rows, 384], each of length 1."""

COLUMNS: Final = (
    "call_id",
    "revision",
    "utterance_no",
    "speaker_id",
    "start_ts",
    "end_ts",
    "text_length",
    "quote_start",
    "quote_end",
)
"""What a claim's or moment's row copies from its evidence; a foreign key leads from there to the utterance."""

COLUMN_LIST: Final = ", ".join(COLUMNS)
VALUE_LIST: Final = ", ".join(f"%({column})s" for column in COLUMNS)


def columns_of(evidence: Evidence) -> dict[str, object]:
    """The values of `COLUMNS`."""
    return {
        "call_id": evidence.transcript_id.call_id,
        "revision": evidence.transcript_id.revision,
        "utterance_no": evidence.utterance_no,
        "speaker_id": int(evidence.speaker_id),
        "start_ts": evidence.start_ts,
        "end_ts": evidence.end_ts,
        "text_length": len(evidence.utterance.text),
        "quote_start": evidence.quote_start,
        "quote_end": evidence.quote_end,
    }


def evidence_of(transcript: Transcript, utterance_no: int, quote_start: int, quote_end: int) -> Evidence:
    """A stored piece of evidence, proved once more against the transcript. Raises Ungrounded."""
    if utterance_no not in transcript:
        raise Ungrounded(f"there is no utterance {utterance_no}")
    return Evidence(
        transcript_id=transcript.id, utterance=transcript[utterance_no], quote_start=quote_start, quote_end=quote_end
    )


def words_json(utterance: Utterance) -> str:
    """The words as the database keeps them: `[text, start_ts, end_ts, estimated]`, times in ms."""
    return json.dumps(
        [[w.text, w.start_ts, w.end_ts, w.estimated] for w in utterance.words],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def refuse_unkeepable(utterance: Utterance) -> None:
    """Raises InvalidUtterance when PostgreSQL cannot keep the text as it is (changing it would move every quote)."""
    for text in (utterance.text, *(word.text for word in utterance.words)):
        if "\x00" in text:
            raise InvalidUtterance(
                f"utterance {utterance.no}: the text holds a NUL character, which no database text can: "
                "take it out before the utterance enters the transcript"
            )
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise InvalidUtterance(
                f"utterance {utterance.no}: the text holds half of a character (a lone surrogate): "
                "decode the text rightly before the utterance enters the transcript"
            )


def vector_for(vectors: Vectors | Sequence[Vectors | None] | None, index: int) -> Vectors | None:
    """Vector number `index`, None where there is none."""
    return None if vectors is None else vectors[index]


def by_owner(rows: Sequence[tuple[Any, ...]]) -> Mapping[Any, list[tuple[int, int, int]]]:
    """Further evidence rows (owner, utterance_no, quote_start, quote_end), in their order, by their owner."""
    found: dict[Any, list[tuple[int, int, int]]] = {}
    for owner, utterance_no, quote_start, quote_end in rows:
        found.setdefault(owner, []).append((utterance_no, quote_start, quote_end))
    return found
