"""The search for opposing features against the bare blocked matrix product it needs.

    python benchmarks/opposing_speed.py                               # 32,768 and 65,536 × 768
    python benchmarks/opposing_speed.py --features 262144             # the size of Gao et al.
    python benchmarks/opposing_speed.py --features 4096 --rounds 2    # tiny

The bare product computes the same half of the blocks into the same buffer and looks at nothing.
Both are timed in turn, by the clock and by processor time (which other programs on the machine
disturb less); random directions.
"""

import argparse
import resource
import time
from typing import Any

import numpy as np

from neglog.validation.opposites import BLOCK, expected, extremes


def bare(unit: Any) -> None:
    """Every block of one half of unit·unitᵀ, into a buffer."""
    buffer = np.empty((BLOCK, BLOCK), np.float32)
    for i in range(0, len(unit), BLOCK):
        one = unit[i : i + BLOCK]
        for j in range(i, len(unit), BLOCK):
            other = unit[j : j + BLOCK]
            np.matmul(one, other.T, out=buffer[: len(one), : len(other)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, nargs="+", default=[32_768, 65_536])
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-bare", action="store_true")
    options = parser.parse_args()
    for features in options.features:
        rows = np.random.default_rng(0).standard_normal(
            (features, options.dimension), dtype=np.float32
        )
        for _ in range(options.rounds):
            start, used = time.perf_counter(), time.process_time()
            low, _, high, _ = extremes(rows, progress=features > 100_000)
            ours, used = time.perf_counter() - start, time.process_time() - used
            floor = floor_used = float("nan")
            if not options.without_bare:
                start, began = time.perf_counter(), time.process_time()
                bare(rows)
                floor, floor_used = time.perf_counter() - start, time.process_time() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9 * 1000
            flops = features * (features + BLOCK) * options.dimension
            whole = used * (262_144 / features) ** 2 / 60
            print(
                f"{features:,} × {options.dimension}: {ours:.1f} s, bare product {floor:.1f} s, "
                f"ratio {ours / floor:.2f}; processor time {used:.1f} s, {floor_used:.1f} s, "
                f"ratio {used / floor_used:.2f}, {flops / used / 1e9:.0f} GFLOP/s; peak {peak:.2f} "
                f"GB; 262,144 would take {whole:.0f} processor minutes; below −0.15: "
                f"{(low < -0.15).sum()}, above 0.15: {(high > 0.15).sum()}, expected "
                f"{expected(features, options.dimension, -0.15):.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
