"""Which one slab fits all features best: a shape they share, and a scale each has of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.validation.densities import negative_log
from neglog.validation.families import Family
from neglog.validation.fitting import Sort, fit_one, resolve
from neglog.validation.generic import generic_profile
from neglog.validation.mle import maximise
from neglog.validation.profile import Free, Profile, constant
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.building import read_source

TOLERANCE = 1e-9  # nat per value that another step of the shared shape would gain
MAX_STEPS = 60


@dataclass(frozen=True)
class SlabFit:
    """One law for all features: feature f follows (1 − π_f) δ₀ + π_f · family(shapes, scale_f)."""

    family: str
    shapes: Mapping[str, float]
    features: NDArray[np.int64]  # (fitted,) which features were used
    scales: Floats  # (fitted,)
    zero_fraction: float  # 1 − π, mean over the features used
    loglik: float  # nat, over all their non-zero values
    aic: float  # counts the shapes and one scale for each feature

    @property
    def params(self) -> dict[str, float]:
        """The shapes, and scale 1: activations in units of their feature's scale."""
        return {**self.shapes, "scale": 1.0}

    @property
    def typical_scale(self) -> float:
        """Geometric mean of the features' scales."""
        return float(np.exp(np.log(self.scales).mean()))

    def slab(self, digits: int = 6) -> Penalty:
        """−log of the law at the typical scale, its numbers rounded to significant digits."""
        values = {**self.shapes, "scale": self.typical_scale}
        rounded = {name: float(f"{value:.{digits}g}") for name, value in values.items()}
        expr = short_exponents(negative_log(self.family, rounded))
        return Penalty(expr, "positive", self.family)

    def as_prior(self) -> Prior:
        """The law at the typical scale, with an atom of the mean zero fraction at 0."""
        prior = self.slab().prior()
        return Prior(prior.phi, prior.facts, self.zero_fraction)


DENOMINATOR = 60  # of an exponent: at most 1/3600 off


def short_exponents(phi: sympy.Expr) -> sympy.Expr:
    """φ with the exponents of its density as short fractions: c in c·log f, c·(log f)²; q in f^q.

    Exact arithmetic takes a number to the power p/q by its p-th power first, and fitted exponents
    have a p of thousands.
    """

    def short(number: sympy.Expr) -> sympy.Expr:
        return number.limit_denominator(DENOMINATOR) if number.is_Rational else number

    phi = phi.replace(
        lambda e: e.is_Pow and e.exp.is_Rational and not e.exp.is_Integer and not e.is_number,
        lambda e: e.base ** short(e.exp),
    )
    terms = []
    for term in sympy.Add.make_args(phi):
        coefficient, core = term.as_independent(sympy.log, as_Add=False)
        terms.append(short(coefficient) * core if core.has(sympy.log) else term)
    return sympy.Add(*terms)


def pooled(
    codes: Any, families: Sequence[str | Penalty | Family] | None = None, min_nonzero: int = 50
) -> list[SlabFit]:
    """Families by how well one shape fits all features, lowest AIC first.

    Maximises Σ_f ℓ_f(shape, scale_f) with a free scale for each feature: Newton in the one shape,
    safeguarded by bisection between the smallest and the largest of the features' own estimates.
    Families without shape are the sum of their separate fits.

    Arguments as for ``fit``. Raises InputError if no feature has ``min_nonzero`` values, or a
    family has no scale or more than one shape.
    """
    record, rows = read_source(codes), resolve(families)
    for row in rows:
        if not row.scaled or len(row.shapes) > 1:
            raise InputError(
                f"{row.name} cannot be pooled: it needs a scale and at most one shape."
            )
    sort = Sort(record, min_nonzero)
    chunks = list(sort.chunks())
    if not chunks:
        raise InputError(f"no feature has {min_nonzero} different non-zero values to fit.")
    where = np.concatenate(sort.fitted)
    zero = float(record.zero_fraction[where].mean())
    fits = []
    for row in rows:
        shapes, scales, loglik = _one(row, chunks)
        aic = 2 * (len(shapes) + len(where)) - 2 * loglik
        fits.append(SlabFit(row.name, shapes, where, scales, zero, loglik, aic))
    return sorted(fits, key=lambda fit: fit.aic)


def _one(row: Family, chunks: list[Segments]) -> tuple[dict[str, float], Floats, float]:
    """Shared shape (none or one), scales and total log-likelihood."""
    own = [fit_one(row, chunk) for chunk in chunks]
    names = list(row.params)
    scales = [o.params[names.index("scale")] for o in own]
    if not row.shapes:
        return {}, np.concatenate(scales), float(sum(o.loglik.sum() for o in own))
    (name,) = row.shapes
    shape = np.concatenate([o.params[names.index(name)] for o in own])
    profile, signed = _profile(row.name, row.logpdf, row.params["scale"], row.params[name])
    # A signed shape (c of the generalised Pareto) lives above −1: search log(1 + c), else its log.
    to, back = (np.log1p, np.expm1) if signed else (np.log, np.exp)
    low, high = to(np.maximum(shape.min(), -0.99 if signed else 1e-6)), to(shape.max())
    latest = [s / chunk.unit for s, chunk in zip(scales, chunks, strict=True)]
    n = sum(int(chunk.n.sum()) for chunk in chunks)
    u = to(np.clip(np.median(shape), back(low), back(high)))
    for _ in range(MAX_STEPS):
        loglik, slope, curvature = 0.0, 0.0, 0.0
        for place, chunk in enumerate(chunks):
            value, first, second, latest[place] = _given(
                profile, chunk, latest[place], float(back(u))
            )
            loglik, slope, curvature = loglik + value, slope + first, curvature + second
        # d shape/du = d² shape/du² = shape, or 1 + shape: eᵘ for both
        slope, curvature = slope * np.exp(u), curvature * np.exp(2 * u) + slope * np.exp(u)
        low, high = (u, high) if slope > 0 else (low, u)
        there = u - slope / curvature if curvature < 0 else np.inf
        there = there if low < there < high else (low + high) / 2
        if abs(slope * (there - u)) < TOLERANCE * n:
            break
        u = there
    final = [s * chunk.unit for s, chunk in zip(latest, chunks, strict=True)]
    return {name: float(back(u))}, np.concatenate(final), loglik


def _given(
    profile: Profile, chunk: Segments, scales: Floats, shape: float
) -> tuple[float, float, float, Floats]:
    """Σ_f max over scale_f of ℓ_f at a shape, its first two derivatives there, and the scales.

    By the envelope theorem the slope is Σ ∂ℓ/∂c; the curvature is Σ (ℓ_cc − ℓ_cs²/ℓ_ss).
    """
    inside = np.maximum(scales, -1.01 * shape * chunk.top)  # shape < 0 bounds the support
    start = np.stack([inside, np.full(len(inside), shape)])
    found = maximise(profile, chunk, start, pinned=(False, True))
    sums = profile.evaluate(chunk, found.params, profile.statistics(chunk))
    loglik, slope, h = profile.value(chunk.given, found.params, sums)
    curvature = h[1, 1] - h[0, 1] ** 2 / h[0, 0]
    total = float((loglik - chunk.n * np.log(chunk.unit)).sum())
    return total, float(slope[1].sum()), float(curvature.sum()), found.params[0]


@cache
def _profile(
    name: str, logpdf: sympy.Expr, scale: sympy.Symbol, shape: sympy.Symbol
) -> tuple[Profile, bool]:
    """The likelihood in (scale, shape), and whether the shape can be negative."""
    signed = not shape.is_positive
    if logpdf.has(sympy.Piecewise) and signed:  # the branch at shape = 0 is its limit
        logpdf = logpdf.args[-1].expr
    free = (
        Free(scale, constant(1.0)),
        Free(
            shape,
            constant(1.0),
            low=constant(-0.999 if signed else 1e-10),
            offset=int(signed),
            hole=constant(1e-5) if signed else None,
        ),
    )
    return generic_profile(logpdf, free, {"scale": scale, name: shape}), signed
