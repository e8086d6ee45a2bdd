"""Any penalty as a family: p(a) = exp(−λ φ(a/s; θ))/(s Z(λ, θ)) on (0, ∞)."""

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy
from sympy.codegen.cfunctions import log1p

from neglog.derivations.api import penalty
from neglog.derivations.service import derive
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.text import parse
from neglog.validation.closed import SECONDS, closed_log_normaliser
from neglog.validation.families import SCALE, Family
from neglog.validation.generic import generic_profile
from neglog.validation.known import KNOWN, scaled_e1
from neglog.validation.normaliser import log_normaliser
from neglog.validation.profile import A, Free, constant

LAM = sympy.Symbol("lam", positive=True)
Known = dict[str, Callable[..., Any]]


@cache
def penalty_family(source: str | Penalty, dim: int | None = None) -> Family:
    """The prior of a penalty as a family with the parameters lam, scale and the penalty's own.

    φ is read on the positive domain. Where φ(ta) = t^q φ(a), λ and scale are one parameter and only
    lam is fitted; a parameter θ with φ(ta; tθ) = φ(a; θ) is a scale already and is held at 1. The
    normaliser is the derivation's where that is closed, else integrated numerically; where it
    diverges the log-likelihood is −∞, so that a penalty improper for every λ is a row flagged
    ``no-fit``. Of a joint penalty the law of one feature among ``dim`` is fitted, where its
    derivation gives that in closed form.

    Raises InputError where the text is no penalty, φ is joint and dim is missing, or its marginal
    law is not closed.
    """
    phi = penalty(source, domain="positive")
    name = source if isinstance(source, str) else str(source)
    if phi.joint:
        return _marginal_family(phi, name, dim)
    half = phi.on_half_line
    if half is None:
        raise InputError(f"{phi} is not even: a family for one feature needs φ on [0, ∞).")
    (y,) = half.free_symbols - set(phi.parameters) or {None}
    if y is None:
        raise InputError(f"{phi} does not depend on a: it is no family.")
    shape = finite(half.subs(y, A).rewrite(sympy.Piecewise, deep=True))
    theta = [p for p in phi.parameters if not _is_scale(shape, p)]
    fixed = {p: 1 for p in phi.parameters if p not in theta}
    shape = shape.subs(fixed)
    known: Known = dict(KNOWN)
    closed = closed_log_normaliser(phi, fixed, [LAM, *theta], LAM * shape)
    if closed is None:
        log_z, numbers = log_normaliser([LAM, *theta], LAM * shape)
        known |= numbers
        feasible: sympy.Basic = sympy.true
    else:
        log_z, feasible = closed
    return _family(name, LAM * shape, log_z, theta, _homogeneous(shape), known, feasible, 3.0)


def _marginal_family(phi: Penalty, name: str, dim: int | None) -> Family:
    """The law of one feature under a joint prior of ``dim`` features."""
    if dim is None:
        raise InputError(f"{phi} is joint: say of how many features (dim) one is to be fitted.")
    if dim < 1:
        raise InputError(f"dim is {dim}; a joint prior has at least one feature.")
    question = {"penalty": str(phi.expr), "domain": phi.domain, "dim": dim, "timeout": SECONDS}
    found = derive(question).get("marginal")
    if found is None or found["dim"] not in (None, dim):
        raise InputError(f"the law of one feature under {phi} is not known in closed form.")
    text = found["density"].replace("/Z_1", "")
    density = parse(text).subs(symbols.d, dim)
    density = density.subs({s: LAM if str(s) == "lam" else s for s in density.free_symbols})
    density = density.subs(symbols.a, A)
    theta = [p for p in phi.parameters if p in density.free_symbols]
    energy = -sympy.expand_log(sympy.log(density), force=True)
    log_z, numbers = log_normaliser([LAM, *theta], energy)
    known = {**KNOWN, **numbers}
    one = _one_scale(energy)
    return _family(f"{name} (1 of {dim})", energy, log_z, theta, one, known, sympy.true, dim + 2.0)


def _family(
    name: str,
    energy: sympy.Expr,
    log_z: sympy.Expr,
    theta: list[sympy.Symbol],
    own: bool,
    known: Known,
    feasible: sympy.Basic,
    start: float,
) -> Family:
    """exp(−energy(a/s))/(s Z); ``own``: λ is the scale already, and there is no s."""
    scaled = -energy.subs(A, A / SCALE) - sympy.log(SCALE)
    logpdf = (-energy if own else scaled) - log_z
    free = [Free(LAM, constant(start)), *(Free(p, constant(1.0)) for p in theta)]
    if not own:
        free.append(Free(SCALE, lambda x: x.median))
    params = {str(f.symbol): f.symbol for f in free}
    profile = generic_profile(logpdf, tuple(free), params, known, feasible)
    return Family(name, None, params, logpdf, profile, scaled=not own)


def finite(shape: sympy.Expr) -> sympy.Expr:
    """log cosh u as u + log(1 + e^(−2u)) − log 2, and eᵘE₁(u) as one function: activations of
    1,000 units must not overflow."""
    u = sympy.Wild("u")
    shape = shape.replace(sympy.exp(u) * sympy.expint(1, u), scaled_e1(u))
    return shape.replace(
        lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.cosh),
        lambda e: (v := e.args[0].args[0]) + log1p(sympy.exp(-2 * v)) - sympy.log(2),
    )


def _is_scale(shape: sympy.Expr, parameter: sympy.Symbol) -> bool:
    t = sympy.Symbol("t", positive=True)
    moved = shape.subs({A: t * A, parameter: t * parameter}, simultaneous=True)
    return bool(sympy.simplify(moved - shape) == 0)


def _homogeneous(shape: sympy.Expr) -> bool:
    t = sympy.Symbol("t", positive=True)
    ratio: Any = sympy.simplify(shape.subs(A, t * A) / shape)
    return bool(A not in ratio.free_symbols)


def _one_scale(energy: sympy.Expr) -> bool:
    """Whether λ enters a density as a scale does: through λ·a^q alone."""
    t = sympy.Symbol("t", positive=True)
    for power in (1, 2, sympy.Rational(1, 2)):
        moved = energy.subs({A: t * A, LAM: LAM / t**power}, simultaneous=True)
        if sympy.simplify(sympy.diff(moved - energy, A)) == 0:
            return True
    return False
