"""What follows from a structured penalty: propriety, normaliser, dependence, conditional."""

from __future__ import annotations

import math
from functools import singledispatch
from itertools import product
from typing import Any

import numpy as np
from scipy.special import gammaln

from neglog.priors.errors import InputError
from neglog.priors.structured import (
    ExclusiveGroups,
    FixedSupport,
    GroupNorm,
    OneActive,
    PairwiseSupport,
    SharedThreshold,
)
from neglog.priors.structured.base import Structured

ENUMERABLE = 18  # features whose supports can be listed

Facts = dict[str, Any]


def facts(penalty: Structured, lam: float) -> Facts:
    """The derivation of a structured penalty at strength λ.

    Raises:
        InputError: λ is not a positive finite number.
    """
    if not 0 < lam < math.inf:
        raise InputError(f"lam must be a positive finite number, not {lam!r}.")
    return {
        "title": penalty.title,
        "reference": penalty.reference,
        "features": penalty.features,
        "domain": penalty.domain,
        "lam": lam,
        "proper": "always",
        **_of(penalty, lam),
    }


def _real(penalty: Structured) -> float:
    """log of the number of orthants."""
    return penalty.features * math.log(2) if penalty.domain == "real" else 0.0


@singledispatch
def _of(penalty: Structured, lam: float) -> Facts:
    raise InputError(f"nothing is derived of {penalty}.")


@_of.register
def _group_norm(penalty: GroupNorm, lam: float) -> Facts:
    n = penalty.groups.sizes
    # the sphere's share in one orthant, times ∫ r^{n−1} e^{−λr} dr = Γ(n)/λⁿ
    shell = math.log(2) + n / 2 * math.log(math.pi) - gammaln(n / 2) - n * math.log(2)
    return {
        "reason": "A sum of norms outgrows every multiple of log|a|.",
        "log_normalizer": float((shell + gammaln(n) - n * math.log(lam)).sum()) + _real(penalty),
        "dependence": "coactivating in groups, independent between them",
        "dependence_reason": "Within a group the cross derivative is -a_i*a_j/norm**3 <= 0: MTP2, "
        "positively associated; between groups it is 0.",
        "conditional": "Given its group's S = sum a_j**2 a feature has density proportional to "
        "exp(-lam*sqrt(S + a**2)).",
    }


@_of.register
def _exclusive(penalty: ExclusiveGroups, lam: float) -> Facts:
    n = penalty.groups.sizes
    # V·∫ s^{n−1} e^{−λs²} ds with V = 1/Γ(n)
    one = gammaln(n / 2) - math.log(2) - n / 2 * math.log(lam) - gammaln(n)
    return {
        "reason": "A sum of squares outgrows every multiple of log|a|.",
        "log_normalizer": float(one.sum()) + _real(penalty),
        "dependence": "exclusive in groups, independent between them",
        "dependence_reason": "Within a group the cross derivative is 2 >= 0: each pair is RR2, "
        "also with nothing given (Prekopa, 1973); between groups it is 0.",
        "conditional": "Given its group's S = sum |a_j| a feature is a half-normal of variance "
        "1/(2*lam) about -S, cut at 0.",
    }


@_of.register
def _one_active(penalty: OneActive, lam: float) -> Facts:
    sizes, d = penalty.groups.sizes, penalty.features
    log_z = None
    if lam == 1:  # the mixture is normalised: Z is one over its density at 0
        ratio = math.log(penalty.spike / penalty.slab)
        logs = np.concatenate(
            [[math.log1p(-penalty.active)], np.log(penalty.weights) + sizes * ratio]
        )
        log_z = d * math.log(penalty.spike) + _real(penalty)
        log_z -= float(np.logaddexp.reduce(logs))
    return {
        "reason": "At least sum |a|/slab, up to a constant.",
        "log_normalizer": log_z,
        "dependence": "exclusive"
        if len(sizes) == d
        else "exclusive between groups, coactivating in them",
        "dependence_reason": "With kappa = 1/spike - 1/slab and P_g the probability that group g "
        "is the active one, the cross derivative is kappa**2*P_g*P_h >= 0 between groups (RR2 "
        "given the others) and -kappa**2*P_g*(1 - P_g) <= 0 inside one.",
        "conditional": "A mixture of spike and slab whose odds fall with every other active group.",
        "expected_l0": float(penalty.weights @ sizes),
    }


@_of.register
def _pairwise(penalty: PairwiseSupport, lam: float) -> Facts:
    j = penalty.couplings
    sign = "independent" if len(j) == 0 else "exclusive" if (j > 0).all() else (
        "coactivating" if (j < 0).all() else "mixed")  # fmt: skip
    out: Facts = {
        "reason": "Spikes and slabs outgrow every multiple of log|a|; the couplings are bounded.",
        "log_normalizer": None,
        "dependence": sign,
        "dependence_reason": "The cross derivative of a coupled pair is J_ij*P_i'*P_j', which has "
        "the sign of J_ij since every P rises with its activation; it is 0 for other pairs.",
        "conditional": "A mixture of spike and slab with logit = logit(rate_i) - sum_j J_ij*P_j.",
        "couplings": len(j),
    }
    if penalty.features <= ENUMERABLE:
        law = support_law(penalty)
        out["expected_l0"] = float((law[1] * law[0].sum(1)).sum())
    return out


@_of.register
def _fixed(penalty: FixedSupport, lam: float) -> Facts:
    d, k = penalty.features, penalty.k
    return {
        "reason": "A finite mixture over supports; on each the slab is proper.",
        "log_normalizer": None,
        "dependence": "exclusive",
        "dependence_reason": "Supports of fixed size are negatively associated (Joag-Dev & "
        "Proschan, 1983): any two indicators have correlation -1/(d - 1).",
        "conditional": "Active exactly where k - 1 of the others are.",
        "support_correlation": -1 / (d - 1),
        "expected_l0": float(k),
        "var_l0": 0.0,
    }


@_of.register
def _shared(penalty: SharedThreshold, lam: float) -> Facts:
    d, k, batch = penalty.features, penalty.k, penalty.batch
    p, n = k / d, batch * d
    cov = -p * (1 - p) / (n - 1)
    return {
        "reason": "A finite mixture over supports; on each the slab is proper.",
        "log_normalizer": None,
        "dependence": "exclusive",
        "dependence_reason": "The batch's support of fixed size is negatively associated, by "
        "-1/(batch*d - 1); given the shared threshold features are independent.",
        "conditional": "Given the threshold: active with probability k/d, whatever the others do.",
        "support_correlation": -1 / (n - 1),
        "expected_l0": float(k),
        "var_l0": d * p * (1 - p) + d * (d - 1) * cov,
    }


def support_law(penalty: PairwiseSupport) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Every support z [2^d, d] and its probability under the Ising law.

    Raises:
        InputError: more features than can be listed.
    """
    d = penalty.features
    if d > ENUMERABLE:
        raise InputError(f"{d} features have too many supports to list; at most {ENUMERABLE}.")
    z = np.array(list(product((0.0, 1.0), repeat=d)))
    logs = z @ np.log(penalty.rates / (1 - penalty.rates))
    logs -= (penalty.couplings * z[:, penalty.rows] * z[:, penalty.columns]).sum(1)
    weights = np.exp(logs - logs.max())
    return z, weights / weights.sum()
