"""Value and slope of each structured penalty, written once for all backends.

y = |a| ≥ 0 of shape [..., d] goes in; φ(y) − φ(0) of shape [...] and ∂φ/∂y of shape [..., d] come
out, both in closed form, so that no backend differentiates through a maximum or a root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.priors.structured import ExclusiveGroups, GroupNorm, OneActive, PairwiseSupport
from neglog.priors.structured.base import Structured


@dataclass(frozen=True)
class Ops:
    """What a backend must have: elementwise functions, and sums over labelled features."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    logaddexp: Callable[[Any, Any], Any]
    sigmoid: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]
    largest: Callable[[Any], Any]  # over the last axis, kept
    total: Callable[[Any], Any]  # over the last axis
    logsumexp: Callable[[Any], Any]  # over the last axis
    group_sum: Callable[[Any, Any, int], Any]  # [..., d], labels, G → [..., G]
    take: Callable[[Any, Any], Any]  # of the last axis
    constant: Callable[[Any, Any], Any]  # numpy array, like → tensor


Pair = tuple[Any, Any]


@singledispatch
def value_and_slope(penalty: Structured, y: Any, ops: Ops) -> Pair:
    """φ(y) − φ(0) and ∂φ/∂y.

    Raises:
        InputError: a prior whose penalty is a hard constraint.
    """
    raise InputError(
        f"{penalty} is a hard constraint on the support and has no smooth penalty; train with the "
        "activation topk or batchtopk instead."
    )


@value_and_slope.register
def _group_norm(penalty: GroupNorm, y: Any, ops: Ops) -> Pair:
    labels, count = penalty.groups.array, len(penalty.groups.sizes)
    # in units of the largest activation, so that squares neither overflow nor underflow
    top = ops.largest(y)
    top = ops.where(top > 0, top, top + 1)
    shares = y / top
    squares = ops.group_sum(shares * shares, labels, count)
    norms = ops.sqrt(squares)
    safe = ops.where(norms > 0, norms, norms + 1)
    return ops.total(norms * top), shares / ops.take(safe, labels)


@value_and_slope.register
def _exclusive(penalty: ExclusiveGroups, y: Any, ops: Ops) -> Pair:
    labels, count = penalty.groups.array, len(penalty.groups.sizes)
    sums = ops.group_sum(y, labels, count)
    return ops.total(sums * sums), 2 * ops.take(sums, labels)


@value_and_slope.register
def _one_active(penalty: OneActive, y: Any, ops: Ops) -> Pair:
    labels, sizes = penalty.groups.array, penalty.groups.sizes
    kappa = 1 / penalty.spike - 1 / penalty.slab
    start = np.log(penalty.weights) + sizes * np.log(penalty.spike / penalty.slab)
    none = np.log1p(-penalty.active)
    logs = kappa * ops.group_sum(y, labels, len(sizes)) + ops.constant(start, y)
    some = ops.logsumexp(logs)
    whole = ops.logaddexp(some, ops.constant(np.asarray(none), y) + 0 * some)
    zero = np.logaddexp(none, np.logaddexp.reduce(start))
    share = ops.exp(logs - whole[..., None])
    return (
        ops.total(y) / penalty.spike - whole + float(zero),
        1 / penalty.spike - kappa * ops.take(share, labels),
    )


@value_and_slope.register
def _pairwise(penalty: PairwiseSupport, y: Any, ops: Ops) -> Pair:
    kappa = 1 / penalty.spike - 1 / penalty.slab
    start = np.log(penalty.rates / (1 - penalty.rates)) + np.log(penalty.spike / penalty.slab)
    logit = kappa * y + ops.constant(start, y)
    p = ops.sigmoid(logit)
    # −log[(1 − π)k + πh] up to a constant: y/spike − log(1 + e^logit)
    alone = ops.total(y / penalty.spike - ops.logaddexp(logit, 0 * logit))
    at_zero = 1 / (1 + np.exp(-start))
    rows, columns = penalty.rows, penalty.columns
    zero = -np.logaddexp(0, start).sum()
    zero += (penalty.couplings * at_zero[rows] * at_zero[columns]).sum()
    j = ops.constant(penalty.couplings, y)
    first, second = ops.take(p, rows), ops.take(p, columns)
    # field[i] = Σⱼ Jᵢⱼ Pⱼ, by the pairs: the cost is that of the couplings
    d = penalty.features
    field = ops.group_sum(j * second, rows, d) + ops.group_sum(j * first, columns, d)
    slope = 1 / penalty.spike - kappa * p + field * kappa * p * (1 - p)
    return alone + ops.total(j * first * second) - float(zero), slope
