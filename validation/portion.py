"""Which part of each feature's values a fit sees: beyond an offset, above a cut, with weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes
from neglog.validation.segments import Floats, Segments, in_own_units, segments
from neglog.validation.sketches.bins import left
from neglog.validation.sketches.sketch import Sketch

Source = Codes | Sketch


@dataclass(frozen=True)
class Portion:
    """Values a − offset of the codes a > cut, each counted as often as its token's weight.

    ``offset`` and ``cut`` are (features,); ``weights`` is (tokens,). None: none of it.
    """

    offset: Floats | None = None
    cut: Floats | None = None
    weights: Floats | None = None

    @property
    def whole(self) -> bool:
        """Whether every value is seen as it is."""
        return self.offset is None and self.cut is None and self.weights is None


def portion(
    source: Source,
    offset: ArrayLike | str | None,
    truncation: ArrayLike | None,
    weights: ArrayLike | None,
) -> Portion:
    """The arguments of ``fit`` as arrays, checked; a sketch's cut moved up to an edge of a bin."""
    moved = _offset(source, offset)
    cut = None if truncation is None else _per_feature(source, truncation, "truncation")
    if cut is not None:
        if moved is not None and (cut < moved).any():
            raise InputError("the truncation lies below the offset: no value can be there.")
        if isinstance(source, Sketch):
            cut = _edge(cut)
        if not (cut > 0).any():
            cut = None
    return Portion(moved, cut, None if weights is None else _weights(source, weights))


def _offset(source: Source, offset: ArrayLike | str | None) -> Floats | None:
    if offset is None:
        return None
    if isinstance(offset, str):
        if offset != "minimum":
            raise InputError(f'the offset is {offset!r}; it is a number, an array or "minimum".')
        return estimated_offset(source)
    moved = _per_feature(source, offset, "offset")
    lowest = extremes(source)[0]
    if (below := lowest <= moved).any():
        feature = int(np.argmax(below))
        raise InputError(
            f"feature {feature} has a code of {lowest[feature]:.4g}, not above its offset "
            f"{moved[feature]:.4g}: lower the offset, or truncate instead."
        )
    return None if not moved.any() else moved


def estimated_offset(source: Source) -> Floats:
    """min a − (mean a − min a)/(n − 1): unbiased for a shifted exponential, and efficient.

    The likelihood itself rises without bound, or is maximal at min a, in families whose density
    does not vanish at 0; this stays below every value. Zero where n < 2 or the values are equal.
    Source: N. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions 1, 1994.
    """
    lowest, total = extremes(source)
    n = source.nonzero
    with np.errstate(all="ignore"):
        moved = lowest - (total / n - lowest) / (n - 1)
        moved = np.where((n > 1) & (total / n > lowest), moved, 0.0)
    return np.asarray(np.maximum(moved, 0.0))


def extremes(source: Source) -> tuple[Floats, Floats]:
    """Lowest value (∞ where there is none) and sum of each feature."""
    if isinstance(source, Sketch):
        return source.low, source.sum
    low, total = np.full(source.features, np.inf), np.zeros(source.features)
    filled = source.nonzero > 0
    if filled.any():
        starts = source.indptr[:-1][filled]
        low[filled] = np.minimum.reduceat(source.values, starts)
        total[filled] = np.add.reduceat(source.values.astype(np.float64), starts)
    return low, total


def _per_feature(source: Source, value: Any, what: str) -> Floats:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the {what} is {value!r}; it is a number or one for each feature.") from (
            error
        )
    if array.shape not in ((), (source.features,)):
        raise InputError(
            f"the {what} has shape {array.shape}; it is one number, or one for each of "
            f"{source.features} features."
        )
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InputError(f"the {what} must be finite and not negative.")
    return np.broadcast_to(array, source.features).copy()


def _weights(source: Source, weights: ArrayLike) -> Floats:
    if isinstance(source, Sketch):
        raise InputError("a sketch has no tokens left to weigh: give weights with raw codes.")
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (source.tokens,):
        raise InputError(
            f"weights have shape {array.shape}; one is needed for each of {source.tokens} tokens."
        )
    if not (np.isfinite(array) & (array >= 0)).all() or not array.any():
        raise InputError("weights must be finite and not negative, and not all zero.")
    return array


def _edge(cut: Floats) -> Floats:
    """The lowest edge of a bin at or above each cut: there the histogram is exact."""
    short = cut.astype(np.float32)
    short = np.where(short < cut, np.nextafter(short, np.float32(np.inf)), short)
    bits = short.astype(np.float32).view(np.uint32)
    numbers = (bits + np.uint32((1 << 18) - 1)) >> np.uint32(18)
    return np.where(cut > 0, left(numbers), 0.0)


def samples(
    source: Source, features: NDArray[np.int64], part: Portion, least: int
) -> tuple[Segments | None, NDArray[np.bool_]]:
    """Segments of those features that have at least ``least`` samples, and which they are."""
    if isinstance(source, Sketch):
        return _of_sketch(source, features, part, least)
    columns = [source.column(feature) for feature in features]
    weights: Sequence[Floats] | None = None
    if not part.whole:
        columns, weights = _columns(source, features, part)
    keep = np.array([len(column) >= least for column in columns])
    if not keep.any():
        return None, keep
    columns = [column for column, good in zip(columns, keep, strict=True) if good]
    if weights is not None:
        weights = [weight for weight, good in zip(weights, keep, strict=True) if good]
    return segments(columns, weights, _cut(part, features[keep])), keep


def _cut(part: Portion, features: NDArray[np.int64]) -> Floats | None:
    """The truncation of the values that are seen, which are offset."""
    if part.cut is None:
        return None
    return part.cut[features] - (0.0 if part.offset is None else part.offset[features])


def _columns(
    codes: Codes, features: NDArray[np.int64], part: Portion
) -> tuple[list[NDArray[Any]], list[Floats] | None]:
    columns, weights = [], []
    for feature in features:
        entries = slice(codes.indptr[feature], codes.indptr[feature + 1])
        values = codes.values[entries].astype(np.float64)
        keep = np.ones(len(values), dtype=bool)
        if part.cut is not None:
            keep &= values > part.cut[feature]
        if part.weights is not None:
            weight = part.weights[codes.rows[entries]]
            keep &= weight > 0
            weights.append(weight[keep])
        if part.offset is not None:
            values = values - part.offset[feature]
        columns.append(values[keep])
    return columns, weights if part.weights is not None else None


def _of_sketch(
    sketch: Sketch, features: NDArray[np.int64], part: Portion, least: int
) -> tuple[Segments | None, NDArray[np.bool_]]:
    chosen = sketch.take(features)
    if part.cut is not None:
        chosen = _above(chosen, part.cut[features])
    keep = chosen.nonzero >= least
    if not keep.any():
        return None, keep
    chosen = chosen.take(np.flatnonzero(keep))
    found = chosen.samples(np.arange(chosen.features), exact=part.whole)
    if part.offset is not None:
        unit = found.spread(found.unit)
        begin = found.spread(part.offset[features][keep])
        # a value on the very edge counts as half a step of float32 above it
        moved = np.maximum(found.a * unit - begin, begin * 2.0**-24)
        found = in_own_units(moved, found.size, found.weight, pair=found.pair)
    cut = _cut(part, features[keep])
    return replace(found, cut=None if cut is None else cut / found.unit), keep


def _above(sketch: Sketch, cut: Floats) -> Sketch:
    """The entries at or above each feature's cut, which is an edge."""
    size = np.diff(sketch.indptr)
    keep = left(sketch.bins) >= np.repeat(cut, size)
    reached = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])
    entries = {name: getattr(sketch, name)[keep] for name in ("bins", "counts", "offsets")}
    return replace(
        sketch, indptr=reached[sketch.indptr], low=np.maximum(sketch.low, cut), **entries
    )
