"""Integration by substitution: the inner function of a penalty taken as the variable.

Where φ = F(u) with u = log(y + b), asinh(y/k) or acosh(1 + y/k), the Jacobian is a sum of
exponentials of u, so ∫ y^n e^{−λφ} dy is a sum of known integrals in u. On the whole line
u = e^{a/k} turns sums of exponentials (logistic, Gumbel, log cosh) into powers, and E e^{ta} into
M(kt).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.primitives import between
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.numbers import simplified
from neglog.priors.symbols import lam, y

t = sp.Symbol("t", real=True)  # the argument of a moment generating function


@dataclass(frozen=True)
class Change:
    """u = ``inner``(y), with y = ``inverse``(u); both are written in ``y``."""

    inner: sp.Expr
    inverse: sp.Expr


def _changes(phi: sp.Expr) -> Iterator[Change]:
    for node in sorted(phi.atoms(sp.log, sp.asinh, sp.acosh), key=sp.count_ops):
        argument = node.args[0]
        if node.func is sp.acosh:
            k = simplified(sp.sqrt((argument - 1) / y**2))
            if not k.has(y):  # acosh(1 + k²y²) = u, y = √2 sinh(u/2)/k
                yield Change(node, (sp.sqrt(2) * sp.sinh(y / 2) / k).rewrite(sp.exp))
                continue
        if not argument.has(y) or not argument.is_polynomial(y) or sp.degree(argument, y) != 1:
            continue
        slope, start = sp.Poly(argument, y).all_coeffs()
        inverse = {sp.log: sp.exp, sp.asinh: sp.sinh, sp.acosh: sp.cosh}[node.func](y)
        yield Change(node, ((inverse - start) / slope).rewrite(sp.exp))


def by_substitution(phi: sp.Expr, order: int, lo: sp.Expr, hi: sp.Expr) -> sp.Expr | None:
    """∫_lo^hi y^order exp(−λφ) dy by a change of variable; None where none fits."""
    for change in _changes(phi):
        marker = sp.Dummy(positive=True)
        outer = phi.subs(change.inner, marker)
        if outer.has(y):
            outer = _rewritten(phi, change).subs(y, marker)
        found = _sum_of_exponentials(outer.subs(marker, y), change, order, lo, hi)
        if found is not None:
            return found
    return None


def _rewritten(phi: sp.Expr, change: Change) -> sp.Expr:
    return simplified(phi.subs(y, change.inverse))


def _sum_of_exponentials(
    outer: sp.Expr, change: Change, order: int, lo: sp.Expr, hi: sp.Expr
) -> sp.Expr | None:
    jacobian = sp.expand(change.inverse**order * sp.diff(change.inverse, y))
    ends = [edge if edge is sp.oo else simplified(change.inner.subs(y, edge)) for edge in (lo, hi)]
    total = sp.S.Zero
    for part in sp.Add.make_args(jacobian):
        weight, core = part.as_independent(y, as_Add=False)
        rate = sp.S.Zero if core == 1 else simplified(sp.log(core) / y)
        if rate.has(y):
            return None
        terms = terms_of(sp.expand(outer) - rate * y / lam)
        found = between(terms, sp.S.One, *ends)
        if found is None:
            return None
        total += weight * found
    return total


def line(sides: Sequence[Side]) -> sp.Expr | None:
    """φ(a), written in y, where one expression holds on all of ℝ."""
    right = sides[0].whole
    if right is None or right is sp.oo or (len(sides) == 1 and sides[0].weight == 1):
        return None
    left = sides[-1].whole if len(sides) == 2 else right
    mirrored = right.subs(y, -y)
    return right if left == mirrored or simplified(left - mirrored) == 0 else None


def generating_function(phi: sp.Expr) -> sp.Expr | None:
    """∫_{−∞}^∞ e^{ta − λφ(a)} da, φ given in y for a of either sign; None where none fits."""
    terms = terms_of(phi)
    if terms.kinds == ("power", "sqrt-binomial"):
        return _hyperbolic(terms)
    found = in_exponential(phi)
    if found is None:
        return None
    in_u, k = found
    moment = transform(in_u, k * t)
    return None if moment is None else k * moment


def _hyperbolic(terms: Terms) -> sp.Expr | None:
    """∫ e^{−p√(k²+a²) + ba} da = 2pk K₁(kγ)/γ, γ = √(p² − b²) (Barndorff-Nielsen, 1977)."""
    root, slope = terms.of("sqrt-binomial"), terms.of("power")
    if slope.parameters[0] != 1 or terms.log_coefficient != 0:
        return None
    (k,), p = root.parameters, lam * root.coefficient
    gamma = sp.sqrt(p**2 - (t - lam * slope.coefficient) ** 2)
    return sp.exp(-lam * terms.constant) * 2 * p * k * sp.besselk(1, k * gamma) / gamma


def in_exponential(phi: sp.Expr) -> tuple[Terms, sp.Expr] | None:
    """(terms of φ in u = e^{a/k}, k), u written as y; None where φ holds no exponentials of a."""
    if not phi.has(sp.exp, sp.cosh, sp.sinh, sp.sech):
        return None
    phi = phi.replace(sp.sech, lambda v: 1 / sp.cosh(v))
    phi = phi.rewrite(sp.exp) if phi.has(sp.cosh, sp.sinh, sp.tanh) else phi
    rates = [simplified(sp.diff(e.args[0], y)) for e in phi.atoms(sp.exp) if e.args[0].has(y)]
    if not rates or any(r.has(y) or not r.is_nonzero for r in rates):
        return None
    k = sp.Abs(1 / min(rates, key=lambda r: (sp.count_ops(r), abs(r) if r.is_number else 0)))
    held = sp.Function("held_exp")

    def power(argument: sp.Expr) -> sp.Expr:
        rest = argument.subs(y, 0)
        return sp.exp(rest) * y ** simplified((argument - rest) / y * k)

    kept = sp.expand(phi).replace(sp.exp, held)
    powers = {node: power(node.args[0]) for node in kept.atoms(held)}
    marks = {node: sp.Dummy(positive=True) for node in powers}
    marked = kept.xreplace(marks).subs(y, k * sp.log(y))
    return terms_of(sp.expand(marked.xreplace({marks[n]: v for n, v in powers.items()}))), k
