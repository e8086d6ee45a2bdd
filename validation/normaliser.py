"""log Z(θ) = log ∫₀^∞ exp(−f(a; θ)) da as a function that sympy can differentiate."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sympy

from neglog.validation.known import KNOWN
from neglog.validation.numeric import numpy_function
from neglog.validation.profile import A
from neglog.validation.segments import Floats

STEP = 1 / 32  # of the trapezoidal rule in t
NEGLIGIBLE = 1e-9  # relative size of the outermost terms of a convergent integral
UNSEEN = 1e-25  # terms below this are dropped: their slopes may overflow


def log_normaliser(
    symbols: Sequence[sympy.Symbol], energy: sympy.Expr
) -> tuple[sympy.Expr, dict[str, Callable[..., Any]]]:
    """The expression log Z(θ) in the symbols; numbers for the functions in it and its derivatives.

    With ⟨·⟩ the mean under exp(−f)/Z:  ∂ᵢ log Z = −⟨fᵢ⟩,
    ∂ᵢⱼ log Z = ⟨fᵢfⱼ⟩ − ⟨fᵢ⟩⟨fⱼ⟩ − ⟨fᵢⱼ⟩. Infinite where the integral diverges. About ten digits,
    but about four where f has a kink at a place that depends on θ.
    """
    pairs = [(i, j) for i in range(len(symbols)) for j in range(i, len(symbols))]
    first = [sympy.diff(energy, s) for s in symbols]
    second = [sympy.diff(first[i], symbols[j]) for i, j in pairs]
    terms = numpy_function([A, *symbols], [energy, *first, *second], KNOWN)
    nodes, log_weights = double_exponential(_kinks(energy))

    def integrals(values: tuple[Any, ...]) -> tuple[Floats, Floats, list[Floats]]:
        """log Z, normalised weights (m, nodes), and f's derivatives on the nodes."""
        columns = [np.asarray(v, dtype=float).reshape(-1, 1) for v in values]
        with np.errstate(all="ignore"):
            f, *slopes = terms(nodes, *columns)
            shape = np.broadcast_shapes((1, len(nodes)), *(c.shape for c in columns))
            log_terms = log_weights - np.broadcast_to(f, shape)
            top = np.max(log_terms, axis=1, keepdims=True)
            weights = np.exp(log_terms - top)
            total = weights.sum(axis=1, keepdims=True)
            weights = weights / total
            edge = np.maximum(weights[:, 0], weights[:, -1])  # at 0 and at ∞
            log_z = np.where(edge < NEGLIGIBLE, (top + np.log(total))[:, 0], np.inf)
        return log_z, weights, slopes

    def mean(weights: Floats, *factors: Any) -> Floats:
        with np.errstate(all="ignore"):
            product = np.where(weights > UNSEEN, weights * math.prod(factors), 0.0)
        return np.asarray(product.sum(axis=1))

    def back(value: Floats, arguments: tuple[Any, ...]) -> Any:
        return value if any(np.ndim(x) for x in arguments) else value[0]

    def value(*x: Any) -> Any:
        return back(integrals(x)[0], x)

    def gradient(i: int) -> Callable[..., Any]:
        def function(*x: Any) -> Any:
            _, weights, slopes = integrals(x)
            return back(-mean(weights, slopes[i]), x)

        return function

    def hessian(i: int, j: int) -> Callable[..., Any]:
        def function(*x: Any) -> Any:
            _, w, slopes = integrals(x)
            mixed = slopes[len(symbols) + pairs.index((i, j))]
            crossed = mean(w, slopes[i], slopes[j]) - mean(w, slopes[i]) * mean(w, slopes[j])
            return back(crossed - mean(w, mixed), x)

        return function

    known: dict[str, Callable[..., Any]] = {"log_z": value}
    for i in range(len(symbols)):
        known[f"log_z_{i}"] = gradient(i)
    for i, j in pairs:
        known[f"log_z_{i}_{j}"] = hessian(i, j)
    return _differentiable(())(*symbols), known


def _differentiable(index: tuple[int, ...]) -> Any:
    """The symbolic function log_z_i_j: named by its derivatives, differentiable twice."""

    def fdiff(self: Any, argument: int = 1) -> sympy.Expr:
        return _differentiable(tuple(sorted((*index, argument - 1))))(*self.args)

    name = "_".join(["log_z", *map(str, index)])
    return type(name, (sympy.Function,), {"fdiff": fdiff})


def double_exponential(breaks: Sequence[float]) -> tuple[Floats, Floats]:
    """Nodes and log-weights for ∫₀^∞, exact pieces between the breaks, ends of the line far out.

    a = l + (r − l)/(1 + exp(−π sinh t)) between l and r, a = l + exp(π/2 sinh t) beyond the last
    break: nodes reach 1e280, so that tails as heavy as a^(−1.05) are in (Takahasi and Mori 1974,
    Double exponential formulas for numerical integration).
    """
    edges = [0.0, *breaks]
    nodes, weights = [], []
    t = np.arange(-4.0, 4.0 + STEP / 2, STEP)
    for left, right in pairwise(edges):
        rise = 1 / (1 + np.exp(-np.pi * np.sinh(t)))
        fall = 1 / (1 + np.exp(np.pi * np.sinh(t)))
        nodes.append(left + (right - left) * rise)
        slope = np.pi * np.cosh(t) * (right - left) * STEP
        weights.append(np.log(slope) + np.log(rise) + np.log(fall))
    t = np.arange(-6.7, 6.7 + STEP / 2, STEP)
    nodes.append(edges[-1] + np.exp(np.pi / 2 * np.sinh(t)))
    weights.append(np.log(np.pi / 2 * np.cosh(t) * STEP) + np.pi / 2 * np.sinh(t))
    return np.concatenate(nodes), np.concatenate(weights)


def _kinks(energy: sympy.Expr) -> list[float]:
    """Positive numbers at which a condition inside the expression changes sides."""
    places: set[float] = set()
    for condition in energy.atoms(sympy.core.relational.Relational):
        gap = condition.lhs - condition.rhs
        if gap.free_symbols == {A}:
            places |= {float(x) for x in sympy.solve(gap, A) if x.is_real and x > 0}
    return sorted(places)
