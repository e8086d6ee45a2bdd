"""The distribution of a family that is known by its density alone: tables in log a.

In u = log a the density q(u) = p(eᵘ) eᵘ is smooth and short-tailed. Its integral over a grid is
summed by Simpson's rule, and between nodes F is the cubic with the right values and slopes.
"""

from typing import Any

import numpy as np
from numpy.random import Generator

from neglog.validation.families import Family
from neglog.validation.laws import Law
from neglog.validation.pointwise import at_nodes
from neglog.validation.segments import Floats, Segments, starts_of

LOW, HIGH, NODES = -23.0, 69.0, 737  # e^−23 = 1e−10 … e^69 = 1e30 units; step 1/8


def tabulated(row: Family) -> Law:
    """The law of a family by quadrature: about 1e-6 in F (1e-4 at a kink of the density)."""

    def cdf(a: Any, **params: Any) -> Floats:
        return _at(row, a, params)

    def sf(a: Any, **params: Any) -> Floats:
        return 1 - _at(row, a, params)

    def draw(rng: Generator, shape: Any, **params: Any) -> Floats:
        return _draw(row, rng, shape, params)

    return Law(None, cdf, sf, draw)


def _tables(row: Family, columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Nodes u (nodes,), and F and q at them, each (parameter sets, nodes)."""
    sets = columns.shape[1]
    fine = np.linspace(LOW, HIGH, 2 * NODES - 1)
    size = np.full(sets, len(fine))
    a = np.tile(np.exp(fine), sets)
    chunk = Segments(a, np.log(a), starts_of(size), size, np.ones(sets))
    with np.errstate(all="ignore"):
        q = np.exp(at_nodes(row, columns, chunk, a, chunk.log) + chunk.log).reshape(sets, -1)
    q = np.where(np.isfinite(q), q, 0.0)
    step = fine[2] - fine[0]
    pieces = step / 6 * (q[:, :-2:2] + 4 * q[:, 1::2] + q[:, 2::2])
    below = q[:, :1]  # ∫ of a density that is flat below the first node
    reached = np.concatenate([below, below + np.cumsum(pieces, axis=1)], axis=1)
    total = reached[:, -1:]
    return fine[::2], reached / total, q[:, ::2] / total


def _sets(params: dict[str, Any], shape: tuple[int, ...]) -> tuple[Floats, Any]:
    """The different parameter sets (params, sets) and which of them each sample has."""
    wide = np.stack([np.broadcast_to(v, shape).ravel() for v in params.values()])
    sets, which = np.unique(wide, axis=1, return_inverse=True)
    return sets, which.ravel()


def _at(row: Family, a: Any, params: dict[str, Any]) -> Floats:
    a = np.asarray(a, dtype=np.float64)
    shape = np.broadcast_shapes(a.shape, *(np.shape(v) for v in params.values()))
    sets, which = _sets(params, shape)
    grid, table, slope = _tables(row, sets)
    with np.errstate(divide="ignore"):
        u = np.clip(np.log(np.broadcast_to(a, shape)).ravel(), LOW, HIGH)
    step = grid[1] - grid[0]
    place = np.minimum(((u - LOW) / step).astype(np.int64), NODES - 2)
    t = (u - grid[place]) / step
    left, right = table[which, place], table[which, place + 1]
    rise, end = step * slope[which, place], step * slope[which, place + 1]
    cubic = left + t * (rise + t * (3 * (right - left) - 2 * rise - end
                                    + t * (rise + end - 2 * (right - left))))  # fmt: skip
    return np.clip(cubic, left, right).reshape(shape)


def _draw(row: Family, rng: Generator, shape: Any, params: dict[str, Any]) -> Floats:
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    sets, which = _sets(params, shape)
    grid, table, _ = _tables(row, sets)
    uniform, out = rng.random(int(np.prod(shape))), np.empty(int(np.prod(shape)))
    order = np.argsort(which, kind="stable")
    for number, part in enumerate(
        np.split(order, np.searchsorted(which[order], np.arange(1, sets.shape[1])))
    ):
        out[part] = np.interp(uniform[part], table[number], grid)
    return np.exp(out).reshape(shape)
