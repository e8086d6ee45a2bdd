"""One training step, dense against active latents only, alternating in one run.

    python benchmarks/step_speed.py [--rounds 6] [--threads 2]

Prints a row a case: milliseconds of the dense step and of the step on active latents (the same
gradient), their ratio, and the ratio to the bare encoder product x Wᵀ, which no step can avoid.
"""

from __future__ import annotations

import argparse
import platform
import time
from importlib.metadata import version

import torch

import neglog
from neglog.sae import SAE, Trainer
from neglog.sae.control import TargetL0
from neglog.sae.start import set_bias

D = 384
# width, batch, L0, activation, penalty
CASES = (
    (1_536, 2_048, 32, "relu", "log(1+abs(a))"),
    (1_536, 2_048, 32, "relu", "log(1+sum(abs(a)))"),
    (1_536, 2_048, 32, "topk", None),
    (3_072, 4_096, 32, "relu", "log(1+abs(a))"),
    (12_288, 4_096, 32, "relu", "log(1+abs(a))"),
    (12_288, 4_096, 32, "topk", None),
)


def seconds(work: object) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def trainer(
    width: int, l0: int, activation: str, penalty: str | None, sparse: bool, x: torch.Tensor
) -> Trainer:
    """A trainer whose codes have the wanted L0 from the first step on."""
    sae = SAE(D, width, activation, l0 if activation == "topk" else None)
    if penalty is None:
        return Trainer(sae, lr=1e-7, sparse=sparse)
    compiled = neglog.penalty(penalty, "positive").compile("torch")
    made = Trainer(sae, compiled, strength=1e-6, lr=1e-7, sparse=sparse)
    set_bias(sae, x, TargetL0(l0))
    return made


def measure(
    width: int, batch: int, l0: int, activation: str, penalty: str | None, rounds: int
) -> tuple[float, float, float]:
    """Least milliseconds of (dense step, active step, encoder product) over the rounds."""
    x = torch.randn(batch, D, generator=torch.Generator().manual_seed(0))
    dense, active = (trainer(width, l0, activation, penalty, s, x) for s in (False, True))
    weight = torch.randn(width, D)
    times: list[list[float]] = [[], [], []]
    for round_ in range(rounds + 1):
        found = (
            seconds(lambda: dense.step(x)),
            seconds(lambda: active.step(x)),
            seconds(lambda: x @ weight.T),
        )
        if round_:  # the first warms up
            for row, value in zip(times, found, strict=True):
                row.append(1e3 * value)
    return min(times[0]), min(times[1]), min(times[2])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    versions = ", ".join(f"{name} {version(name)}" for name in ("neglog", "torch"))
    print(f"{platform.platform()}, {options.threads} threads, {versions}, d = {D}")
    print("width   batch  activation, penalty            dense ms  active ms  ratio  /product")
    for width, batch, l0, activation, penalty in CASES:
        dense, active, product = measure(width, batch, l0, activation, penalty, options.rounds)
        what = f"{activation} {penalty or f'k = {l0}'}"
        print(
            f"{width:>6,} {batch:>6,}  {what:<30} {dense:9.1f} {active:10.1f} "
            f"{active / dense:6.2f} {active / product:9.2f}"
        )


if __name__ == "__main__":
    main()
