"""Held-out log-likelihood: how well a fit predicts values it has not seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes
from neglog.validation.families import Family
from neglog.validation.fitting import FamilyLike, Sort, fit_one, resolve
from neglog.validation.judging.comparing import clustered
from neglog.validation.judging.sequences import sample_sequences, sequence_numbers
from neglog.validation.pointwise import pointwise
from neglog.validation.portion import Portion, Source, samples
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch

if TYPE_CHECKING:
    import pandas as pd


def held_out(
    codes: Any,
    families: Sequence[FamilyLike] | None = None,
    *,
    folds: int = 5,
    sequence: ArrayLike | None = None,
    min_nonzero: int = 50,
    seed: int = 0,
) -> "pd.DataFrame":
    """Mean log-likelihood of values that the fit did not see, by cross-validation.

    Tokens are dealt into folds at random, whole sequences together where ``sequence`` (tokens,) is
    given; each fold is scored by fits to the others. A sketch has no tokens left: its counts are
    dealt out as if values were independent. min_nonzero: of the values outside a fold.

    Columns: feature, family, scored (values), score (nat per value), se (over values, or over
    sequences), behind (nat per value below the feature's best), behind_se (of that difference, in
    pairs), best. A value outside a fit's support scores −∞. Raises InputError as ``fit`` does, and
    for folds < 2.
    """
    source, rows = read_source(codes), resolve(families)
    if folds < 2:
        raise InputError(f"folds is {folds}; at least 2 are needed.")
    score = _Score(source.features, len(rows))
    for train, test, numbers in _deals(source, folds, sequence, seed):
        sort = Sort(train.source, min_nonzero, train.part)
        for chunk in sort.chunks():
            seen = sort.fitted[-1]
            unseen, keep = samples(test.source, seen, test.part, 1)
            if unseen is None:
                continue
            fits = [fit_one(row, chunk).params[:, keep] for row in rows]
            groups = _groups(test, seen[keep], numbers)
            score.add(seen[keep], rows, fits, unseen, groups)
    return score.table(rows, "sketch" if isinstance(source, Sketch) else "codes")


@dataclass(frozen=True)
class _Side:
    source: Source
    part: Portion


def _deals(
    source: Source, folds: int, sequence: ArrayLike | None, seed: int
) -> Iterator[tuple[_Side, _Side, NDArray[np.int64] | None]]:
    """(training side, test side, the tokens' sequences) for each fold."""
    rng = np.random.default_rng(seed)
    if isinstance(source, Sketch):
        if sequence is not None:
            sequence_numbers(source, sequence)  # raises, saying why
        parts = thinned(source, folds, rng)
        for k in range(folds):
            others = [part for i, part in enumerate(parts) if i != k]
            yield _Side(others[0].merge(*others[1:]), Portion()), _Side(parts[k], Portion()), None
        return
    numbers = sequence_numbers(source, sequence)
    count = int(numbers.max()) + 1
    if count < folds:
        raise InputError(f"{count} sequences cannot be dealt into {folds} folds.")
    fold = rng.permutation(np.arange(count) % folds)[numbers]
    for k in range(folds):
        inside = (fold == k).astype(np.float64)
        yield (
            _Side(source, Portion(weights=1 - inside)),
            _Side(source, Portion(weights=inside)),
            None if sequence is None else numbers,
        )


def thinned(sketch: Sketch, folds: int, rng: np.random.Generator) -> list[Sketch]:
    """A sketch's counts dealt into as many sketches at random; sums follow from the bins' means."""
    counts = rng.multinomial(sketch.counts, np.full(folds, 1 / folds))
    return [_share(sketch, counts[:, k], folds) for k in range(folds)]


def _share(sketch: Sketch, counts: NDArray[np.int64], folds: int) -> Sketch:
    keep = counts > 0
    reached = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])
    offsets = np.round(sketch.offsets * (counts / sketch.counts)).astype(np.int64)
    part = replace(
        sketch,
        tokens=max(sketch.tokens // folds, int(sketch.nonzero.max(initial=0))),
        indptr=reached[sketch.indptr],
        bins=sketch.bins[keep],
        counts=counts[keep],
        offsets=offsets[keep],
    )
    filled = np.flatnonzero(np.diff(part.indptr) > 0)
    sums: dict[str, Any] = {
        name: np.zeros(sketch.features) for name in ("square", "log", "log_square")
    }
    if len(filled):
        nodes = part.samples(filled, exact=False).original()
        sums["square"][filled] = nodes.sum(nodes.a**2)
        sums["log"][filled] = nodes.sum(nodes.log)
        sums["log_square"][filled] = nodes.sum(nodes.log**2)
    return replace(part, **sums)


def _groups(
    side: _Side, features: NDArray[np.int64], numbers: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    """The sequence of each scored sample."""
    if numbers is None:
        return None
    assert isinstance(side.source, Codes)
    assert side.part.weights is not None
    every = sample_sequences(side.source, features, numbers)
    inside = sample_sequences(side.source, features, (side.part.weights > 0).astype(np.int64))
    return every[inside > 0]


class _Score:
    """Sums of scores and of products of scores, from which means and paired errors follow."""

    def __init__(self, features: int, count: int) -> None:
        self.scored = np.zeros(features)
        self.total = np.zeros((count, features))
        self.products = np.zeros((count, count, features))

    def add(
        self,
        features: NDArray[np.int64],
        rows: list[Family],
        fits: list[Floats],
        unseen: Segments,
        groups: NDArray[np.int64] | None,
    ) -> None:
        values = [pointwise(row, params, unseen) for row, params in zip(rows, fits, strict=True)]
        self.scored[features] += unseen.n
        for i, value in enumerate(values):
            with np.errstate(invalid="ignore"):
                self.total[i, features] += unseen.sum(value)
            for j in range(i + 1):
                with np.errstate(invalid="ignore"):
                    d = value if i == j else value - values[j]
                    centred = d - unseen.spread(unseen.sum(d) / unseen.n)
                    spread = (
                        unseen.sum(centred**2)
                        if groups is None
                        else clustered(unseen, centred, groups)
                    )
                self.products[i, j, features] += spread
                self.products[j, i, features] = self.products[i, j, features]

    def table(self, rows: list[Family], source: str) -> "pd.DataFrame":
        import pandas as pd

        count, features = self.total.shape
        with np.errstate(all="ignore"):
            score = np.where(self.scored > 0, self.total / self.scored, np.nan)
            ranked = np.where(np.isnan(score), -np.inf, score)
            best = ranked.argmax(axis=0)
            here = np.arange(features)
            behind = score[best, here] - score
            se = np.sqrt(self.products[np.arange(count), np.arange(count)]) / self.scored
            behind_se = np.sqrt(self.products[best, :, here].T) / self.scored
        behind_se[best, here] = 0.0
        first = (np.arange(count)[:, None] == best) & np.isfinite(score)
        table = pd.DataFrame(
            {
                "feature": np.repeat(here, count),
                "family": np.tile([row.name for row in rows], features),
                "scored": np.repeat(self.scored.astype(np.int64), count),
                "score": score.T.ravel(),
                "se": np.where(self.scored > 0, se, np.nan).T.ravel(),
                "behind": behind.T.ravel(),
                "behind_se": np.where(self.scored > 0, behind_se, np.nan).T.ravel(),
                "best": first.T.ravel(),
            }
        )
        table.attrs["source"] = source
        return table
