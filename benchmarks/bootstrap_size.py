"""How often the bootstrap rejects a family that is true, at nominal 5%.

    python benchmarks/bootstrap_size.py                     # 2,000 data sets of 300 values a family
    python benchmarks/bootstrap_size.py --sets 100 --families exponential     # tiny

Data sets are drawn from each family and tested against the same family, fitted. Beside it: what
comes of comparing √n·max|F − Fₙ| with Kolmogorov's table, as if the parameters had not been fitted.
"""

import argparse
import time

import numpy as np
from scipy import sparse, stats

import neglog.validation
from neglog.validation.laws import LAWS

TRUE = {
    "exponential": {"scale": 1.0},
    "half-normal": {"scale": 1.0},
    "half-cauchy": {"scale": 1.0},
    "half-t": {"df": 4.0, "scale": 1.0},
    "lomax": {"c": 3.0, "scale": 1.0},
    "gamma": {"a": 2.0, "scale": 1.0},
    "weibull": {"c": 0.8, "scale": 1.0},
    "log-normal": {"s": 0.7, "scale": 1.0},
    "generalised-pareto": {"c": -0.2, "scale": 1.0},
}


def drawn(name: str, sets: int, values: int, seed: int) -> sparse.csc_array:
    """Codes whose features are data sets of one law, active on half of the tokens."""
    rng = np.random.default_rng(seed)
    data = LAWS[name].draw(rng, sets * values, **TRUE[name])
    rows = np.tile(np.arange(values), sets)
    indptr = np.arange(sets + 1) * values
    return sparse.csc_array((data, rows, indptr), shape=(2 * values, sets))


def interval(hits: int, sets: int) -> str:
    """Clopper and Pearson's 95% interval of a share."""
    low = stats.beta.ppf(0.025, hits, sets - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, sets - hits)
    return f"{hits / sets:.1%} [{low:.1%}, {high:.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--values", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=99)
    parser.add_argument("--statistic", default="anderson-darling")
    parser.add_argument("--families", default=",".join(TRUE))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{options.sets} data sets of {options.values} values, {options.replicates} replicates, "
          f"{options.statistic}, seed {options.seed}")  # fmt: skip
    print("| family | raw values | sketch | Kolmogorov's table | seconds |\n|---|---|---|---|---|")
    for name in options.families.split(","):
        codes = drawn(name, options.sets, options.values, options.seed)
        start = time.perf_counter()
        cells = []
        for source in (codes, neglog.validation.sketch(codes)):
            found = neglog.validation.goodness(
                source, [name], statistic=options.statistic, replicates=options.replicates,
                seed=options.seed + 1,
            )  # fmt: skip
            p = found["p"].dropna()
            cells.append(interval(int((p <= 0.05).sum()), len(p)))
        seconds = time.perf_counter() - start
        plain = neglog.validation.goodness(
            codes, [name], statistic="kolmogorov-smirnov", replicates=19
        )["statistic"].dropna()
        table = interval(int((stats.kstwobign.sf(plain) <= 0.05).sum()), len(plain))
        print(f"| {name} | {' | '.join(cells)} | {table} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
