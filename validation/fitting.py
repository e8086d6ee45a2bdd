"""Fit families to every feature's non-zero activations by maximum likelihood."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.validation.codes import Codes, read_codes
from neglog.validation.families import FAMILIES, Family, family
from neglog.validation.mle import Optimum, maximise
from neglog.validation.segments import Floats, Segments, segments

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 1 << 17  # samples fitted together: their arrays stay in the processor's cache
TIE = 1e-6  # nat per sample below which two families describe a feature equally well


def fit(
    codes: Any, families: Sequence[str | Penalty | Family] | None = None, min_nonzero: int = 50
) -> "pd.DataFrame":
    """Maximum-likelihood fits: one row per feature and family.

    A feature's law is (1 − π) δ₀ + π·slab; π and the slab separate, so the slab is fitted to the
    non-zero values alone, ``loglik`` is in nats over them, AIC = 2k − 2ℓ and BIC = k log n − 2ℓ
    with n their number; the atom's parameter is common to all families and left out of k.

    codes: tokens × features, anything ``read_codes`` takes. families: names of ``FAMILIES``,
    penalties (an expression such as ``log(1+abs(a)**q)``, a name of the catalogue, or a Penalty:
    its prior is fitted, see ``penalty_family``), or ``Family`` records; default: all names.
    min_nonzero: features with fewer are not fitted.

    Columns: feature, family, nonzero, zero_fraction, loglik, aic, bic, best (lowest AIC; among
    families closer than 1e-6 nat per value the one listed first), best_bic, flags (names of
    ``FLAGS`` joined by "; "), the parameters, their standard errors (``se_…``, from the observed
    information; nan where the optimum is not interior). What cannot be fitted is nan and flagged.

    A fit alone says little: set it beside those of a random dictionary and of Gaussian noise
    (``neglog.validation.random_dictionary``, ``gaussian_noise``).

    Raises InputError for codes that cannot be read, unknown families, or min_nonzero < 3.
    """
    record, rows = read_codes(codes), resolve(families)
    if min_nonzero < 3:
        raise InputError(f"min_nonzero is {min_nonzero}; a fit needs at least 3 values.")
    sort = Sort(record, min_nonzero)
    optima: list[list[Optimum]] = [[] for _ in rows]
    for chunk in sort.chunks():
        original = None if all(row.scaled for row in rows) else chunk.original()
        for row, found in zip(rows, optima, strict=True):
            found.append(_fit(row, chunk, original))
    return _table(record, rows, sort, optima)


def resolve(families: Sequence[str | Penalty | Family] | None) -> list[Family]:
    """Family records from names or records; InputError for an unknown or repeated name."""
    if isinstance(families, str):
        families = families.split(",")
    rows = [f if isinstance(f, Family) else _family(f) for f in families or FAMILIES]
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise InputError(f"a family is listed twice: {', '.join(names)}.")
    return rows


def _family(name: str | Penalty) -> Family:
    if isinstance(name, str) and name in FAMILIES:
        return FAMILIES[name]
    from neglog.validation.expression import penalty_family

    if isinstance(name, Penalty) or name in ENTRIES or not name.replace("-", "").isidentifier():
        return penalty_family(name)
    return family(name)


def fit_one(row: Family, samples: Segments) -> Optimum:
    """One family's fits in the samples' original unit."""
    return _fit(row, samples, None if row.scaled else samples.original())


def _fit(row: Family, samples: Segments, original: Segments | None) -> Optimum:
    if not row.scaled:
        assert original is not None
        return maximise(row.profile, original)
    optimum = maximise(row.profile, samples)
    for values in (optimum.params, optimum.se):
        values[list(row.params).index("scale")] *= samples.unit
    optimum.loglik[:] -= samples.n * np.log(samples.unit)
    return optimum


class Sort:
    """Which features can be fitted, and why the others cannot."""

    def __init__(self, codes: Codes, min_nonzero: int) -> None:
        self.codes = codes
        n = codes.nonzero
        self.flags: list[list[str]] = [[] for _ in range(codes.features)]
        for feature in np.flatnonzero(n < min_nonzero):
            self.flags[feature].append("few-nonzero" if n[feature] else "never-active")
        self.enough = np.flatnonzero(n >= min_nonzero)
        self.fitted: list[NDArray[np.int64]] = []

    def chunks(self) -> Iterator[Segments]:
        """Segments of the features worth fitting, about ``CHUNK`` samples at a time."""
        sizes = self.codes.nonzero[self.enough]
        for part in np.split(self.enough, _cuts(sizes)):
            if not len(part):
                continue
            samples = segments([self.codes.column(feature) for feature in part])
            for feature in part[2 * samples.distinct < samples.n]:
                self.flags[feature].append("tied")
            varies = samples.distinct > 1
            for feature in part[~varies]:
                self.flags[feature][:] = ["constant"]
            if varies.any():
                self.fitted.append(part[varies])
                yield samples if varies.all() else samples.take(varies)


def _cuts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where to split features so that each part holds about ``CHUNK`` samples."""
    return np.flatnonzero(np.diff((np.cumsum(sizes) - 1) // CHUNK)) + 1


def _table(
    codes: Codes, rows: list[Family], sort: Sort, optima: list[list[Optimum]]
) -> "pd.DataFrame":
    import pandas as pd

    features, count = codes.features, len(rows)
    where = np.concatenate(sort.fitted) if sort.fitted else np.empty(0, np.int64)
    names = list(dict.fromkeys(name for row in rows for name in row.params))
    values = {f"{kind}{name}": np.full((features, count), np.nan) for kind in ("", "se_")
              for name in names}  # fmt: skip
    loglik = np.full((features, count), np.nan)
    flags = np.array([["; ".join(f)] * count for f in sort.flags], dtype=object)
    for place, (row, found) in enumerate(zip(rows, optima, strict=True)):
        if not found:
            continue
        loglik[where, place] = np.concatenate([o.loglik for o in found])
        params = np.concatenate([o.params for o in found], axis=1)
        se = np.concatenate([o.se for o in found], axis=1)
        _blank_irregular(row, params, se)
        for name, estimate, error in zip(row.params, params, se, strict=True):
            values[name][where, place] = estimate
            values[f"se_{name}"][where, place] = error
        _note(flags, place, where, [flag for o in found for flag in o.flags], se, row)
    bad = ~np.isfinite(loglik[where])
    for line, place in zip(*np.nonzero(bad), strict=True):
        flags[where[line], place] = "no-fit"
    loglik[~np.isfinite(loglik)] = np.nan
    k = np.array([len(row.params) for row in rows])
    n = codes.nonzero
    aic = 2 * k - 2 * loglik
    bic = k * np.log(np.maximum(n, 1))[:, None] - 2 * loglik
    table = pd.DataFrame(
        {
            "feature": np.repeat(np.arange(features), count),
            "family": pd.Categorical.from_codes(
                np.tile(np.arange(count), features), [row.name for row in rows]
            ),
            "nonzero": np.repeat(n, count),
            "zero_fraction": np.repeat(codes.zero_fraction, count),
            "loglik": loglik.ravel(),
            "aic": aic.ravel(),
            "bic": bic.ravel(),
            "best": _best(aic, n).ravel(),
            "best_bic": _best(bic, n).ravel(),
            "flags": flags.ravel(),
        }
        | {name: value.ravel() for name, value in values.items()}
    )
    table.attrs["tokens"] = codes.tokens
    table.attrs["params"] = {row.name: list(row.params) for row in rows}
    return table


def _blank_irregular(row: Family, params: Floats, se: Floats) -> None:
    """Standard errors become nan where the family's regularity condition fails."""
    if row.regular == sympy.true:
        return
    regular = sympy.lambdify(list(row.params.values()), row.regular, "numpy")(*params)
    se[:, ~regular] = np.nan


def _note(
    flags: NDArray[Any],
    place: int,
    where: NDArray[np.int64],
    found: list[tuple[str, ...]],
    se: Floats,
    row: Family,
) -> None:
    silent = np.any(np.isnan(se), axis=0)
    for line, own in enumerate(found):
        if not own and silent[line] and row.regular != sympy.true:
            own = ("irregular",)
        if own:
            feature = where[line]
            flags[feature, place] = "; ".join(filter(None, [flags[feature, place], *own]))


def _best(criterion: Floats, n: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Per feature, the first family within ``2·TIE·n`` of the lowest criterion."""
    finite = np.where(np.isfinite(criterion), criterion, np.inf)
    lowest = finite.min(axis=1, keepdims=True)
    near = np.isfinite(finite) & (finite <= lowest + 2 * TIE * n[:, None])
    first = np.zeros_like(near)
    first[np.arange(len(near)), near.argmax(axis=1)] = near.any(axis=1)
    return first
