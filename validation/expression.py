"""Any penalty as a family: p(a) = exp(−λ φ(a/s; θ))/(s Z(λ, θ)) on (0, ∞)."""

from functools import cache
from typing import Any

import sympy

from neglog.derivations.api import penalty
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.validation.families import SCALE, Family
from neglog.validation.generic import generic_profile
from neglog.validation.normaliser import log_normaliser
from neglog.validation.profile import A, Free, constant

LAM = sympy.Symbol("lam", positive=True)


@cache
def penalty_family(source: str | Penalty) -> Family:
    """The prior of a penalty as a family with the parameters lam, scale and the penalty's own.

    φ is read on the positive domain. Where φ(ta) = t^q φ(a), λ and scale are one parameter and only
    lam is fitted; a parameter θ with φ(ta; tθ) = φ(a; θ) is a scale already and is held at 1. The
    normaliser is integrated numerically; where it diverges the log-likelihood is −∞, so that a
    penalty improper for every λ is a row flagged ``no-fit``.

    Raises InputError where the text is no penalty, or φ is joint.
    """
    phi = penalty(source, domain="positive")
    half = phi.on_half_line
    if half is None:
        raise InputError(f"{phi} is joint: a family for one feature needs a scalar penalty.")
    (y,) = half.free_symbols - set(phi.parameters) or {None}
    if y is None:
        raise InputError(f"{phi} does not depend on a: it is no family.")
    shape = half.subs(y, A).rewrite(sympy.Piecewise, deep=True)
    theta = [p for p in phi.parameters if not _is_scale(shape, p)]
    shape = shape.subs({p: 1 for p in phi.parameters if p not in theta})
    own = _homogeneous(shape)
    log_z, known = log_normaliser([LAM, *theta], LAM * shape)
    scaled = -LAM * shape.subs(A, A / SCALE) - sympy.log(SCALE)
    logpdf = (-LAM * shape if own else scaled) - log_z
    free = [Free(LAM, constant(3.0)), *(Free(p, constant(1.0)) for p in theta)]
    if not own:
        free.append(Free(SCALE, lambda x: x.median))
    params = {str(f.symbol): f.symbol for f in free}
    profile = generic_profile(logpdf, tuple(free), params, known)
    name = source if isinstance(source, str) else str(source)
    return Family(name, None, params, logpdf, profile, scaled=not own)


def _is_scale(shape: sympy.Expr, parameter: sympy.Symbol) -> bool:
    t = sympy.Symbol("t", positive=True)
    moved = shape.subs({A: t * A, parameter: t * parameter}, simultaneous=True)
    return bool(sympy.simplify(moved - shape) == 0)


def _homogeneous(shape: sympy.Expr) -> bool:
    t = sympy.Symbol("t", positive=True)
    ratio: Any = sympy.simplify(shape.subs(A, t * A) / shape)
    return bool(A not in ratio.free_symbols)
