"""Time neglog.validation.fit against scipy's own fits, alternating, on the same features.

    python benchmarks/fit_speed.py                      # 1,000 features × 400 values, 3 rounds
    python benchmarks/fit_speed.py --features 60        # tiny

Prints seconds, the ratio, and by how much scipy's log-likelihood is ever better (nat per value).
"""

import argparse
import time

import numpy as np
from scipy import sparse, stats

import neglog.validation
from neglog.validation.families import FAMILIES

NAMES = ("exponential", "half-cauchy", "lomax", "gamma", "weibull", "log-normal")


def planted(features: int, values: int, seed: int = 0) -> sparse.csc_array:
    """Features that follow each family in turn, active on a tenth of the tokens."""
    rng = np.random.default_rng(seed)
    tokens = 10 * values
    shapes = {"lomax": (3.0,), "gamma": (2.0,), "weibull": (0.8,), "log-normal": (0.7,)}
    columns = []
    for feature in range(features):
        name = NAMES[feature % len(NAMES)]
        law = getattr(stats, str(FAMILIES[name].scipy))(*shapes.get(name, ()))
        columns.append(law.rvs(size=values, random_state=rng))
    rows = [np.sort(rng.choice(tokens, values, replace=False)) for _ in range(features)]
    indptr = np.arange(features + 1) * values
    data = np.concatenate(columns), np.concatenate(rows), indptr
    return sparse.csc_array(data, shape=(tokens, features))


def with_scipy(codes: sparse.csc_array, step: int) -> tuple[float, np.ndarray]:
    """Seconds and log-likelihoods (features // step, families) of scipy's loop with floc=0."""
    start, logliks = time.perf_counter(), []
    for feature in range(0, codes.shape[1], step):
        a = codes.data[codes.indptr[feature] : codes.indptr[feature + 1]]
        laws = [getattr(stats, str(FAMILIES[name].scipy)) for name in NAMES]
        logliks.append([law.logpdf(a, *law.fit(a, floc=0)).sum() for law in laws])
    return time.perf_counter() - start, np.array(logliks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--values", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", type=int, default=1, help="scipy fits every STEP-th feature")
    options = parser.parse_args()
    codes = planted(options.features, options.values)
    start = time.perf_counter()
    neglog.validation.fit(planted(6, 60), families=NAMES)
    print(f"first call, with the symbolic preparation: {time.perf_counter() - start:.2f} s")
    for number in range(options.rounds):
        start = time.perf_counter()
        table = neglog.validation.fit(codes, families=NAMES)
        ours = time.perf_counter() - start
        theirs, loglik = with_scipy(codes, options.step)
        theirs *= options.step
        own = table["loglik"].to_numpy().reshape(options.features, len(NAMES))[:: options.step]
        worst = ((loglik - own) / options.values).max()
        print(
            f"round {number + 1}: neglog {ours:.3f} s, scipy {theirs:.1f} s, "
            f"ratio {theirs / ours:.0f}; scipy better by at most {worst:.1e} nat per value"
        )


if __name__ == "__main__":
    main()
