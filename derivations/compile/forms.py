"""Which form of a half-line function is evaluated: the first of a few that keeps its digits.

The candidates, in order: the calculus of differences; the same with leading powers taken out for
large y; the same after combining fractions; and, near 0, the integral form of Taylor's remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import sympy as sp

from neglog.derivations.compile.accuracy import Truth
from neglog.derivations.compile.large import overflow_free
from neglog.derivations.compile.rules import tidy
from neglog.derivations.compile.stable import Differences
from neglog.derivations.compile.zero import is_finite, limit_at_zero
from neglog.priors.symbols import y

GOOD = 4.0
LARGEST = 150  # operations in an expression worth rewriting: beyond, sympy takes seconds
NODES = 10
RADII = (sp.Integer(1), sp.Rational(1, 8), sp.Rational(1, 64))
Numbers = tuple[tuple[sp.Symbol, sp.Expr], ...]


def choose(meant: sp.Expr, start: sp.Expr | None, numbers: Numbers) -> tuple[sp.Expr, bool]:
    """The form of meant − start, and whether float32 needs float64 inside.

    Args:
        meant: an expression in ``y`` and the parameters.
        start: what is subtracted, the limit at 0; None for nothing.
        numbers: a value for each parameter, at which candidates are compared.
    """
    truth = Truth(meant - start if start is not None else meant, numbers)
    best: tuple[tuple[float, float], sp.Expr] | None = None
    for form in _candidates(meant, start, dict(numbers)):
        score = (truth.ulps(form, np.float64), truth.ulps(form, np.float32))
        if score[0] <= GOOD and score[1] <= GOOD:
            return form, False
        # Digits in float64 come first: float32 input can be computed there.
        rank = (max(score[0], GOOD), score[1])
        if best is None or rank < best[0]:
            best = (rank, form)
    assert best is not None
    return best[1], True


def _candidates(
    meant: sp.Expr, start: sp.Expr | None, numbers: dict[sp.Symbol, sp.Expr]
) -> Iterator[sp.Expr]:
    plain = _stable(meant, start, numbers)
    yield plain
    yield overflow_free(plain, y)
    best = plain
    if meant.count_ops() <= LARGEST:
        other = _on_pieces(meant, combine)
        if other != meant:
            best = _stable(other, start, numbers)
            yield best
            yield overflow_free(best, y)
    far = overflow_free(best, y)
    for radius in RADII:
        near = remainder(meant, start, numbers)
        if near is None:
            return
        yield sp.Piecewise((near, y < radius), (far, True))


def _stable(meant: sp.Expr, start: sp.Expr | None, numbers: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    differences = Differences([y], numbers)
    if start is None:
        return differences.stable(meant)
    if is_finite(differences.at_origin(meant)):
        return differences.delta(meant)
    return differences.stable(meant) - start


def combine(e: sp.Expr) -> sp.Expr:
    """A sum of fractions as one, its numerator multiplied out: 1/(1+y) − y/(1+y)² → 1/(1+y)²."""
    top, bottom = sp.fraction(sp.together(sp.powsimp(e)))
    return sp.factor_terms(sp.expand(top)) / bottom


def _on_pieces(e: sp.Expr, rewrite: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    if isinstance(e, sp.Piecewise):
        return sp.Piecewise(*[(_on_pieces(v, rewrite), c) for v, c in e.args])
    return e if e.has(sp.Piecewise) else rewrite(e)


def remainder(
    meant: sp.Expr, start: sp.Expr | None, numbers: dict[sp.Symbol, sp.Expr]
) -> sp.Expr | None:
    """h(y) = y^m ∫₀¹ (1−x)^{m−1}/(m−1)!·h⁽ᵐ⁾(xy) dx by Gauss–Legendre, near y = 0.

    m is the order of the first derivative that does not vanish at 0: nothing cancels. None where
    there is no such m ≤ 4, or h does not vanish at 0.
    """
    if meant.count_ops() > LARGEST:
        return None
    if start is None and limit_at_zero(meant, y, numbers) != 0:
        return None
    derivative, limit, m = meant, sp.S.Zero, 0
    for m in range(1, 5):  # noqa: B007
        derivative = tidy(sp.diff(derivative, y))
        limit = limit_at_zero(derivative, y, numbers)
        if not is_finite(limit):
            return None
        if limit != 0:
            break
    if limit == 0:
        return None
    derivative = Differences([y], numbers).stable(derivative)
    points, weights = np.polynomial.legendre.leggauss(NODES)
    total = sp.S.Zero
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factor = weight * (1 - point) ** (m - 1) / float(sp.factorial(m - 1))
        total += sp.Float(factor, 17) * derivative.subs(y, sp.Float(point, 17) * y)
    return y**m * total
