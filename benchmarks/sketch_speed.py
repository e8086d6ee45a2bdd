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
