"""log p at each sample for many features with parameters of their own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from neglog.validation.families import Family
from neglog.validation.full import one_branch
from neglog.validation.numeric import numpy_function
from neglog.validation.profile import CUT, LOG_A, A
from neglog.validation.segments import Floats, Segments


def pointwise(row: Family, params: Floats, chunk: Segments) -> Floats:
    """log p(aᵢ), (samples,), per unit of the codes; given a > cut where the samples have a cut.

    params: (params, m) in the unit of the codes, as ``fit`` reports them. nan where these are nan.
    """
    own = params.copy()
    if row.scaled:
        own[list(row.params).index("scale")] /= chunk.unit
    elif not (chunk.unit == 1).all():
        chunk = chunk.original()
    found = at_nodes(row, own, chunk, chunk.a, chunk.log)
    return found - chunk.spread(np.log(chunk.unit))


def at_nodes(row: Family, params: Floats, chunk: Segments, a: Floats, log_a: Floats) -> Floats:
    """log p at any points (samples,), one for each sample; everything in the samples' unit."""
    level, rest = _functions(row if chunk.cut is None else row.truncated)
    with np.errstate(all="ignore"):
        base = np.broadcast_to(level(chunk.given[2], *params)[0], chunk.features)
        moving = rest(a, log_a, *map(chunk.spread, params))[0]
    # 0·log 0 where the density is flat up to the end of its support: the generalised Pareto at −1
    moving = np.where(np.isnan(moving), 0.0, moving)
    return np.asarray(chunk.spread(base) + moving)


def _functions(row: Family) -> tuple[Callable[..., list[Any]], Callable[..., list[Any]]]:
    """The density's terms without and with ``a``, compiled once for each family."""
    cache = row.__dict__.setdefault("_pointwise", [])
    if not cache:
        terms = sympy.Add.make_args(one_branch(row.logpdf, row))
        level = sympy.Add(*(t for t in terms if not t.has(A)))
        rest = sympy.Add(*(t for t in terms if t.has(A))).subs(sympy.log(A), LOG_A)
        symbols, known = list(row.params.values()), row.profile.known
        cache += [
            numpy_function([CUT, *symbols], [level], known),
            numpy_function([A, LOG_A, *symbols], [rest], known),
        ]
    return cache[0], cache[1]


def binning_error(row: Family, params: Floats, chunk: Segments) -> Floats:
    """By how many nats per value the bins of a sketch can have moved ℓ at these parameters, (m,).

    |ℓ of two nodes a bin − ℓ of one at the bin's mean|/n: the whole second-order effect of a bin's
    width, of which the two nodes leave a small part (in measurements a hundredth or less).
    params: (params, m) in the samples' unit. Zero where every bin holds one value.
    """
    if chunk.pair is None or chunk.weight is None:
        return np.zeros(chunk.features)
    first = chunk.pair
    second = np.zeros_like(first)
    second[1:] = first[:-1]
    middle = chunk.a.copy()
    middle[first] = middle[second] = 0.5 * (chunk.a[first] + chunk.a[second])
    two = at_nodes(row, params, chunk, chunk.a, chunk.log)
    one = at_nodes(row, params, chunk, middle, np.log(middle))
    with np.errstate(invalid="ignore"):
        return np.abs(chunk.sum(one - two)) / chunk.n
