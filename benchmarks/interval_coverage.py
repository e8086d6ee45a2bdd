"""How often 95% intervals hold the true parameter: profile likelihood, standard errors, blocks.

    python benchmarks/interval_coverage.py             # 1,000 data sets of 100 values a family
    python benchmarks/interval_coverage.py --sets 50   # tiny

First for independent values. Then for sequences of ten tokens that share a random factor, where
intervals that take tokens for independent are too short and the block bootstrap is asked instead.
"""

import argparse

import numpy as np
from bootstrap_size import TRUE, drawn, interval
from scipy import sparse

import neglog.validation

LENGTH = 10  # tokens a sequence


def independent(name: str, sets: int, values: int) -> None:
    """A line for each parameter of a family."""
    table = neglog.validation.fit(drawn(name, sets, values, 0), [name], intervals=0.95)
    for parameter, true in TRUE[name].items():
        middle, se = table[parameter], table[f"se_{parameter}"]
        low, high = table[f"low_{parameter}"], table[f"high_{parameter}"]
        profile = ((low <= true) & (true <= high))[low.notna()]
        wald = (np.abs(middle - true) <= 1.96 * se)[low.notna()]
        open_end = np.isinf(high[low.notna()]).mean()
        print(
            f"| {name} {parameter} = {true} | {interval(int(profile.sum()), len(profile))} | "
            f"{interval(int(wald.sum()), len(wald))} | {se[low.notna()].isna().mean():.1%} | "
            f"{open_end:.1%} | {low.isna().mean():.1%} |"
        )


def dependent(sets: int, sequences: int) -> None:
    """Gamma(2) values whose sequences share a factor, so that n tokens are worth fewer."""
    rng = np.random.default_rng(0)
    size = (sets, sequences, LENGTH)
    shared = rng.standard_gamma(1.0, (sets, sequences, 1))
    data = (shared + rng.standard_gamma(1.0, size)).reshape(sets, -1)  # Gamma(2) each, correlated
    tokens = sequences * LENGTH
    indptr = np.arange(sets + 1) * tokens
    codes = sparse.csc_array(
        (data.ravel(), np.tile(np.arange(tokens), sets), indptr), shape=(tokens, sets)
    )
    plain = neglog.validation.fit(codes, ["gamma"], intervals=0.95)
    blocks = neglog.validation.block_bootstrap(
        codes, ["gamma"], sequence=np.arange(tokens) // LENGTH, replicates=200
    )
    for parameter, true in (("a", 2.0), ("scale", 1.0)):
        inside = []
        for table in (plain, blocks):
            inside.append(
                (table[f"low_{parameter}"] <= true) & (table[f"high_{parameter}"] >= true)
            )
        wider = (blocks[f"block_se_{parameter}"] / plain[f"se_{parameter}"]).median()
        shown = " | ".join(interval(int(hits.sum()), sets) for hits in inside)
        print(f"| gamma {parameter} = {true} | {shown} | {wider:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--values", type=int, default=100)
    options = parser.parse_args()
    print(f"{options.sets} sets of {options.values} independent values")
    print("| parameter | profile | ± 1.96 se | no se | open end | no fit inside |\n|" + "---|" * 6)
    for name in TRUE:
        independent(name, options.sets, options.values)
    sets = max(20, options.sets // 5)
    print(f"\n{sets} sets of 100 sequences of {LENGTH} tokens that share a factor")
    print("| parameter | profile, as if independent | blocks | se: blocks/information |")
    print("|" + "---|" * 4)
    dependent(sets, 100)


if __name__ == "__main__":
    main()
