"""A second, independent ground truth: sae-lens's synthetic models (SynthSAEBench).

    PEER make: path/to/python-with-sae-lens benchmarks/synth_sae_bench.py make data.npz
    python benchmarks/synth_sae_bench.py read data.npz

``make`` runs where sae-lens ≥ 6.54 is installed and neglog need not be. It writes codes and inputs
of the generator that SynthSAEBench-16k is made with: Zipfian firing rates, correlated firing of low
rank, an orthogonalised dictionary, magnitudes |N(0, 1)|; ``--pretrained REPO`` takes a stored model
(SynthSAEBench-16k itself) from the Hugging Face hub instead, which needs the network. ``read``
trains small SAEs on the inputs and says which family each readout names; the truth is half-normal.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np


def make(options: Any) -> None:
    """Codes, inputs and dictionary from sae-lens."""
    import torch
    from sae_lens.synthetic import (
        LowRankCorrelationConfig,
        OrthogonalizationConfig,
        SyntheticModel,
        SyntheticModelConfig,
        ZipfianFiringProbabilityConfig,
    )

    torch.manual_seed(0)
    if options.pretrained:
        model = SyntheticModel.from_pretrained(options.pretrained)
    else:
        model = SyntheticModel(
            SyntheticModelConfig(
                num_features=options.features,
                hidden_dim=options.dimension,
                firing_probability=ZipfianFiringProbabilityConfig(
                    exponent=0.5, max_prob=0.2, min_prob=0.015
                ),
                hierarchy=None,
                orthogonalization=OrthogonalizationConfig(),
                correlation=LowRankCorrelationConfig(rank=8, correlation_scale=0.1, seed=0),
                mean_firing_magnitudes=0.0,
                std_firing_magnitudes=1.0,
                bias=False,
                seed=0,
            )
        )
    with torch.no_grad():
        x, codes = model.sample_with_features(options.tokens)
        dictionary = model.feature_dict.feature_vectors.detach()
    x = x + 0.05 * torch.randn_like(x)
    np.savez(options.path, x=x.float().numpy(), codes=codes.float().numpy(),
             dictionary=dictionary.float().numpy())  # fmt: skip
    l0 = float((codes > 0).float().sum(1).mean())
    print(f"{codes.shape[0]} tokens, {codes.shape[1]} features, L0 {l0:.1f}")


def read(options: Any) -> None:
    """Which family each readout of small SAEs names."""
    import torch

    from neglog.validation import fit
    from neglog.validation.planted.data import Design, Planted
    from neglog.validation.planted.reading import READOUTS, read_learned

    torch.set_num_threads(1)
    data = np.load(options.path, allow_pickle=False)
    codes = data["codes"]
    l0 = float((codes > 0).sum(axis=1).mean())
    design = Design(features=codes.shape[1], dimension=data["x"].shape[1], tokens=len(codes),
                    l0=l0, laws=("half-normal",))  # fmt: skip
    planted = Planted(
        design, data["x"], data["dictionary"], codes, ("half-normal",) * codes.shape[1]
    )
    table = fit(codes)
    won = Counter(table[table["best"]]["family"].astype(str))
    print(f"L0 {l0:.1f}; true codes: {dict(won.most_common())}", flush=True)
    for penalty in ("L1", "TopK"):
        records, about = read_learned(planted, penalty, 0, READOUTS)
        print(f"{penalty}: FVU {about['fvu']:.3f}, found {about['found']} of {codes.shape[1]}, "
              f"em noise beyond 3: {about['em']['beyond_3']:.2f}", flush=True)  # fmt: skip
        for readout in READOUTS:
            won = Counter(r["aic"] or "lost" for r in records if r["readout"] == readout)
            if won:
                print(f"  {readout:10s} {dict(won.most_common())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["make", "read"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--dimension", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=40_000)
    parser.add_argument("--pretrained", help="a Hugging Face repository with a synthetic model")
    options = parser.parse_args()
    make(options) if options.what == "make" else read(options)


if __name__ == "__main__":
    main()
