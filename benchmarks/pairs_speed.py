"""How fast pairs stream, and in how much memory: 100,000 features are 5·10⁹ pairs.

    python benchmarks/pairs_speed.py                       # two minutes: a share of the blocks
    python benchmarks/pairs_speed.py --features 5000 --share 1   # all pairs of 5,000 features

Codes with 32 active features a token, rates from a power law. A share of the blocks, evenly spread,
is worked through as ``coactivation`` does; the whole is extrapolated from pairs a second.
"""

import argparse
import resource
import time

import numpy as np
from scipy import sparse

from neglog.validation import pairs as module
from neglog.validation.codes import read_codes
from neglog.validation.dependence import autocorrelations
from neglog.validation.firing import token_rates
from neglog.validation.tally import Tally


def codes_of(features: int, tokens: int, l0: float, seed: int = 0) -> sparse.csc_array:
    """Sparse codes of power-law rates."""
    rng = np.random.default_rng(seed)
    rate = rng.permutation((np.arange(features) + 10.0) ** -0.6)
    rate *= l0 / rate.sum()
    counts = np.maximum(rng.poisson(rate * tokens), 1)
    rows = rng.integers(tokens, size=counts.sum(), dtype=np.int32)
    columns = np.repeat(np.arange(features, dtype=np.int32), counts)
    ones = np.ones(len(rows), np.float32)
    return sparse.coo_array((ones, (rows, columns)), shape=(tokens, features)).tocsc()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--lags", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    record = read_codes(codes_of(options.features, options.tokens, 32))
    fired = module._fired(record)
    counts = np.diff(fired.indptr)
    active = np.flatnonzero(counts >= 10)
    fired, counts = fired[:, active], counts[active]
    print(f"{fired.shape[1]:,} features, {fired.nnz:,} non-zeros, read in "
          f"{time.perf_counter() - start:.1f} s")  # fmt: skip
    start = time.perf_counter()
    null = token_rates(counts, np.bincount(fired.indices, minlength=fired.shape[0]))
    rho = autocorrelations(fired, options.lags) if options.lags else None
    print(f"null fitted in {time.perf_counter() - start:.1f} s")
    tally = Tally(null, counts, 0.05, 100, rho)
    size = len(active)
    step = max(1, round(1 / options.share))
    start, done = time.perf_counter(), 0
    for rows, columns, together in module.blocks(fired, step):
        done += tally.add(rows, columns, together)
    seconds = time.perf_counter() - start
    total = size * (size - 1) // 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{done:,} of {total:,} pairs in {seconds:.1f} s: {done / seconds / 1e6:.2f} million a "
        f"second, {total / done * seconds / 60:.0f} minutes for all; peak memory {peak:.2f} GB; "
        f"testable {tally.apart.tests / done:.3f}, exclusive {tally.apart.rejected(0.05)}"
    )


if __name__ == "__main__":
    main()
