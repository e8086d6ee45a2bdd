"""Fits, tests and tails of a sparse autoencoder's features on real activations, beside a control.

    python benchmarks/real_fits.py --out real                       # MiniLM, layer 3, 40,000 tokens
    python benchmarks/real_fits.py --out real --tokens 3000 --steps 20    # tiny

Trains an L1 and a TopK autoencoder and puts each beside a random dictionary read out alike. One
model: an illustration of the tools, not a finding.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from neglog import validation
from neglog.sae import SAE, harvest, open_activations, train

WIDTH, L0 = 768, 16


def sources(data: Path, steps: int, seed: int) -> dict[str, Any]:
    """Codes by name."""
    x = open_activations(data)
    rows = x.rows(np.arange(len(x))).numpy()
    plain: dict[str, Any] = {"width": WIDTH, "steps": steps, "seed": seed, "progress": False}
    l1: SAE = train(data, penalty="abs(a)", target_l0=L0, out=data.parent / "l1", **plain)
    topk: SAE = train(data, activation="topk", k=L0, out=data.parent / "topk", **plain)
    codes = l1.codes(data)
    rates = np.bincount(codes.indices, minlength=WIDTH) / codes.shape[0]
    return {
        "L1": codes,
        "random, ReLU at L1's rates": validation.random_dictionary(
            rows, WIDTH, rates=rates, seed=seed
        ),
        "TopK": topk.codes(data),
        "random, TopK": validation.random_dictionary(rows, WIDTH, top_k=L0, seed=seed),
    }


def line(name: str, codes: Any, sequence: np.ndarray, replicates: int) -> str:
    """A row of the table."""
    least = 200
    table = validation.fit(codes, min_nonzero=least)
    won = validation.counts(table, "best_bic")
    fitted = sum(won.values())
    names = ", ".join(f"{k} {n / fitted:.0%}" for k, n in list(won.items())[:3])
    tokens = validation.goodness(codes, min_nonzero=least, replicates=replicates)["p"].dropna()
    once = validation.goodness(codes, min_nonzero=100, replicates=replicates, sequence=sequence)[
        "p"
    ].dropna()
    tails = validation.tail(codes, (0.1,)).dropna(subset=["low"])
    power, hill = (tails["tail"] == "power").mean(), (tails["hill_low"] > 0).mean()
    few = np.flatnonzero(table.groupby("feature")["nonzero"].first() >= least)[:40]
    blocks = validation.block_bootstrap(
        codes.tocsc()[:, few], ["gamma", "weibull", "log-normal"], sequence=sequence,
        replicates=50, min_nonzero=least,
    )  # fmt: skip
    gamma = blocks[blocks["family"] == "gamma"].set_index("feature")
    plain = table[(table["family"] == "gamma")].set_index("feature").loc[few]
    wider = np.nanmedian(gamma["block_se_a"].to_numpy() / plain["se_a"].to_numpy())
    sure = (blocks.groupby("feature")["wins"].max() >= 0.95).mean()
    return (
        f"| {name} | {fitted} | {names} | {(tokens <= 0.05).mean():.0%} | "
        f"{(once <= 0.05).mean():.0%} of {len(once)} | {power:.0%} | {hill:.0%} | "
        f"{wider:.2f} | {sure:.0%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--tokens", type=int, default=40_000)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--layer", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replicates", type=int, default=99)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    data = options.out / "activations"
    harvest(data, layer=options.layer, tokens=options.tokens, progress=False)
    sequence = np.load(data / "sequence.npy")
    count = len(np.unique(sequence))
    print(f"layer {options.layer}, seed {options.seed}, {options.tokens} tokens, {count} sequences")
    print(
        "| codes | features | best by BIC | best rejected | one value a sequence | power tail | "
        "Hill > 0 | se: blocks/information | one family wins 95% |\n|" + "---|" * 9
    )
    for name, codes in sources(data, options.steps, options.seed).items():
        print(line(name, codes, sequence, options.replicates), flush=True)


if __name__ == "__main__":
    main()
