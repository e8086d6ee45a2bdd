"""FVU against L0 on real activations: six ways to a sparse code, several sparsities and seeds.

    python benchmarks/fvu_curve.py --out curve [--data activations] [--width 1536] [--steps 500]

A tiny version: --tokens 6000 --width 256 --steps 60 --seeds 1 --l0 8 32. Without --data, MiniLM's
layer 3 is harvested first. Every training is a folder in OUT and resumes where it was interrupted:
give the same command again. Writes OUT/curve.md and OUT/curve.png.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from neglog.sae import harvest, train
from neglog.sae.progress import progress_bar

LOG = "log(1+abs(a))"
KINDS: dict[str, dict[str, Any]] = {
    "L1": {"penalty": "abs(a)"},
    "log(1+|a|)": {"penalty": LOG},
    "prox of log(1+|a|)": {"penalty": LOG, "activation": "prox"},
    "TopK": {"activation": "topk"},
    "BatchTopK": {"activation": "batchtopk"},
    "JumpReLU": {"activation": "jumprelu"},
}


def folder(out: Path, name: str, l0: int, seed: int) -> Path:
    """Where a training is kept."""
    plain = "".join(c if c.isalnum() else "-" for c in name)
    return out / "saes" / f"{plain}-{l0}-seed-{seed}"


def run(options: argparse.Namespace) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Train what is missing; the last metrics of each kind and L0, a seed each."""
    data = options.data or options.out / "activations"
    if options.data is None and not data.exists():
        harvest(data, layer=3, tokens=options.tokens)
    jobs = [(n, l0, s) for s in range(options.seeds) for l0 in options.l0 for n in KINDS]
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with progress_bar("FVU curve", len(jobs), True) as advance:
        for name, l0, seed in jobs:
            place = folder(options.out, name, l0, seed)
            if not place.exists():
                train(data, options.width, **KINDS[name], target_l0=l0, steps=options.steps,
                      batch=options.batch, seed=seed, out=place, resume=True,
                      progress=False)  # fmt: skip
            last = (place / "metrics.jsonl").read_text().splitlines()[-1]
            found.setdefault((name, l0), []).append(json.loads(last))
            advance(1, f"{name} L0 {l0}")
    return found


def spread(values: list[float]) -> str:
    """Mean ± standard deviation over seeds."""
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def table(found: dict[tuple[str, int], list[dict[str, Any]]], l0s: list[int]) -> str:
    """The results in Markdown."""
    head = "| | " + " | ".join(f"FVU at L0 {l0} (reached) | dead" for l0 in l0s) + " |"
    lines = [head, "|---" * (1 + 2 * len(l0s)) + "|"]
    for name in KINDS:
        cells = []
        for l0 in l0s:
            runs = found[name, l0]
            reached = mean(r["l0"] for r in runs)
            cells.append(f"{spread([r['fvu'] for r in runs])} ({reached:.1f})")
            cells.append(f"{mean(r['dead'] for r in runs):.0%}")
        lines.append(f"| {name.replace('|', chr(92) + '|')} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def picture(found: dict[tuple[str, int], list[dict[str, Any]]], l0s: list[int], to: Path) -> None:
    """FVU against L0, a line a kind, bars of one standard deviation."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for name, marker in zip(KINDS, "osD^v*", strict=True):
        runs = [found[name, l0] for l0 in l0s]
        x = [mean(r["l0"] for r in part) for part in runs]
        y = [mean(r["fvu"] for r in part) for part in runs]
        bars = [stdev([r["fvu"] for r in part]) if len(part) > 1 else 0.0 for part in runs]
        axes.errorbar(x, y, bars, marker=marker, markersize=5, capsize=2, linewidth=1.2, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(l0s, [str(l0) for l0 in l0s])
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    ticks = [t for t in (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7) if low < t < high]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("L0: mean active features on held-out tokens")
    axes.set_ylabel("FVU about the mean, held-out tokens")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(to, dpi=150)
    plt.close(figure)


def main() -> None:
    """Train, then write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tokens", type=int, default=60_000)
    parser.add_argument("--width", type=int, default=1536)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--l0", type=int, nargs="+", default=[16, 32, 64])
    options = parser.parse_args()
    (options.out / "saes").mkdir(parents=True, exist_ok=True)
    found = run(options)
    text = table(found, options.l0)
    (options.out / "curve.md").write_text(text)
    picture(found, options.l0, options.out / "curve.png")
    print(text)
    worst = max(abs(math.log(mean(r["l0"] for r in runs) / l0)) for (_, l0), runs in found.items())
    print(f"L0 within {math.expm1(worst):.0%} of its target everywhere.")


if __name__ == "__main__":
    main()
