"""Would we know? Planted laws against the families reported from true codes and from SAE codes.

    python benchmarks/planted_truth.py                 # about 25 minutes on one core; resumable
    python benchmarks/planted_truth.py --quick         # about a minute: one design, one seed
    python benchmarks/planted_truth.py --print-only    # the tables of what is there

A dictionary of unit directions, codes of eight laws (nine with the half-Cauchy, which is planted
alone: one token of infinite variance would own every training), Gaussian noise; small SAEs are
trained on the inputs alone; each learned feature is matched with a planted one and its codes are
read raw, with the proximal map inverted, refitted by least squares on their support, debiased in
one step, and debiased with the dictionary and the priors learned (em). Results are kept in a
folder, a file a run, so that an interrupted benchmark continues.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from neglog.sae.progress import progress_bar
from neglog.validation.planted.confusion import confusion, diagonal, wilson
from neglog.validation.planted.data import Design, plant
from neglog.validation.planted.reading import READOUTS, TRUE, read_learned, read_true
from neglog.validation.planted.training import PENALTIES

BASE = Design()
DESIGNS = {
    "base": BASE,
    "noise 0.02": replace(BASE, noise=0.02),
    "noise 0.10": replace(BASE, noise=0.1),
    "L0 8": replace(BASE, l0=8.0),
    "256 features": replace(BASE, features=256),
    "coherence 0.3": replace(BASE, coherence=0.3),
    "exclusive": replace(BASE, support="exclusive"),
    "coactivating": replace(BASE, support="coactivating"),
    "half-cauchy alone": replace(BASE, laws=("half-cauchy",)),
}
Job = tuple[str, str | None, int, tuple[str, ...]]
MAIN = ("L1", "log(1+|a|)", "TopK")


def jobs(quick: bool, seeds: int) -> list[Job]:
    """(design, penalty, seed, readouts), the base first."""
    if quick:
        small = replace(BASE, features=64, dimension=48, tokens=15_000, l0=3.0)
        DESIGNS["quick"] = small
        return [("quick", None, 0, ())] + [("quick", p, 0, READOUTS) for p in MAIN]
    out: list[Job] = []
    for seed in range(seeds):
        out.append(("base", None, seed, ()))
        out += [("base", penalty, seed, READOUTS) for penalty in (PENALTIES if seed < 2 else MAIN)]
    for name in [n for n in DESIGNS if n != "base"]:
        out.append((name, None, 0, ()))
        out += [(name, penalty, 0, ("raw", "one-step", "em")) for penalty in ("L1", "TopK")]
    return out


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Do a job unless its file is there; returns its records and what is known of it."""
    name, penalty, seed, readouts = job
    safe = (penalty or "truth").replace("|", "").replace("(", "").replace(")", "")
    path = folder / f"{name}--{safe}--{seed}.json".replace(" ", "-")
    design = DESIGNS[name]
    if path.exists():
        found = json.loads(path.read_text())
        if found["design"] == json.loads(json.dumps(asdict(design))):
            return dict(found)
    planted = plant(design, seed)
    about: dict[str, Any] = {}
    if penalty is None:
        records = read_true(planted)
    else:
        steps = 600 if name == "quick" else None
        records, about = read_learned(planted, penalty, seed, readouts, steps)
    found = {"design": asdict(design), "job": [name, penalty, seed], "records": records,
             "about": about}  # fmt: skip
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found))
    partial.replace(path)
    done: dict[str, Any] = json.loads(path.read_text())
    return done


def show(results: list[dict[str, Any]]) -> None:
    """Diagonals of every design, then the base design's matrices."""
    records: dict[tuple[str, str | None, str], list[Any]] = defaultdict(
        list
    )  # (design, penalty, readout) → records by seed
    for found in results:
        name, penalty, _ = found["job"]
        by_readout: dict[str, list[Any]] = defaultdict(list)
        for record in found["records"]:
            by_readout[record["readout"]].append(record)
        for readout, its in by_readout.items():
            records[name, penalty, readout].append(its)
    print("share of learned features whose true law is reported, by AIC (and by BIC)\n")
    for (name, penalty, readout), seeds in records.items():
        whole = [r for its in seeds for r in its]
        (hits, of), (hits_bic, _) = diagonal(whole, "aic"), diagonal(whole, "bic")
        low, high = wilson(hits, of)
        shares = [diagonal(its)[0] / max(diagonal(its)[1], 1) for its in seeds]
        over = f" sd over {len(seeds)} seeds {stdev(shares):.3f}" if len(seeds) > 1 else ""
        print(
            f"{name:18s} {penalty or '-':11s} {readout:10s} {hits:4d}/{of:<4d} "
            f"{hits / max(of, 1):.2f} [{low:.2f}, {high:.2f}] "
            f"(BIC {hits_bic / max(of, 1):.2f}){over}"
        )
    print("\nwhat is left of the bias, and the noise in units of its estimate (inactive codes)\n")
    for found in results:
        about, (name, penalty, seed) = found["about"], found["job"]
        for method in ("one-step", "em"):
            if method in about:
                n = about[method]
                print(
                    f"{name:18s} {penalty:11s} seed {seed} {method:9s} fvu {about['fvu']:.3f} "
                    f"found {about['found']:3d} cosine {about['median_cosine']:.4f} "
                    f"bias {n['bias']:+.4f} "
                    f"slope {n['slope']:.3f} tau {n['tau']:.4f} sd {n['sd_inactive']:.3f} active "
                    f"{n['sd_active']:.3f} beyond 3: {n['beyond_3']:.2f}"
                )
    first = results[0]["job"][0]
    for penalty in [None, *PENALTIES]:
        for readout in (TRUE,) if penalty is None else READOUTS:
            if chosen := records.get((first, penalty, readout)):
                print(f"\n{first}: {penalty or ''} {readout}, true law × reported family (AIC)")
                print(confusion([r for its in chosen for r in its]).to_string())
    scores: dict[str, list[float]] = defaultdict(list)
    for (name, penalty, readout), seeds in records.items():
        if name == first and penalty is not None:
            scores[readout] += [diagonal(its)[0] / max(diagonal(its)[1], 1) for its in seeds]
    print("\nmean over penalties and seeds of the", first, "design:")
    print(", ".join(f"{k} {fmean(v):.2f}" for k, v in scores.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--print-only", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("planted-truth"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    todo, results = jobs(options.quick, options.seeds), []
    if options.print_only:
        found = [json.loads(p.read_text()) for p in sorted(options.out.glob("*.json"))]
        order = {tuple(job[:3]): n for n, job in enumerate(todo)}
        known = [f for f in found if tuple(f["job"]) in order]
        return show(sorted(known, key=lambda f: order[tuple(f["job"])]))
    with progress_bar("planted truth", len(todo), True) as advance:
        for job in todo:
            results.append(run(job, options.out))
            advance(1, f"{job[0]} {job[1] or 'truth'} {job[2]}")
    return show(results)


if __name__ == "__main__":
    main()
