"""One list of structured penalties, each small enough for brute force."""

import numpy as np

from neglog.priors.structured import ExclusiveGroups, GroupNorm, OneActive, PairwiseSupport


def coupled(d, *pairs):
    j = np.zeros((d, d))
    for i, k, c in pairs:
        j[i, k] = j[k, i] = c
    return j


ROWS = {
    "group norm": lambda domain: GroupNorm([0, 0, 1], domain),
    "exclusive groups": lambda domain: ExclusiveGroups([0, 0, 1], domain),
    "at most one": lambda domain: OneActive(3, spike=0.2, active=0.6, domain=domain),
    "one group": lambda domain: OneActive(
        groups=[0, 0, 1], spike=0.2, weights=[1, 3], domain=domain
    ),
    "pairwise": lambda domain: PairwiseSupport(
        [0.3, 0.2, 0.4], coupled(3, (0, 1, 2.0), (1, 2, -1.0)), spike=0.2, domain=domain
    ),
}


def penalties():
    return [(f"{name}, {dom}", make(dom)) for name, make in ROWS.items() for dom in DOMAINS]


DOMAINS = ("positive", "real")
