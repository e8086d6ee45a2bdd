"""The figures of docs/joint.md: python benchmarks/joint_figures.py [FOLDER]"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import exp1
from scipy.stats import binom

import neglog
from neglog.derivations.joint.kendall import kendall_number
from neglog.derivations.joint.law_of_total import law_of_total
from neglog.derivations.joint.totals import OneTotal, in_totals, one_total
from neglog.validation.studies.style import GREY, PALETTE, canvas, dress, save

Floats = NDArray[np.float64]
TAU = 0.25  # |Kendall's τ| of the two dependent priors
PRODUCT, SUM, TOTAL = "∏(1+|aᵢ|)", "Σ log(1+|aᵢ|)", "log(1+Σ|aᵢ|)"
TEXT = {PRODUCT: "prod(1+abs(a))", SUM: "sum(log(1+abs(a)))", TOTAL: "log(1+sum(abs(a)))"}
WORD = {PRODUCT: "exclusive", SUM: "independent", TOTAL: "coactivating"}
COLOUR = dict(zip((SUM, PRODUCT, TOTAL), PALETTE, strict=False))


def total_of(text: str) -> OneTotal:
    """The one total of a penalty on [0, ∞)."""
    found = one_total(in_totals(neglog.penalty(text, "positive")), "positive")
    assert found is not None
    return found


def product_strength() -> float:
    """λ at which the product prior of two features has τ = −TAU."""
    total = total_of(TEXT[PRODUCT])
    return float(brentq(lambda lam: kendall_number(total, {}, lam, 2)[0] + TAU, 0.01, 2.0))


def contours() -> Figure:
    """Densities of two features when both have exponential marginals: dependence alone."""
    lam_product, lam_total = product_strength(), 2 + (1 / TAU - 1) / 2
    grid = np.linspace(1e-3, 4, 220)
    x, y = np.meshgrid(grid, grid)

    def product(u: Floats) -> tuple[Floats, Floats]:
        """(activation, log of its marginal density) at survival e^{−u}."""
        ends = np.geomspace(1e-9, 600 / lam_product, 40_000)
        minus_log = -np.log(exp1(lam_product * (1 + ends)) / exp1(lam_product))
        a = np.interp(u, minus_log, ends)
        return a, -lam_product * (1 + a) - np.log1p(a) - np.log(exp1(lam_product))

    def lomax(u: Floats) -> tuple[Floats, Floats]:
        """The marginal of log(1 + Σ|a|) at d = 2: one power of (1 + a) is lost."""
        a = np.expm1(u / (lam_total - 2))
        return a, np.log(lam_total - 2) - (lam_total - 1) * np.log1p(a)

    def log_density(name: str) -> Floats:
        """log of the joint density of (u, v) with a = a(u): the copula's times e^{−u−v}."""
        if name == SUM:
            return -x - y
        of = product if name == PRODUCT else lomax
        (ax, px), (ay, py) = of(x), of(y)
        if name == PRODUCT:
            log_z = np.log(exp1(lam_product) / lam_product)
            joint = -lam_product * (1 + ax) * (1 + ay) - log_z
        else:
            joint = -lam_total * np.log1p(ax + ay) + np.log((lam_total - 1) * (lam_total - 2))
        return joint - px - py - x - y

    figure = canvas(3, width=3.6, height=4.2)
    titles = {
        SUM: f"{SUM}\nindependent, τ = 0",
        PRODUCT: f"{PRODUCT}, λ = {lam_product:.2f}\nexclusive, τ = −{TAU}",
        TOTAL: f"{TOTAL}, λ = {lam_total:g}\ncoactivating, τ = +{TAU}",
    }
    shades = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5")
    levels = [-6, -5, -4, -3, -2, -1]
    for ax, (name, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        log_p = log_density(name)
        ax.contourf(grid, grid, log_p, levels=[-60, *levels, 3], colors=shades)
        ax.contour(grid, grid, log_p, levels=levels, colors="#08306b", linewidths=0.8,
                   linestyles="solid")  # fmt: skip
        dress(ax, title, "feature 1 (marginal: exponential)", "feature 2 (same marginal)")
        ax.grid(False)
        ax.set_aspect("equal")
    return figure


def rates(tokens: int = 400_000, dim: int = 12) -> Figure:
    """The price of a feature, and how often it fires, against the activity of the others."""
    figure = canvas(2, width=4.6, height=3.5)
    left, right = figure.subplots(1, 2)
    s = np.linspace(0, 4, 200)
    left.plot(s, np.ones_like(s), color=COLOUR[SUM], label=SUM, linewidth=2)
    left.plot(s, np.exp(s), color=COLOUR[PRODUCT], label=PRODUCT, linewidth=2)
    left.plot(s, 1 / (1 + np.expm1(s)), color=COLOUR[TOTAL], label=f"{TOTAL}*", linewidth=2)
    left.set_yscale("log")
    dress(left, "rate of one feature given the others, over λ", "Σ log(1+|aⱼ|) over the others",
          "∂φ/∂|aᵢ| at aᵢ = 0")  # fmt: skip
    left.legend(fontsize=8, frameon=False, loc="upper left")
    left.text(0.03, 0.04, "*where one other feature is active", transform=left.transAxes,
              fontsize=8, color=GREY)  # fmt: skip
    for name in (SUM, PRODUCT, TOTAL):
        x = draws(name, dim, tokens)
        fires = x > np.quantile(x, 0.8, axis=0)
        others = fires.sum(1, keepdims=True) - fires
        ns = np.arange(0, 7)
        p = np.array([fires[others == n].mean() for n in ns])
        right.plot(ns, p, color=COLOUR[name], marker="o", label=name, linewidth=2, markersize=4)
    right.axhline(0.2, color=GREY, linewidth=0.8, linestyle=":")
    dress(right, f"samples, d = {dim}: each feature fires on 20% of tokens",
          "how many of the others fire", "P(feature fires | others)")  # fmt: skip
    right.set_ylim(bottom=0)
    right.legend(fontsize=8, frameon=False, loc="upper center")
    return figure


def draws(name: str, dim: int, tokens: int) -> Floats:
    """Codes of a prior strong enough in its dependence to be seen."""
    lam = {SUM: 3.0, PRODUCT: 0.02, TOTAL: dim + 1.0}[name]
    law = neglog.penalty(TEXT[name], "positive").prior().at(lam=lam, dim=dim)
    return np.asarray(law.rvs(tokens, random_state=7))


def samples(dim: int = 12, shown: int = 70, tokens: int = 60_000) -> Figure:
    """Rasters of simulated codes at equal marginals, and the law of the number of firing ones."""
    figure = canvas(3, 2, width=3.5, height=2.6)
    axes = figure.subplots(2, 3, height_ratios=[1.0, 1.0])
    for column, name in enumerate((SUM, PRODUCT, TOTAL)):
        x = draws(name, dim, tokens)
        ranks = x.argsort(axis=0).argsort(axis=0) / tokens
        sizes = -np.log1p(-ranks)  # exponential marginals for all three
        fires = ranks > 0.8
        top, bottom = axes[0, column], axes[1, column]
        seen = np.where(fires, sizes, 0)[:shown].T
        top.imshow(seen, aspect="auto", cmap="Blues", vmin=0, vmax=5, interpolation="nearest")
        dress(top, f"{name}: {WORD[name]}", "token", "feature")
        top.grid(False)
        top.set_yticks([0, dim // 2 - 1, dim - 1], ["1", str(dim // 2), str(dim)])
        count = np.bincount(fires.sum(1), minlength=dim + 1) / tokens
        ns = np.arange(dim + 1)
        bottom.bar(ns, count, color=COLOUR[name], width=0.8)
        bottom.plot(ns, binom.pmf(ns, dim, 0.2), color="black", marker=".", linewidth=1,
                    label="independent features")  # fmt: skip
        ratio = fires.sum(1).var() / (dim * 0.16)
        dress(bottom, f"Var(L0) is {ratio:.2f} × independent", "features firing", "share of tokens")
        bottom.set_ylim(0, 0.6)
        bottom.set_xlim(-0.6, 9.6)
        bottom.legend(fontsize=8, frameon=False)
    return figure


def budgets() -> Figure:
    """β = dα·Var(s)/E(s)² against d: which priors become a fixed budget."""
    figure = canvas(1, width=6.2, height=3.7)
    ax = figure.subplots()
    rows: dict[str, tuple[str, float]] = {
        "‖a‖": ("norm(a)", 1.0),
        "Σ|a|": ("sum(abs(a))", 1.0),
        "(Σ|a|)²": ("sum(abs(a))**2", 1.0),
        "10·∏(1+|a|)^(1/10)": ("10*prod(1+abs(a))**(1/10)", 1.0),
        "3·∏(1+|a|)^(1/3)": ("3*prod(1+abs(a))**(1/3)", 1.0),
        "∏(1+|a|)": ("prod(1+abs(a))", 1.0),
    }
    ds = np.unique(np.round(np.geomspace(2, 20_000, 30)).astype(int))
    for colour, (name, (text, lam)) in zip(PALETTE, rows.items(), strict=False):
        total = total_of(text)
        alpha = 1.0 if total.measure.q is None else 1 / float(total.measure.q)
        laws: list[Any] = [law_of_total(total, {}, lam, int(d)) for d in ds]
        index = [d * alpha * (law.sd / law.mean) ** 2 for d, law in zip(ds, laws, strict=True)]
        ax.plot(ds, index, color=colour, label=name, linewidth=2)
    ax.set_xscale("log")
    dress(ax, "the budget: β = 1 independent, 0 fixed", "features d", "β = dα·Var(s)/E(s)²")
    ax.set_ylim(0, 2.5)
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def main() -> None:
    """Write the four figures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, draw in (("contours", contours), ("rates", rates), ("samples", samples),
                       ("budgets", budgets)):  # fmt: skip
        save(draw(), folder / f"joint-{name}.png")
        print(folder / f"joint-{name}.png")


if __name__ == "__main__":
    main()
