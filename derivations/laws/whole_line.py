"""Known laws on ℝ that are not even: asymmetric Laplace, log-gamma (Gumbel), logistic types."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.substitution import in_exponential, line
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.laws.half_line import Law, call
from neglog.derivations.numbers import simplified


def line_law(sides: Sequence[Side], strength: sp.Expr) -> Law | None:
    """The law of a penalty with two different sides."""
    whole = line(sides)
    if whole is None:
        return _asymmetric_laplace(sides, strength)
    terms = terms_of(whole)
    if terms.kinds == ("power", "sqrt-binomial"):
        return _hyperbolic(terms, strength)
    found = in_exponential(whole)
    if found is None:
        return None
    in_u, k = found
    if in_u.kinds == ("power",):
        return _log_gamma(in_u, k, strength)
    if in_u.kinds == ("log-binomial",):
        return _logistic(in_u, k, strength)
    return None


def _asymmetric_laplace(sides: Sequence[Side], strength: sp.Expr) -> Law | None:
    rates = []
    for side in sides:
        terms = terms_of(side.pieces[0].phi)
        if len(side.pieces) != 1 or terms.kinds != ("power",) or terms.log_coefficient != 0:
            return None
        if terms.of("power").parameters[0] != 1:
            return None
        rates.append(strength * terms.of("power").coefficient)
    right, left = rates  # κ/scale on the right, 1/(κ scale) on the left
    kappa, scale = sp.sqrt(right / left), 1 / sp.sqrt(right * left)
    return Law("asymmetric Laplace", call("laplace_asymmetric", kappa=kappa, scale=scale))


def _hyperbolic(terms: Terms, strength: sp.Expr) -> Law | None:
    root, slope = terms.of("sqrt-binomial"), terms.of("power")
    (k,), p = root.parameters, strength * root.coefficient
    if slope.parameters[0] != 1 or terms.log_coefficient != 0:
        return None
    b = -strength * slope.coefficient
    return Law("hyperbolic", call("genhyperbolic", p=sp.S.One, a=p * k, b=b * k, scale=k))


def _log_gamma(terms: Terms, k: sp.Expr, strength: sp.Expr) -> Law:
    """e^{ma/k − p e^{qa/k}}: a = (k/q) log G with G ~ gamma(m/q) of rate p."""
    term = terms.of("power")
    p, q = strength * term.coefficient, term.parameters[0]
    shape = simplified(-strength * terms.log_coefficient / q)
    scale = simplified(sp.Abs(k / q))
    side = 1 if q.is_negative else -1
    loc = side * scale * sp.log(p)
    if shape == 1:
        return Law("Gumbel", call("gumbel_r" if side == 1 else "gumbel_l", loc=loc, scale=scale))
    if side == 1:
        return Law("reflected log-gamma", None)
    return Law("log-gamma", call("loggamma", c=shape, loc=loc, scale=scale))


def _logistic(terms: Terms, k: sp.Expr, strength: sp.Expr) -> Law:
    """e^{αx}(1+e^x)^{−α−β}, x = (a − loc)/scale."""
    term = terms.of("log-binomial")
    (place, q), p = term.parameters, strength * term.coefficient
    alpha = simplified(-strength * terms.log_coefficient / q)
    beta = simplified(p - alpha)
    scale, loc = k / q, k * sp.log(place)
    if (alpha, beta) == (1, 1):
        return Law("logistic", call("logistic", loc=loc, scale=scale))
    if (alpha, beta) == (sp.S.Half, sp.S.Half):
        return Law("hyperbolic secant", call("hypsecant", loc=loc, scale=2 * scale))
    if beta == 1:
        return Law("generalised logistic", call("genlogistic", c=alpha, loc=loc, scale=scale))
    return Law("generalised logistic", None)
