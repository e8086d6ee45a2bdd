"""What features of real activations follow, by penalty, layer and seed, beside both controls.

    python benchmarks/real_activations.py                       # about 25 minutes on one core
    python benchmarks/real_activations.py --tokens 6000 --width 192 --steps 60 --seeds 1  # tiny

MiniLM, two layers, L1, log(1+|a|) and TopK, three seeds. Prints the share of features that each
family describes best, mean and standard deviation over seeds, for the SAE's codes, a random
dictionary read out alike at the same rates, and Gaussian noise of equal covariance through the same
encoder; the same for debiased codes (first seed); how often matched features of two penalties share
the winner, beside what their shares alone would give; and the share of exclusive pairs. Every
finished part is kept in a folder, so that an interrupted run continues.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch

from neglog.sae import harvest, load, train
from neglog.sae.progress import progress_bar
from neglog.validation import (
    Debiased,
    claim,
    coactivation,
    counts,
    debias_blocks,
    fit,
    fit_debiased,
    gaussian_noise,
    random_dictionary,
)
from neglog.validation.planted.matching import match
from neglog.validation.studies.comparison import activations

PENALTIES = {"L1": "abs(a)", "log(1+|a|)": "log(1+abs(a))", "TopK": None}
SAE, RANDOM, NOISE = "SAE", "random dictionary", "Gaussian noise"
Results = dict[tuple[int, str, int], Any]
LAGS = 32  # tokens; dependence within sequences is counted up to here


def part(path: Path, make: Callable[[], Any]) -> Any:
    """The content of a JSON file, made first if it is not there."""
    if not path.exists():
        found = make()
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(found))
        partial.replace(path)
    return json.loads(path.read_text())


def name_of(layer: int, penalty: str, seed: int) -> str:
    return f"layer{layer}-{penalty.translate(str.maketrans('', '', '|()+'))}-{seed}"


def trained(options: Any, data: Path, layer: int, penalty: str, seed: int) -> Path:
    """The SAE's folder, trained first if it is not there."""
    folder = options.out / "saes" / name_of(layer, penalty, seed)
    if not folder.exists():
        how: dict[str, Any] = (
            {"activation": "topk", "k": options.l0}
            if PENALTIES[penalty] is None
            else {"penalty": PENALTIES[penalty], "target_l0": options.l0}
        )
        batch = min(2048, options.tokens // 4)
        train(data, options.width, steps=options.steps, batch=batch, seed=seed, out=folder,
              progress=False, resume=True, eval_every=options.steps, **how)  # fmt: skip
    return folder


def control(codes: Any, x: Any, penalty: str, options: Any, seed: int) -> Any:
    """Random directions, read out alike."""
    if PENALTIES[penalty] is None:
        return random_dictionary(x, codes.shape[1], top_k=options.l0, seed=seed)
    rates = np.bincount(codes.indices, minlength=codes.shape[1]) / codes.shape[0]
    return random_dictionary(x, codes.shape[1], rates=rates, seed=seed)


def best(table: Any) -> dict[str, str]:
    """Feature → family of lowest AIC."""
    rows = table[table["best"]]
    return dict(zip(rows["feature"].astype(str), rows["family"].astype(str), strict=True))


def measure(options: Any, data: Path, layer: int, penalty: str, seed: int) -> dict[str, Any]:
    """Fits and pair tests of one SAE and its controls."""
    x = activations(data)
    noise = gaussian_noise(x, seed)
    sae = load(trained(options, data, layer, penalty, seed))
    codes = sae.codes(data)
    random = control(codes, x, penalty, options, seed)
    sources = {SAE: codes, RANDOM: random, NOISE: sae.codes(noise)}
    out: dict[str, Any] = {"winners": {}, "counts": {}, "debiased": {}}
    metrics = trained(options, data, layer, penalty, seed) / "metrics.jsonl"
    last = json.loads(metrics.read_text().splitlines()[-1])
    out["fvu"], out["l0"] = last["fvu"], last["l0"]
    for source, its in sources.items():
        table = fit(its)
        out["counts"][source] = counts(table)
        if source == SAE:
            out["winners"] = best(table)
    if seed == 0:
        chosen = np.random.default_rng(0).permutation(options.width)[: options.debiased]
        for source, inputs in ((SAE, x), (NOISE, noise)):
            blocks = (_some(block, chosen) for block in debias_blocks(sae, inputs, block=8192))
            out["debiased"][source] = counts(fit_debiased(blocks))
    return out


def pair_tests(options: Any, data: Path, layer: int, penalty: str, seed: int) -> dict[str, Any]:
    """Exclusive and coactivating pairs of one SAE and of random directions, under three nulls."""
    sequence = np.load(data / "sequence.npy")
    codes = load(trained(options, data, layer, penalty, seed)).codes(data)
    random = control(codes, activations(data), penalty, options, seed)
    out: dict[str, Any] = {}
    for source, its in ((SAE, codes), (RANDOM, random)):
        ways: dict[str, dict[str, Any]] = {
            "as independent tokens": {},
            f"dependence to {LAGS} tokens": {"sequence": sequence, "lags": LAGS},
            "within sequences": {"sequence": sequence, "lags": LAGS, "rates": "sequence"},
        }
        for label, arguments in ways.items():
            found = coactivation(its, top=0, **arguments)
            out[f"{source}, {label}"] = {
                "pairs": found.pairs,
                "testable": found.testable,
                "exclusive": found.exclusive_fraction,
                "coactivating": found.coactivating_fraction,
                "never": found.never_together / found.pairs,
                "never_untestable": found.never_together_untestable / max(found.never_together, 1),
                "var_l0": found.var_l0_ratio,
                "dependence": found.mean_dependence,
            }
    return out


def _some(block: Debiased, chosen: Any) -> Debiased:
    """A block of debiased codes with these features alone."""
    return replace(block, z=block.z[:, chosen], width=block.width[chosen])


def agreement(options: Any, results: Results, layer: int, seed: int) -> dict[str, Any]:
    """Of features matched between two penalties, how many share the winner; and by chance."""
    out = {}
    for one, other in combinations(PENALTIES, 2):
        rows = [
            load(options.out / "saes" / name_of(layer, p, seed)).W_dec.detach().numpy()
            for p in (one, other)
        ]
        partner, cosine = match(rows[1], rows[0])
        won = [results[layer, p, seed]["winners"] for p in (one, other)]
        pairs = [
            (won[0][str(i)], won[1][str(partner[i])])
            for i in np.flatnonzero(cosine > 0.7)
            if str(i) in won[0] and str(partner[i]) in won[1]
        ]
        left, right = (Counter(p[k] for p in pairs) for k in (0, 1))
        n = max(len(pairs), 1)
        out[f"{one} and {other}"] = {
            "matched": len(pairs),
            "same": sum(a == b for a, b in pairs) / n,
            "chance": sum(left[f] * right[f] for f in left) / n**2,
        }
    return out


def spread(values: list[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def show(options: Any, results: Results, agreements: dict[tuple[int, int], Any]) -> None:
    seeds = range(options.seeds)
    for layer in options.layers:
        print(f"\n== layer {layer}: share of features each family describes best (AIC)")
        for penalty in PENALTIES:
            runs = [results[layer, penalty, seed] for seed in seeds]
            print(f"\n{penalty}: FVU {spread([r['fvu'] for r in runs])}, "
                  f"L0 {spread([r['l0'] for r in runs])}")  # fmt: skip
            for source in (SAE, RANDOM, NOISE):
                shares: dict[str, list[float]] = defaultdict(list)
                for r in runs:
                    total = max(sum(r["counts"][source].values()), 1)
                    for family in {f for q in runs for f in q["counts"][source]}:
                        shares[family].append(r["counts"][source].get(family, 0) / total)
                order = sorted(shares, key=lambda f: -fmean(shares[f]))[:5]
                print(f"  {source:18s}", ", ".join(f"{f} {spread(shares[f])}" for f in order))
            first = runs[0]["debiased"]
            for source in (s for s in (SAE, NOISE) if s in first):
                total = max(sum(first[source].values()), 1)
                order = sorted(first[source], key=lambda f: -first[source][f])[:5]
                said = ", ".join(f"{f} {first[source][f] / total:.2f}" for f in order)
                print(f"  debiased {source:14s} ({total} features) {said}")
            pooled = {
                source: dict(sum((Counter(r["counts"][source]) for r in runs), Counter()))
                for source in (SAE, RANDOM, NOISE)
            }
            topk = PENALTIES[penalty] is None
            print(" ", claim(
                pooled[SAE], {s: pooled[s] for s in (RANDOM, NOISE)}, penalty=penalty,
                readout="TopK" if topk else "ReLU",
                threshold="the k-th largest" if topk else "0", debiased=first.get(SAE),
            ).text)  # fmt: skip
        print(
            f"\nlayer {layer}: features matched at cosine > 0.7 that share the winner (by chance)"
        )
        for pair in agreements[layer, 0]:
            its = [agreements[layer, seed][pair] for seed in seeds]
            print(f"  {pair:24s} {spread([a['same'] for a in its])} "
                  f"({spread([a['chance'] for a in its])}), matched "
                  f"{fmean(a['matched'] for a in its):.0f}")  # fmt: skip
        print(f"\nlayer {layer}: exclusive share of testable pairs, coactivating share")
        for penalty in PENALTIES:
            for label in results[layer, penalty, 0]["pairs"]:
                its = [results[layer, penalty, seed]["pairs"][label] for seed in seeds]
                testable = fmean(i["testable"] / i["pairs"] for i in its)
                print(
                    f"  {penalty:11s} {label:45s} "
                    f"exclusive {spread([i['exclusive'] for i in its])} "
                    f"coactivating {spread([i['coactivating'] for i in its])} testable "
                    f"{testable:.2f} never {fmean(i['never'] for i in its):.2f} var(L0) "
                    f"{fmean(i['var_l0'] for i in its):.2f} dependence "
                    f"{fmean(i['dependence'] for i in its):.2f}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=60_000)
    parser.add_argument("--width", type=int, default=1536)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--l0", type=int, default=32)
    parser.add_argument(
        "--debiased", type=int, default=384, help="features whose codes are debiased"
    )
    parser.add_argument("--out", type=Path, default=Path("real-activations"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    (options.out / "saes").mkdir(parents=True, exist_ok=True)
    results: Results = {}
    agreements: dict[tuple[int, int], Any] = {}
    total = len(options.layers) * len(PENALTIES) * options.seeds
    with progress_bar("real activations", total, True) as advance:
        for layer in options.layers:
            data = options.out / f"layer{layer}"
            if not data.exists():
                harvest(data, layer=layer, tokens=options.tokens, progress=False)
        for seed in range(options.seeds):
            for layer in options.layers:
                data = options.out / f"layer{layer}"
                for penalty in PENALTIES:
                    key = layer, penalty, seed
                    path = options.out / f"{name_of(*key)}.json"
                    results[key] = part(path, partial(measure, options, data, *key))
                    path = options.out / f"{name_of(*key)}-pairs.json"
                    results[key]["pairs"] = part(path, partial(pair_tests, options, data, *key))
                    advance(1, f"layer {layer} {penalty} seed {seed}")
                agreements[layer, seed] = part(
                    options.out / f"agreement-{layer}-{seed}.json",
                    partial(agreement, options, results, layer, seed),
                )
    show(options, results, agreements)


if __name__ == "__main__":
    main()
