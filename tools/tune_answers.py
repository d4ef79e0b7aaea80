"""Tune one of MiniLM's layers to read a turn together with those before it, and write what the package ships of it.

    .venv/bin/python tools/tune_answers.py [--out FILE] [--epochs 3] [--rank 64] [--without LETTERS]

Needs torch (2.13.0), at authoring time only. The layer stands on the states of the shipped trunk, which reads each turn
by itself: the words of the turn attend to one another and to the last words of the turns before. It begins as the layer
of tune_minilm.py. Each epoch shows every example once, in one of its dresses, and the turns before in the same one; now
and then with its role hidden, or with nothing before it. What is written is a running mean of the steps. Same seed,
same machine, same file. `--without` leaves out the authors of these letters, for figures of voices that it never read.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch
from misheard import misheard
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from tune_minilm import BATCH, HEADS, Layer, padded, step

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.minilm import (
    ANSWERS,
    DELTA,
    DIMENSIONS,
    EARLIER_TOKENS,
    EARLIER_TURNS,
    MAX_TOKENS,
    ROLES,
    VIEWS_WIDTH,
    Part,
    build,
    weights_folder,
)
from ridealong.live.features import BESIDE, Surroundings, Turn, row
from ridealong.live.train import Example, plain, shipped_examples

LAYER: Final = 4
ROLE_HIDDEN: Final = 0.15
NOTHING_BEFORE: Final = 0.1
RATE: Final = 5e-4
HEAD_RATE: Final = 2e-3
MEAN_OF: Final = 0.995
"""How much of the running mean a step leaves as it was."""

LOUDNESS: Final = 8.0
"""Length of the mean that the head is trained on; the graph's has length 1."""

DRESSES: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text,
    plain,
    lambda text: misheard(text, random.Random(f"1 {text}")),  # noqa: S311 - repeatable
    lambda text: misheard(text, random.Random(f"2 {text}")),  # noqa: S311
)


class Answers(nn.Module):
    """The layer, its vectors of who speaks and how long ago, and a head over what the own tokens became."""

    def __init__(self, weights: dict[str, torch.Tensor], delta: dict[str, np.ndarray], rank: int) -> None:
        super().__init__()
        self.layer = Layer(weights, LAYER, rank)
        for name, linear in self.layer.linears.items():
            at = f"encoder.layer.{LAYER}.{name.replace('/', '.')}"
            linear.up.data = torch.from_numpy(delta[f"{at}.up"].astype(np.float32))
            linear.down.data = torch.from_numpy(delta[f"{at}.down"].astype(np.float32))
        types = len(CONTENT_TYPES)
        self.role = nn.Parameter(torch.zeros(len(ROLES), DIMENSIONS))
        self.who = nn.Parameter(torch.randn(2, DIMENSIONS) * 0.02)
        self.far = nn.Parameter(torch.randn(EARLIER_TURNS, DIMENSIONS) * 0.02)
        self.head = nn.Linear(DIMENSIONS + BESIDE, types)
        self.attended = nn.Parameter(torch.randn(types, DIMENSIONS) * 0.02)
        self.found = nn.Parameter(torch.zeros(types, DIMENSIONS))
        self.dropout = nn.Dropout(0.1)

    def forward(self, batch: Batch) -> torch.Tensor:
        own = batch.own + self.role[batch.role][:, None]
        before = batch.before + self.who[batch.who] + self.far[batch.far]
        states = self._layer(own, before, torch.cat([batch.mask, batch.mask_before], dim=1))
        inside = batch.mask[:, :, None]
        mean = self.dropout(nn.functional.normalize((states * inside).sum(dim=1), dim=1) * LOUDNESS)
        said = self.head(torch.cat([mean, batch.facts], dim=1))
        states = self.dropout(states)
        shares = torch.softmax((states @ self.attended.T).masked_fill(~inside, -1e4), dim=1)
        return said + (shares * (states @ self.found.T)).sum(dim=1)

    def _layer(self, own: torch.Tensor, before: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        layer, (size, length, _) = self.layer, own.shape
        everything = torch.cat([own, before], dim=1)
        q, k, v = (
            layer.linear(x, f"attention.self.{n}").view(size, -1, HEADS, DIMENSIONS // HEADS).transpose(1, 2)
            for n, x in (("query", own), ("key", everything), ("value", everything))
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        return layer.behind_attention(own, mixed.transpose(1, 2).reshape(size, length, DIMENSIONS))

    def written(self) -> dict[str, np.ndarray]:
        """As `embedding.graph.draw_answer` reads it: thin matrices in half precision, the rest as it is."""
        found: dict[str, np.ndarray] = {}
        for name, linear in self.layer.linears.items():
            at = f"encoder.layer.{LAYER}.{name.replace('/', '.')}"
            found[f"{at}.up"] = linear.up.detach().numpy().astype(np.float16)
            found[f"{at}.down"] = linear.down.detach().numpy().astype(np.float16)
        head = self.head.weight.detach().clone()
        head[:, :DIMENSIONS] *= LOUDNESS
        found |= {"head.weight": head.numpy(), "head.bias": self.head.bias.detach().numpy()}
        for name in ("role", "who", "far", "attended", "found"):
            found[name] = getattr(self, name).detach().numpy()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some examples side by side, filled up; `who` and `far` say of each token before whose it is, and how far back."""

    own: torch.Tensor
    mask: torch.Tensor
    role: torch.Tensor
    before: torch.Tensor
    mask_before: torch.Tensor
    who: torch.Tensor
    far: torch.Tensor
    facts: torch.Tensor


class Material:
    """All that training reads, once: every text in its dresses, and the facts of every example."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples
        texts = sorted({e.text for e in examples} | {t.text for e in examples for t in e.before})
        self._states = [read([dress(t) or t for t in texts]) for dress in DRESSES]
        self._at = {text: number for number, text in enumerate(texts)}
        self._facts = {
            (dress, hidden): np.array([facts(e, wear, hidden=hidden) for e in examples])
            for dress, wear in enumerate(DRESSES)
            for hidden in (False, True)
        }
        self.labels = torch.tensor([[t in e.types for t in CONTENT_TYPES] for e in examples], dtype=torch.float32)

    def length(self, example: int, dress: int) -> float:
        """About how long its row of a batch is."""
        own, before = self.examples[example].text, self.examples[example].before
        return len(self._of(own, dress)) + 0.3 * sum(min(EARLIER_TOKENS, len(self._of(t.text, dress))) for t in before)

    def batch(self, shown: Sequence[tuple[int, int, bool, bool]]) -> Batch:
        """Of (example, dress, role hidden, nothing before)."""
        own, mask = padded([self._of(self.examples[n].text, dress).float() for n, dress, _, _ in shown])
        before: list[torch.Tensor] = []
        who: list[torch.Tensor] = []
        far: list[torch.Tensor] = []
        for number, dress, _, alone in shown:
            example = self.examples[number]
            turns = () if alone else tuple(reversed(example.before[-EARLIER_TURNS:]))
            # Without the marks at both ends of a text.
            states = [self._of(turn.text, dress)[-EARLIER_TOKENS - 1 : -1].float() for turn in turns]
            before.append(torch.cat([torch.zeros(0, DIMENSIONS), *states]))
            lengths = torch.tensor([len(s) for s in states], dtype=torch.long)
            who.append(torch.tensor([int(t.role is example.role) for t in turns]).long().repeat_interleave(lengths))
            far.append(torch.arange(len(turns)).repeat_interleave(lengths))
        beside, mask_before = padded(before)
        return Batch(
            own=own,
            mask=mask,
            role=torch.tensor([ROLES.index(Role.UNKNOWN if h else self.examples[n].role) for n, _, h, _ in shown]),
            before=beside,
            mask_before=mask_before,
            who=nn.utils.rnn.pad_sequence(who, batch_first=True),
            far=nn.utils.rnn.pad_sequence(far, batch_first=True),
            facts=torch.from_numpy(np.array([self._facts[dress, hidden][n] for n, dress, hidden, _ in shown])),
        )

    def _of(self, text: str, dress: int) -> torch.Tensor:
        return self._states[dress][self._at[text]]


def read(texts: Sequence[str]) -> list[torch.Tensor]:
    """What the trunk makes of each text, as the product runs it: [tokens, DIMENSIONS] in half precision."""
    folder = weights_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "trunk.onnx"
        build(Part.TRUNK, folder / "model.safetensors", path, precision="int8")
        trunk = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    encoded = (np.array([tokenizer.encode(text).ids], np.int64) for text in texts)
    return [torch.from_numpy(trunk.run(None, {"ids": ids})[0][0]).half() for ids in encoded]


def facts(example: Example, wear: Callable[[str], str], *, hidden: bool) -> np.ndarray:
    """What stands beside the views in the example's row, see `live.features.row`."""
    around = Surroundings.of(Role.UNKNOWN if hidden else example.role, example.before)
    if around.answered is not None:
        said = Turn(text=wear(around.answered.text) or around.answered.text, role=around.answered.role)
        around = Surroundings(role=around.role, answered=said)
    return row(wear(example.text) or example.text, np.zeros(VIEWS_WIDTH, np.float32), around, None)[-BESIDE:]


def tune(model: Answers, material: Material, *, epochs: int, chance: random.Random) -> None:
    """Train `model`, and leave the running mean of its steps in it."""
    count = len(material.examples)
    heads = [*model.head.parameters(), model.attended, model.found]
    vectors = [model.role, model.who, model.far]
    groups = [
        {"params": model.layer.parameters(), "lr": RATE, "weight_decay": 0.05},
        {"params": heads, "lr": HEAD_RATE, "weight_decay": 0.01},
        {"params": vectors, "lr": RATE, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups)
    steps = epochs * math.ceil(count / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, HEAD_RATE, RATE], total_steps=steps, pct_start=0.1)
    mean = {name: value.clone() for name, value in model.state_dict().items()}
    begun, taken = time.monotonic(), 0
    model.train()
    for epoch in range(epochs):
        dress = [chance.randrange(len(DRESSES)) for _ in range(count)]
        length = [material.length(i, d) + chance.random() * 6 for i, d in enumerate(dress)]
        order = sorted(range(count), key=length.__getitem__)
        batches = [order[i : i + BATCH] for i in range(0, count, BATCH)]
        chance.shuffle(batches)
        total = 0.0
        for chosen in batches:
            shown = [(i, dress[i], chance.random() < ROLE_HIDDEN, chance.random() < NOTHING_BEFORE) for i in chosen]
            margins = model(material.batch(shown))
            total += step(model, margins, material.labels[chosen], optimizer, schedule)
            taken += 1
            kept = min(MEAN_OF, (1 + taken) / (10 + taken))
            for name, value in model.state_dict().items():
                mean[name].lerp_(value, 1 - kept)
        print(f"epoch {epoch}: loss {total / count:.3f}, {time.monotonic() - begun:.0f} s", flush=True)
    model.load_state_dict(mean)
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=ANSWERS)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--without", default="")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    left_out = re.compile(rf"train-[{chosen.without}]-" if chosen.without else "(?!)")
    examples = [e for e in shipped_examples() if not left_out.match(e.call)]
    weights = {n: torch.from_numpy(w) for n, w in load_file(weights_folder() / "model.safetensors").items()}
    model = Answers(weights, load_file(DELTA), chosen.rank)
    chance = random.Random(chosen.seed)  # noqa: S311 - a repeatable shuffle
    tune(model, Material(examples), epochs=chosen.epochs, chance=chance)
    save_file(model.written(), chosen.out)
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
