"""The numbers of a scalar prior at a point: closed forms where there are any, else quadrature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.propriety import UNKNOWN
from neglog.derivations.half_line import Side, sides
from neglog.derivations.integrals.quadrature import (
    Estimate,
    information,
    integral,
    mean_penalty,
    ratio_of,
)
from neglog.derivations.numbers import UNCOMPUTABLE, Point, substitute
from neglog.derivations.scalar import Derivation, Moment
from neglog.priors.penalty import Penalty


def numbers(phi: Penalty, point: dict[sp.Symbol, sp.Expr], found: Derivation) -> dict[str, Any]:
    """The normaliser, E|a| and the variance at a numeric point, by closed form or quadrature.

    Values are :class:`Estimate`; a moment that diverges is ``"oo"``, one that has no meaning
    ``"undefined"``, one that could not be computed None.
    """
    verdict = found.propriety.when
    holds = verdict is not None and substitute(verdict, point, 20) == sp.true
    if found.propriety.proper == UNKNOWN or not holds:
        state = "undefined" if found.propriety.proper == UNKNOWN else "oo"
        return {"normalizer": state, "mean_abs": "undefined", "variance": "undefined"}
    halves = sides(phi)
    assert halves is not None
    z = _value(found.normalizer and found.normalizer.expr, point, lambda: integral(halves, point))
    out: dict[str, Any] = {"normalizer": z}
    if z is None:
        return {**out, "mean_abs": None, "variance": None}
    out["mean_abs"] = _moment(
        found.moments["mean_abs"], point, lambda: _over(integral(halves, point, 1), z)
    )
    if len(halves) == 2:
        out["mean"] = _moment(
            found.moments["mean"],
            point,
            lambda: _over(integral(halves, point, 1, signed=True), z),
            otherwise="undefined",
        )
    exists = out["mean_abs"] not in ("oo", "undefined")
    out["variance"] = _moment(
        found.moments["variance"],
        point,
        lambda: _variance(halves, point, z),
        otherwise="oo" if exists else "undefined",
    )
    out["entropy"] = _value(found.entropy, point, lambda: _entropy(halves, point, z))
    out["scale_information"] = _value(
        found.scale_information, point, lambda: information(halves, point)
    )
    return out


Numeric = Callable[[], Estimate | None]


def _value(closed: sp.Expr | None, point: Point, numeric: Numeric) -> Estimate | None:
    """The closed form's value, or quadrature where there is none or it is singular there."""
    if closed is not None:
        value = exact(closed, point)
        if value is not None:
            return value
    found = numeric()
    # A bound as large as the number says nothing: cancellation has eaten the digits.
    return None if found is None or found.error > abs(found.value) / 1000 else found


def _moment(moment: Moment, point: Point, numeric: Numeric, otherwise: str = "oo") -> Any:
    if moment.when is None:
        return "undefined"
    if substitute(moment.when, point, 20) != sp.true:
        return otherwise
    return _value(moment.value, point, numeric)


def _over(raw: Estimate | None, z: Estimate) -> Estimate | None:
    return None if raw is None else ratio_of(raw, z)


def _variance(halves: Sequence[Side], point: Point, z: Estimate) -> Estimate | None:
    second, first = integral(halves, point, 2), integral(halves, point, 1, signed=True)
    if second is None or first is None:
        return None
    with mp.workdps(35):
        square, mean = ratio_of(second, z), ratio_of(first, z)
        error = square.error + 2 * abs(mean.value) * mean.error
        return Estimate(square.value - mean.value**2, error)


def _entropy(halves: Sequence[Side], point: Point, z: Estimate) -> Estimate | None:
    """log Z + λ E φ."""
    mean = mean_penalty(halves, point)
    if mean is None:
        return None
    with mp.workdps(35):
        return Estimate(mp.log(z.value) + mean.value, mean.error + z.error / z.value)


def exact(expr: sp.Expr, point: Point) -> Estimate | None:
    """A closed form at a point, to 25 digits; None where it is singular there."""
    with mp.workdps(40):
        try:
            value = sp.N(substitute(expr, point, 40), 30)
        except UNCOMPUTABLE:
            return None
        if not value.is_number or not value.is_real or not value.is_finite:
            return None
        number = mp.mpf(value)
        return Estimate(number, abs(number) * mp.mpf(10) ** -25)
