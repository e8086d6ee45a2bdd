"""How fast codes are sketched, how large the sketch is, and how far its bins move a fit.

    python benchmarks/sketch_speed.py      # 10⁸ non-zeros, 100,000 features, 1 and 2 processes
    python benchmarks/sketch_speed.py --nonzeros 1e6 --features 2000      # tiny

Codes are CSR blocks as a trained SAE gives them: per token 64 features, their values log-normal
about a scale of each feature's own. Every process sketches its share of the blocks; the sketches
are merged.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy import sparse

import neglog.validation
from neglog.validation.sketches.sketch import Sketch

ACTIVE = 64


def codes_of(blocks: int, tokens: int, features: int, seed: int) -> list[sparse.csr_array]:
    """Blocks of so many tokens, 64 features active on each, some often and some seldom."""
    rng = np.random.default_rng(seed)
    popular = np.minimum(rng.random((tokens, ACTIVE)) ** 2, 1 - 1e-9)
    columns = (popular * (features // ACTIVE)).astype(np.int32) * ACTIVE
    columns += np.arange(ACTIVE, dtype=np.int32)  # no feature twice on a token
    columns.sort(axis=1)
    scale = np.exp(0.5 * np.random.default_rng(0).standard_normal(features)).astype(np.float32)
    values = np.exp(rng.standard_normal(columns.shape, dtype=np.float32))
    indptr, shape = np.arange(tokens + 1) * ACTIVE, (tokens, features)
    made = []
    for number in range(blocks):  # other values and other features of the same 64-fold groups
        moved = (columns + number * ACTIVE * 7) % (features // ACTIVE * ACTIVE)
        moved.sort(axis=1)
        data = np.roll(values, number * 1001).ravel() * scale[moved].ravel()
        made.append(sparse.csr_array((data, moved.ravel(), indptr), shape=shape))
    return made


def share(blocks: int, tokens: int, features: int, seed: int) -> tuple[Sketch, float]:
    """The sketch of so many blocks, and the seconds that sketching alone took."""
    codes = codes_of(blocks, tokens, features, seed)
    neglog.validation.sketch(codes[0][:64])
    start = time.perf_counter()
    found = neglog.validation.sketch(codes)
    return found, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nonzeros", type=float, default=1e8)
    parser.add_argument("--features", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    blocks = 20
    tokens = max(64, int(options.nonzeros / blocks / ACTIVE))
    total = blocks * tokens * ACTIVE
    found, seconds = share(blocks, tokens, options.features, 1)
    print(
        f"1 process: {total:.2e} non-zeros in {seconds:.1f} s, {total / seconds * 60:.2e} a minute"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bins = len(found.bins) / found.features
    print(f"sketch: {found.nbytes / 2**20:.0f} MB, {bins:.0f} bins a feature; peak {peak:.2f} GB")
    if options.processes > 1:
        each = blocks // options.processes
        with ProcessPoolExecutor(options.processes) as pool:
            jobs = [pool.submit(share, each, tokens, options.features, k)
                    for k in range(options.processes)]  # fmt: skip
            parts = [job.result() for job in jobs]
        start = time.perf_counter()
        merged = parts[0][0].merge(*(part for part, _ in parts[1:]))
        slowest = max(seconds for _, seconds in parts) + time.perf_counter() - start
        done = int(merged.nonzero.sum())
        print(
            f"{options.processes} processes and a merge: {done:.2e} non-zeros in {slowest:.1f} s, "
            f"{done / slowest * 60:.2e} a minute; merging took {time.perf_counter() - start:.1f} s"
        )
    print("the same fits from codes and from their sketch:")
    for n in (400, 10_000, 1_000_000):
        difference(n)


def difference(n: int) -> None:
    """How far ℓ moves for n values of each of six laws under all families."""
    from fit_speed import planted

    codes = planted(6, n, seed=2)
    raw = neglog.validation.fit(codes)
    binned = neglog.validation.fit(neglog.validation.sketch(codes))
    gap = np.abs(raw["loglik"] - binned["loglik"])
    lowest = [table["aic"].groupby(table["feature"]).min() for table in (raw, binned)]
    moved = np.abs(lowest[0] - lowest[1])
    same = (raw["best"] == binned["best"]).all()
    print(
        f"  n = {n:,}: log-likelihood moves by at most {gap.max():.1e} nat "
        f"({gap.max() / n:.1e} a value; bound {binned['binning'].max():.1e}), the best AIC "
        f"by {moved.max():.1e}; best families {'the same' if same else 'differ'}"
    )


if __name__ == "__main__":
    main()
