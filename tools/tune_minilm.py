"""Tune one of MiniLM's layers on sales talk, and write the low-rank delta that the package ships.

    .venv/bin/python tools/tune_minilm.py [--out FILE] [--start 4] [--layers 1] [--rank 64] [--epochs 8]

Needs torch (2.13.0), at authoring time only. The layers below `start` stay as they are, so that one reading of a text
gives both: the sentence embedding that search knows, and the tuned view that the moments are judged by. Each epoch
shows every example once, in one of its dresses: as written, without punctuation, or as a recogniser mishears it; now
and then with its role hidden. Same seed, same machine, same file.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from misheard import misheard
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch import nn

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.minilm import DIMENSIONS, VIEWS_WIDTH, weights_folder
from ridealong.live.features import WIDTH, Surroundings, row
from ridealong.live.train import Example, plain, shipped_examples

OUT: Final = Path(__file__).parent.parent / "src" / "ridealong" / "embedding" / "sales.safetensors"
LAYERS: Final = 6
HEADS: Final = 12
LINEARS: Final = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
BATCH: Final = 48
ROLE_HIDDEN: Final = 0.15
MISHEARINGS: Final = 1
"""Dresses of an example: as written, without punctuation, and so many times misheard."""

MOST_TOKENS: Final = 64


class LowRank(nn.Module):
    """A frozen linear layer plus the product of two thin matrices, the second of which begins at zero."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.down = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.up = nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # One product with the summed weight: with many tokens that is cheaper than three thin ones.
        return nn.functional.linear(x, self.weight + self.up @ self.down, self.bias)


class Layer(nn.Module):
    """One BERT layer; `rank` 0 leaves it frozen."""

    def __init__(self, weights: dict[str, torch.Tensor], number: int, rank: int) -> None:
        super().__init__()
        at = f"encoder.layer.{number}"
        self.number, self.rank = number, rank
        if rank:
            self.linears = nn.ModuleDict(
                {
                    n.replace(".", "/"): LowRank(weights[f"{at}.{n}.weight"], weights[f"{at}.{n}.bias"], rank)
                    for n in LINEARS
                }
            )
        self.frozen = {
            n: (weights[f"{at}.{n}.weight"], weights[f"{at}.{n}.bias"])
            for n in (*LINEARS, "attention.output.LayerNorm", "output.LayerNorm")
        }
        self.dropout = nn.Dropout(0.1 if rank else 0.0)

    def linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        if self.rank:
            return self.linears[name.replace(".", "/")](x)
        return nn.functional.linear(x, *self.frozen[name])

    def normalise(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return nn.functional.layer_norm(x, (DIMENSIONS,), *self.frozen[name], eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        size, length, _ = x.shape
        q, k, v = (
            self.linear(x, f"attention.self.{n}").view(size, length, HEADS, -1).transpose(1, 2)
            for n in ("query", "key", "value")
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        return self.behind_attention(x, mixed.transpose(1, 2).reshape(size, length, DIMENSIONS))

    def behind_attention(self, x: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        """The rest of the layer, which read `x`."""
        x = self.normalise(x + self.dropout(self.linear(mixed, "attention.output.dense")), "attention.output.LayerNorm")
        wide = nn.functional.gelu(self.linear(x, "intermediate.dense"))
        return self.normalise(x + self.dropout(self.linear(wide, "output.dense")), "output.LayerNorm")


class Trunk:
    """MiniLM as it is shipped, up to some layer. It is read once a text: nothing of it is trained."""

    def __init__(self, weights: dict[str, torch.Tensor], tokenizer: Tokenizer) -> None:
        self._weights, self._tokenizer = weights, tokenizer
        self._layers = [Layer(weights, n, 0).eval() for n in range(LAYERS)]

    @torch.no_grad()
    def read(self, texts: list[str], layers: int) -> list[torch.Tensor]:
        """What comes out of the first `layers` for each text, [tokens, DIMENSIONS] in half precision."""
        encoded = [e.ids for e in self._tokenizer.encode_batch(texts)]
        found: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
        w, name = self._weights, "embeddings.LayerNorm"
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            ids, mask = padded([torch.tensor(encoded[i]) for i in chosen])
            x = w["embeddings.word_embeddings.weight"][ids]
            x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
            x = x + w["embeddings.token_type_embeddings.weight"][0]
            x = nn.functional.layer_norm(x, (DIMENSIONS,), w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)
            for layer in self._layers[:layers]:
                x = layer(x, mask)
            for i, states in zip(chosen, x, strict=True):
                found[i] = states[: len(encoded[i])].half()
        return found

    def sentences(self, texts: list[str]) -> np.ndarray:
        """MiniLM's own vectors of `texts`, [len(texts), DIMENSIONS]."""
        means = torch.stack([states.float().mean(dim=0) for states in self.read(texts, LAYERS)])
        return nn.functional.normalize(means, dim=1).numpy()


class Tuned(nn.Module):
    """`layers` tuned layers on top of the trunk's states, and a head over the mean of their tokens."""

    def __init__(self, weights: dict[str, torch.Tensor], *, start: int, layers: int, rank: int) -> None:
        super().__init__()
        self.branch = nn.ModuleList(Layer(weights, n, rank) for n in range(start, start + layers))
        self.head = nn.Linear(DIMENSIONS + WIDTH - VIEWS_WIDTH, len(CONTENT_TYPES))

    def forward(self, states: torch.Tensor, mask: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        for layer in self.branch:
            states = layer(states, mask)
        pooled = nn.functional.normalize((states * mask[:, :, None]).sum(dim=1), dim=1) * 8.0
        return self.head(torch.cat([pooled, around], dim=1))

    def delta(self) -> dict[str, np.ndarray]:
        """The thin matrices, half precision, by the names of the weights that they add to."""
        found: dict[str, np.ndarray] = {}
        for layer in self.branch:
            for name, linear in layer.linears.items():
                at = f"encoder.layer.{layer.number}.{name.replace('/', '.')}"
                found[f"{at}.up"] = linear.up.detach().numpy().astype(np.float16)
                found[f"{at}.down"] = linear.down.detach().numpy().astype(np.float16)
        return found


def padded(rows: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """`rows` side by side, filled up with zeros, and a mask of where they are."""
    mask = nn.utils.rnn.pad_sequence([torch.ones(len(r), dtype=torch.bool) for r in rows], batch_first=True)
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), mask


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All that training reads, once: every example in its dresses, and what stands around it."""

    dresses: list[list[torch.Tensor]]
    """[dress][example]: the trunk's states."""
    around: dict[bool, np.ndarray]
    """[examples, WIDTH - VIEWS_WIDTH], by whether the role is hidden."""
    labels: torch.Tensor


def read(examples: list[Example], trunk: Trunk, start: int, chance: random.Random) -> Material:
    worn = [[e.text for e in examples], [plain(e.text) or e.text for e in examples]]
    worn += [[misheard(e.text, chance) or e.text for e in examples] for _ in range(MISHEARINGS)]
    texts = sorted({t.text for e in examples for t in e.before})
    answered = dict(zip(texts, trunk.sentences(texts), strict=True))
    return Material(
        dresses=[trunk.read(texts, start) for texts in worn],
        around={
            hidden: np.array([around(e, answered, Role.UNKNOWN if hidden else e.role) for e in examples])
            for hidden in (False, True)
        },
        labels=torch.tensor([[t in e.types for t in CONTENT_TYPES] for e in examples], dtype=torch.float32),
    )


def around(example: Example, answered: dict[str, np.ndarray], role: Role) -> np.ndarray:
    """What the head sees beside the words: the turn before, and the facts; see `live.features.row`."""
    surroundings = Surroundings.of(role, example.before)
    before = answered[surroundings.answered.text] if surroundings.answered is not None else None
    return row(example.text, np.zeros(VIEWS_WIDTH, np.float32), surroundings, before)[VIEWS_WIDTH:]


def tune(model: Tuned, material: Material, *, epochs: int, rate: float, chance: random.Random) -> None:
    count = len(material.labels)
    groups = [
        {"params": model.branch.parameters(), "lr": rate, "weight_decay": 0.05},
        {"params": model.head.parameters(), "lr": 2e-3, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups)
    steps = epochs * math.ceil(count / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate, 2e-3], total_steps=steps, pct_start=0.1)
    began = time.monotonic()
    model.train()
    for epoch in range(epochs):
        dress = [chance.randrange(len(material.dresses)) for _ in range(count)]
        length = [len(material.dresses[d][i]) for i, d in enumerate(dress)]
        order = sorted(range(count), key=lambda i: length[i] + chance.random() * 6)
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        chance.shuffle(batches)
        total = 0.0
        for chosen in batches:
            states, mask = padded([material.dresses[dress[i]][i].float() for i in chosen])
            beside = np.array([material.around[chance.random() < ROLE_HIDDEN][i] for i in chosen])
            margins = model(states, mask, torch.from_numpy(beside))
            total += step(model, margins, material.labels[chosen], optimizer, schedule)
        print(f"epoch {epoch}: loss {total / count:.3f}, {time.monotonic() - began:.0f} s", flush=True)


def step(
    model: nn.Module,
    margins: torch.Tensor,
    labels: torch.Tensor,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """One step down from what `model` gave for a batch. Its loss before, summed over the batch's examples."""
    loss = nn.functional.binary_cross_entropy_with_logits(margins, labels, reduction="sum")
    optimizer.zero_grad()
    (loss / len(labels)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    return float(loss.detach())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--start", type=int, default=4)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    chance = random.Random(chosen.seed)  # noqa: S311 - a repeatable shuffle
    weights = {n: torch.from_numpy(w) for n, w in load_file(weights_folder() / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    material = read(shipped_examples(), Trunk(weights, tokenizer), chosen.start, chance)
    model = Tuned(weights, start=chosen.start, layers=chosen.layers, rank=chosen.rank)
    tune(model, material, epochs=chosen.epochs, rate=chosen.rate, chance=chance)
    save_file(model.delta(), chosen.out)
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
