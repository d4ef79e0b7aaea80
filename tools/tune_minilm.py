"""Tune MiniLM's upper layers on sales talk, and write the low-rank delta that the package ships.

    .venv/bin/python tools/tune_minilm.py [--out FILE] [--start 4] [--layers 2] [--rank 16] [--epochs 8]

Needs torch (2.13.0), at authoring time only. The layers below `start` stay as they are, so that one reading of a text
gives both: the sentence embedding that search knows, and the tuned view that the moments are judged by. Each epoch
shows every example once, in another dress: as written, without punctuation, or as a recogniser mishears it; now and
then with its role hidden. Same seed, same machine, same file.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
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
from ridealong.embedding.minilm import DIMENSIONS, load_embedder, weights_folder
from ridealong.live.features import FACTS, VIEWS_WIDTH, Surroundings, row
from ridealong.live.train import Example, shipped_examples

OUT: Final = Path(__file__).parent.parent / "src" / "ridealong" / "embedding" / "sales.safetensors"
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
DRESSES: Final = (0.35, 0.3)
"""How often as written, and how often without punctuation; the rest is misheard."""


class LowRank(nn.Module):
    """A frozen linear layer plus the product of two thin matrices, the second of which begins at zero."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.down = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.up = nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight, self.bias) + (x @ self.down.T) @ self.up.T


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
        mixed = mixed.transpose(1, 2).reshape(size, length, DIMENSIONS)
        x = self.normalise(x + self.dropout(self.linear(mixed, "attention.output.dense")), "attention.output.LayerNorm")
        wide = nn.functional.gelu(self.linear(x, "intermediate.dense"))
        return self.normalise(x + self.dropout(self.linear(wide, "output.dense")), "output.LayerNorm")


class Tuned(nn.Module):
    """The frozen trunk, `layers` tuned layers on top of it, and a head over the mean of their tokens."""

    def __init__(self, weights: dict[str, torch.Tensor], *, start: int, layers: int, rank: int) -> None:
        super().__init__()
        self.weights = weights
        self.trunk = [Layer(weights, n, 0).eval() for n in range(start)]
        self.branch = nn.ModuleList(Layer(weights, n, rank) for n in range(start, start + layers))
        self.head = nn.Linear(2 * DIMENSIONS + FACTS, len(CONTENT_TYPES))

    def below(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the trunk says, without gradients."""
        w = self.weights
        with torch.no_grad():
            x = w["embeddings.word_embeddings.weight"][ids]
            x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
            x = x + w["embeddings.token_type_embeddings.weight"][0]
            name = "embeddings.LayerNorm"
            x = nn.functional.layer_norm(x, (DIMENSIONS,), w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)
            for layer in self.trunk:
                x = layer(x, mask)
        return x

    def tokens(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.below(ids, mask)
        for layer in self.branch:
            x = layer(x, mask)
        return x

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids, mask)
        total = (x * mask[:, :, None]).sum(dim=1)
        pooled = nn.functional.normalize(total, dim=1) * 8.0
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


def around(example: Example, answered: dict[str, np.ndarray], role: Role) -> np.ndarray:
    """What the head sees beside the words: the turn before, and the facts; see `live.features.row`."""
    surroundings = Surroundings.of(role, example.before)
    before = answered[surroundings.answered.text] if surroundings.answered is not None else None
    return row(example.text, np.zeros(VIEWS_WIDTH, np.float32), surroundings, before)[VIEWS_WIDTH:]


def dressed(text: str, chance: random.Random) -> str:
    drawn = chance.random()
    if drawn < DRESSES[0]:
        return text
    if drawn < sum(DRESSES):
        return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split())
    return misheard(text, chance)


def tune(model: Tuned, examples: list[Example], *, epochs: int, rate: float, seed: int) -> None:
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    embedder = load_embedder()
    texts = sorted({t.text for e in examples for t in e.before})
    answered = dict(zip(texts, embedder.views(texts), strict=True))
    labels = torch.tensor([[t in e.types for t in CONTENT_TYPES] for e in examples], dtype=torch.float32)
    chance = random.Random(seed)  # noqa: S311 - a repeatable shuffle
    groups = [
        {"params": [p for n, p in model.named_parameters() if n.startswith("branch")], "lr": rate, "weight_decay": 0.05},
        {"params": model.head.parameters(), "lr": 2e-3, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups)
    steps = epochs * math.ceil(len(examples) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate, 2e-3], total_steps=steps, pct_start=0.1)
    began = time.monotonic()
    for epoch in range(epochs):
        model.train()
        dress = [dressed(e.text, chance) or e.text for e in examples]
        encoded = [e.ids for e in tokenizer.encode_batch(dress)]
        order = sorted(range(len(examples)), key=lambda i: len(encoded[i]) + chance.random() * 6)
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        chance.shuffle(batches)
        total = 0.0
        for chosen in batches:
            longest = max(len(encoded[i]) for i in chosen)
            ids = torch.tensor([encoded[i] + [0] * (longest - len(encoded[i])) for i in chosen])
            mask = ids != 0
            roles = [Role.UNKNOWN if chance.random() < ROLE_HIDDEN else examples[i].role for i in chosen]
            beside = np.array([around(examples[i], answered, r) for i, r in zip(chosen, roles, strict=True)])
            margins = model(ids, mask, torch.from_numpy(beside))
            loss = nn.functional.binary_cross_entropy_with_logits(margins, labels[chosen], reduction="sum") / len(chosen)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss) * len(chosen)
        print(f"epoch {epoch}: loss {total / len(examples):.3f}, {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--start", type=int, default=4)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    weights = {n: torch.from_numpy(w) for n, w in load_file(weights_folder() / "model.safetensors").items()}
    model = Tuned(weights, start=chosen.start, layers=chosen.layers, rank=chosen.rank)
    tune(model, shipped_examples(), epochs=chosen.epochs, rate=chosen.rate, seed=chosen.seed)
    save_file(model.delta(), chosen.out)
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
