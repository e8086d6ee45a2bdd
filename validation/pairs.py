"""Do features fire together, apart, or independently? A test for every pair."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.codes import Codes, read_codes
from neglog.validation.dependence import autocorrelations, series_inflation
from neglog.validation.firing import equal_rates, sequence_rates, token_rates
from neglog.validation.spread import l0_spread
from neglog.validation.tally import Pair, Tally

BLOCK = 1 << 20  # pairs looked at together


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
    var_l0_null_sd: float  # of that ratio, if independent
    var_l0_z: float
    alpha: float
    null: str  # "token-rates" | "sequence-rates" | "equal-rates"
    lags: int  # dependence of tokens is counted up to here; 0: taken as independent
    mean_dependence: float  # factor on the null's variance, mean over pairs
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
    lags: int = 0,
    progress: bool = False,
) -> Coactivation:
    """Test every pair of features for firing apart (exclusive) or together (coactivating).

    The number of tokens on which both fire is compared with its law when features fire
    independently. What that null keeps is the choice of ``rates``:

    * ``token``: how often each feature fires and how many features fire on each token (exclusive
      and coactivating are then relative to what the tokens' budgets do to every pair: the null for
      TopK);
    * ``sequence``: how often each feature fires in each sequence, so that only what happens within
      sequences counts (needs ``sequence``);
    * ``equal``: how often each feature fires; what makes tokens differ then counts as coactivation,
      and a fixed number of active features as exclusion.

    Tokens of a sequence depend on each other. With ``lags`` = L > 0 the null's variance is
    multiplied by 1 + 2Σ_{l≤L} ρ_i(l)ρ_j(l), never less than 1: the variance over circular shifts of
    one feature against the other (see ``dependence``). Without lags but with ``sequence`` (tokens,)
    and token or equal rates, one token of each sequence, drawn with ``seed``, is used. With
    neither, tokens are taken as independent, which overstates what bursty features show.

    The families of hypotheses: all testable pairs for exclusion, and all testable pairs for
    coactivation. In each, one-sided p-values are controlled by Benjamini–Hochberg at ``alpha`` over
    the whole run, however many blocks it is streamed in. *Testable* are pairs whose rates allow
    significance at all: a pair that never fired together but was not expected to is not testable,
    and is not evidence.

    codes: tokens × features, anything ``read_codes`` takes. min_count: features with fewer active
    tokens are left out. top: pairs listed in each direction, by |z|, with a 95% interval of their
    ratio. Memory: the codes, a block of 2²⁰ pairs, and the list.

    A TopK readout makes features compete and so manufactures exclusivity (all of it under "equal"
    rates, the part beyond a shared budget under "token"): no verdict without the same test on
    ``random_dictionary`` codes with the same readout beside it.

    Raises InputError for unreadable codes, fewer than two features left, or a bad argument.
    """
    _check(alpha, rates, top, min_count, lags, sequence)
    record = read_codes(codes)
    fired = _fired(record)
    if sequence is not None:
        sequence = _sequence(sequence, record.tokens)
        if not lags and rates != "sequence":
            fired, sequence = _thinned(fired, sequence, seed), None
    tokens = fired.shape[0]
    counts = np.diff(fired.indptr)
    active = np.flatnonzero((counts >= min_count) & (counts < tokens))
    if len(active) < 2:
        raise InputError(
            f"only {len(active)} of {record.features} features fire on at least {min_count} tokens "
            "(and not on all): coactivation needs two; lower min_count or give more tokens."
        )
    l0 = np.bincount(fired.indices, minlength=tokens)
    squares = (l0 - l0.mean()) ** 2
    spread = l0_spread(l0, counts / tokens, series_inflation(squares, lags, sequence))
    fired, counts = fired[:, active], counts[active]
    rho = autocorrelations(fired, lags, sequence) if lags else None
    null: Any
    if rates == "token":
        null = token_rates(counts, np.bincount(fired.indices, minlength=tokens))
    elif rates == "sequence":
        assert sequence is not None
        null = sequence_rates(fired, sequence)
    else:
        null = equal_rates(counts, tokens)
    tally = Tally(null, counts, alpha, top, rho)
    size = len(active)
    with progress_bar("pairs", size * (size - 1) // 2, progress) as advance:
        for rows, columns, together in blocks(fired):
            advance(tally.add(rows, columns, together), "")
    return Coactivation(
        tokens=tokens,
        features=size,
        pairs=size * (size - 1) // 2,
        testable=tally.apart.tests,
        testable_coactivating=tally.joint.tests,
        exclusive=tally.apart.rejected(alpha),
        coactivating=tally.joint.rejected(alpha),
        never_together=tally.never,
        never_together_untestable=tally.never_untestable,
        var_l0_ratio=spread.ratio,
        var_l0_null_sd=spread.null_sd,
        var_l0_z=spread.z,
        alpha=alpha,
        null=f"{rates}-rates",
        lags=lags,
        mean_dependence=tally.dependence / (size * (size - 1) / 2),
        top=tally.listed(active),
    )


def _check(alpha: float, rates: str, top: int, min_count: int, lags: int, sequence: Any) -> None:
    if not 0 < alpha < 0.3:
        raise InputError(f"alpha is {alpha}; a false-discovery rate lies between 0 and 0.3.")
    if rates not in ("token", "sequence", "equal"):
        raise InputError(f"rates is {rates!r}; it must be 'token', 'sequence' or 'equal'.")
    if top < 0 or min_count < 1:
        raise InputError(f"top is {top} and min_count {min_count}; they must be ≥ 0 and ≥ 1.")
    if lags < 0:
        raise InputError(f"lags is {lags}; it must be 0 or more.")
    if rates == "sequence" and sequence is None:
        raise InputError("rates 'sequence' needs sequence: which sequence each token is of.")


def _fired(codes: Codes) -> sparse.csc_array:
    """0/1 matrix (tokens, features)."""
    ones = np.ones(len(codes.values), dtype=np.int32)
    shape = (codes.tokens, codes.features)
    return sparse.csc_array((ones, codes.rows, codes.indptr), shape=shape)


def _sequence(sequence: Any, tokens: int) -> NDArray[Any]:
    found = np.asarray(sequence)
    if found.shape != (tokens,):
        raise InputError(
            f"sequence has shape {found.shape}; it must name a sequence for each of the "
            f"{tokens} tokens."
        )
    return found


def read_sequence(path: str | Path) -> NDArray[Any]:
    """Which sequence each token is of, from a ``.npy`` file."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as sequence numbers ({error}).") from error


def _thinned(fired: sparse.csc_array, sequence: NDArray[Any], seed: int) -> sparse.csc_array:
    """One token of each sequence."""
    order = np.random.default_rng(seed).permutation(len(sequence))
    _, first = np.unique(sequence[order], return_index=True)
    return sparse.csc_array(fired.tocsr()[np.sort(order[first])])


def blocks(fired: sparse.csc_array, every: int = 1) -> Iterator[tuple[slice, slice, NDArray[Any]]]:
    """Co-firing counts of the features in ``rows`` with those in ``columns`` (rows onwards).

    ``every`` n-th block only, to measure how long they take.
    """
    size = fired.shape[1]
    by_feature, by_token = sparse.csr_array(fired.T), sparse.csr_array(fired)
    start = number = 0
    while start < size:
        stop = min(size, start + max(1, BLOCK // (size - start)))
        if number % every == 0:
            together = (by_feature[start:stop] @ by_token).toarray()[:, start:]
            yield slice(start, stop), slice(start, size), together
        start, number = stop, number + 1
