"""What the Deepgram stand-in says: a script of words, audio that tells its place, and the wire's JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

NET_0001 = (
    "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001"
)


MODEL_UUID = "c0d1a568-ce81-4fea-97e7-bd45cb1fdf3c"


MODEL_INFO = {"name": "2-general-nova", "version": "2024-01-18.26916", "arch": "nova-3"}


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A word of the script. Times in ms of call audio; `speaker` None: Deepgram cannot tell."""

    text: str
    start_ts: int
    end_ts: int
    speaker: int | None


@dataclass(frozen=True, kw_only=True)
class Mischief:
    """What one connection (or batch request) does wrong. Positions are ms of audio on that connection."""

    status: int | None = None
    retry_after: str | None = None
    location: str | None = None
    """Where a status that redirects leads."""
    close_code: int | None = None
    close_after_ms: int = 3_000
    abort_after_ms: int | None = None
    """The line breaks without a close."""
    stall_after_ms: int | None = None
    restart_clock_after_ms: int | None = None
    revise_interims: bool = False
    late_speakers: bool = False
    """Finals come without speakers first, and again with them."""
    change_speakers: bool = False
    """Interims name others than finals do, and finals come again with others."""
    duplicate: bool = False
    reorder: bool = False
    unknown_types: bool = False
    finalize_unanswered: bool = False
    quiet_in_silence: bool = False
    """Says nothing at all where nobody speaks."""
    lose_final_at_ms: int | None = None
    """The final that holds this position of the call never comes."""
    whole_windows: bool = True
    """False: windows begin at their first word instead of where the last one ended."""


@dataclass(kw_only=True)
class Seen:
    """What one connection sent, for tests to look at."""

    parameters: dict[str, list[str]] = field(default_factory=dict)
    authorization: str = ""
    origin_ms: int = 0
    received_ms: int = 0
    frames: list[int] = field(default_factory=list)
    controls: list[tuple[float, str]] = field(default_factory=list)
    binary_controls: int = 0
    close_code: int | None = None


def words_of(path: Path) -> list[Spoken]:
    """A transcript file's words, its utterances' time shared out by the length of the words."""
    spoken: list[Spoken] = []
    for line in path.read_text().splitlines()[1:]:
        entry = json.loads(line)
        texts = entry["text"].split()
        total = sum(len(text) + 1 for text in texts)
        at, duration = 0, entry["end_ts"] - entry["start_ts"]
        for text in texts:
            start = entry["start_ts"] + duration * at // total
            at += len(text) + 1
            end = entry["start_ts"] + duration * at // total
            spoken.append(Spoken(text=text, start_ts=start, end_ts=end, speaker=entry["speaker"]))
    return sorted(spoken, key=lambda word: word.start_ts)


def marked_audio(duration_ms: int, channels: int = 1, start_ms: int = 0) -> np.ndarray:
    """Samples that say where in the call they lie: each millisecond begins with a mark and its own number."""
    ms = np.arange(start_ms, start_ms + duration_ms)
    frames = np.zeros((duration_ms, 16), dtype=np.int16)
    frames[:, 0] = 0x5A5A
    frames[:, 1] = ms >> 14
    frames[:, 2] = ms & 0x3FFF
    mono = (frames.reshape(-1) / np.float32(32768)).astype(np.float32)
    return np.repeat(mono[:, np.newaxis], channels, axis=1)


def marked_position(pcm: bytes, channels: int) -> float | None:
    """Where marked audio begins, in ms of the call."""
    samples = np.frombuffer(pcm, dtype="<i2").reshape(-1, channels)[:, 0]
    for at in range(min(16, samples.shape[0] - 2)):
        if samples[at] == 0x5A5A:
            return (int(samples[at + 1]) << 14) + int(samples[at + 2]) - at / 16
    return None


def mischief_of(text: str) -> Mischief:
    """`name=value` for each thing that goes wrong, separated by commas: `close_code=1011,close_after_ms=5000`."""
    kinds = {each.name: each for each in fields(Mischief)}
    wrong: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.partition("=")
        default = kinds[name].default
        wrong[name] = value != "no" if isinstance(default, bool) else (value if name == "retry_after" else int(value))
    return Mischief(**wrong)


def error_body(status: int, why: str = "") -> dict[str, Any]:
    """As https://developers.deepgram.com/docs/errors shows them."""
    codes = {
        401: "INVALID_AUTH",
        402: "ASR_PAYMENT_REQUIRED",
        403: "INSUFFICIENT_PERMISSIONS",
        429: "TOO_MANY_REQUESTS",
    }
    return {"err_code": codes.get(status, "Bad Request"), "err_msg": why or "refused", "request_id": str(uuid4())}


def word_json(word: Spoken, origin_ms: float, speaker: int | None, *, batch: bool = False) -> dict[str, Any]:
    bare = word.text.strip(".,?!").lower()
    made: dict[str, Any] = {
        "word": bare,
        "start": round((word.start_ts - origin_ms) / 1000, 6),
        "end": round((word.end_ts - origin_ms) / 1000, 6),
        "confidence": 0.99,
        "punctuated_word": word.text,
    }
    if speaker is not None:
        made["speaker"] = speaker
    if batch:
        made["speaker_confidence"] = 0.8
    return made


def alternative_json(words: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "transcript": " ".join(word["punctuated_word"] for word in words),
        "confidence": 0.99 if words else 0.0,
        "words": words,
    }
