"""The families as distributions: survival function, distribution function, draws.

Functions take samples (…) and parameters by name, broadcast together, in the samples' unit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.random import Generator
from scipy import special
from sympy import atan, log, pi, sqrt
from sympy.codegen.cfunctions import log1p

from neglog.validation.families import SCALE, C, Family, S
from neglog.validation.known import log_erfc
from neglog.validation.profile import CUT
from neglog.validation.segments import Floats

XI = sympy.Symbol("xi", real=True)


Numbers = Callable[..., Any]


@dataclass(frozen=True)
class Law:
    """log P(A > cut) as an expression where it is elementary; P(A ≤ a), P(A > a); draws."""

    log_sf: sympy.Expr | None
    cdf: Numbers  # (a, **params)
    sf: Numbers  # (a, **params)
    draw: Callable[..., Floats]  # (rng, shape, **params)


def _pareto_sf(a: Any, c: Any, scale: Any) -> Any:
    with np.errstate(all="ignore"):
        t = a / scale
        inside = np.maximum(c * t, -1.0)
        plain = np.exp(-np.log1p(inside) / np.where(c == 0, 1.0, c))
        return np.where(np.abs(c) < 1e-9, np.exp(-t), plain)


def _pareto_draw(rng: Generator, shape: Any, c: Any, scale: Any) -> Floats:
    e = rng.standard_exponential(shape)
    with np.errstate(all="ignore"):
        return scale * np.where(np.abs(c) < 1e-9, e, np.expm1(c * e) / np.where(c == 0, 1, c))


LAWS: Mapping[str, Law] = {
    "exponential": Law(
        -CUT / SCALE,
        lambda a, scale: -np.expm1(-a / scale),
        lambda a, scale: np.exp(-a / scale),
        lambda rng, shape, scale: scale * rng.standard_exponential(shape),
    ),
    "half-normal": Law(
        log_erfc(CUT / (SCALE * sqrt(2))),
        lambda a, scale: special.erf(a / (scale * np.sqrt(2))),
        lambda a, scale: special.erfc(a / (scale * np.sqrt(2))),
        lambda rng, shape, scale: scale * np.abs(rng.standard_normal(shape)),
    ),
    "half-cauchy": Law(
        log(2 / pi * atan(SCALE / CUT)),
        lambda a, scale: 2 / np.pi * np.arctan(a / scale),
        lambda a, scale: 2 / np.pi * np.arctan(scale / a),
        lambda rng, shape, scale: scale * np.abs(rng.standard_cauchy(shape)),
    ),
    "half-t": Law(
        None,
        lambda a, df, scale: special.betainc(0.5, df / 2, _share(a / scale, df)),
        lambda a, df, scale: special.betainc(df / 2, 0.5, df / (df + (a / scale) ** 2)),
        lambda rng, shape, df, scale: scale * np.abs(rng.standard_t(df, shape)),
    ),
    "lomax": Law(
        -C * log1p(CUT / SCALE),
        lambda a, c, scale: -np.expm1(-c * np.log1p(a / scale)),
        lambda a, c, scale: np.exp(-c * np.log1p(a / scale)),
        lambda rng, shape, c, scale: scale * np.expm1(rng.standard_exponential(shape) / c),
    ),
    "gamma": Law(
        None,
        lambda x, *, a, scale: special.gammainc(a, x / scale),
        lambda x, *, a, scale: special.gammaincc(a, x / scale),
        lambda rng, shape, a, scale: scale * rng.standard_gamma(a, shape),
    ),
    "weibull": Law(
        -((CUT / SCALE) ** C),
        lambda a, c, scale: -np.expm1(-((a / scale) ** c)),
        lambda a, c, scale: np.exp(-((a / scale) ** c)),
        lambda rng, shape, c, scale: scale * rng.standard_exponential(shape) ** (1 / c),
    ),
    "log-normal": Law(
        log_erfc(log(CUT / SCALE) / (S * sqrt(2))) - log(2),
        lambda a, s, scale: special.ndtr(np.log(a / scale) / s),
        lambda a, s, scale: special.ndtr(-np.log(a / scale) / s),
        lambda rng, shape, s, scale: scale * np.exp(s * rng.standard_normal(shape)),
    ),
    "generalised-pareto": Law(
        -log1p(XI * CUT / SCALE) / XI,
        lambda a, c, scale: 1 - _pareto_sf(a, c, scale),
        _pareto_sf,
        _pareto_draw,
    ),
}


def _share(x: Any, df: Any) -> Any:
    """x²/(df + x²)."""
    return x**2 / (df + x**2)


def law_of(row: Family) -> Law:
    """The family's distribution; by quadrature where it is not in the table."""
    if row.name in LAWS:
        return LAWS[row.name]
    from neglog.validation.tabulated import tabulated

    return tabulated(row)
