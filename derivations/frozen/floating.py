"""The floating-point form of φ around an anchor: the one, of a few, that keeps the digits of λφ."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import mpmath as mp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from neglog.derivations.compile import nodes, numpy_backend, reference
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.large import overflow_free
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.priors.errors import InputError
from neglog.priors.symbols import y

Floats = NDArray[np.float64]
Numbers = Mapping[sp.Symbol, sp.Expr]
DIGITS = 50
GOOD = 1e-15
_PROBES = (*range(-36, 40, 3), 100, 300, 600)
_FEW = (-20, -8, -1, 0, 1, 3, 8, 300)  # where a value takes milliseconds


def stable(near: sp.Expr, strength: float, numbers: Numbers) -> tuple[sp.Expr, mp.mpf]:
    """φ in a form that keeps the digits of λφ, and the constant φ(0) that the form leaves out.

    As written where that is good enough; else the compiler's form of φ(u) − φ(0), if better.
    """
    none: mp.mpf = mp.mpf(0)
    try:
        truth = _truth(near, numbers)
    except InputError:  # a function without a reference: taken as written
        return _small_sums(near), none
    best: tuple[float, sp.Expr, mp.mpf] | None = None
    for make in (lambda: near, lambda: overflow_free(near, y), None):
        try:
            start = none
            if make is None:
                half = HalfLine.of(near, numbers)
                start = none if half.start is None else value_of(half.start, numbers)
            form = _small_sums(half.form if make is None else make())
            lost = _lost(form, start, truth, strength, numbers)
        except (*UNCOMPUTABLE, TypeError, InputError):
            continue  # no such form
        if best is None or lost < best[0]:
            best = (lost, form, start)
        if lost <= GOOD:
            break
    if best is None:
        raise InputError(f"{near} cannot be evaluated in floating point.")
    return best[1:]


def _truth(near: sp.Expr, numbers: Numbers) -> dict[int, mp.mpf]:
    """φ(e^t) in many digits at the probes where it is real and finite."""
    out = {}
    names = sorted(near.free_symbols - {y}, key=str)
    values = [value_of(numbers[name], {}) for name in names]
    phi = reference.function([y, *names], [near], DIGITS)
    for t in _FEW if reference.is_costly(near) else _PROBES:
        try:
            (value,) = phi(mp.exp(t), *values)
        except (*reference.NO_VALUE, *UNCOMPUTABLE):
            continue
        if mp.isfinite(value):
            out[t] = value
    return out


def _lost(
    form: sp.Expr, start: mp.mpf, truth: dict[int, mp.mpf], strength: float, numbers: Numbers
) -> float:
    """The largest error of λφ relative to 1 + λ|φ − φ(0)| over the probes."""
    if not truth:
        return 0.0
    first, second = (truth[t] for t in sorted(truth)[:2]) if len(truth) > 1 else (mp.mpf(0),) * 2
    origin = first if abs(second - first) < 1e-2 * (1 + abs(first)) else mp.mpf(0)
    run, worst = compiled(form, numbers), 0.0
    for t, value in truth.items():
        got = float(run(np.array(np.exp(float(t)))))
        if t <= 100 and strength * abs(value - origin) > 1e4:
            continue  # the density has long vanished there
        error = strength * abs(got - float(value - start)) if np.isfinite(got) else 1.0
        worst = max(worst, float(error / (1 + strength * abs(value - origin))))
    return worst


def _small_sums(e: sp.Expr) -> sp.Expr:
    """log(1 + w) as log1p(w) where w > 0, since w may be far below 1; log erfc as one function.

    sympy writes erfc(−z) as 2 − erfc(z), which has no digits left in the tail.
    """

    def rewrite(arg: sp.Expr) -> sp.Expr:
        for tail in arg.atoms(sp.erfc, sp.erf):
            z = tail.args[0]
            for sign in (1, -1):
                whole = sp.erfc(sign * z) if isinstance(tail, sp.erfc) else 1 - sign * tail
                if arg == whole:
                    return nodes.LogErfc(sign * z)
        one, rest = arg.as_independent(y, as_Add=True)
        return nodes.Log1p(rest) if one == 1 and rest.is_positive else sp.log(arg)

    return e.replace(sp.log, rewrite)


def compiled(form: sp.Expr, numbers: Numbers) -> Callable[[Floats], Floats]:
    names = sorted(form.free_symbols - {y}, key=str)
    values = [float(numbers[name]) for name in names]
    run = numpy_backend.function([y, *names], [form])
    return lambda u: run(u, *values)[0]


def value_of(expr: sp.Expr, numbers: Numbers) -> mp.mpf:
    if expr is sp.oo:
        return mp.inf
    with mp.workdps(DIGITS + 20):
        return mp.mpf(sp.N(substitute(sp.sympify(expr), numbers, DIGITS), DIGITS))
