"""MiniLM as an ONNX graph, drawn from its weights alone: no torch, no exporter.

The network is BERT (Devlin et al. 2018, arXiv:1810.04805) with 6 layers of width 384 and 12 heads; a sentence is the
mean of its last layer's tokens, scaled to length 1 (Reimers & Gurevych 2019, arXiv:1908.10084). Pooling and scaling
are part of the graph, so that only sentences leave it.

The same means of two middle layers leave it too. The last layer was trained to say what a sentence is about; whether
it asks, states or refuses is said better further below (Tenney et al. 2019, arXiv:1905.05950), at no further cost.

A fourth view is tuned on sales talk (tools/tune_minilm.py): one layer runs a second time with weights of its own, which
are MiniLM's plus a product of two thin matrices (LoRA, Hu et al. 2021, arXiv:2106.09685).
The layers below are read once for both, so the sentence's vector stays MiniLM's own, and search knows nothing of it.

Only `ridealong.app.build` (and a lazy first use) imports this module: it needs `onnx`, inference does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

BUILDER_VERSION: Final = 5
"""Part of the cache key: raise it whenever the graph or its quantisation changes."""

LAYERS: Final = 6
WIDTH: Final = 384
HEADS: Final = 12
HEAD_WIDTH: Final = WIDTH // HEADS
EARLY_LAYERS: Final = (2, 3)
"""Counted from 0."""

VIEWS_WIDTH: Final = WIDTH * (2 + len(EARLY_LAYERS))
EPSILON: Final = 1e-12

OPSET: Final = 20
"""The first opset with Gelu as one operator."""

IR_VERSION: Final = 9


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


def draw(weights: Weights, delta: Weights) -> ModelProto:
    """The graph: `ids`, int64 [1, tokens], and `spans`, float32 [spans, tokens] → `views`, float32 [spans, 1536].

    `spans` holds 1 where a span has a token and 0 elsewhere: one run reads the text and gives the vectors of as many
    pieces of it as are wanted, each word understood in its sentence. A row is the piece's vector, then the views of
    EARLY_LAYERS, then the one tuned by `delta` (see `tuned`); each of the four has length 1.

    Raises KeyError where a weight is missing.
    """
    d = _Drawing()
    d.constant("axis.1", np.array([1], np.int64))
    x = _embed(d, weights)
    d.constant("shape.split", np.array([0, 0, 3, HEADS, HEAD_WIDTH], np.int64))
    d.constant("shape.joined", np.array([0, 0, WIDTH], np.int64))
    d.constant("shape.flat", np.array([-1, WIDTH], np.int64))
    views: list[str] = []
    own = tuned(weights, delta)
    branch = tuned_layers(delta)
    trunk = ""
    for layer in range(LAYERS):
        if layer == branch[0]:
            trunk = x
        x = _layer(d, weights, x, layer)
        if layer in EARLY_LAYERS:
            views.append(_pool(d, x, to=f"view{layer}"))
    for layer in branch:
        trunk = _layer(d, own, trunk, layer, to="tuned")
    views.append(_pool(d, trunk, to="tuned"))
    d.add("Concat", _pool(d, x, to="sentence"), *views, to="views", axis=1)
    graph = helper.make_graph(
        d.nodes,
        "minilm",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"]),
            helper.make_tensor_value_info("spans", TensorProto.FLOAT, ["spans", "tokens"]),
        ],
        [helper.make_tensor_value_info("views", TensorProto.FLOAT, ["spans", VIEWS_WIDTH])],
        initializer=d.tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
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
    return sorted({int(name.split(".")[2]) for name in delta})


def tuned(weights: Weights, delta: Weights) -> Weights:
    """`weights` with the delta added: each `X.up` [out, rank] times `X.down` [rank, in] to `X.weight` [out, in]."""
    found = dict(weights)
    for name in (n.removesuffix(".up") for n in delta if n.endswith(".up")):
        up, down = (delta[f"{name}.{part}"].astype(np.float32) for part in ("up", "down"))
        found[f"{name}.weight"] = np.asarray(weights[f"{name}.weight"] + up @ down, np.float32)
    return found


def _layer(d: _Drawing, weights: Weights, x: str, number: int, *, to: str = "layer") -> str:
    at, name = f"encoder.layer.{number}", f"{to}{number}"
    own = f"{at}.attention.self"
    # Query, key and value in one product; the query carries the 1/sqrt(head width) of the attention.
    scale = np.float32(HEAD_WIDTH**-0.5)
    weight = np.concatenate(
        [weights[f"{own}.query.weight"].T * scale, weights[f"{own}.key.weight"].T, weights[f"{own}.value.weight"].T],
        axis=1,
    )
    bias = np.concatenate(
        [weights[f"{own}.query.bias"] * scale, weights[f"{own}.key.bias"], weights[f"{own}.value.bias"]]
    )
    parts = d.add("Reshape", d.linear(x, weight, bias, to=f"{name}.qkv"), "shape.split", to=f"{name}.parts")
    query = d.add("Gather", parts, d.constant(f"{name}.0", np.array(0, np.int64)), to=f"{name}.query", axis=2)
    key = d.add("Gather", parts, d.constant(f"{name}.1", np.array(1, np.int64)), to=f"{name}.key", axis=2)
    value = d.add("Gather", parts, d.constant(f"{name}.2", np.array(2, np.int64)), to=f"{name}.value", axis=2)
    query = d.add("Transpose", query, to=f"{name}.query.t", perm=[0, 2, 1, 3])
    key = d.add("Transpose", key, to=f"{name}.key.t", perm=[0, 2, 3, 1])
    value = d.add("Transpose", value, to=f"{name}.value.t", perm=[0, 2, 1, 3])
    scores = d.add("MatMul", query, key, to=f"{name}.scores")
    shares = d.add("Softmax", scores, to=f"{name}.shares", axis=-1)
    mixed = d.add("MatMul", shares, value, to=f"{name}.mixed")
    mixed = d.add("Transpose", mixed, to=f"{name}.mixed.t", perm=[0, 2, 1, 3])
    mixed = d.add("Reshape", mixed, "shape.joined", to=f"{name}.joined")
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
