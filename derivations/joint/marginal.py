"""The law of one feature when the others are integrated out.

With one total, the other d − 1 features have a total t of the same kind, so

    p(y) = V_{d−1}/V_d · ∫₀^∞ w_{d−1}(t) e^{−λg(u(y) + t)} dt / ∫₀^∞ w_d(s) e^{−λg(s)} ds:

one integral, closed for symbolic d where the table knows g(u + t) as a function of t, for a given d
where computer algebra does. A closed form is checked against quadrature over t.
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.half_line import Piece
from neglog.derivations.integrals.closed import (
    ENOUGH_DIGITS,
    FUNCTIONS_NOT_CLOSED,
    points_where,
    tidy,
)
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.quadrature import piece_integral
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.laws import half_line as laws
from neglog.derivations.numbers import UNCOMPUTABLE, simplified, substitute
from neglog.priors.symbols import a, d, lam, y

SECONDS = 8.0
_given = sp.Symbol("u_1", positive=True)  # u of the feature that is kept


@dataclass(frozen=True)
class Marginal:
    """The density of one feature up to its constant, in ``a``; its law, where it has a name."""

    density: sp.Expr
    law: str | None
    dim: int | None  # the number of features it is for; None: any
    digits: int


def marginal(total: OneTotal, domain: str, when: sp.Basic, dim: int | None) -> Marginal | None:
    """The marginal of a proper prior of one total; None where it is not closed."""
    if total.largest:
        return None
    for size in (None,) if dim is None else (dim, None):
        found = within(SECONDS, lambda size=size: _kernel(total, size), None)  # type: ignore[misc]
        if found is None:
            continue
        digits = _agreement(found, total, when, size)
        if digits < ENOUGH_DIGITS - 5:
            continue
        return _record(found, total, domain, size, digits)
    return None


def _kernel(total: OneTotal, dim: int | None) -> sp.Expr | None:
    """∫ w_{d−1}(t) e^{−λg(u + t)} dt as an expression in u, with the element e^u of a log total."""
    size = d if dim is None else sp.Integer(dim)
    shifted = total.g.subs(d, size).subs(s, _given + y)
    if size == 1:
        return sp.exp(-lam * total.g.subs(d, 1).subs(s, _given))
    if total.measure.power is not None:
        assert total.measure.q is not None
        found = _of_root(total, size) or transform(terms_of(shifted), (size - 1) / total.measure.q)
        if found is not None and dim is not None:
            found = sp.hyperexpand(found)
        if found is None and dim is not None and dim <= 4:
            weight = y ** ((size - 1) / total.measure.q - 1)
            found = _by_algebra(weight * sp.exp(-lam * shifted), sp.S.Zero)
        return found
    if dim is None or dim > 3:
        return None
    # log totals: with T = e^t, ∫ (log T)^{d−2} e^{−λg(u + log T)} dT from 1
    big = simplified(sp.expand_log(total.g.subs(d, size).subs(s, _given + sp.log(y)), force=True))
    weight = sp.log(y) ** (size - 2)
    return _by_algebra(weight * sp.exp(-lam * sp.powdenest(sp.expand(big), force=True)), sp.S.One)


def _of_root(total: OneTotal, size: sp.Expr) -> sp.Expr | None:
    """g = c√s, as a norm is.

    ∫ t^{m−1} e^{−p√(u+t)} dt = Γ(m) 2^{m+½} (√u/p)^{m−½} √u K_{m+½}(p√u), up to 1/√π.
    """
    slope = simplified(total.g.subs(d, size) / sp.sqrt(s))
    if slope.has(s) or total.measure.q is None:
        return None
    m, p, root = (size - 1) / total.measure.q, lam * slope, sp.sqrt(_given)
    bessel = sp.besselk(m + sp.S.Half, p * root)
    if (2 * m).is_Integer and m.is_Integer:
        bessel = sp.expand_func(bessel)
    return 2 ** (m + sp.S.Half) * sp.gamma(m) * (root / p) ** (m - sp.S.Half) * root * bessel


def _by_algebra(integrand: sp.Expr, start: sp.Expr) -> sp.Expr | None:
    try:
        found = sp.integrate(integrand, (y, start, sp.oo), conds="none")
    except (*UNCOMPUTABLE, RecursionError, sp.PoleError, TypeError, AttributeError):
        return None  # sympy's integrator raises all of these on inputs it cannot do
    return None if found.has(*FUNCTIONS_NOT_CLOSED) else found


def _quadrature(total: OneTotal, point: dict[sp.Symbol, sp.Expr], dim: int, u: sp.Expr) -> mp.mpf:
    """The same integral by quadrature, at a numeric u; None where it does not converge."""
    at = {**point, d: sp.Integer(dim)}
    rest = (sp.Integer(dim) - 1) / (total.measure.q or sp.S.One)
    inner = y ** (rest - 1)
    if total.measure.q is None:
        inner *= sp.exp(y)
    g = total.g.subs(d, dim).subs(s, u + y)
    number = piece_integral(Piece(sp.S.Zero, sp.oo, g), at, inner)
    return None if number is None else number.value


def _agreement(found: sp.Expr, total: OneTotal, when: sp.Basic, dim: int | None) -> int:
    """Digits to which the kernel is proportional to quadrature, over several u and points."""
    names = (found.free_symbols | total.g.free_symbols) - {_given, s, lam}
    points = points_where(when, names | ({d} if dim is None else set()), 2)
    least = 30
    for point in points:
        size = dim if dim is not None else int(point[d])
        if size < 2:
            size = 2
        at = {**point, d: sp.Integer(size)}
        if substitute(when, at, 20) != sp.true:
            continue
        ratios = []
        for u in (sp.Rational(1, 3), sp.Rational(7, 4)):
            truth = _quadrature(total, at, size, u)
            try:
                value = sp.N(substitute(found.subs(_given, u), at, 40), 35)
            except UNCOMPUTABLE:
                return 0
            if truth is None or not value.is_real or not value.is_finite:
                return 0
            with mp.workdps(40):
                ratios.append(mp.mpf(value) / truth)
        with mp.workdps(40):
            gap = abs(ratios[0] / ratios[1] - 1)
            least = min(least, 25 if gap == 0 else int(-mp.log10(gap)))
    return min(least, 25) if points else 0


def _record(
    kernel: sp.Expr, total: OneTotal, domain: str, dim: int | None, digits: int
) -> Marginal:
    u = total.measure.conditional
    assert u is not None
    inside = sp.Abs(a) if domain == "real" else a
    # what does not depend on the feature goes into the constant
    kernel = sp.powdenest(kernel.subs(_given, u), force=True)
    kernel = _without_constants(tidy(kernel))
    law = _law(kernel, domain)
    return Marginal(kernel.xreplace({y: inside}), law, dim, digits)


def _without_constants(kernel: sp.Expr) -> sp.Expr:
    _, kept = sp.factor_terms(sp.powsimp(kernel)).as_independent(y, as_Add=False)
    return simplified(kept)


def _law(kernel: sp.Expr, domain: str) -> str | None:
    """The name of the marginal, read off −log of its density (at λ = 1 of that penalty)."""
    phi = sp.expand_log(-sp.log(kernel), force=True)
    one = sp.Symbol("lam", positive=True)
    form = within(2.0, lambda: laws.named(laws.Form(terms_of(sp.expand(phi / one)), domain)), None)
    if form is None:
        return None
    return f"{form.name}: {form.scipy}" if form.scipy else str(form.name)
