"""The local recogniser: Moonshine tiny (English), run by onnxruntime from the weights inside its own wheel.

The wheel's library can transcribe by itself, but only as a black box: it decides on its own where lines end, and one
that runs into a loop is decoded to the bitter end. Run here, one session serves any number of
threads, a loop is stopped while it is decoded, and the words of the last partial are *checked* in a single step of
the decoder instead of being decoded again (greedy speculative decoding). The weights are quantised with scales that
depend on the whole input, so a draft may tip a choice that is all but even: drafts serve partials, never finals.

Model: Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands" (2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

from ridealong.core.errors import MissingPart
from ridealong.speech import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]
    States = NDArray[np.float32]

_START: Final = 1
_END: Final = 2
_FIRST_WORD_PIECE: Final = 259
"""Tokens below are the specials (0 to 2) and the 256 single bytes."""
_LAYERS: Final = 6
_HEADS: Final = 8
_HEAD_SIZE: Final = 36
_TOKENS_PER_SECOND: Final = 6.5
"""The model's authors stop there: nobody speaks faster, only a loop does."""
_MIN_SAMPLES: Final = 2_400
"""Below 150 ms the encoder has fewer frames than its convolutions need."""
MAX_SECONDS: Final = 30
"""Longest stretch the model was trained on. Callers cut long before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognized:
    """What the recogniser wrote for one stretch.

    `confidence` is the mean probability of its tokens (0 to 1). `tokens` is the draft to hand to the next call
    for the same stretch. `states` is what the encoder made of the audio, [frames of 24 ms, 288].
    """

    text: str
    confidence: float
    tokens: tuple[int, ...] = ()
    states: States | None = field(default=None, compare=False, repr=False)


NOTHING: Final = Recognized(text="", confidence=0.0)


class Recognizer:
    """Writes a stretch of speech. Safe to use from many threads at once.

    Raises MissingPart on construction when the weights are not there.
    """

    def __init__(self) -> None:
        options = session_options()
        try:
            with as_file(files("moonshine_voice") / "assets" / "tiny-en") as folder:
                self._encoder = ort.InferenceSession(
                    str(folder / "encoder_model.ort"), options, providers=["CPUExecutionProvider"]
                )
                self._decoder = ort.InferenceSession(
                    str(folder / "decoder_model_merged.ort"), options, providers=["CPUExecutionProvider"]
                )
                self._pieces = _read_pieces((folder / "tokenizer.bin").read_bytes())
        except (ImportError, OSError) as error:
            raise MissingPart(
                "the local recogniser's weights are missing: run `make setup` (they come with moonshine-voice)"
            ) from error
        self._presents = [output.name for output in self._decoder.get_outputs()][1:]
        self._pasts = [name.replace("present", "past_key_values") for name in self._presents]

    def recognize(self, samples: Mono, *, draft: tuple[int, ...] = ()) -> Recognized:
        """Write `samples` (16 kHz mono, at most `MAX_SECONDS`). Blocks; about 30 ms per second of audio on one core.

        `draft`: the tokens written for a shorter piece of the same stretch. They make it faster and may tip
        a choice that is all but even.
        """
        if samples.shape[0] < _MIN_SAMPLES:
            return NOTHING
        samples = samples[: MAX_SECONDS * SAMPLE_RATE]
        states = self.encode(samples)
        mask = np.ones((1, samples.shape[0]), dtype=np.int64)
        limit = max(4, math.ceil(samples.shape[0] / SAMPLE_RATE * _TOKENS_PER_SECOND))
        tokens, logprobs = self._decode(states[np.newaxis], mask, draft[:limit], limit)
        if not tokens:
            return NOTHING
        text = self._text(tokens)
        return Recognized(
            text=text, confidence=math.exp(sum(logprobs) / len(logprobs)), tokens=tuple(tokens), states=states
        )

    def encode(self, samples: Mono) -> States:
        """The encoder's states [frames of 24 ms, 288] of `samples` (16 kHz mono, 150 ms to `MAX_SECONDS`)."""
        waveform = np.ascontiguousarray(samples, dtype=np.float32)[np.newaxis]
        mask = np.ones(waveform.shape, dtype=np.int64)
        outputs: Any = self._encoder.run(None, {"input_values": waveform, "attention_mask": mask})
        states: States = outputs[0][0]
        return states

    def _decode(self, states: Any, mask: Any, draft: tuple[int, ...], limit: int) -> tuple[list[int], list[float]]:
        feeds: dict[str, Any] = {
            "encoder_hidden_states": states,
            "encoder_attention_mask": mask,  # of the waveform: the decoder thins it out to frames itself
        }
        empty = np.zeros((1, _HEADS, 0, _HEAD_SIZE), dtype=np.float32)
        first = np.array([[_START, *draft]], dtype=np.int64)
        outputs: Any = self._decoder.run(
            None,
            feeds | dict.fromkeys(self._pasts, empty) | {"input_ids": first, "use_cache_branch": np.array([False])},
        )
        rows = _log_softmax(outputs[0][0])
        tokens: list[int] = []
        logprobs: list[float] = []
        # Row i says what follows START and the first i tokens: the draft holds as long as it says the same.
        for row in rows:
            best = int(row.argmax())
            logprobs.append(float(row[best]))
            if best == _END or len(tokens) >= limit:
                return tokens, logprobs
            tokens.append(best)
            if len(tokens) <= len(draft) and draft[len(tokens) - 1] != best:
                break
        cached = len(tokens)  # START and all but the newest token
        past: dict[str, Any] = dict(zip(self._pasts, outputs[1:], strict=True))
        for name, value in past.items():
            if ".decoder." in name:
                past[name] = value[:, :, :cached]
        encoder_side = {name: value for name, value in past.items() if ".encoder." in name}
        while len(tokens) < limit and not _loops(tokens):
            outputs = self._decoder.run(
                None,
                feeds
                | past
                | encoder_side
                | {"input_ids": np.array([[tokens[-1]]], dtype=np.int64), "use_cache_branch": np.array([True])},
            )
            # With its cache on, the merged decoder returns empty encoder keys: the first ones stay in use.
            past = dict(zip(self._pasts, outputs[1:], strict=True))
            row = _log_softmax(outputs[0][0])[-1]
            best = int(row.argmax())
            logprobs.append(float(row[best]))
            if best == _END:
                break
            tokens.append(best)
        return _without_loop(tokens), logprobs

    def _text(self, tokens: list[int]) -> str:
        raw = b"".join(self._pieces[token] for token in tokens)
        return raw.decode("utf-8", errors="ignore").replace("\u2581", " ").strip()


def session_options() -> Any:
    """One thread per run, so that the caller's pool alone decides how many cores speech takes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _read_pieces(raw: bytes) -> list[bytes]:
    """The tokeniser's file: each piece behind its length, in one byte below 128, else in two (low 7 bits first)."""
    pieces: list[bytes] = []
    at = 0
    while at < len(raw):
        length = raw[at]
        at += 1
        if length >= 128:
            length = raw[at] * 128 + length - 128
            at += 1
        piece = raw[at : at + length]
        # Special tokens carry no words.
        pieces.append(b"" if piece.startswith(b"<<") or len(pieces) <= _END else piece)
        at += length
    return pieces


def _log_softmax(rows: Any) -> Any:
    shifted = rows - rows.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


_LOOP_LENGTHS: Final = range(1, 13)


def _loop_at_end(tokens: list[int]) -> tuple[int, int]:
    """(period, repeats) of the repetition that `tokens` ends with; repeats 1 when there is none."""
    for period in _LOOP_LENGTHS:
        unit = tokens[-period:]
        repeats = 1
        while tokens[-period * (repeats + 1) : -period * repeats] == unit:
            repeats += 1
        # People do say "no no no" and "thank you thank you": short units need more proof.
        if repeats >= (5 if period <= 2 else 3):
            return period, repeats
    return 0, 1


def _loops(tokens: list[int]) -> bool:
    return _loop_at_end(tokens)[1] > 1


def _without_loop(tokens: list[int]) -> list[int]:
    period, repeats = _loop_at_end(tokens)
    return tokens[: len(tokens) - period * (repeats - 1)] if repeats > 1 else tokens
