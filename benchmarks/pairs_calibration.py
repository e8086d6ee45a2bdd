"""Is the pair test's size what it says, and what does it find? Nulls and planted exclusion.

    python benchmarks/pairs_calibration.py            # about five minutes on one core
    python benchmarks/pairs_calibration.py --runs 5   # tiny

Under each null below, every pair is independent: the table gives the share of runs in which
anything is reported at a false-discovery rate of 5% (at most 5% if calibrated: under a global null
the false-discovery rate is that share), and discoveries a run. Then the power: the share of planted
exclusive pairs found, by how many co-firings chance would give.
"""

import argparse
from typing import Any

import numpy as np

from neglog.validation import coactivation

TOKENS, FEATURES, LENGTH = 6_000, 100, 60


def rates(rng: np.random.Generator) -> Any:
    return rng.uniform(0.01, 0.08, FEATURES)


def independent(rng: np.random.Generator) -> Any:
    return rng.random((TOKENS, FEATURES)) < rates(rng)


def loud_tokens(rng: np.random.Generator) -> Any:
    loud = rng.lognormal(0, 0.7, TOKENS)[:, None]
    return rng.random((TOKENS, FEATURES)) < 1 - np.exp(-rates(rng) * loud)


def topk(rng: np.random.Generator) -> Any:
    keys = rng.gumbel(size=(TOKENS, FEATURES)) + rng.normal(0, 0.6, FEATURES)
    return np.argsort(np.argsort(-keys, axis=1), axis=1) < 5


def bursts(rng: np.random.Generator) -> Any:
    """Each feature has runs of its own: fires with probability ½ while on, for 20 tokens or so."""
    on = np.zeros((TOKENS, FEATURES), dtype=bool)
    state = rng.random(FEATURES) < 0.08
    for token in range(TOKENS):
        change = rng.random(FEATURES)
        state = np.where(state, change > 0.05, change < 0.05 * 0.08 / 0.92)
        on[token] = state & (rng.random(FEATURES) < 0.5)
    return on


def by_sequence(rng: np.random.Generator) -> Any:
    """Each sequence has a topic: half of the features fire three times as often there."""
    topic = rng.random((TOKENS // LENGTH, FEATURES)) < 0.5
    level = np.repeat(np.where(topic, 1.5, 0.5), LENGTH, axis=0)
    shared = rng.random((TOKENS // LENGTH, 1)) < 0.5
    level *= np.repeat(np.where(shared, 1.5, 0.5), LENGTH, axis=0)
    return rng.random((TOKENS, FEATURES)) < np.minimum(rates(rng) * level, 1)


NULLS = {"independent": independent, "token rates vary": loud_tokens, "exactly 5 fire": topk,
         "bursts of ~20 tokens": bursts, "sequence rates vary": by_sequence}  # fmt: skip
TESTS: dict[str, dict[str, Any]] = {
    "equal": {"rates": "equal"},
    "token": {},
    "token, 64 lags": {"lags": 64},
    "sequence": {"rates": "sequence"},
    "token, 1 a sequence": {"thin": True},
}


def tested(codes: Any, options: dict[str, Any]) -> Any:
    options = dict(options)
    sequence = np.repeat(np.arange(TOKENS // LENGTH), LENGTH)
    if options.pop("thin", False):
        options |= {"sequence": sequence, "min_count": 3}
    elif options.get("rates") == "sequence":
        options["sequence"] = sequence
    return coactivation(codes.astype(float), top=0, **options)


def size(runs: int) -> None:
    print(f"size: {runs} runs, {TOKENS} tokens, {FEATURES} features, FDR 5%; runs with any "
          "exclusive / any coactivating pair (mean number of each)\n")  # fmt: skip
    print(f"{'null':22s}", *(f"{name:>26s}" for name in TESTS))
    for name, make in NULLS.items():
        found: dict[str, Any] = {test: [] for test in TESTS}
        for seed in range(runs):
            codes = make(np.random.default_rng(seed))
            for test, options in TESTS.items():
                one = tested(codes, options)
                found[test].append((one.exclusive, one.coactivating))
        row = []
        for counts in found.values():
            counts = np.array(counts)
            some, mean = (counts > 0).mean(axis=0), counts.mean(axis=0)
            row.append(f"{some[0]:.2f}/{some[1]:.2f} ({mean[0]:.1f}/{mean[1]:.1f})")
        print(f"{name:22s}", *(f"{cell:>26s}" for cell in row), flush=True)


def power(runs: int) -> None:
    print("\npower: 10 planted pairs of 4,950 that fire together at a share of what chance gives")
    for keep in (0.0, 0.25, 0.5):
        for rate in (0.02, 0.03, 0.05, 0.08):
            found = testable = false = 0
            for seed in range(runs):
                rng = np.random.default_rng(seed)
                codes = independent(rng)
                for pair in range(10):
                    i, j = 2 * pair, 2 * pair + 1
                    codes[:, [i, j]] = rng.random((TOKENS, 2)) < rate
                    clash = codes[:, i] & codes[:, j] & (rng.random(TOKENS) >= keep)
                    codes[clash, j] = False
                one = coactivation(codes.astype(float), top=500)
                listed = [(p.i, p.j) for p in one.top if p.kind == "exclusive"]
                hits = sum(i % 2 == 0 and j == i + 1 and i < 20 for i, j in listed)
                found, false = found + hits, false + len(listed) - hits
                testable += one.testable
            expected = TOKENS * rate**2
            print(f"kept {keep:.2f} of {expected:5.1f} expected: found {found / (10 * runs):.2f}, "
                  f"false a run {false / runs:.2f}, testable {testable / runs / 4950:.2f}",
                  flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    size(options.runs)
    power(max(2, options.runs // 4))


if __name__ == "__main__":
    main()
