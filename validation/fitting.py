"""Fit families to every feature's non-zero activations by maximum likelihood."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.validation.families import FAMILIES, Family, family
from neglog.validation.intervals import profile_intervals
from neglog.validation.mle import Optimum, maximise
from neglog.validation.pointwise import binning_error
from neglog.validation.portion import Portion, Source, portion, samples
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.tables import Found, assemble

if TYPE_CHECKING:
    import pandas as pd

FAR = 1e5  # a truncated Lomax's or half-t's shape beyond this is that of its limit
CHUNK = 1 << 17  # samples fitted together: their arrays stay in the processor's cache

FamilyLike = str | Penalty | Prior | Family


def fit(
    codes: Any,
    families: Sequence[FamilyLike] | None = None,
    min_nonzero: int = 50,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | str | None = None,
    truncation: ArrayLike | None = None,
    intervals: float | None = None,
) -> "pd.DataFrame":
    """Maximum-likelihood fits: one row per feature and family.

    A feature's law is (1 − π) δ₀ + π·slab; π and the slab separate, so the slab is fitted to the
    non-zero values alone, ``loglik`` is in nats over them, AIC = 2k − 2ℓ and BIC = k log n − 2ℓ
    with n their number; the atom's parameter is common to all families and left out of k.

    codes: tokens × features, anything ``read_codes`` takes, or a ``Sketch`` or its file: then
    ``binning`` says by how many nats per value the bins can have moved ``loglik`` (see
    ``binning_error``). families: names of ``FAMILIES``, penalties (an expression such as
    ``log(1+abs(a)**q)``, a name of the catalogue, a Penalty or a Prior: see ``penalty_family``), or
    ``Family`` records; default: all names. min_nonzero: features with fewer values are not fitted.

    weights: how often each token counts, (tokens,); n, ℓ and standard errors follow from the sums
    of weights. offset: the slab begins there and a − offset is fitted; a number, one for each
    feature, or ``"minimum"``: estimated by ``estimated_offset``. truncation: codes at or below it
    are left out and the law of the others, given that they lie above, is fitted (a sketch moves it
    up to the edge of a bin). intervals: level of profile-likelihood intervals, such as 0.95.

    Columns: feature, family, nonzero, zero_fraction, loglik, aic, bic, best (lowest AIC; among
    families closer than 1e-6 nat per value the one listed first), best_bic, flags (names of
    ``FLAGS`` joined by "; "), the parameters, their standard errors (``se_…``, from the observed
    information; nan where the optimum is not interior), with ``intervals`` also ``low_…`` and
    ``high_…``, with ``offset`` and ``truncation`` these and ``used``, the sum of the weights that
    were fitted. What cannot be fitted is nan and flagged. ``attrs["source"]`` is "codes" or
    "sketch".

    A fit alone says little: set it beside those of a random dictionary and of Gaussian noise
    (``neglog.validation.random_dictionary``, ``gaussian_noise``).

    Raises InputError for codes that cannot be read, unknown families, min_nonzero < 3, codes at or
    below the offset, and weights, offsets or truncations of a wrong shape or sign.
    """
    source, rows = read_source(codes), resolve(families)
    if min_nonzero < 3:
        raise InputError(f"min_nonzero is {min_nonzero}; a fit needs at least 3 values.")
    if intervals is not None and not 0 < intervals < 1:
        raise InputError(f"intervals is {intervals}; it is a level between 0 and 1, such as 0.95.")
    sort = Sort(source, min_nonzero, portion(source, offset, truncation, weights))
    found: list[list[Found]] = [[] for _ in rows]
    for chunk in sort.chunks():
        original = None if all(row.scaled for row in rows) else chunk.original()
        for row, fits in zip(rows, found, strict=True):
            fits.append(_found(row, chunk, original, intervals))
    return assemble(sort, rows, found)


def resolve(families: Sequence[FamilyLike] | None) -> list[Family]:
    """Family records from names or records; InputError for an unknown or repeated name."""
    if isinstance(families, str):
        families = families.split(",")
    if isinstance(families, Penalty | Prior | Family):
        families = [families]
    rows = [f if isinstance(f, Family) else _family(f) for f in families or FAMILIES]
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise InputError(f"a family is listed twice: {', '.join(names)}.")
    return rows


def _family(name: str | Penalty | Prior) -> Family:
    if isinstance(name, str) and name in FAMILIES:
        return FAMILIES[name]
    from neglog.validation.expression import penalty_family

    if isinstance(name, Prior):
        name = name.phi
    if isinstance(name, Penalty) or name in ENTRIES or not name.replace("-", "").isidentifier():
        return penalty_family(name)
    return family(name)


def fit_one(row: Family, chunk: Segments) -> Optimum:
    """One family's fits, parameters and log-likelihood in the unit the samples came in."""
    return in_unit_of_codes(row, chunk, _maximise(row, own_unit(row, chunk)))


def own_unit(row: Family, chunk: Segments) -> Segments:
    """The samples in the unit the family is fitted in: each feature's own if it has a scale."""
    return chunk if row.scaled else chunk.original()


def _maximise(row: Family, chunk: Segments) -> Optimum:
    """The best fit; a truncated one from two starts, as its likelihood can have two tops."""
    if chunk.cut is None:
        return maximise(row.profile, chunk)
    whole = maximise(row.profile, chunk)
    start = np.where(np.isfinite(whole.params), np.clip(whole.params, -0.9, 1e6), 1.0)
    profile = row.truncated.profile
    one, other = maximise(profile, chunk, start), maximise(profile, chunk)
    better = other.loglik > one.loglik
    return Optimum(
        np.where(better, other.loglik, one.loglik),
        np.where(better, other.params, one.params),
        np.where(better, other.se, one.se),
        _limits(
            row,
            [b if take else a for a, b, take in zip(one.flags, other.flags, better, strict=True)],
            np.where(better, other.params, one.params),
        ),
    )


def _limits(row: Family, flags: list[tuple[str, ...]], params: Floats) -> list[tuple[str, ...]]:
    """The flag of the family's limit where a shape has run off towards it."""
    names = [free.limit_flag for free in row.profile.free if free.limit is not None]
    if not names:
        return flags
    far = params[[i for i, name in enumerate(row.params) if name != "scale"]].max(axis=0) > FAR
    return [(names[0],) if away else own for own, away in zip(flags, far, strict=True)]


def in_unit_of_codes(row: Family, chunk: Segments, optimum: Optimum) -> Optimum:
    """Scale and log-likelihood per unit of the codes, where the fit was in the feature's own."""
    if row.scaled:
        for values in (optimum.params, optimum.se):
            values[list(row.params).index("scale")] *= chunk.unit
        optimum.loglik[:] -= chunk.n * np.log(chunk.unit)
    return optimum


def _found(row: Family, chunk: Segments, original: Segments | None, level: float | None) -> Found:
    own = chunk if row.scaled else original
    assert own is not None
    optimum, ends = _maximise(row, own), None
    if level is not None:
        ends = profile_intervals(row, own, optimum, level)
        if row.scaled:
            ends[:, list(row.params).index("scale")] *= chunk.unit
    moved = None if chunk.pair is None else binning_error(row, optimum.params, own)
    return Found(in_unit_of_codes(row, chunk, optimum), ends, moved)


@dataclass
class Sort:
    """Which features can be fitted, why the others cannot, and the values of those that can."""

    codes: Source
    min_nonzero: int
    part: Portion = field(default_factory=Portion)

    def __post_init__(self) -> None:
        n = self.codes.nonzero
        self.flags: list[list[str]] = [[] for _ in range(self.codes.features)]
        self.used = np.full(self.codes.features, np.nan)
        for feature in np.flatnonzero(n < self.min_nonzero):
            self._few(feature)
        self.enough = np.flatnonzero(n >= self.min_nonzero)
        self.fitted: list[NDArray[np.int64]] = []

    def _few(self, feature: Any) -> None:
        self.flags[feature].append("few-nonzero" if self.codes.nonzero[feature] else "never-active")

    def chunks(self) -> Iterator[Segments]:
        """Segments of the features worth fitting, about ``CHUNK`` samples at a time."""
        sketch = isinstance(self.codes, Sketch)
        sizes = 2 * np.diff(self.codes.indptr)[self.enough] if sketch else (
            self.codes.nonzero[self.enough]
        )  # fmt: skip
        for part in np.split(self.enough, _cuts(sizes)):
            if not len(part):
                continue
            chunk, keep = samples(self.codes, part, self.part, self.min_nonzero)
            for feature in part[~keep]:
                self._few(feature)
            if chunk is None:
                continue
            part = part[keep]
            varies = self._vary(part, chunk)
            if varies.any():
                chunk = chunk if varies.all() else chunk.take(varies)
                self.fitted.append(part[varies])
                self.used[part[varies]] = chunk.n
                yield chunk

    def _vary(self, part: NDArray[np.int64], chunk: Segments) -> NDArray[np.bool_]:
        """Whether each feature's values differ; flags those that are constant or tied."""
        if isinstance(self.codes, Sketch):
            tied = self.codes.take(part).coarse
            varies = (chunk.distinct > 1) & (self.codes.low[part] < self.codes.top[part])
        else:
            tied, varies = 2 * chunk.distinct < chunk.size, chunk.distinct > 1
        for feature in part[tied]:
            self.flags[feature].append("tied")
        for feature in part[~varies]:
            self.flags[feature][:] = ["constant"]
        return np.asarray(varies)


def _cuts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where to split features so that each part holds about ``CHUNK`` samples."""
    return np.flatnonzero(np.diff((np.cumsum(sizes) - 1) // CHUNK)) + 1
