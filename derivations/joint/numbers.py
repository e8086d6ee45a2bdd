"""Numbers of joint priors at given λ, parameters and d: integrals over the one total."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.half_line import Piece
from neglog.derivations.integrals.quadrature import Estimate, piece_integral
from neglog.derivations.joint.totals import (
    OneTotal,
    in_totals,
    one_total,
    real_factor,
    s,
    separable_part,
)
from neglog.derivations.numbers import Point, substitute
from neglog.derivations.scalar import Derivation, derive_scalar
from neglog.derivations.scalar_numbers import numbers as scalar_numbers
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, y


def joint_numbers(phi: Penalty, point: Point, found: Derivation, dim: int) -> dict[str, Any]:
    """Normaliser, E|a|, variance of a and correlation of |a_i|, |a_j| at numbers."""
    at = {**point, d: sp.Integer(dim)}
    expr = in_totals(phi)
    f = separable_part(expr)
    if f is not None:
        return _separable_numbers(phi, f, at, dim)
    total = one_total(expr, phi.domain)
    when = found.propriety.when
    if total is None or when is None:
        return dict.fromkeys(("normalizer", "mean_abs", "variance", "correlation"), "undefined")
    if substitute(when, at, 20) != sp.true:
        undefined = dict.fromkeys(("mean_abs", "variance", "correlation"), "undefined")
        return {"normalizer": "oo", **undefined}
    return _total_numbers(phi, total, at, found)


def _separable_numbers(phi: Penalty, f: sp.Expr, at: Point, dim: int) -> dict[str, Any]:
    one = Penalty(f.subs(d, dim), phi.domain)
    derived = derive_scalar(one)
    out = scalar_numbers(one, dict(at), derived)
    z = out["normalizer"]
    if isinstance(z, Estimate):
        with mp.workdps(40):
            value = z.value**dim
            out["normalizer"] = Estimate(value, dim * value * z.error / z.value)
    exists = isinstance(out["variance"], Estimate)
    out["correlation"] = Estimate(mp.mpf(0), mp.mpf(0)) if exists else "undefined"
    return out


def _total_numbers(phi: Penalty, total: OneTotal, at: Point, found: Derivation) -> dict[str, Any]:
    raw = total_integral(total, sp.S.One, at)
    if raw is None:
        return dict.fromkeys(("normalizer", "mean_abs", "variance", "correlation"), "undefined")
    volume = real_factor(phi.domain) * total.measure.volume
    with mp.workdps(40):
        factor = mp.mpf(sp.N(substitute(volume, at, 40), 35))
        out: dict[str, Any] = {"normalizer": raw.times(factor)}
    exists = {
        name: moment.when is not None and substitute(moment.when, at, 20) == sp.true
        for name, moment in found.moments.items()
    }
    mean = square = product = None
    if exists.get("mean_abs"):
        mean = _mean(total, total.measure.mean, raw, at)
    if exists.get("variance"):
        square = _mean(total, total.measure.square, raw, at)
        product = _mean(total, total.measure.product, raw, at)
    out["mean_abs"] = mean or ("oo" if not exists.get("mean_abs") else "undefined")
    if mean is None or square is None or product is None:
        out["variance"] = "oo" if mean is not None else "undefined"
        return {**out, "correlation": "undefined"}
    with mp.workdps(40):
        spread = square.value - mean.value**2
        error = square.error + 2 * mean.value * mean.error
        real = phi.domain == "real"
        out["variance"] = square if real else Estimate(spread, error)
        together = product.value - mean.value**2
        slack = (product.error + 2 * mean.value * mean.error + error) / spread
        out["correlation"] = Estimate(together / spread, slack)
    return out


def _mean(total: OneTotal, weight: sp.Expr, raw: Estimate, at: Point) -> Estimate | None:
    top = total_integral(total, weight, at)
    if top is None:
        return None
    with mp.workdps(40):
        value = top.value / raw.value
        return Estimate(value, top.error / raw.value + abs(value) * raw.error / raw.value)


def total_integral(total: OneTotal, weight: sp.Expr, point: Point) -> Estimate | None:
    """∫ weight(s)·w(s) exp(−λ g(s)) ds at a numeric point with d an integer."""
    at = dict(point)
    inner = (weight * total.measure.weight).subs(d, at[d])
    g = total.g.subs(d, at[d])
    piece = Piece(sp.S.Zero, sp.oo, g.subs(s, y))
    inner = inner.subs(s, y)
    if at[d] <= 4:  # elementary there; for large d the expansion is longer than the series
        inner = sp.hyperexpand(inner)
    return piece_integral(piece, at, inner)
