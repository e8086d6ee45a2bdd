"""Joint priors against independent numbers: python benchmarks/joint_check.py [--quick]

1. Every joint entry of the catalogue, and expressions outside it, at d = 2 and 3: the normaliser
   and the correlation of |aᵢ|, |aⱼ| that `neglog derive` gives, beside a Gauss–Legendre cubature
   written here (over y₁ ≥ y₂ ≥ …, the expression written out) and beside samples, with z-scores.
   The normaliser is checked against samples by the mass of a box: Z = ∫_box e^{−λφ} / P(box).
2. Structured priors, which are no expressions: the same.
3. Data drawn from priors with known dependence: what `neglog.validation.coactivation` says of them,
   and how well the couplings of a pairwise prior are found again.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import sympy as sp
from numpy.typing import NDArray

import neglog
from neglog.derivations.service import derive
from neglog.priors.catalogue.joint import ENTRIES
from neglog.priors.structured import (
    ExclusiveGroups,
    FixedSupport,
    GroupNorm,
    OneActive,
    PairwiseSupport,
    SharedThreshold,
    Structured,
)
from neglog.priors.symbols import Largest, Multiple, Total, a, d, parameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A penalty with a strength at which second moments exist, and parameters."""

    expr: str
    lam: float = 1.0
    at: dict[str, float] = field(default_factory=dict)


ROWS = {
    "lasso": Row("lasso"),
    "log-sum": Row("log-sum", 6.0),
    "product": Row("product", 0.7),
    "tempered-product": Row("tempered-product", 1.5, {"tau": 2.0}),
    "pairwise-exclusive": Row("pairwise-exclusive", 1.3, {"c": 2.0}),
    "at-most-one": Row("at-most-one", 1.0, {"eps": 0.1, "b": 1.0, "k": 0.5}),
    "code-entropy": Row("code-entropy", 1.0, {"c": 1.0}),
    "multivariate-lomax": Row("multivariate-lomax", 9.5),
    "multivariate-student": Row("multivariate-student", 6.0),
    "multivariate-t": Row("multivariate-t", 1.0, {"nu": 9.0}),
    "exclusive-lasso": Row("exclusive-lasso"),
    "group-lasso": Row("group-lasso"),
    "exponential-power": Row("exponential-power", 1.0, {"q": 0.75}),
    "subspace": Row("subspace"),
    "maximum": Row("maximum"),
    "hoyer-l1": Row("hoyer-l1", 1.0, {"c": 1.0}),
}
OUTSIDE = {
    "√Σ|a|": Row("sqrt(sum(abs(a)))", 3.0),
    "Σlog(1+|a|) + log(1+Σ|a|)": Row("sum(log(1+abs(a)))+log(1+sum(abs(a)))", 5.0),
    "Σ|a| + ‖a‖": Row("sum(abs(a))+norm(a)"),
    "∏(1+a²)": Row("prod(1+a**2)"),
    "log(1+Σ|a|+Σa²)": Row("log(1+sum(abs(a))+sum(a**2))", 5.0),
    "Σ√|a| + (Σ|a|)²": Row("sum(sqrt(abs(a)))+sum(abs(a))**2"),
    "Σ|a| − ‖a‖/2": Row("sum(abs(a))-norm(a)/2", 2.0),
    "Σa² − log(1+Σ|a|)": Row("sum(a**2)-log(1+sum(abs(a)))"),
}

NODES = {2: 700, 3: 130}


def written_out(expr: sp.Expr, dim: int) -> Callable[..., Floats]:
    """φ of |a₁|, …, |a_d| as a numpy function."""
    ys = sp.symbols(f"y1:{dim + 1}", positive=True)
    for node, join in ((Total, sp.Add), (Multiple, sp.Mul), (Largest, sp.Max)):
        expr = expr.replace(node, lambda f, join=join: join(*[f.subs(a, y) for y in ys]))
    return sp.lambdify(ys, sp.expand(expr.subs(d, dim)), "numpy")


def gauss(
    phi: Callable[..., Floats], lam: float, dim: int, low: float, high: float
) -> tuple[float, float, float, float]:
    """∫ e^{−λφ}, E|a₁|, E a₁², E|a₁||a₂| over one orthant: composite Gauss–Legendre in log|a|."""
    panels = 10
    node, weight = np.polynomial.legendre.leggauss(NODES[dim] // panels)
    edges = np.linspace(low, high, panels + 1)
    half = np.diff(edges) / 2
    t = (edges[:-1, None] + half[:, None] * (node + 1)).ravel()
    w = (half[:, None] * weight).ravel()
    y, measure = np.exp(t), w * np.exp(t)
    sums = np.zeros(4)
    for yi, mi in zip(y, measure, strict=True):
        rest = np.meshgrid(*[y] * (dim - 1), indexing="ij")
        with np.errstate(all="ignore"):
            p = np.exp(-lam * np.broadcast_to(phi(yi, *rest), rest[0].shape))
        p = np.where(np.isfinite(p), p, 0.0)
        for axis in range(dim - 1):
            p = p * measure.reshape([-1 if k == axis else 1 for k in range(dim - 1)])
        mass, second = p.sum(), (p * rest[0]).sum()
        sums += mi * np.array([mass, yi * mass, yi**2 * mass, yi * second])
    z = sums[0]
    return z, sums[1] / z, sums[2] / z, sums[3] / z


def panels(edges: Floats, each: int) -> tuple[Floats, Floats]:
    """Nodes and weights of a composite Gauss–Legendre rule."""
    node, weight = np.polynomial.legendre.leggauss(each)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (node + 1)).ravel(), (half * weight).ravel()


def sorted_gauss(
    phi: Callable[..., Floats], lam: float, dim: int, low: float, high: float
) -> tuple[float, float, float, float]:
    """The same for exchangeable features, over y₁ ≥ y₂ ≥ …: no kink of a maximum is inside.

    yᵢ₊₁ = yᵢe^{−xᵢ}, so that dy₁…dy_d = y₁^d e^{−(d−1)x₁ − … − x_{d−1}} dt dx.
    """
    t, wt = panels(np.linspace(low, high, 15), 20)
    x, wx = panels(np.array([0, 0.3, 0.8, 1.5, 2.5, 4, 6, 9, 14, 22, 40.0]), 10 if dim == 3 else 16)
    sums = np.zeros(4)
    for ti, wi in zip(t, wt, strict=True):
        steps = np.meshgrid(*[x] * (dim - 1), indexing="ij")
        y = [np.full_like(steps[0], np.exp(ti))]
        log_volume = np.full_like(steps[0], dim * ti)
        for k, step in enumerate(steps):
            y.append(y[-1] * np.exp(-step))
            log_volume = log_volume - (dim - 1 - k) * step
        with np.errstate(all="ignore"):
            p = np.exp(log_volume - lam * np.broadcast_to(phi(*y), steps[0].shape))
        p = np.where(np.isfinite(p), p, 0.0) * wi
        for axis in range(dim - 1):
            p = p * wx.reshape([-1 if k == axis else 1 for k in range(dim - 1)])
        one = sum(y)
        two = sum(v * v for v in y)
        both = (one * one - two) / (dim * (dim - 1))
        sums += [p.sum(), (p * one).sum() / dim, (p * two).sum() / dim, (p * both).sum()]
    z = sums[0]
    return math.factorial(dim) * z, sums[1] / z, sums[2] / z, sums[3] / z


def z_of_correlation(x: Floats, truth: float) -> tuple[float, float]:
    """The samples' correlation and its z-score, by batches."""
    batches = np.array_split(x, 40)
    found = np.array([np.corrcoef(b[:, 0], b[:, 1])[0, 1] for b in batches])
    whole = float(np.corrcoef(x[:, 0], x[:, 1])[0, 1])
    return whole, (whole - truth) / (found.std(ddof=1) / np.sqrt(len(found)))


def z_of_normaliser(
    x: Floats, phi: Callable[..., Floats], lam: float, z: float, effective: float
) -> float:
    """The z-score of P(all |aᵢ| < m) in samples against ∫_box e^{−λφ}/Z, m the median."""
    dim, edge = x.shape[1], float(np.median(x))
    mass, *_ = sorted_gauss(phi, lam, dim, np.log(edge) - 24.0, np.log(edge))
    p, seen = mass / z, float((x < edge).all(1).mean())
    return (seen - p) / np.sqrt(p * (1 - p) / effective)


def check(name: str, row: Row, dim: int, draws: int, seed: int) -> None:
    """One line of the table."""
    phi = neglog.penalty(row.expr)
    at = {"lam": repr(row.lam), **{k: repr(v) for k, v in row.at.items()}}
    document = derive({"penalty": row.expr, "at": at, "dim": dim, "timeout": 60.0})
    numeric = document["numeric"]
    numbers = {parameter(k): sp.Rational(repr(v)) for k, v in row.at.items()}
    out = written_out(phi.expr.subs(numbers), dim)
    high = 6.0 if float(numeric["mean_abs"]) < 1e3 else 12.0
    tail = document["proper"] == "if"
    z, mean, square, both = sorted_gauss(out, row.lam, dim, -26.0, 24.0 if tail else high)
    z, corr = z * 2**dim, (both - mean**2) / (square - mean**2)
    law = phi.prior(timeout=60.0).at(lam=row.lam, dim=dim, **row.at)
    drawn = law.sample(draws, seed=seed)
    x = np.abs(drawn.values)
    seen, z_corr = z_of_correlation(x, float(numeric["correlation"]))
    said = float(numeric["normalizer"])
    z_norm = z_of_normaliser(x, out, row.lam, said / 2**dim, drawn.effective)
    print(
        f"{name:27} {dim} {row.lam:5g} {float(numeric['normalizer']):13.8g} "
        f"{float(numeric['normalizer']) / z - 1:9.1e} {z_norm:6.2f} "
        f"{float(numeric['correlation']):9.5f} {float(numeric['correlation']) - corr:9.1e} "
        f"{seen:8.4f} {z_corr:6.2f}  {drawn.method:6} {document['dependence']}",
        flush=True,
    )


HEAD = (
    f"{'penalty':27} {'d':>1} {'λ':>5} {'Z':>13} {'rel. gap':>9} {'z(Z)':>6} {'corr':>9} "
    f"{'gap':>9} {'sampled':>8} {'z':>6}  {'draws':6} features"
)


def structured() -> dict[str, Structured]:
    """Structured priors of 2 and 3 features."""
    j = np.array([[0, 2.0, 0], [2.0, 0, -1.0], [0, -1.0, 0]])
    return {
        "group norm, d = 2": GroupNorm([0, 0]),
        "group norm, d = 3": GroupNorm([0, 0, 1]),
        "exclusive groups, d = 2": ExclusiveGroups([0, 0]),
        "exclusive groups, d = 3": ExclusiveGroups([0, 0, 1]),
        "at most one, d = 2": OneActive(2, spike=0.1),
        "at most one, d = 3": OneActive(3, spike=0.1),
        "one group, d = 3": OneActive(groups=[0, 0, 1], spike=0.1, weights=[1, 2]),
        "pairwise, d = 3": PairwiseSupport([0.3, 0.2, 0.4], j, spike=0.1),
    }


def check_structured(name: str, phi: Structured, draws: int) -> None:
    """The normaliser against cubature; the first pair's correlation against samples."""
    f, dim = phi.compile("numpy"), phi.features

    def out(*y: Floats) -> Floats:
        parts = np.broadcast_arrays(*y)
        return np.asarray(f(np.stack(parts, axis=-1)))

    z, mean, square, both = gauss(out, 1.0, dim, -26.0, 5.0)
    said = phi.derive()["log_normalizer"]
    x = phi.sample(draws, seed=dim)
    gap = "" if said is None else f"{np.exp(said) / z - 1:9.1e}"
    if isinstance(phi, PairwiseSupport):  # samples are of the exact mixture, Z of Jensen's bound
        print(f"{name:27} Z = {z:.8g} by cubature (Jensen's bound); supports tested below")
        return
    corr = float(np.corrcoef(x[:, 0], x[:, 1])[0, 1])
    theory = (both - mean**2) / (square - mean**2)  # the first two features are exchangeable
    _, score = z_of_correlation(x, theory)
    terms = x * f.grad(x)
    parts = (terms.mean(0) - 1) / (terms.std(0) / np.sqrt(len(x)))
    print(
        f"{name:27} Z = {z:.8g}, rel. gap {gap}; corr {corr:.4f} (cubature {theory:.4f}, "
        f"z {score:.2f}); E[a·∂φ/∂a] = 1: |z| ≤ {np.abs(parts).max():.2f}"
    )


def planted(tokens: int) -> None:
    """Data from priors with known dependence, and what the coactivation test finds."""
    d_, rng = 12, np.random.default_rng(0)
    groups = [0] * 4 + [1] * 4 + [2] * 4
    pairs = [(0, 1, 2.5), (2, 3, 2.5), (4, 5, -2.0), (6, 7, -2.0)]
    j = np.zeros((d_, d_))
    for i, k, c in pairs:
        j[i, k] = j[k, i] = c

    def of(expr: str, lam: float) -> Floats:
        return neglog.penalty(expr, "positive").prior().at(lam=lam, dim=d_).rvs(tokens, rng)

    def supports(phi: Structured) -> Floats:
        return phi.sample(tokens, seed=1, zeros=True)

    made: dict[str, tuple[Callable[[], Floats], str]] = {
        "Σlog(1+|a|), λ = 3": (lambda: of("sum(log(1+abs(a)))", 3.0), "independent"),
        "Σ|a|": (lambda: of("sum(abs(a))", 1.0), "independent"),
        "∏(1+|a|), λ = 0.5": (lambda: of("prod(1+abs(a))", 0.5), "exclusive"),
        "(Σ|a|)²": (lambda: of("sum(abs(a))**2", 1.0), "exclusive"),
        "log(1+Σ|a|), λ = d + 4": (lambda: of("log(1+sum(abs(a)))", d_ + 4.0), "coactivating"),
        "‖a‖": (lambda: of("norm(a)", 1.0), "coactivating"),
        "at most one active": (lambda: supports(OneActive(d_, active=0.7)), "exclusive"),
        "one of three groups": (lambda: supports(OneActive(groups=groups, active=0.7)), "mixed"),
        "4 couplings": (lambda: supports(PairwiseSupport([0.2] * d_, j)), "mixed"),
        "TopK 3": (lambda: supports(FixedSupport(d_, 3)), "exclusive"),
        "BatchTopK 3": (lambda: supports(SharedThreshold(d_, 3, batch=4096)), "independent"),
    }
    head = f"{'exclusive':>10} {'together':>9} {'of':>4} {'Var(L0)/indep.':>14}"
    print(f"\n{'made by':24} {head}  verdict")
    for name, (make, truth) in made.items():
        x = make()
        if (x > 0).all():  # no zeros: what counts is being above the feature's 80% quantile
            x = np.where(x > np.quantile(x, 0.8, axis=0), x, 0.0)
        found = neglog.validation.coactivation(x, rates="equal", alpha=0.01)
        share = found.exclusive / found.pairs, found.coactivating / found.pairs
        verdict = "independent"
        if max(share) > 0.02:
            verdict = "mixed" if min(share) > 0.02 else (
                "exclusive" if share[0] > share[1] else "coactivating")  # fmt: skip
        right = "right" if verdict == truth else f"WRONG: made {truth}"
        print(
            f"{name:24} {found.exclusive:10} {found.coactivating:9} {found.pairs:4} "
            f"{found.var_l0_ratio:14.3f}  {verdict} ({right})"
        )
    x = supports(PairwiseSupport([0.2] * d_, j))
    back = neglog.validation.couplings(x, alpha=0.01).toarray()
    wrong = int((np.triu(back, 1) != 0).sum()) - sum(back[i, k] != 0 for i, k, _ in pairs)
    shown = ", ".join(f"{c:g} → {back[i, k]:.2f}" for i, k, c in pairs)
    print(f"couplings found again (planted → minus log odds): {shown}; {wrong} others")


def main() -> None:
    """Print the three tables."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--quick", action="store_true", help="fewer draws, d = 2 only")
    quick = reader.parse_args().quick
    draws, dims = (20_000, (2,)) if quick else (200_000, (2, 3))
    print(HEAD)
    for seed, (name, row) in enumerate({**ROWS, **OUTSIDE}.items()):
        for dim in dims:
            several = name in ("pairwise-exclusive", "at-most-one", "code-entropy", "hoyer-l1")
            many = draws if not (several or name in OUTSIDE) else draws // 4
            check(name, row, dim, many, 10 * seed + dim)
    for name in sorted(set(ENTRIES) - set(ROWS)):
        document = derive({"penalty": name, "timeout": 30.0})
        print(f"{name:27} {document['proper']}: {document['reason']}")
    print()
    for name, phi in structured().items():
        check_structured(name, phi, draws)
    planted(20_000 if quick else 60_000)


if __name__ == "__main__":
    main()
