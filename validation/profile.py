"""A log-likelihood written through sums over samples, ready for a batched Newton iteration.

For one feature with samples a₁ … aₙ and free parameters θ,

    ℓ(θ) = F(n, T₀(θ), T₁(θ), …; θ),    T_j(θ) = Σᵢ wᵢ g_j(aᵢ; θ),    n = Σᵢ wᵢ.

Parameters whose optimum given θ is known in closed form are eliminated from F beforehand (profile
likelihood). A g_j without θ is a sufficient statistic: summed once. The symbolic derivatives of
F and g_j give gradient and Hessian with a single pass over the samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from sympy.codegen.cfunctions import log1p

from neglog.validation.numeric import numpy_function
from neglog.validation.segments import Floats, Segments

A, LOG_A, N, TOP = sympy.symbols("a log_a n top", positive=True)  # TOP is the largest sample
CUT = sympy.Symbol("cut", nonnegative=True)  # where the values were truncated on the left
T = sympy.symbols("T0:8", real=True)

Statistic = Callable[[Segments], Floats]


def constant(value: float) -> Statistic:
    """The statistic that has the same value for every feature."""
    return lambda segments: np.full(segments.features, value)


@dataclass(frozen=True)
class Free:
    """A parameter to be searched: θ = (eᵘ − offset)/reach with u free between bounds.

    offset 0 keeps θ > 0; offset 1 lets θ reach and cross 0, down to −1/reach.
    """

    symbol: sympy.Symbol
    start: Statistic
    low: Statistic = field(default_factory=lambda: constant(1e-30))
    high: Statistic = field(default_factory=lambda: constant(1e30))
    offset: int = 0
    reach: Statistic = field(default_factory=lambda: constant(1.0))
    hole: Statistic | None = None  # |θ| is kept above this where θ = 0 is a removable singularity
    limit: Statistic | None = None  # value to report where the optimum runs into ``low``
    limit_flag: str = "boundary"


@dataclass(frozen=True)
class Eliminated:
    """A parameter r maximised in closed form: r = value(n, T, θ); curvature = −∂²ℓ/∂(log |r|)²."""

    symbol: sympy.Symbol
    value: sympy.Expr
    curvature: sympy.Expr


@dataclass(frozen=True)
class Corner:
    """A point on the edge of the parameter space with its log-likelihood in (n, top)."""

    loglik: sympy.Expr
    params: Mapping[str, sympy.Expr]
    flag: str


@dataclass(frozen=True)
class Profile:
    """The pieces of ℓ; see the module's docstring. ``feasible`` is a condition for ℓ > −∞."""

    free: tuple[Free, ...]
    sums: tuple[sympy.Expr, ...]
    objective: sympy.Expr
    params: Mapping[str, sympy.Expr]
    eliminated: tuple[Eliminated, ...] = ()
    feasible: sympy.Basic = sympy.true
    corner: Corner | None = None
    known: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @cached_property
    def symbols(self) -> list[sympy.Symbol]:
        return [free.symbol for free in self.free]

    @cached_property
    def second(self) -> list[tuple[int, int]]:
        """Index pairs of the Hessian's upper triangle."""
        return list(combinations_with_replacement(range(len(self.free)), 2))

    @cached_property
    def moving(self) -> list[bool]:
        """Which sums depend on the free parameters."""
        return [bool(g.free_symbols & set(self.symbols)) for g in self.sums]

    @cached_property
    def rows(self) -> list[tuple[int, tuple[int, ...]]]:
        """What each row of the matrix of sums is: (j, derivative indices)."""
        firsts = [(i,) for i in range(len(self.free))]
        return [
            (j, index)
            for j, moving in enumerate(self.moving)
            for index in ([(), *firsts, *self.second] if moving else [()])
        ]

    @cached_property
    def row_symbols(self) -> dict[tuple[int, tuple[int, ...]], sympy.Symbol]:
        return {
            (j, index): sympy.Symbol("_".join([f"T{j}", *map(str, index)]), real=True)
            if index
            else T[j]
            for j, index in self.rows
        }

    def total(self, expr: sympy.Expr, i: int) -> sympy.Expr:
        """d expr/dθᵢ, the sums' own dependence on θ included."""
        derivative = sympy.diff(expr, self.symbols[i])
        for (j, index), symbol in self.row_symbols.items():
            target = self.row_symbols.get((j, tuple(sorted((*index, i)))))
            if target is not None and (slope := sympy.diff(expr, symbol)) != 0:
                derivative += slope * target
        return derivative

    @cached_property
    def _moving(self) -> "list[Summand]":
        """g_j and its derivatives in θ, for the sums that move."""
        return [
            summand(
                sympy.diff(self.sums[j], *(self.symbols[i] for i in index))
                if index
                else self.sums[j]
            )
            for j, index in self.rows
            if self.moving[j]
        ]

    @cached_property
    def _samples(self) -> Callable[..., list[Any]]:
        """What is summed over samples."""
        rests = [moving.rest for moving in self._moving]
        return numpy_function([A, LOG_A, *self.symbols], rests, self.known)

    @cached_property
    def _factors(self) -> Callable[..., list[Any]]:
        """What the sums over samples are multiplied with."""
        factors = [moving.factor for moving in self._moving]
        return numpy_function(self.symbols, factors, self.known)

    @cached_property
    def _still(self) -> list[tuple[sympy.Expr, Callable[..., list[Any]]]]:
        still = [g for g, moving in zip(self.sums, self.moving, strict=True) if not moving]
        return [(g, numpy_function([A, LOG_A], [g], self.known)) for g in still]

    def statistics(self, segments: Segments) -> list[Floats]:
        """The sums that do not move, computed once; those known exactly are not computed."""
        exact = exact_sums(segments)
        return [
            exact[g] if g in exact else segments.sum(f(segments.a, segments.log)[0])
            for g, f in self._still
        ]

    def evaluate(self, segments: Segments, theta: Floats, still: list[Floats]) -> Floats:
        """The matrix of sums, (rows, m), at θ (k, m)."""
        with np.errstate(all="ignore"):  # what is not finite makes ℓ = −∞, see ``value``
            values = self._samples(segments.a, segments.log, *map(segments.spread, theta))
            summed = iter(
                factor * (segments.sum_log1p(value) if moving.logarithm else segments.sum(value))
                for moving, factor, value in zip(
                    self._moving, self._factors(*theta), values, strict=True
                )
            )
            fixed = iter(still)
            matrix = np.empty((len(self.rows), segments.features))
            for row, (j, _) in enumerate(self.rows):
                matrix[row] = next(summed) if self.moving[j] else next(fixed)
        return matrix

    @cached_property
    def _value(self) -> Callable[..., list[Any]]:
        gradient = [self.total(self.objective, i) for i in range(len(self.free))]
        hessian = [self.total(gradient[i], j) for i, j in self.second]
        value = sympy.Piecewise((self.objective, self.feasible), (-sympy.oo, True))
        return numpy_function(self._arguments, [value, *gradient, *hessian], self.known)

    @cached_property
    def _arguments(self) -> list[sympy.Symbol]:
        return [N, TOP, CUT, *self.symbols, *self.row_symbols.values()]

    def value(
        self, given: tuple[Floats, Floats, Floats], theta: Floats, sums: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """ℓ (m,), its gradient (k, m) and Hessian (k, k, m) in θ; given: n, top and cut."""
        k, m = len(self.free), len(given[0])
        with np.errstate(all="ignore"):  # outside the feasible set anything may happen: ℓ = −∞
            out = [np.broadcast_to(x, m) for x in self._value(*given, *theta, *sums)]
        loglik = np.where(np.isfinite(out[0]), out[0], -np.inf)
        hessian = np.empty((k, k, m))
        for (i, j), h in zip(self.second, out[1 + k :], strict=True):
            hessian[i, j] = hessian[j, i] = h
        return loglik, np.array(out[1 : 1 + k]).reshape(k, m), hessian

    @cached_property
    def _report(self) -> Callable[..., list[Any]]:
        """Parameters, and their slopes in θ and in the eliminated parameters' logarithms."""
        values = {e.symbol: e.value for e in self.eliminated}
        out: list[sympy.Expr] = [e.curvature for e in self.eliminated]
        for expr in self.params.values():
            full = expr.subs(values)
            out += [full, *(self.total(full, i) for i in range(len(self.free)))]
            out += [(sympy.diff(expr, r) * r).subs(values) for r in values]
        return numpy_function(self._arguments, out, self.known)

    def report(
        self,
        given: tuple[Floats, Floats, Floats],
        theta: Floats,
        sums: Floats,
        information: Floats,
    ) -> tuple[Floats, Floats]:
        """Parameters and standard errors, each (params, m), from −∂²ℓ/∂θ² (k, k, m).

        With r eliminated, Var p = Jᵀ(−ℓ″)⁻¹J + Σ_r (∂p/∂log r)²/curvature_r, J = dp/dθ in total.
        """
        k, r, m = len(self.free), len(self.eliminated), len(given[0])
        with np.errstate(all="ignore"):
            out = np.array([np.broadcast_to(x, m) for x in self._report(*given, *theta, *sums)])
        blocks = out[r:].reshape(len(self.params), 1 + k + r, m)
        params, slopes, nuisance = blocks[:, 0], blocks[:, 1 : 1 + k], blocks[:, 1 + k :]
        with np.errstate(all="ignore"):
            variance = np.sum(nuisance**2 / out[:r], axis=1)
            if k:
                solved = inverse(information)
                variance = variance + np.einsum("pim,ijm,pjm->pm", slopes, solved, slopes)
            se: Floats = np.sqrt(np.where(variance > 0, variance, np.nan))
            return np.asarray(params), se


def inverse(matrix: Floats) -> Floats:
    """Inverse of symmetric positive-definite matrices (k, k, m); nan where one is not."""
    stacked = np.moveaxis(matrix, -1, 0)
    good = np.isfinite(stacked).all(axis=(1, 2))
    out = np.full_like(stacked, np.nan)
    if good.any():
        values, vectors = np.linalg.eigh(stacked[good])
        values = np.where(values > 0, values, np.nan)
        out[good] = np.einsum("mik,mk,mjk->mij", vectors, 1 / values, vectors)
    return np.asarray(np.moveaxis(out, 0, -1))


@dataclass(frozen=True)
class Summand:
    """factor(θ) · rest(a, θ), or factor(θ) · log(1 + rest(a, θ)): the factor is not summed."""

    factor: sympy.Expr
    rest: sympy.Expr
    logarithm: bool


def summand(expr: sympy.Expr) -> Summand:
    """The parts of an expression that is summed over samples."""
    factor, rest = sympy.factor_terms(expr).as_independent(A, LOG_A, as_Add=False)
    if isinstance(rest, log1p):
        return Summand(factor, rest.args[0], True)
    return Summand(factor, rest, False)


def exact_sums(segments: Segments) -> dict[sympy.Expr, Floats]:
    """Σ g in the segments' units for those g whose sums are known beside the samples."""
    if (known := segments.exact) is None:
        return {}
    n, unit, shift = segments.n, segments.unit, np.log(segments.unit)
    return {
        A: known.a / unit,
        A**2: known.square / unit**2,
        LOG_A: known.log - n * shift,
        LOG_A**2: known.log_square - 2 * shift * known.log + n * shift**2,
    }
