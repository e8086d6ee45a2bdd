"""Whether φ is a real function: sampled at many activations and several sizes of the parameters."""

from __future__ import annotations

import time
from collections.abc import Iterator

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.numbers import UNCOMPUTABLE, value_at
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.tokens import shorten

SECONDS = 0.25  # of sampling, in processor time; the first few points are always taken
PATIENCE = 1.5  # for a single point that does not come back

_FIRST = tuple(sp.Rational(p, q) for p, q in ((1, 97), (13, 11), (371, 10)))
_THEN = tuple(sp.Rational(p, q) for p, q in (
    (1, 100_003), (1, 1_009), (1, 211), (1, 31), (1, 11), (2, 9), (3, 8), (1, 2), (5, 7), (11, 12),
    (8, 5), (19, 9), (14, 5), (26, 7), (53, 11), (64, 9), (97, 8), (210, 11), (901, 9), (3_001, 7),
))  # fmt: skip


def check_real(phi: Penalty) -> None:
    """Raise where φ is complex, −∞ or nowhere finite at sample points of its domain."""
    within(PATIENCE, lambda: _check(phi), None)


def _check(phi: Penalty) -> None:
    started = time.process_time()
    finite, infinite = False, False
    for number, point in enumerate(_points(phi)):
        if number > 2 * len(_FIRST) and time.process_time() - started > SECONDS:
            break
        value = _value(phi.expr, point, 15)
        if value is None:
            continue  # not computable at this point says nothing about its being real
        if _complex(value):
            again = _value(phi.expr, point, 50)  # not by cancellation?
            if again is not None and _complex(again):
                raise InputError(_not_real(phi, point))
        elif value.real == float("-inf") and phi.expr.has(sp.oo, -sp.oo):
            raise InputError(
                f"{_short(phi)} is minus infinity at {_where(point)}, where the prior would be "
                "infinite; only +oo, a hard constraint, has a meaning."
            )
        finite = finite or abs(value.real) != float("inf")
        infinite = infinite or abs(value.real) == float("inf")
    if infinite and not finite:
        raise InputError(f"{_short(phi)} is nowhere finite on the {phi.domain} domain.")


def _points(phi: Penalty) -> Iterator[dict[sp.Symbol, sp.Expr]]:
    """Sample points: the first few, then a dense grid, then other sizes of the parameters."""
    signs = (1, -1) if phi.domain == "real" else (1,)
    usual, small, large = (
        {p: sp.Rational(first + 7 * i, by) for i, p in enumerate(phi.parameters)}
        for first, by in ((11, 9), (2, 17), (130, 9))
    )
    settings = [usual, small, large] if phi.parameters else [usual]
    for grid, chosen in ((_FIRST, [usual]), (_THEN, [usual]), (_FIRST + _THEN, settings[1:])):
        for values in chosen:
            for at in grid:
                for sign in signs:
                    yield {symbols.a: sign * at, symbols.d: sp.Integer(3), **values}


def _value(expr: sp.Expr, point: dict[sp.Symbol, sp.Expr], digits: int) -> complex | None:
    try:
        return value_at(expr, point, digits)
    except (*UNCOMPUTABLE, TypeError, RecursionError, MemoryError):
        return None  # sympy's functions refuse some arguments already when they are put in


def _complex(value: complex) -> bool:
    return abs(value.imag) > 1e-12 * (1 + abs(value.real))


def _where(point: dict[sp.Symbol, sp.Expr]) -> str:
    return ", ".join(f"{n} = {float(v):.3g}" for n, v in point.items() if n != symbols.d)


def _short(phi: Penalty) -> str:
    try:
        return shorten(str(phi))
    except ValueError:  # Python does not print numbers of more than 4,300 digits
        return "the penalty"


def _not_real(phi: Penalty, point: dict[sp.Symbol, sp.Expr]) -> str:
    values = {n: v for n, v in point.items() if n == symbols.a or n in phi.expr.free_symbols}
    cure = (
        "write it in |a|, or use --domain positive"
        if point[symbols.a] < 0
        else ("bound it by Piecewise((value, condition)) to where it is real")
    )
    return f"{_short(phi)} is not real at {_where(values)}; {cure}."
