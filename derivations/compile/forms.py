"""Which form of a half-line function is evaluated, and in which arithmetic: decided by measuring.

The candidates: the calculus of differences; the same with leading powers taken out for large y;
the same after combining fractions, and after factoring them; near 0 the integral form of Taylor's
remainder. The first that keeps its digits everywhere is taken; else the best near 0 is joined with
the best beyond, and where that still loses digits twofold arithmetic is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy as sp

from neglog.derivations.compile.accuracy import Truth
from neglog.derivations.compile.large import overflow_free, underflow_free
from neglog.derivations.compile.program import Table, to_float
from neglog.derivations.compile.rules import tidy
from neglog.derivations.compile.stable import Differences
from neglog.derivations.compile.zero import is_finite, limit_at_zero
from neglog.priors.symbols import y

GOOD = 3.5
LOST = 2.0**25  # ulps of a float64 that a float32 would see
LARGEST = 150  # operations in an expression worth rewriting: beyond, sympy takes seconds
NODES = 10
RADII = tuple(sp.Rational(2) ** k for k in (-6, -5, -4, -3, -2, -1, 0, 1, 2, 4))
Numbers = tuple[tuple[sp.Symbol, sp.Expr], ...]


@dataclass(frozen=True)
class Chosen:
    """The form, and where plain arithmetic is not enough.

    Attributes:
        form: what is evaluated.
        wide: float32 loses digits: float64 inside.
        folded: float64 loses digits: twofold float64.
        lost: plain float64 would not even give a float32's digits.
        ranked: every form that was measured, the best first.
        truth: what they were measured against.
    """

    form: sp.Expr
    wide: bool
    folded: bool
    lost: bool
    ranked: tuple[sp.Expr, ...]
    truth: Truth

    def keeps(self, table: Table, kind: type) -> bool:
        """Whether plain arithmetic of ``kind`` keeps its digits on a backend's table."""
        return bool(self.truth.errors(self.form, kind, table=table, flushes=False).max() <= GOOD)

    def on(self, table: Table, kind: type) -> tuple[int, bool]:
        """(place in ``ranked``, twofold?) of the form that keeps most digits on a backend's table.

        For backends whose elementary functions are less accurate than NumPy's, or that have no
        float64. Numbers below the type's normal range are not looked at: such backends flush them.
        """
        best: tuple[float, int, bool] | None = None
        for folded in (False, True):
            for place, form in enumerate(self.ranked):
                error = float(self.truth.errors(form, kind, folded, table).max())
                if error <= GOOD:
                    return place, folded
                if best is None or error < best[0]:
                    best = (error, place, folded)
        assert best is not None
        return best[1:]


@dataclass(frozen=True)
class _Measured:
    form: sp.Expr
    wide: np.ndarray  # errors in float64
    single: np.ndarray  # errors in float32

    @property
    def rank(self) -> tuple[float, float]:
        """Digits in float64 come first: float32 input can be computed there."""
        return max(float(self.wide.max()), GOOD), float(self.single.max())

    @property
    def good(self) -> bool:
        return self.rank[0] <= GOOD and self.rank[1] <= GOOD


@lru_cache(maxsize=256)
def choose(
    meant: sp.Expr, start: sp.Expr | None, numbers: Numbers, breaks: tuple[float, ...] = ()
) -> Chosen:
    """The form of meant − start and its arithmetic.

    Measuring takes seconds where expressions are long; it is done once for all strengths, backends
    and derivatives that share an expression.

    Args:
        meant: an expression in ``y`` and the parameters.
        start: what is subtracted, the limit at 0; None for nothing.
        numbers: a value for each parameter, at which candidates are compared.
        breaks: where pieces of it meet.
    """
    truth = Truth(meant - start if start is not None else meant, numbers, breaks)
    seen: list[_Measured] = []
    for form in _candidates(meant, start, dict(numbers)):
        if any(form == other.form for other in seen):
            continue
        seen.append(_measure(truth, form))
        if seen[-1].good:
            break
    best = seen[-1]
    if not best.good:
        near = remainder(meant, start, dict(numbers))
        best = _joined(truth, seen, None if near is None else _measure(truth, near))
    others = sorted((m for m in seen if m is not best), key=lambda m: m.rank)
    ranked = [best, *others]
    folded = False
    if best.rank[0] > GOOD:
        best = min(ranked, key=lambda m: max(GOOD, truth.errors(m.form, np.float64, True).max()))
        ranked = [best, *(m for m in ranked if m is not best)]
        folded = bool(truth.errors(best.form, np.float64, True).max() < best.wide.max())
    return Chosen(
        best.form,
        wide=best.rank[1] > GOOD,
        folded=folded,
        lost=folded and bool(best.wide.max() > LOST),
        ranked=tuple(m.form for m in ranked),
        truth=truth,
    )


def _measure(truth: Truth, form: sp.Expr) -> _Measured:
    return _Measured(form, truth.errors(form, np.float64), truth.errors(form, np.float32))


def _joined(truth: Truth, seen: list[_Measured], near: _Measured | None) -> _Measured:
    """The best single form, or the best near 0 joined with the best beyond a radius."""
    best = min(seen, key=lambda m: m.rank)
    xs, singles = truth.grids[np.float64], truth.grids[np.float32]
    inner = [*seen, *([near] if near is not None else [])]
    for radius in RADII:
        close, closer = xs < float(radius), singles < float(radius)
        if close.all() or not close.any():
            continue
        one = min(inner, key=lambda m: _rank_of(m, close, closer))
        two = min(seen, key=lambda m: _rank_of(m, ~close, ~closer))
        if one is two:
            continue
        joined = _Measured(
            sp.Piecewise((one.form, y < radius), (two.form, True)),
            np.where(close, one.wide, two.wide),
            np.where(closer, one.single, two.single),
        )
        if joined.rank < best.rank:
            best = joined
    return best


def _rank_of(measured: _Measured, where: np.ndarray, single: np.ndarray) -> tuple[float, float]:
    return max(float(measured.wide[where].max()), GOOD), float(measured.single[single].max())


def _candidates(
    meant: sp.Expr, start: sp.Expr | None, numbers: dict[sp.Symbol, sp.Expr]
) -> Iterator[sp.Expr]:
    plain = _stable(meant, start, numbers)
    yield plain
    yield overflow_free(plain, y)
    yield underflow_free(plain, y)
    if meant.count_ops() <= LARGEST:
        for rewrite in (combine, factored):
            other = _on_pieces(meant, rewrite)
            if other != meant:
                form = _stable(other, start, numbers)
                yield form
                yield overflow_free(form, y)


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


def factored(e: sp.Expr) -> sp.Expr:
    """A rational function as a product of factors: 1 − k²/y² → (y − k)(y + k)/y²."""
    return sp.factor(e) if e.is_rational_function(y) else e


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
    derivative, m = meant, 0
    for m in range(1, 5):  # noqa: B007
        derivative = tidy(sp.diff(derivative, y))
        limit = limit_at_zero(derivative, y, numbers)
        if not is_finite(limit):
            return _by_slope(meant, numbers)
        if abs(to_float(limit.subs(numbers))) > 1e-25:  # not all zeros are seen to be zero
            break
    else:
        return _by_slope(meant, numbers)
    derivative = Differences([y], numbers).stable(derivative)
    points, weights = np.polynomial.legendre.leggauss(NODES)
    total = sp.S.Zero
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factor = weight * (1 - point) ** (m - 1) / float(sp.factorial(m - 1))
        total += sp.Float(factor, 17) * derivative.subs(y, sp.Float(point, 17) * y)
    return y**m * total


def _by_slope(meant: sp.Expr, numbers: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """h(y) − h(0) = y ∫₀¹ h'(s⁴y)·4s³ ds, where h' starts like a power of y that is not whole."""
    slope = Differences([y], numbers).stable(tidy(sp.diff(meant, y)))
    points, weights = np.polynomial.legendre.leggauss(NODES)
    total = sp.S.Zero
    for s, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += sp.Float(weight * 4 * s**3, 17) * slope.subs(y, sp.Float(s**4, 17) * y)
    return y * total
