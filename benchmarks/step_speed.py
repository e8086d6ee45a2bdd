"""One training step of neglog and of its peers, alternating in one run.

    python benchmarks/step_speed.py [--rounds 7] [--threads 2] [--width 12288] [--memory]

A tiny version: --rounds 2 --width 768 --batch 256. Peers: pip install -c constraints.txt sae-lens
dictionary-learning eai-sparsify; those that are not installed are left out.

Each row: median milliseconds of a step; its ratio to neglog's step of the same kind (the median of
the ratios round by round: more than 1 means slower than neglog); its ratio to the bare encoder
product x Wᵀ, into new memory (`/product`) and into a buffer that is used again (`/buffer`), which
no step can avoid. Peers' ReLU steps have the L1 penalty, neglog's has log(1+|a|). With --memory
also the peak above what the process held before its first step, each case in a process of its own.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch
from peers import Step, available, ours, peer

D, K = 384, 32
KINDS = ("topk", "batchtopk", "relu", "jumprelu", "prox")
OURS = "neglog"


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rows(batch: int) -> torch.Tensor:
    """Data with planted features [batch, D], unit variance an entry."""
    generator = torch.Generator().manual_seed(0)
    dictionary = torch.randn(1024, D, generator=generator)
    on = torch.rand(batch, 1024, generator=generator) < 0.02
    x = (on * torch.rand(batch, 1024, generator=generator)) @ dictionary
    return (x - x.mean(0)) / x.std()


def steps(kind: str, names: list[str], width: int, x: torch.Tensor, lr: float) -> dict[str, Step]:
    """Our step of a kind, and those of the peers that have it."""
    found = {OURS: ours(kind, D, width, K, lr, x)}
    for name in names if kind in ("topk", "batchtopk", "relu") else []:
        step = peer(name, kind, D, width, K, lr)
        if step is not None:
            found[name] = step
    return found


def alternate(
    kind: str, names: list[str], width: int, x: torch.Tensor, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each step, round by round, and of the product."""
    made = steps(kind, names, width, x, 1e-6)
    weight, buffer = torch.randn(width, D), torch.empty(len(x), width)
    work: dict[str, Callable[[], object]] = {
        **{name: partial(step, x) for name, step in made.items()},
        "product": lambda: x @ weight.T,
        "buffer": lambda: torch.mm(x, weight.T, out=buffer),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(rounds + 1):
        for name, call in work.items():
            took = seconds(call)
            if round_:  # the first warms up
                times[name].append(took)
    return times


def peak(kind: str, name: str, width: int, batch: int) -> float:
    """MB of a step above what was there before the first, in a process of its own."""
    words = [sys.executable, __file__, "--one", kind, name]
    words += ["--width", str(width), "--batch", str(batch)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def one(kind: str, name: str, width: int, batch: int) -> None:
    """Three steps of one case; prints the growth of the process in MB."""
    x = rows(batch)
    step = ours(kind, D, width, K, 1e-6, x) if name == OURS else peer(name, kind, D, width, K, 1e-6)
    assert step is not None
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = high_water()
    for _ in range(3):
        step(x)
    print((high_water() - before) / 1024)


def high_water() -> int:
    """The most kB of memory this process has held (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=12_288)
    parser.add_argument("--batch", type=int, default=4_096)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        kind, name = options.one
        return one(kind, name, options.width, options.batch)
    names = available()
    versions = ", ".join(f"{name} {version(name)}" for name in ("neglog", "torch"))
    print(f"{platform.platform()}, {options.threads} threads, {versions}; d = {D}, "
          f"width {options.width:,}, batch {options.batch:,}, L0 {K}")  # fmt: skip
    print(
        "step       trainer                  ms  /neglog  /product  /buffer"
        + "  peak MB" * options.memory
    )
    x = rows(options.batch)
    for kind in options.kinds:
        times = alternate(kind, names, options.width, x, options.rounds)
        for name in [n for n in times if n not in ("product", "buffer")]:
            ratios = [
                median(a / b for a, b in zip(times[name], times[other], strict=True))
                for other in (OURS, "product", "buffer")
            ]
            memory = (
                f" {peak(kind, name, options.width, options.batch):8.0f}" if options.memory else ""
            )
            print(f"{kind:<10} {name:<20} {1e3 * median(times[name]):6.0f} {ratios[0]:8.2f} "
                  f"{ratios[1]:9.2f} {ratios[2]:8.2f}{memory}", flush=True)  # fmt: skip
    return None


if __name__ == "__main__":
    main()
