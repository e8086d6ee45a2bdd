"""Reconstruction after equally many steps: neglog's trainer and its peers', TopK and BatchTopK.

    python benchmarks/equal_steps.py [--data activations] [--width 1024] [--steps 300] [--seeds 2]

A tiny version: --tokens 6000 --width 256 --steps 40 --seeds 1. Without --data, MiniLM's layer 3 is
harvested first. Every trainer gets the same batches (centred, unit variance), its own package's
initialisation and step, Adam, and each of the learning rates; the best one counts, for each alone.
Printed is ‖x − x̂‖²/‖x‖² over the last tenth of the steps, mean and range over seeds. Peers:
pip install -c constraints.txt sae-lens dictionary-learning eai-sparsify.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from peers import Step, available, ours, peer
from torch import Tensor

from neglog.sae import harvest, open_activations
from neglog.sae.progress import progress_bar

K = 32


def normalised(data: Path) -> Tensor:
    """All rows of a folder of shards, centred and of unit variance an entry."""
    source = open_activations(data)
    rows = source.rows(np.arange(len(source)))
    rows = rows - rows.mean(0)
    return rows / rows.std()


def trainer(name: str, kind: str, width: int, lr: float, x: Tensor, seed: int) -> Step:
    """A fresh model's step."""
    torch.manual_seed(seed)
    if name == "neglog":
        return ours(kind, x.shape[1], width, K, lr, x)
    made = peer(name, kind, x.shape[1], width, K, lr)
    assert made is not None
    return made


def error(step: Step, x: Tensor, steps: int, batch: int, seed: int) -> float:
    """The share of ‖x‖² that is left, over the last tenth of the steps."""
    order = torch.Generator().manual_seed(seed)
    left, whole = 0.0, 0.0
    for i in range(steps):
        rows = x[torch.randint(len(x), (batch,), generator=order)]
        found = step(rows)
        if i >= steps - max(1, steps // 10):
            left += found
            whole += float(rows.square().sum(1).mean())
    return left / whole


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tokens", type=int, default=60_000)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3])
    options = parser.parse_args()
    data = options.data or Path("activations")
    if not data.exists():
        harvest(data, layer=3, tokens=options.tokens)
    x = normalised(data)
    d, width = x.shape[1], options.width
    print(f"d = {d}, width {width:,}, {options.steps} steps of {options.batch}, L0 {K}, "
          f"learning rates {options.rates}, {options.seeds} seeds")  # fmt: skip
    for kind in ("topk", "batchtopk"):
        names = ["neglog", *(n for n in available() if kind == "topk" or n != "sparsify")]
        jobs = [(n, lr, s) for n in names for lr in options.rates for s in range(options.seeds)]
        found: dict[tuple[str, float], list[float]] = {}
        with progress_bar(kind, len(jobs), True) as advance:
            for name, lr, seed in jobs:
                step = trainer(name, kind, width, lr, x, seed)
                share = error(step, x, options.steps, options.batch, seed)
                found.setdefault((name, lr), []).append(share)
                advance(1, name)
        for name in names:
            lr = min(options.rates, key=lambda lr: mean(found[name, lr]))
            shares = found[name, lr]
            print(f"{kind:<10} {name:<20} {mean(shares):.4f}  "
                  f"({min(shares):.4f}–{max(shares):.4f})  at {lr:g}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
