"""How often Vuong's test prefers one of two families that are equally near to the truth.

    python benchmarks/vuong_size.py             # 1,000 data sets of 300, 1,000 and 3,000 values
    python benchmarks/vuong_size.py --sets 50   # tiny

The truth is a mixture of a gamma and a log-normal law, with the weight at which a million of its
values are fitted equally well by both.
"""

import argparse

import numpy as np
from bootstrap_size import interval
from numpy.random import Generator
from scipy import optimize, sparse

import neglog.validation

PAIR = ["gamma", "log-normal"]


def drawn(weight: float, n: int, rng: Generator) -> np.ndarray:
    """So many values of the mixture."""
    gamma = rng.gamma(2.5, 1.0, n)
    other = np.exp(0.5 + 0.9 * rng.standard_normal(n))
    return np.where(rng.random(n) < weight, gamma, other)


def gap(weight: float) -> float:
    """Log-likelihood a value by which the gamma fit is better."""
    values = drawn(weight, 1_000_000, np.random.default_rng(1))[:, None]
    loglik = neglog.validation.fit(values, PAIR)["loglik"]
    return float(loglik.iloc[0] - loglik.iloc[1]) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    options = parser.parse_args()
    weight = optimize.brentq(gap, 0.05, 0.95, xtol=1e-3)
    print(f"weight of the gamma law {weight:.3f}, {options.sets} sets, nominal 5%")
    print("| values | rejected | for gamma | for log-normal |\n|---|---|---|---|")
    rng = np.random.default_rng(0)
    for n in (300, 1000, 3000):
        data = drawn(weight, options.sets * n, rng)
        indptr = np.arange(options.sets + 1) * n
        rows = np.tile(np.arange(n), options.sets)
        codes = sparse.csc_array((data, rows, indptr), shape=(n, options.sets))
        table = neglog.validation.vuong(codes, PAIR)
        hit = table["p"] <= 0.05
        sides = (table["z"] > 0)[hit].sum(), (table["z"] < 0)[hit].sum()
        shown = [interval(int(k), options.sets) for k in (hit.sum(), *sides)]
        print(f"| {n} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
