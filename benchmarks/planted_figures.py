"""Draw the results of planted_truth.py: confusion matrices, and the diagonal by design.

python benchmarks/planted_figures.py planted-truth docs
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from neglog.validation.planted.confusion import LOST, confusion, diagonal, wilson
from neglog.validation.planted.reading import TRUE

PANELS = (
    (None, TRUE, "true codes"),
    ("L1", "raw", "L1, raw codes"),
    ("L1", "em", "L1, debiased (em)"),
    ("TopK", "raw", "TopK, raw codes"),
    ("TopK", "em", "TopK, debiased (em)"),
)
SHOWN = ("raw", "one-step", "em")
COLOURS = {"raw": "#b0b0b0", "one-step": "#7aa6c2", "em": "#1f4e79", TRUE: "#d98e04"}


def matrices(found: list[dict[str, Any]], path: Path) -> None:
    """True law × reported family of the base design, as shares of the features learned."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(16, 4.2), sharey=True)
    for axis, (penalty, readout, title) in zip(axes, PANELS, strict=True):
        records = [
            r for f in found if f["job"][0] == "base" and f["job"][1] == penalty
            for r in f["records"] if r["readout"] == readout
        ]  # fmt: skip
        table = confusion(records).drop(columns=LOST, errors="ignore")
        laws = list(table.index)
        table = table.reindex(columns=laws, fill_value=0)
        shares = table.to_numpy() / np.maximum(table.to_numpy().sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, vmin=0, vmax=1, cmap="Blues")
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.05:
                colour = "white" if share > 0.6 else "black"
                axis.text(column, row, f"{100 * share:.0f}", ha="center", va="center", size=8,
                          color=colour)  # fmt: skip
        hits, of = diagonal(records)
        axis.set_title(f"{title}\n{hits / of:.0%} right", size=11)
        axis.set_xticks(range(len(laws)), laws, rotation=60, ha="right", size=8)
        axis.set_yticks(range(len(laws)), laws, size=8)
    axes[0].set_ylabel("true law")
    figure.supxlabel("family of lowest AIC (per cent of the features learned)", size=10)
    figure.tight_layout()
    figure.savefig(path, dpi=130)


def designs(found: list[dict[str, Any]], path: Path) -> None:
    """Share of features whose law is named, by design, for L1 and TopK."""
    names = list(dict.fromkeys(f["job"][0] for f in found))
    names = [name for name in names if name != "half-cauchy alone"]
    figure, axes = plt.subplots(1, 2, figsize=(12, 3.8), sharey=True)
    for axis, penalty in zip(axes, ("L1", "TopK"), strict=True):
        for number, readout in enumerate((*SHOWN, TRUE)):
            who = None if readout == TRUE else penalty
            for place, name in enumerate(names):
                records = [r for f in found if f["job"][:2] == [name, who]
                           for r in f["records"] if r["readout"] == readout]  # fmt: skip
                hits, of = diagonal(records)
                share, (low, high) = hits / max(of, 1), wilson(hits, of)
                axis.bar(place + 0.2 * (number - 1.5), share, 0.19, color=COLOURS[readout],
                         label=readout if place == 0 else None)  # fmt: skip
                axis.errorbar(place + 0.2 * (number - 1.5), share, [[share - low], [high - share]],
                              color="black", lw=0.8)  # fmt: skip
        axis.set_xticks(range(len(names)), names, rotation=30, ha="right", size=9)
        axis.set_title(penalty)
        axis.set_ylim(0, 1)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("true law named (AIC)")
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    found = [json.loads(p.read_text()) for p in sorted(options.results.glob("*.json"))]
    found.sort(key=lambda f: f["job"][0] != "base")
    matrices(found, options.out / "planted-confusion.png")
    designs(found, options.out / "planted-designs.png")


if __name__ == "__main__":
    main()
