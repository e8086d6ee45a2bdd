"""Do features fire together, apart, or independently? A test for every pair."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes, read_codes
from neglog.validation.discovery import Discoveries
from neglog.validation.firing import (
    Firing,
    equal_rates,
    log_lower_tail,
    log_none,
    log_upper_tail,
    token_rates,
)
from neglog.validation.segments import Floats

BLOCK = 1 << 21  # pairs looked at together


@dataclass(frozen=True)
class Pair:
    """Two features and how often they fired together: observed, and expected if independent."""

    i: int
    j: int
    kind: str  # "exclusive" | "coactivating"
    observed: int
    expected: float
    log_ratio: float  # log((observed + ½)/(expected + ½))
    z: float
    q: float  # least false-discovery rate at which the pair is reported


@dataclass(frozen=True)
class Coactivation:
    """What the pairs show; counts are of pairs, discoveries at false-discovery rate ``alpha``."""

    tokens: int
    features: int  # with at least min_count active tokens
    pairs: int
    testable: int  # for exclusivity: never firing together would be significant at alpha
    testable_coactivating: int
    exclusive: int
    coactivating: int
    never_together: int
    never_together_untestable: int
    var_l0_ratio: float  # Var(L0)/Σp(1 − p): 1 if independent
    alpha: float
    null: str  # "token-rates" | "equal-rates"
    top: list[Pair] = field(repr=False)

    @property
    def exclusive_fraction(self) -> float:
        """Of the pairs that could have shown it."""
        return self.exclusive / max(self.testable, 1)

    @property
    def coactivating_fraction(self) -> float:
        return self.coactivating / max(self.testable_coactivating, 1)

    def to_json(self) -> dict[str, Any]:
        """The ``neglog.coactivation/1`` document."""
        return {
            "schema": "neglog.coactivation/1",
            **asdict(self),
            "exclusive_fraction": self.exclusive_fraction,
            "coactivating_fraction": self.coactivating_fraction,
        }


def coactivation(
    codes: Any,
    alpha: float = 0.05,
    top: int = 20,
    min_count: int = 10,
    rates: str = "token",
    sequence: NDArray[Any] | None = None,
    seed: int = 0,
) -> Coactivation:
    """Test every pair of features for firing apart (exclusive) or together (coactivating).

    The number of tokens on which both fire is compared with its law when features fire
    independently, given how often each feature fires and how many features fire on each token
    (``rates="token"``: exclusive and coactivating are then relative to what the tokens' budgets do
    to every pair). With ``rates="equal"`` all tokens have one rate and no budget: what makes tokens
    differ then counts as coactivation, and a fixed number of active features as exclusion.

    Each direction has one-sided p-values and its own Benjamini–Hochberg control at ``alpha``, over
    *testable* pairs: those whose rates allow significance at all. A pair that never fired together
    but was not expected to is not testable, and is not evidence.

    codes: tokens × features, anything ``read_codes`` takes. min_count: features with fewer active
    tokens are left out. top: pairs listed in each direction, by |z|. sequence (tokens,): which
    sequence a token belongs to; tokens of one sequence depend on each other, so one token of each,
    drawn with ``seed``, is used. Without it tokens are taken as independent, which overstates
    coactivation of features that are bursty.

    A TopK readout makes features compete and so manufactures exclusivity (all of it under "equal"
    rates, the part beyond a shared budget under "token"): no verdict without the same test on
    ``random_dictionary`` codes with the same readout beside it.

    Raises InputError for unreadable codes, fewer than two features left, or a bad argument.
    """
    if not 0 < alpha < 0.3:
        raise InputError(f"alpha is {alpha}; a false-discovery rate lies between 0 and 0.3.")
    if rates not in ("token", "equal"):
        raise InputError(f"rates is {rates!r}; it must be 'token' or 'equal'.")
    if top < 0 or min_count < 1:
        raise InputError(f"top is {top} and min_count {min_count}; they must be ≥ 0 and ≥ 1.")
    record = read_codes(codes)
    fired = _fired(record, sequence, seed)
    counts = np.diff(fired.indptr)
    active = np.flatnonzero((counts >= min_count) & (counts < fired.shape[0]))
    if len(active) < 2:
        raise InputError(
            f"only {len(active)} of {record.features} features fire on at least {min_count} tokens "
            "(and not on all): coactivation needs two; lower min_count or give more tokens."
        )
    l0 = np.bincount(fired.indices, minlength=fired.shape[0])
    p = counts / fired.shape[0]
    var_l0_ratio = float(l0.var() / (p * (1 - p)).sum())
    fired, counts = fired[:, active], counts[active]
    if rates == "token":
        per_token = np.bincount(fired.indices, minlength=fired.shape[0])
        null = token_rates(counts, per_token)
    else:
        null = equal_rates(counts, fired.shape[0])
    tally = _Tally(null, counts, alpha, top)
    for rows, columns, together in _blocks(fired):
        tally.add(rows, columns, together)
    size = len(active)
    return Coactivation(
        tokens=fired.shape[0],
        features=size,
        pairs=size * (size - 1) // 2,
        testable=tally.apart.tests,
        testable_coactivating=tally.joint.tests,
        exclusive=tally.apart.rejected(alpha),
        coactivating=tally.joint.rejected(alpha),
        never_together=tally.never,
        never_together_untestable=tally.never_untestable,
        var_l0_ratio=var_l0_ratio,
        alpha=alpha,
        null=f"{rates}-rates",
        top=tally.listed(active),
    )


def _fired(codes: Codes, sequence: NDArray[Any] | None, seed: int) -> sparse.csc_array:
    """0/1 matrix (tokens, features), one token of each sequence if sequences are given."""
    ones = np.ones(len(codes.values), dtype=np.int32)
    shape = (codes.tokens, codes.features)
    fired = sparse.csc_array((ones, codes.rows, codes.indptr), shape=shape)
    if sequence is None:
        return fired
    sequence = np.asarray(sequence)
    if sequence.shape != (codes.tokens,):
        raise InputError(
            f"sequence has shape {sequence.shape}; it must name a sequence for each of the "
            f"{codes.tokens} tokens."
        )
    order = np.random.default_rng(seed).permutation(codes.tokens)
    _, first = np.unique(sequence[order], return_index=True)
    return sparse.csc_array(fired.tocsr()[np.sort(order[first])])


def _blocks(fired: sparse.csc_array) -> Iterator[tuple[slice, slice, Floats]]:
    """Co-firing counts of the features in ``rows`` with those in ``columns`` (rows onwards)."""
    size = fired.shape[1]
    by_feature = sparse.csr_array(fired.T)
    start = 0
    while start < size:
        stop = min(size, start + max(1, BLOCK // (size - start)))
        rows, columns = slice(start, stop), slice(start, size)
        together = by_feature[start:stop] @ fired[:, start:]
        yield rows, columns, together.toarray().astype(float)
        start = stop


def _reachable(most: Floats, mean: Floats, variance: Floats, log_alpha: float) -> NDArray[Any]:
    """Whether firing together as often as possible would be significant.

    Chernoff's bound log P(X ≥ k) ≤ k − μ − k log(k/μ) settles nearly all pairs.
    """
    can = most - mean - most * np.log(most / mean) <= log_alpha
    can &= most > mean
    unsure = np.flatnonzero(~can)
    can[unsure] = log_upper_tail(most[unsure], mean[unsure], variance[unsure]) <= log_alpha
    return np.asarray(can)


class _Tally:
    """Running counts and the most striking pairs of each direction."""

    def __init__(self, null: Firing, counts: NDArray[np.int64], alpha: float, top: int) -> None:
        self.null, self.counts, self.alpha, self.top = null, counts, alpha, top
        self.apart, self.joint = Discoveries(), Discoveries()
        self.never = self.never_untestable = 0
        self.best: dict[str, list[NDArray[Any]]] = {"exclusive": [], "coactivating": []}

    def add(self, rows: slice, columns: slice, together: Floats) -> None:
        upper = np.triu(np.ones(together.shape, dtype=bool), k=1)
        i, j = (x.astype(np.int64) for x in np.nonzero(upper))
        observed = together[upper]
        mean, variance = (x[upper] for x in self.null.moments(rows, columns))
        i, j = i + rows.start, j + columns.start
        z = (observed - mean) / np.sqrt(variance)
        never = observed == 0
        log_alpha = np.log(self.alpha)

        can = log_none(mean, variance) <= log_alpha
        self.never += int(never.sum())
        self.never_untestable += int((never & ~can).sum())
        # A count on the far side of the mean has p ≥ about ½: it is counted, not computed.
        low = can & (observed < mean)
        log_p = log_lower_tail(observed[low], mean[low], variance[low])
        self.apart.add(log_p, int(can.sum()))
        self._remember("exclusive", -z[low], log_p, i[low], j[low], observed[low], mean[low])

        most = np.minimum(self.counts[i], self.counts[j]).astype(float)
        can = _reachable(most, mean, variance, log_alpha)
        high = can & (observed > mean)
        log_p = log_upper_tail(observed[high], mean[high], variance[high])
        self.joint.add(log_p, int(can.sum()))
        self._remember("coactivating", z[high], log_p, i[high], j[high], observed[high], mean[high])

    def _remember(self, kind: str, size: Floats, *columns: NDArray[Any]) -> None:
        """Keep the ``top`` largest sizes of this block."""
        if self.top:
            keep = np.argsort(-size, kind="stable")[: self.top]
            self.best[kind].append(np.stack([size[keep], *(c[keep] for c in columns)], axis=1))

    def listed(self, active: NDArray[np.int64]) -> list[Pair]:
        """The discoveries with the largest |z|, exclusive ones first."""
        out = []
        for kind, tests in (("exclusive", self.apart), ("coactivating", self.joint)):
            if not self.best[kind]:
                continue
            rows = np.concatenate(self.best[kind])
            rows = rows[np.argsort(-rows[:, 0], kind="stable")][: self.top]
            sign = -1 if kind == "exclusive" else 1
            for (size, _, i, j, seen, mean), q in zip(rows, tests.q(rows[:, 1]), strict=True):
                if q <= self.alpha:
                    ratio = float(np.log((seen + 0.5) / (mean + 0.5)))
                    pair = Pair(
                        int(active[int(i)]), int(active[int(j)]), kind, int(seen), float(mean),
                        ratio, float(sign * size), float(q),
                    )  # fmt: skip
                    out.append(pair)
        return out
