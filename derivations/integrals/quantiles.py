"""Quantiles in closed form: the inverse of the CDF where a table row inverts it.

Each side of 0 has a law of |A| of its own; the quantile of A joins the two at P(A ≤ 0).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.integrals.primitives import between
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.numbers import simplified, substitute
from neglog.priors.symbols import a, lam

u = sp.Symbol("u", positive=True)  # a probability in (0, 1)


def _power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """y^{s−1} e^{−p y^q}: s = q (exponential, Weibull) or q = 2, s = 1 (normal)."""
    term = terms.of("power")
    p, q = lam * term.coefficient, term.parameters[0]
    if simplified(s - q) == 0 and q.is_positive:
        return (-sp.log(1 - u) / p) ** (1 / q)
    if simplified(s + q) == 0 and q.is_negative:
        return (-sp.log(u) / p) ** (1 / q)
    return sp.erfinv(u) / sp.sqrt(p) if (q, s) == (2, 1) else None


def _log_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """y^{q−1} (1+(y/k)^q)^{−p}: Lomax, Burr XII."""
    term = terms.of("log-binomial")
    (k, q), p = term.parameters, lam * term.coefficient
    if simplified(s - q) != 0:
        return None
    return k * ((1 - u) ** (-1 / (p - 1)) - 1) ** (1 / q)


def _log_square(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """y^{s−1} e^{−p log² y}: log-normal."""
    p = lam * terms.of("log-square").coefficient
    return sp.exp(s / (2 * p) + sp.erfinv(2 * u - 1) / sp.sqrt(p))


def _log_one_minus(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """y^{q−1} (1−(y/k)^q)^{−p}, p < 1: a power of a uniform."""
    term = terms.of("log-one-minus")
    (k, q), p = term.parameters, lam * term.coefficient
    return k * (1 - (1 - u) ** (1 / (1 - p))) ** (1 / q) if simplified(s - q) == 0 else None


ROWS: dict[tuple[str, ...], Callable[[Terms, sp.Expr], sp.Expr | None]] = {
    ("power",): _power,
    ("log-binomial",): _log_binomial,
    ("log-square",): _log_square,
    ("log-one-minus",): _log_one_minus,
}


def closed_quantile(sides: Sequence[Side]) -> sp.Expr | None:
    """The quantile of A as an expression in ``u``; None where no row inverts the CDF."""
    parts = [_of_side(side) for side in sides]
    if any(p is None for p in parts):
        return None
    right = parts[0]
    assert right is not None
    if len(sides) == 1 and sides[0].weight == 1:
        return right
    if len(sides) == 1:
        return sp.sign(2 * u - 1) * right.subs(u, sp.Abs(2 * u - 1))
    above, under = _mass(sides[0]), _mass(sides[1])
    if above is None or under is None or parts[1] is None:
        return None
    below = simplified(under / (above + under))
    left = -parts[1].subs(u, 1 - u / below)
    return sp.Piecewise((left, u < below), (right.subs(u, (u - below) / (1 - below)), True))


def _mass(side: Side) -> sp.Expr | None:
    first = side.pieces[0]
    return between(terms_of(first.phi), sp.S.One, first.lo, first.hi)


def _of_side(side: Side) -> sp.Expr | None:
    """The quantile of |A| on one side of 0."""
    first = side.pieces[0]
    rest = [p for p in side.pieces[1:] if p.phi is not sp.oo]
    if rest or first.phi is sp.oo:
        return None
    terms = terms_of(first.phi)
    shape = simplified(1 - lam * terms.log_coefficient)
    if not terms.kinds and first.hi is not sp.oo:
        return first.hi * u ** (1 / shape)
    row = ROWS.get(terms.kinds)
    if row is None or (first.hi is not sp.oo and terms.kinds != ("log-one-minus",)):
        return None
    return row(terms, shape)


def inverts(quantile: sp.Expr, cdf: sp.Expr, when: sp.Basic) -> bool:
    """Whether cdf(quantile(u)) = u at several u and parameter points."""
    names = (quantile.free_symbols | cdf.free_symbols) - {u, a}
    points = points_where(when, names, 2)
    for point in points:
        at = substitute(quantile, point, 30)
        back = substitute(cdf, point, 30)
        for probability in ("0.12", "0.5001", "0.93"):
            value = sp.N(at.subs(u, sp.Float(probability, 40)), 30)
            gap = sp.N(back.subs(a, value), 25) - sp.Float(probability, 25)
            if not gap.is_number or not gap.is_real or abs(gap) > 1e-12:
                return False
    return bool(points)
