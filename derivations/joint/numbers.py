"""Numbers of joint priors at given λ, parameters and d: integrals over the one total."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.document import decimal
from neglog.derivations.integrals.quadrature import Estimate
from neglog.derivations.joint.budget import shape
from neglog.derivations.joint.cubature import cubature
from neglog.derivations.joint.expectation import total_integral
from neglog.derivations.joint.kendall import kendall_number
from neglog.derivations.joint.law_of_total import law_of_total
from neglog.derivations.joint.totals import (
    OneTotal,
    in_totals,
    one_total,
    real_factor,
    separable_part,
)
from neglog.derivations.numbers import Point, substitute
from neglog.derivations.scalar import Derivation, derive_scalar
from neglog.derivations.scalar_numbers import numbers as scalar_numbers
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, lam


def joint_numbers(phi: Penalty, point: Point, found: Derivation, dim: int) -> dict[str, Any]:
    """Normaliser, E|a|, variance of a and correlation of |a_i|, |a_j| at numbers."""
    at = {**point, d: sp.Integer(dim)}
    expr = in_totals(phi)
    f = separable_part(expr)
    if f is not None:
        return _separable_numbers(phi, f, at, dim)
    total = one_total(expr, phi.domain)
    when = found.propriety.when
    if when is None:
        return dict.fromkeys(NAMES, "undefined")
    if substitute(when, at, 20) != sp.true:
        undefined = dict.fromkeys(("mean_abs", "variance", "correlation"), "undefined")
        return {"normalizer": "oo", **undefined}
    if total is None:
        return _cubature_numbers(phi, expr, at, found, dim)
    return _total_numbers(phi, total, at, found) | _picture_numbers(total, at, dim)


NAMES = ("normalizer", "mean_abs", "variance", "correlation")


def _picture_numbers(total: OneTotal, at: Point, dim: int) -> dict[str, Any]:
    """The total's mean, spread and budget, and Kendall's τ: decimals out of double precision."""
    if total.largest:
        return {}
    numbers = {n: float(v) for n, v in at.items() if n not in (lam, d)}
    strength = float(at[lam])
    try:
        law = law_of_total(total, numbers, strength, dim)
    except InputError:  # a law that does not fade within the doubles: nothing to say
        return {}
    out: dict[str, Any] = {}
    if law.moment_exists(2):
        index = dim * float(shape(total).subs(numbers)) * (law.sd / law.mean) ** 2
        for name, value in (
            ("total_mean", law.mean),
            ("total_sd", law.sd),
            ("budget_index", index),
        ):
            out[name] = mp.nstr(mp.mpf(value), DOUBLE_DIGITS)
    if dim >= 2 and shape(total) == 1:
        tau, error = kendall_number(total, numbers, strength, dim)
        with mp.workdps(20):
            out["kendall_tau"] = decimal(Estimate(mp.mpf(tau), mp.mpf(error)))
    return out


DOUBLE_DIGITS = 11


def _cubature_numbers(
    phi: Penalty, expr: sp.Expr, at: Point, found: Derivation, dim: int
) -> dict[str, Any]:
    """Several totals: product cubature for one to three features, with its bound on the error."""
    if dim > 3:
        return dict.fromkeys(NAMES, "undefined")
    exists = {
        name: moment.when is not None and substitute(moment.when, at, 20) == sp.true
        for name, moment in found.moments.items()
    }
    order = 2 if exists.get("variance") else 1 if exists.get("mean_abs") else 0
    numbers = {n: v for n, v in at.items() if n not in (lam, d)}
    orthants = 2.0**dim if phi.domain == "real" else 1.0
    try:
        got = cubature(expr, numbers, float(at[lam]), dim, orthants, order)
    except InputError:  # an integrand that does not fade within the doubles
        return dict.fromkeys(NAMES, "undefined")
    out: dict[str, Any] = dict.fromkeys(NAMES, "undefined")
    with mp.workdps(30):
        z, dz = got.normalizer
        size = mp.exp(got.log_scale)
        out["normalizer"] = Estimate(size * z, size * dz)
        if order == 0:
            return {**out, "mean_abs": "oo"}
        mean, square, product = (Estimate(*map(mp.mpf, m)) for m in got.moments)
        out["mean_abs"] = mean
        if order == 1:
            return {**out, "variance": "oo"}
        spread = square.value - mean.value**2
        error = square.error + 2 * mean.value * mean.error
        out["variance"] = square if phi.domain == "real" else Estimate(spread, error)
        if dim > 1:
            together = product.value - mean.value**2
            slack = (product.error + 2 * mean.value * mean.error + error) / spread
            out["correlation"] = Estimate(together / spread, slack)
    return out


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
