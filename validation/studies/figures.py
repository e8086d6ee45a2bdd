"""The figures of the loop: each function draws one from the results alone."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neglog.validation.studies.style import GREY, PALETTE, canvas, dress, save

FIGURES = ("priors", "joint", "conditional", "training", "densities", "families", "pairs")


def draw(results: dict[str, Any], examples: list[dict[str, Any]], folder: Path) -> None:
    """Write every figure as a PNG."""
    save(priors(), folder / "priors.png")
    save(joint(), folder / "joint.png")
    save(conditional(), folder / "conditional.png")
    save(training(results), folder / "training.png")
    save(densities(examples), folder / "densities.png")
    save(families(results), folder / "families.png")
    save(pairs(results), folder / "pairs.png")


def priors() -> Figure:
    """Three penalties, and their priors at equal mean |a|."""
    a = np.linspace(0, 8, 400)
    # Strength and scale chosen so that E|a| = 1 for each prior on [0, ∞).
    curves = {
        "|a|: Laplace": (a, np.exp(-a)),
        "log(1+a²), λ = 2: Student t, ν = 3": _student(a),
        "log(1+|a|), λ = 3: Lomax": (np.log1p(a), 2 * (1 + a) ** -3.0),
    }
    figure = canvas(2)
    left, right = figure.subplots(1, 2)
    for colour, (name, (phi, density)) in zip(PALETTE, curves.items(), strict=False):
        left.plot(a, phi, color=colour, label=name.split(",")[0].split(":")[0])
        right.semilogy(a, density, color=colour, label=name)
    dress(left, "the penalty φ", "a", "φ(a)")
    dress(right, "the prior it assumes, at E|a| = 1", "a ≥ 0", "density")
    left.legend(fontsize=8, frameon=False)
    right.legend(fontsize=8, frameon=False)
    return figure


def _student(a: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """log(1+a²) at λ = 2 with the scale at which E|a| = 1: E = scale·Γ(1)/(√π Γ(3/2)) = 2s/π."""
    scale = np.pi / 2
    z = a / scale
    return np.log1p(a**2), 4 / (np.pi * scale) * (1 + z**2) ** -2.0


_JOINT = (
    ("Σ log(1+|aᵢ|): independent", lambda x, y: np.log1p(x) + np.log1p(y), 5.5),
    ("∏(1+|aᵢ|): exclusive", lambda x, y: (1 + x) * (1 + y), 0.7),
    ("log(1+Σ|aᵢ|): coactivating", lambda x, y: np.log1p(x + y), 5.5),
)


def joint() -> Figure:
    """Level sets of three joint priors of two features, each axis in units of E|a|."""
    figure = canvas(3, width=3.6, height=3.5)
    axes = figure.subplots(1, 3)
    grid = np.linspace(0, 4, 160)
    for ax, (title, phi, strength) in zip(axes, _JOINT, strict=True):
        mean = _mean_of_one(phi, strength)
        x, y = np.meshgrid(grid * mean, grid * mean)
        log_p = -strength * (phi(x, y) - phi(0.0, 0.0))
        levels = [-5, -4, -3, -2, -1.25, -0.5]
        shades = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5")
        ax.contourf(grid, grid, log_p, levels=[-50, *levels, 0], colors=shades)
        ax.contour(grid, grid, log_p, levels=levels, colors="#08306b", linewidths=0.8)
        dress(ax, title, "|a₁| / E|a|", "|a₂| / E|a|")
        ax.set_aspect("equal")
    return figure


def _moments_given(
    phi: Any, strength: float, y: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """∫ p dx and ∫ x p dx for each y, on x = e^t."""
    t = np.linspace(-12, 12, 2401)[:, None]
    x = np.exp(t)
    p = np.exp(-strength * (phi(x, y[None, :]) - phi(0.0, 0.0))) * x
    step = float(t[1, 0] - t[0, 0])
    return p.sum(axis=0) * step, (x * p).sum(axis=0) * step


def _mean_of_one(phi: Any, strength: float) -> float:
    t = np.linspace(-12, 12, 2401)
    y = np.exp(t)
    mass, _ = _moments_given(phi, strength, y)
    return float((y * mass * y).sum() / (mass * y).sum())


def conditional() -> Figure:
    """E[|a₁|] given |a₂|: flat if independent, falling if exclusive, rising if coactivating."""
    figure = canvas(1, width=5.4)
    ax = figure.subplots()
    grid = np.linspace(0, 4, 100)
    for colour, (title, phi, strength) in zip(PALETTE, _JOINT, strict=False):
        mean = _mean_of_one(phi, strength)
        mass, first = _moments_given(phi, strength, grid * mean)
        ax.plot(grid, first / mass / mean, color=colour, label=title, linewidth=2)
    dress(ax, "what one feature says about another", "|a₂| / E|a|", "E[|a₁| given a₂] / E|a|")
    ax.legend(fontsize=8, frameon=False)
    ax.set_ylim(bottom=0)
    return figure


def training(results: dict[str, Any]) -> Figure:
    """FVU against L0; lines join the same penalty at several targets, a dot is one seed."""
    figure = canvas(1, width=6.4, height=4.0)
    ax = figure.subplots()
    names = list(dict.fromkeys(run["penalty"] for run in results["trained"]))
    for number, name in enumerate(names):
        runs = [r for r in results["trained"] if r["penalty"] == name]
        targets = sorted({r["target_l0"] for r in runs})
        x = [fmean(r["l0"] for r in runs if r["target_l0"] == t) for t in targets]
        y = [fmean(r["fvu"] for r in runs if r["target_l0"] == t) for t in targets]
        colour = PALETTE[number % len(PALETTE)]
        marker = "osD^vP*X"[number % 8]
        ax.plot(x, y, color=colour, linewidth=1.4, marker=marker, markersize=6, label=name)
        if len(results["settings"]["seeds"]) > 1:
            ax.scatter([r["l0"] for r in runs], [r["fvu"] for r in runs], s=8, color=colour)
    dress(ax, "reconstruction at equal sparsity", "L0 on held-out tokens", "held-out FVU")
    ax.set_xscale("log", base=2)
    ticks = sorted({r["target_l0"] for r in results["trained"]})
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def densities(examples: list[dict[str, Any]]) -> Figure:
    """Histograms of the non-zero activations of a few features, with the best fits."""
    columns = 3
    rows = max(1, -(-len(examples) // columns))
    figure = canvas(columns, rows, width=3.6, height=2.6)
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for ax, example in zip(axes, examples, strict=False):
        edges, heights = np.array(example["edges"]), np.array(example["heights"])
        ax.stairs(heights, edges, fill=True, color="#d9d9d9")
        for colour, fitted in zip(PALETTE, example["fits"], strict=False):
            delta = fitted["aic"] - example["fits"][0]["aic"]
            label = fitted["family"] + (f"  ΔAIC {delta:.1f}" if delta else "")
            ax.plot(example["grid"], fitted["density"], color=colour, linewidth=1.2, label=label)
        dress(ax, f"feature {example['feature']}, {example['nonzero']:,} tokens", "activation", "")
        ax.set_yscale("log")
        ax.set_ylim(heights[heights > 0].min() / 3, heights.max() * 8)
        ax.legend(fontsize=7, frameon=False)
    for ax in axes[len(examples) :]:
        ax.set_visible(False)
    return figure


def families(results: dict[str, Any]) -> Figure:
    """Which family wins by AIC, for SAE features and their controls."""
    fits = results["fits"]
    rows = [
        (f"{name} – {source}", summary) for name, s in fits.items() for source, summary in s.items()
    ]
    wins: dict[str, float] = {}
    for _, summary in rows:
        for family, count in summary["aic"].items():
            wins[family] = wins.get(family, 0) + count / max(summary["features"], 1)
    order = sorted(wins, key=lambda f: -wins[f])
    figure = canvas(1, width=8.6, height=0.42 * len(rows) + 1.2)
    ax = figure.subplots()
    shades = [*PALETTE[:7], "#8c564b", "#bbbbbb"]
    for position, (_, summary) in enumerate(rows):
        start = 0.0
        for number, family in enumerate(order):
            share = summary["aic"].get(family, 0) / max(summary["features"], 1)
            ax.barh(position, share, left=start, color=shades[number % len(shades)], height=0.72,
                    label=family if position == 0 else None)  # fmt: skip
            start += share
    ax.set_yticks(range(len(rows)), [label for label, _ in rows])
    ax.invert_yaxis()
    dress(ax, "family that fits best by AIC", "share of features", "")
    ax.set_xlim(0, 1)
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def pairs(results: dict[str, Any]) -> Figure:
    """Share of feature pairs found exclusive or coactivating, beside the random dictionary."""
    found = results["pairs"]
    rows = [(name, source, s) for name, sources in found.items() for source, s in sources.items()]
    figure = canvas(1, width=7.6, height=0.3 * len(rows) + 1.2)
    ax = figure.subplots()
    for position, (_, source, summary) in enumerate(rows):
        faded = 1.0 if source == "SAE" else 0.5
        ax.barh(position, -summary["exclusive_fraction"], color=PALETTE[1], alpha=faded,
                label="exclusive" if position == 0 else None)  # fmt: skip
        ax.barh(position, summary["coactivating_fraction"], color=PALETTE[0], alpha=faded,
                label="coactivating" if position == 0 else None)  # fmt: skip
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(range(len(rows)), [f"{name} – {source}" for name, source, _ in rows])
    ax.invert_yaxis()
    widest = max(abs(v) for v in ax.get_xlim())
    ax.set_xlim(-widest, widest)
    ax.xaxis.set_major_formatter(lambda v, _: f"{abs(v):.0%}")
    dress(ax, "dependence of feature pairs", "share of the pairs with power to show it", "")
    ax.legend(fontsize=8, frameon=False, loc="lower right")
    return figure
