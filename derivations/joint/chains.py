"""Markov chains for a joint prior without an exact sampler: slice sampling in log|aᵢ|.

Each sweep updates every feature given the others and then the scale of all of them together, each
by a slice with stepping out and shrinking (Neal, Slice sampling, 2003): no step size to tune, and
the prior stays invariant exactly. In x = log|aᵢ| the target is e^{x − λφ}; for the scale,
a ↦ e^η a, it is e^{dη − λφ(e^η a)}. A total of exponentials is kept as its logarithm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from neglog.derivations.compile.numpy_backend import function
from neglog.derivations.joint.features import stable_logs
from neglog.priors.symbols import Largest, Total, a, d, y

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats], Floats]
WIDTH = 2.0  # of the first interval, in log|a|
STEPS = 12  # stepping out at most, on both sides together
SHRINKS = 60


# how a reduction is taken over the last axis, and how two parts of one are joined
REDUCE: dict[str, Callable[[Floats], Floats]] = {
    "sum": lambda v: v.sum(-1),
    "largest": lambda v: v.max(-1, initial=-np.inf),
    "logsum": lambda v: np.logaddexp.reduce(v, axis=-1, initial=-np.inf),
}
JOIN: dict[str, Callable[[Floats, Floats], Floats]] = {
    "sum": np.add,
    "largest": np.maximum,
    "logsum": np.logaddexp,
}


@dataclass(frozen=True)
class Target:
    """−λφ in pieces: per-feature functions, how each is reduced, and the outer function."""

    of: Callable[[Floats], list[Floats]]
    outer: Callable[[list[Floats]], Floats]
    kinds: tuple[str, ...]

    def reduce(self, values: list[Floats]) -> list[Floats]:
        """The reductions over the last axis."""
        return [REDUCE[k](v) for v, k in zip(values, self.kinds, strict=True)]

    def __call__(self, sizes: Floats) -> Floats:
        """−λφ at |a| [chains, d]: [chains]."""
        return self.outer(self.reduce(self.of(sizes)))


def target(
    expr: sp.Expr, numbers: Mapping[sp.Symbol, sp.Expr], strength: float, dim: int
) -> Target:
    """The target of φ in totals (even in every feature) at numbers."""
    at = {**numbers, d: sp.Integer(dim)}
    nodes = sorted(expr.atoms(Total, Largest), key=str)
    stand_ins, written, inner, kinds = [], {}, [], []
    for i, node in enumerate(nodes):
        u = node.args[0].subs(a, y).subs(at)
        if isinstance(node, Total) and isinstance(u, sp.exp):
            symbol = sp.Symbol(f"T_{i}", real=True)
            written[node] = sp.exp(symbol)
            inner.append(u.args[0])
            kinds.append("logsum")
        else:
            sign = {"positive": True} if u.is_nonnegative else {"real": True}
            symbol = sp.Symbol(f"T_{i}", **sign)
            written[node] = symbol
            inner.append(u)
            kinds.append("largest" if isinstance(node, Largest) else "sum")
        stand_ins.append(symbol)
    outer = stable_logs(expr.xreplace(written).subs(at))
    run_inner, run_outer = function([y], inner), function(stand_ins, [outer])

    def of(sizes: Floats) -> list[Floats]:
        with np.errstate(all="ignore"):
            return [np.broadcast_to(np.asarray(v, float), sizes.shape) for v in run_inner(sizes)]

    def log_density(reduced: list[Floats]) -> Floats:
        with np.errstate(all="ignore"):
            value = -strength * np.asarray(run_outer(*reduced)[0], dtype=float)
        return np.where(np.isnan(value), -np.inf, value)

    return Target(of, log_density, tuple(kinds))


def run_chains(
    goal: Target, dim: int, chains: int, draws: int, warmup: int, rng: np.random.Generator
) -> Floats:
    """|a| of shape [chains, draws, dim] after ``warmup`` sweeps."""
    x = rng.normal(-1.0, 1.0, (chains, dim))
    out = np.empty((chains, draws, dim))
    for sweep in range(warmup + draws):
        x = _sweep(goal, x, rng)
        if sweep >= warmup:
            out[:, sweep - warmup] = np.exp(x)
    return out


def _sweep(goal: Target, x: Floats, rng: np.random.Generator) -> Floats:
    x = x.copy()
    values = [v.copy() for v in goal.of(np.exp(x))]
    for i in range(x.shape[1]):
        # summed again from the others: a total less its largest share would have no digits left
        rest = goal.reduce([np.delete(v, i, axis=1) for v in values])

        def along(at: Floats, rest: list[Floats] = rest) -> Floats:
            own = goal.of(np.exp(at))
            parts = zip(goal.kinds, rest, own, strict=True)
            return at + goal.outer([JOIN[k](r, v) for k, r, v in parts])

        x[:, i] = _slice(along, x[:, i], rng)
        for k, own in enumerate(goal.of(np.exp(x[:, i]))):
            values[k][:, i] = own
    dim = x.shape[1]
    shift = _slice(lambda s: dim * s + goal(np.exp(x + s[:, None])), np.zeros(len(x)), rng)
    return x + shift[:, None]


def _slice(log_density: LogDensity, x: Floats, rng: np.random.Generator) -> Floats:
    """One slice update of each chain's coordinate."""
    level = log_density(x) + np.log(rng.random(x.shape))
    left = x - WIDTH * rng.random(x.shape)
    right = left + WIDTH
    budget = np.floor(STEPS * rng.random(x.shape))
    for _ in range(STEPS):
        out = (budget > 0) & (log_density(left) > level)
        left, budget = np.where(out, left - WIDTH, left), budget - out
        if not out.any():
            break
    budget = STEPS - 1 - np.floor(STEPS * rng.random(x.shape))
    for _ in range(STEPS):
        out = (budget > 0) & (log_density(right) > level)
        right, budget = np.where(out, right + WIDTH, right), budget - out
        if not out.any():
            break
    new, open_ = x.copy(), np.ones(x.shape, dtype=bool)
    for _ in range(SHRINKS):
        proposal = left + (right - left) * rng.random(x.shape)
        inside = open_ & (log_density(proposal) > level)
        new = np.where(inside, proposal, new)
        outside = open_ & ~inside
        left = np.where(outside & (proposal < x), proposal, left)
        right = np.where(outside & (proposal >= x), proposal, right)
        open_ = outside
        if not open_.any():
            break
    return new
