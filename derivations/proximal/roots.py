"""Closed solutions z of z − x + cφ'(z) = 0, decided by the form of φ' before anything is solved.

Rational slopes whose cleared numerator has degree at most three (after y = tⁿ where φ' holds n-th
roots), the sparse quartic of |a|^(2/3), and the slopes α + βe^{γz} and α + βlog z + δz, which lead
to Lambert's function. Anything else answers at once that there is nothing closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

MAX_OPERATIONS = 200


@dataclass(frozen=True)
class Root:
    """A stationary point: ``plain`` where it is known to be real, ``safe`` real everywhere.

    ``alone`` is (condition, root): where the condition holds that root is the only one; elsewhere
    it is ``apart``, which is ``safe`` without its guards.
    """

    plain: sp.Expr
    safe: sp.Expr
    alone: tuple[sp.Basic, sp.Expr] | None = None
    apart: sp.Expr | None = None


def roots(slope: sp.Expr, v: sp.Symbol, x: sp.Symbol, c: sp.Symbol) -> list[Root]:
    """Candidates for local minima of ½(v − x)² + cφ(v), the simplest first; [] if none is closed.

    Which candidate is meant where is for the caller to find out by numbers.
    """
    if slope.count_ops() > MAX_OPERATIONS:
        return []
    if not slope.has(v):
        return [_same(x - c * slope)]
    if slope.has(sp.exp, sp.log):
        return _lambert(sp.expand(slope), v, x, c)
    degree = _root_order(slope, v)
    if degree is None:
        return []
    t = v if degree == 1 else sp.Dummy("t", positive=True)
    equation = sp.powdenest((v - x + c * slope).subs(v, t**degree), force=True)
    if not equation.is_rational_function(t):
        return []
    top, _ = sp.fraction(sp.cancel(sp.together(equation)))
    polynomial = sp.Poly(top, t)
    if any(k.has(v) for k in polynomial.all_coeffs()):
        return []
    found = _of_polynomial(polynomial)
    return [_raised(r, degree) for r in found]


def _same(expr: sp.Expr) -> Root:
    return Root(expr, expr)


def _raised(root: Root, degree: int) -> Root:
    if degree == 1:
        return root
    alone = None if root.alone is None else (root.alone[0], root.alone[1] ** degree)
    return Root(root.plain**degree, sp.Max(0, root.safe) ** degree, alone)


def _root_order(slope: sp.Expr, v: sp.Symbol) -> int | None:
    """n where the slope is rational in v^{1/n}, n ≤ 3; None otherwise."""
    order = 1
    for power in slope.atoms(sp.Pow):
        if not power.has(v):
            continue
        if power.exp.has(v) or not power.exp.is_Rational:
            return None
        if power.exp.q > 1:
            if power.base != v or not v.is_positive:
                return None
            order = int(sp.ilcm(order, power.exp.q))
    functions = slope.atoms(sp.Function)
    return order if order <= 3 and not any(f.has(v) for f in functions) else None


def _of_polynomial(polynomial: sp.Poly) -> list[Root]:
    coefficients = [sp.factor(k) for k in polynomial.all_coeffs()]
    match polynomial.degree():
        case 1:
            top, rest = coefficients
            return [_same(sp.factor(-rest / top))]
        case 2:
            return _quadratic(*coefficients)
        case 3:
            return _cubic(*coefficients)
        case 4 if coefficients[1] == 0 and coefficients[2] == 0:
            return _sparse_quartic(*(k / coefficients[0] for k in coefficients[3:]))
    return []


def _quadratic(k2: sp.Expr, k1: sp.Expr, k0: sp.Expr) -> list[Root]:
    inside = sp.expand(k1**2 - 4 * k2 * k0)
    found = []
    for sign in (1, -1):
        plain = (-k1 + sign * sp.sqrt(inside)) / (2 * k2)
        safe = (-k1 + sign * sp.sqrt(sp.Max(0, inside))) / (2 * k2)
        found.append(Root(sp.simplify(plain), safe))
    return found


def _cubic(k3: sp.Expr, k2: sp.Expr, k1: sp.Expr, k0: sp.Expr) -> list[Root]:
    """Cardano's and Viète's roots of k3 t³ + … with t = s − k2/(3k3), s³ + ps + q = 0.

    With one real root first that alone, then the largest and the smallest of three; last the ones
    that hold in both cases.
    """
    k2, k1, k0 = (sp.cancel(k / k3) for k in (k2, k1, k0))
    shift = -k2 / 3
    p = sp.factor(k1 - k2**2 / 3)
    q = sp.factor(2 * k2**3 / 27 - k2 * k1 / 3 + k0)
    inside = q**2 / 4 + p**3 / 27  # shorter than expanded
    if sp.factor(inside).is_positive or p.is_nonnegative:
        return [_same(shift + _single(p, q, inside))]
    single = shift + _single(p, q, sp.Max(0, inside))
    found = [Root(shift + _single(p, q, inside), single)]
    safe = [shift + _viete(p, q, k, clamp=True) for k in (0, 2)]
    plain = [shift + _viete(p, q, k) for k in (0, 2)]
    found += [Root(one, two) for one, two in zip(plain, safe, strict=True)]
    for one, two in zip(plain, safe, strict=True):
        either = sp.Piecewise((one, inside <= 0), (single, True), evaluate=False)
        found.append(Root(either, two, (inside > 0, single), one))
    return found


def _single(p: sp.Expr, q: sp.Expr, inside: sp.Expr) -> sp.Expr:
    """The only real root, without cancellation: the larger cube root and p over it."""
    big = sp.cbrt(sp.Abs(q) / 2 + sp.sqrt(inside))
    return -sp.sign(q) * (big - p / (3 * big))


def _viete(p: sp.Expr, q: sp.Expr, k: int, clamp: bool = False) -> sp.Expr:
    """The largest (k = 0) or smallest (k = 2) of three real roots."""
    size = sp.sqrt(sp.factor(-p / 3))
    cosine = 3 * q / (2 * p * size)
    if cosine.is_rational_function():
        cosine = sp.factor(cosine)
    if clamp:
        size = sp.sqrt(sp.Max(0, -p / 3))
        cosine = cosine if p.is_negative else -q / (2 * _floor(size**3))
        cosine = sp.Max(-1, sp.Min(1, cosine))
    return 2 * size * sp.cos(sp.acos(cosine) / 3 - 2 * sp.pi * k / 3)


def _floor(expr: sp.Expr) -> sp.Expr:
    return sp.Max(sp.exp(-69), expr)  # about 1e-30, in words that the parser reads back


def _sparse_quartic(k1: sp.Expr, k0: sp.Expr) -> list[Root]:
    """t⁴ + k1 t + k0, k1 < 0: the largest root through Ferrari's resolvent m³ − 4k0 m − k1².

    Cao, Sun & Xu, Fast image deconvolution using closed-form thresholding formulas of Lq (q = 1/2,
    2/3) regularization, 2013.
    """
    found = []
    for m in _cubic(sp.S.One, sp.S.Zero, -4 * k0, -(k1**2)):
        half = sp.sqrt(m.plain)
        plain = (half + sp.sqrt(-m.plain - 2 * k1 / half)) / 2
        half = sp.sqrt(sp.Max(0, m.safe))
        safe = (half + sp.sqrt(sp.Max(0, -m.safe - 2 * k1 / half))) / 2
        found.append(Root(plain, safe))
    return found


def _lambert(slope: sp.Expr, v: sp.Symbol, x: sp.Symbol, c: sp.Symbol) -> list[Root]:
    """Roots for slopes α + βe^{γv} and α + β log v + δv by Lambert's W.

    Corless, Gonnet, Hare, Jeffrey & Knuth, On the Lambert W function, 1996.
    """
    alpha, rest = slope.as_independent(v, as_Add=True)
    beta, core = rest.as_independent(v, as_Add=False)
    if isinstance(core, sp.exp):
        gamma = sp.cancel(core.args[0] / v)
        if gamma.has(v):  # e^{γv + const}
            constant, linear = sp.expand(core.args[0]).as_independent(v, as_Add=True)
            gamma, beta = sp.cancel(linear / v), beta * sp.exp(constant)
        if gamma.has(v):
            return []
        pulled = x - c * alpha
        argument = c * beta * gamma * sp.exp(gamma * pulled)
        return _lambert_roots(argument, lambda w: pulled - w / gamma)
    delta = sp.S.Zero
    logs = sp.S.Zero
    for term in sp.Add.make_args(sp.expand_log(rest, force=True)):
        factor, part = term.as_independent(v, as_Add=False)
        if part == v:
            delta += factor
        elif part == sp.log(v):
            logs += factor
        elif not term.has(v):
            alpha += term
        else:
            return []
    if not logs.is_positive:
        return []
    steep, pull = (1 + c * delta) / (c * logs), (x - c * alpha) / (c * logs)
    return [_same(sp.LambertW(steep * sp.exp(pull)) / steep)]


def _lambert_roots(argument: sp.Expr, build: object) -> list[Root]:
    """Both real branches; the argument kept in [−1/e, ∞) where the root must be real."""
    assert callable(build)
    if argument.is_positive:
        return [_same(build(sp.LambertW(argument)))]
    # Not at −1/e itself, where rounding makes W complex: two roots that meet are no minimum.
    inside = sp.Max(argument, sp.exp(-30) - sp.exp(-1))
    return [Root(build(sp.LambertW(argument, k)), build(sp.LambertW(inside, k))) for k in (0, -1)]
