"""MiniLM as ONNX graphs, drawn from its weights alone: no torch, no exporter.

The network is BERT (Devlin et al. 2018, arXiv:1810.04805) with 6 layers of width 384 and 12 heads; a sentence is the
mean of its last layer's tokens, scaled to length 1 (Reimers & Gurevych 2019, arXiv:1908.10084).

It is cut behind layer 3 into parts, so that each purpose pays for what it needs and no weight lies in memory twice:

- the trunk, layers 0 to 3, which both others read;
- the sentence, layers 4 and 5: what search and reviews compare;
- the views, which the moments are judged by: the mean of layer 3, for whether a text asks, states or refuses is said
  better below the last layer (Tenney et al. 2019, arXiv:1905.05950); and layer 4 a second time, tuned on sales talk
  (tools/tune_minilm.py) by a product of two thin matrices a weight (LoRA, Hu et al. 2021, arXiv:2106.09685);
- the answer: layer 4 a third time (tools/tune_answers.py), whose words also attend to those of the turns before.

Only `ridealong.app.build` (and a lazy first use) imports this module: it needs `onnx`, inference does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

BUILDER_VERSION: Final = 8
"""Part of the cache key: raise it whenever the graph, its quantisation or how it is run changes."""

LAYERS: Final = 6
WIDTH: Final = 384
HEADS: Final = 12
TRUNK: Final = 4
"""So many layers are read for everything."""

VIEWS_WIDTH: Final = WIDTH * 2
EPSILON: Final = 1e-12

OPSET: Final = 20
"""The first opset with Gelu as one operator."""

IR_VERSION: Final = 9
CONTRIBUTED: Final = "com.microsoft"
"""The operators that onnxruntime adds."""


@dataclass(slots=True)
class _Drawing:
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    tensors: list[TensorProto] = field(default_factory=list[TensorProto])

    def constant(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.tensors.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def add(self, op: str, *inputs: str, to: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [to], name=to, **attributes))
        return to

    def linear(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], *, to: str) -> str:
        """`x` @ `weight` + `bias`; `weight` is [in, out]."""
        product = self.add("MatMul", x, self.constant(f"{to}.weight", weight), to=f"{to}.product")
        return self.add("Add", product, self.constant(f"{to}.bias", bias), to=to)

    def normalise(self, x: str, weights: Weights, name: str, *, to: str) -> str:
        scale = self.constant(f"{to}.scale", weights[f"{name}.weight"])
        shift = self.constant(f"{to}.shift", weights[f"{name}.bias"])
        return self.add("LayerNormalization", x, scale, shift, to=to, axis=-1, epsilon=EPSILON)


def draw_trunk(weights: Weights) -> ModelProto:
    """`ids`, int64 [1, tokens] → `states`, float32 [1, tokens, 384]: each word, understood in its sentence.

    Raises KeyError where a weight is missing; so do the others.
    """
    d = _Drawing()
    d.constant("axis.1", np.array([1], np.int64))
    x = _embed(d, weights)
    for layer in range(TRUNK):
        x = _layer(d, weights, x, layer, to="states" if layer == TRUNK - 1 else f"layer{layer}")
    return _model(
        d,
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
        helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "tokens", WIDTH]),
    )


def draw_sentence(weights: Weights) -> ModelProto:
    """`states` of the trunk and `spans` → `sentence`, float32 [spans, 384]: rows of length 1. See `draw_views`."""
    d = _pooling()
    x = "states"
    for layer in range(TRUNK, LAYERS):
        x = _layer(d, weights, x, layer, to=f"layer{layer}")
    return _model(d, _POOLED, _pooled(d, [x], to="sentence"))


def draw_views(weights: Weights, delta: Weights) -> ModelProto:
    """`states` of the trunk and `spans` → `views`, float32 [spans, 768].

    `spans`, float32 [spans, tokens], holds 1 where a span has a token and 0 elsewhere: one reading of a text gives the
    views of as many pieces of it as are wanted. A row is the mean of the trunk's states, then that of the layers that
    `delta` tunes; each of the two has length 1.
    """
    d = _pooling()
    own, x = tuned(weights, delta), "states"
    for layer in tuned_layers(delta):
        x = _layer(d, own, x, layer, to=f"tuned{layer}")
    return _model(d, _POOLED, _pooled(d, ["states", x], to="views"))


def draw_answer(weights: Weights, delta: Weights) -> ModelProto:
    """`own` and `before`, the trunk's states of a turn and of those before it, and `facts` → `margins`, float32 [1, n].

    `own` is float32 [1, tokens, 384], `before` [1, tokens before, 384] (may have none), `facts` [1, facts]. Each of the
    n outputs is a linear function of the mean over the own tokens, of what each of them finds in those that it attends
    to most, and of the facts.
    """
    d = _Drawing()
    d.constant("axis.1", np.array([1], np.int64))
    everything = d.add("Concat", "own", "before", to="everything", axis=1)
    number = next(n for n in tuned_layers(delta))
    own, at = tuned(weights, delta), f"encoder.layer.{number}.attention.self"
    read = [
        d.linear(x, own[f"{at}.{part}.weight"].T, own[f"{at}.{part}.bias"], to=part)
        for part, x in (("query", "own"), ("key", everything), ("value", everything))
    ]
    mixed = d.add("MultiHeadAttention", *read, to="mixed", domain=CONTRIBUTED, num_heads=HEADS)
    states = _behind_attention(d, own, "own", mixed, number, to="answer")
    total = d.add("ReduceSum", states, "axis.1", to="total", keepdims=0)
    length = d.add("ReduceL2", total, "axis.1", to="total.length", keepdims=1)
    mean = d.add("Div", total, length, to="mean")
    whole = d.add("Concat", mean, "facts", to="whole", axis=1)
    said = d.linear(whole, delta["head.weight"].T, delta["head.bias"], to="said")
    score = d.add("MatMul", states, d.constant("attended", delta["attended"].T), to="score")
    value = d.add("MatMul", states, d.constant("found", delta["found"].T), to="worth")
    heard = d.add("Mul", d.add("Softmax", score, to="shares", axis=1), value, to="heard")
    d.add("Add", said, d.add("ReduceSum", heard, "axis.1", to="heard.sum", keepdims=0), to="margins")
    inputs = [
        helper.make_tensor_value_info("own", TensorProto.FLOAT, [1, "tokens", WIDTH]),
        helper.make_tensor_value_info("before", TensorProto.FLOAT, [1, "tokens before", WIDTH]),
        helper.make_tensor_value_info("facts", TensorProto.FLOAT, [1, "facts"]),
    ]
    return _model(d, inputs, helper.make_tensor_value_info("margins", TensorProto.FLOAT, [1, len(delta["found"])]))


UNROUNDED: Final = ("said.product", "score", "worth")
"""The products of `draw_answer` that stay in full precision: they are small, and the margins themselves."""

_POOLED: Final = (
    helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "tokens", WIDTH]),
    helper.make_tensor_value_info("spans", TensorProto.FLOAT, ["spans", "tokens"]),
)


def _pooling() -> _Drawing:
    d = _Drawing()
    d.constant("axis.1", np.array([1], np.int64))
    d.constant("shape.flat", np.array([-1, WIDTH], np.int64))
    return d


def _pooled(d: _Drawing, states: Sequence[str], *, to: str) -> ValueInfoProto:
    d.add("Concat", *(_pool(d, x, to=f"{to}.{number}") for number, x in enumerate(states)), to=to, axis=1)
    return helper.make_tensor_value_info(to, TensorProto.FLOAT, ["spans", WIDTH * len(states)])


def _model(d: _Drawing, inputs: Sequence[ValueInfoProto], output: ValueInfoProto) -> ModelProto:
    graph = helper.make_graph(d.nodes, "minilm", inputs, [output], initializer=d.tensors)
    sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=IR_VERSION)
    checker.check_model(model)
    return model


def _embed(d: _Drawing, weights: Weights) -> str:
    words = d.add("Gather", d.constant("words", weights["embeddings.word_embeddings.weight"]), "ids", to="embed.words")
    # Every sentence is of type 0: its row is folded into the positions.
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    d.constant("places", places)
    d.constant("zero", np.array([0], np.int64))
    shape = d.add("Shape", "ids", to="ids.shape")
    length = d.add("Gather", shape, "axis.1", to="ids.length", axis=0)
    used = d.add("Slice", "places", "zero", length, "zero", to="embed.places")
    return d.normalise(d.add("Add", words, used, to="embed.sum"), weights, "embeddings.LayerNorm", to="embed")


def tuned_layers(delta: Weights) -> list[int]:
    """The numbers of the layers that `delta` changes, in their order."""
    return sorted({int(name.split(".")[2]) for name in delta if name.startswith("encoder.layer.")})


def tuned(weights: Weights, delta: Weights) -> Weights:
    """`weights` with the delta added: each `X.up` [out, rank] times `X.down` [rank, in] to `X.weight` [out, in]."""
    found = dict(weights)
    for name in (n.removesuffix(".up") for n in delta if n.endswith(".up")):
        up, down = (delta[f"{name}.{part}"].astype(np.float32) for part in ("up", "down"))
        found[f"{name}.weight"] = np.asarray(weights[f"{name}.weight"] + up @ down, np.float32)
    return found


def _layer(d: _Drawing, weights: Weights, x: str, number: int, *, to: str) -> str:
    at, name = f"encoder.layer.{number}", to
    own = f"{at}.attention.self"
    weight = np.concatenate([weights[f"{own}.{part}.weight"].T for part in ("query", "key", "value")], axis=1)
    bias = np.concatenate([weights[f"{own}.{part}.bias"] for part in ("query", "key", "value")])
    # onnxruntime's own operator, of which there is an 8-bit one too: drawn out of twelve plain ones it costs a tenth
    # of the time of the layer in copies.
    mixed = d.add(
        "Attention",
        x,
        d.constant(f"{name}.qkv.weight", weight),
        d.constant(f"{name}.qkv.bias", bias),
        to=f"{name}.mixed",
        domain=CONTRIBUTED,
        num_heads=HEADS,
    )
    return _behind_attention(d, weights, x, mixed, number, to=to)


def _behind_attention(d: _Drawing, weights: Weights, x: str, mixed: str, number: int, *, to: str) -> str:
    """The rest of a layer that read `x` and gave `mixed`."""
    at, name = f"encoder.layer.{number}", to
    out = f"{at}.attention.output"
    mixed = d.linear(mixed, weights[f"{out}.dense.weight"].T, weights[f"{out}.dense.bias"], to=f"{name}.attended")
    x = d.add("Add", x, mixed, to=f"{name}.attended.sum")
    x = d.normalise(x, weights, f"{out}.LayerNorm", to=f"{name}.attended.norm")
    wide = d.linear(
        x,
        weights[f"{at}.intermediate.dense.weight"].T,
        weights[f"{at}.intermediate.dense.bias"],
        to=f"{name}.wide",
    )
    wide = d.add("Gelu", wide, to=f"{name}.gelu", approximate="none")
    narrow = d.linear(
        wide, weights[f"{at}.output.dense.weight"].T, weights[f"{at}.output.dense.bias"], to=f"{name}.narrow"
    )
    x = d.add("Add", x, narrow, to=f"{name}.sum")
    return d.normalise(x, weights, f"{at}.output.LayerNorm", to=name)


def _pool(d: _Drawing, x: str, *, to: str) -> str:
    """For each span the mean over its tokens, scaled to length 1."""
    # The mean's division by the number of tokens is left out: scaling to length 1 undoes it anyway.
    total = d.add("MatMul", "spans", d.add("Reshape", x, "shape.flat", to=f"{to}.flat"), to=f"{to}.total")
    length = d.add("ReduceL2", total, "axis.1", to=f"{to}.length", keepdims=1)
    return d.add("Div", total, length, to=to)
