"""The null of co-firing: features fire independently, each with its rate, on tokens with theirs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from neglog.validation.segments import Floats

LEVELS = 64  # tokens are grouped by their number of active features into at most this many groups
TOLERANCE = 1e-6  # relative error of the fitted margins
MAX_SWEEPS = 500


@dataclass(frozen=True)
class Firing:
    """P[i fires on a token of level k] = ``p[i, k]`` (features, levels); ``m[k]`` tokens each.

    ``budget``: a token's number of active features is given, not only its rate. Tokens on which
    no feature fires can hold no pair and are left out.
    """

    p: Floats
    m: Floats
    budget: bool

    def moments(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Mean and variance of the co-firing counts of rows × columns, given the margins.

        With q = 1 − p and S_k = Σ_l p_lk q_lk:

            E = Σ_k m_k (p_ik p_jk − p_ik q_ik p_jk q_jk / S_k),    V = Σ_k m_k p_ik q_ik p_jk q_jk,

        The correction, absent without ``budget``, is the covariance of independent indicators given
        their total (Hájek 1964, Asymptotic theory of rejective sampling): features that share a
        budget exclude each other a little, by a factor 1 − 1/L0 where rates are low. V is the
        variance of Σ_t (x_ti − p_ti)(x_tj − p_tj), to which C − E reduces once the margins are
        matched (one level: the hypergeometric variance). The correction of E scales it too.
        """
        a, b = self.p[rows], self.p[columns]
        free_a, free_b = a * (1 - a), b * (1 - b)
        mean, variance = (a * self.m) @ b.T, (free_a * self.m) @ free_b.T
        if self.budget:
            total = (self.p * (1 - self.p)).sum(axis=0)
            shared = (free_a * (self.m / np.maximum(total, 1e-300))) @ free_b.T
            kept = np.maximum(1 - shared / mean, 1e-9)
            mean, variance = mean * kept, variance * kept
        return mean, variance


@dataclass(frozen=True)
class SequenceFiring:
    """Each feature's number of active tokens in each sequence is kept; where in it is chance.

    ``counts`` (features, sequences) sparse; ``m`` (sequences,) tokens each.
    """

    counts: sparse.csr_array
    m: Floats

    def moments(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Mean and variance of co-firing counts: a hypergeometric law in each sequence, added.

        E = Σ_s n_is n_js/m_s and V = Σ_s n_is(m_s − n_is) n_js(m_s − n_js)/(m_s²(m_s − 1)). Pairs
        that share no sequence have E = 0 and can show nothing.
        """
        a, b = self.counts[rows], self.counts[columns]
        mean = (a @ sparse.diags_array(1 / self.m) @ b.T).toarray()
        shape = 1 / (self.m**2 * np.maximum(self.m - 1, 1))
        left, right = _free(a, self.m), _free(b, self.m)
        variance = (left @ sparse.diags_array(shape) @ right.T).toarray()
        mean = np.maximum(mean, 1e-12)
        return mean, np.clip(variance, 1e-12, None)


def _free(counts: sparse.csr_array, m: Floats) -> sparse.csr_array:
    """n(m − n) at the stored entries."""
    out = counts.copy()
    out.data = out.data * (m[out.indices] - out.data)
    return out


def sequence_rates(fired: sparse.csc_array, sequence: NDArray[Any]) -> SequenceFiring:
    """The null that keeps every feature's rate in every sequence (tokens,): only order is free."""
    _, place, m = np.unique(sequence, return_inverse=True, return_counts=True)
    member = sparse.csr_array(
        (np.ones(len(place)), (place, np.arange(len(place)))), shape=(len(m), len(place))
    )
    counts = sparse.csr_array((member @ fired).T, dtype=float)
    return SequenceFiring(counts, m.astype(float))


def equal_rates(counts: NDArray[np.int64], tokens: int) -> Firing:
    """The null with one rate for all tokens: p = count/tokens."""
    return Firing((counts / tokens)[:, None], np.array([float(tokens)]), budget=False)


def token_rates(counts: NDArray[np.int64], per_token: NDArray[np.int64]) -> Firing:
    """The maximum-entropy null given the features' counts and the tokens' numbers of active ones.

    logit p_ti = α_t + β_i, fitted so that Σ_t p_ti and Σ_i p_ti equal what was observed; α depends
    on a token's number of active features only, so tokens are grouped by it. The idea is that of
    Canisius, Martens and Wessels (2016), A novel independence test for somatic alterations in
    cancer shows that biology drives mutual exclusivity but chance explains most co-occurrence;
    the tokens' numbers being given as well removes what a shared budget (TopK) does to all pairs.
    """
    level, m = _levels(per_token[per_token > 0])
    alpha = special.logit(np.clip(level / len(counts), 1e-12, 1 - 1e-12))
    beta = special.logit(np.clip(counts / m.sum(), 1e-12, 1 - 1e-12)) - np.average(alpha, weights=m)
    for _ in range(MAX_SWEEPS):
        p = special.expit(beta[:, None] + alpha)
        off = np.abs(p @ m / counts - 1).max()
        beta += _newton(counts, p @ m, (p * (1 - p)) @ m)
        p = special.expit(beta[:, None] + alpha)
        off = max(off, np.abs(p.sum(axis=0) / level - 1).max())
        if off < TOLERANCE:
            break
        alpha += _newton(level, p.sum(axis=0), (p * (1 - p)).sum(axis=0))
    return Firing(special.expit(beta[:, None] + alpha), m, budget=True)


def _newton(target: NDArray[Any], value: Floats, slope: Floats) -> Floats:
    return np.clip((target - value) / np.maximum(slope, 1e-300), -2.0, 2.0)


def _levels(active: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean number of active features, and number of tokens, of each group of similar tokens."""
    values, tokens = np.unique(active, return_counts=True)
    if len(values) <= LEVELS:
        return values.astype(float), tokens.astype(float)
    group = (np.cumsum(tokens) - 1) * LEVELS // tokens.sum()
    _, group = np.unique(group, return_inverse=True)
    m = np.bincount(group, tokens).astype(float)
    return np.bincount(group, values * tokens) / m, m


def log_lower_tail(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """log P(X ≤ count) for the binomial law of this mean and variance (Poisson where equal)."""
    return _log(_cdf(count, mean, variance))


def log_upper_tail(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """log P(X ≥ count) for the same law; Poisson, whose tail is longer, where it is a few trials.

    Mean and variance of a hypergeometric law with counts of three or so ask for a binomial law of
    fewer trials than can be observed, which would call what is observed impossible.
    """
    rate, size = _binomial(mean, variance)
    rate = np.where(2 * count > size, 0.0, rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        tail = np.where(
            rate > 0,
            special.betainc(np.maximum(count, 1e-300), np.maximum(size - count + 1, 1e-12), rate),
            special.gammainc(np.maximum(count, 1e-300), mean),
        )
    return _log(np.where(count <= 0, 1.0, np.where((rate > 0) & (count > size + 1), 0.0, tail)))


def log_none(mean: Floats, variance: Floats) -> Floats:
    """log P(X = 0) for the same law."""
    rate, size = _binomial(mean, variance)
    return np.where(rate > 0, np.where(rate > 0, size, 0.0) * np.log1p(-rate), -mean)


def _binomial(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Rate 1 − V/E and size E/rate; rate 0 stands for Poisson."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = 1 - variance / mean
    rate = np.where(rate > 1e-6, np.minimum(rate, 1 - 1e-12), 0.0)
    return rate, np.where(rate > 0, mean / np.where(rate > 0, rate, 1.0), np.inf)


def _cdf(count: Floats, mean: Floats, variance: Floats) -> Floats:
    rate, size = _binomial(mean, variance)
    room = np.maximum(np.where(np.isfinite(size), size, 1.0) - count, 1e-12)
    binomial = special.betainc(room, count + 1, 1 - rate)
    binomial = np.where(count >= size, 1.0, binomial)
    return np.where(rate > 0, binomial, special.gammaincc(count + 1, mean))


def _log(p: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(p)
