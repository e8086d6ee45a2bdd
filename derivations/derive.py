"""Penalty → Prior: the Python face of the derivation."""

from __future__ import annotations

from neglog.derivations.service import derive as ask
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior


def derive(phi: Penalty, timeout: float = 10.0) -> Prior:
    """The prior of a penalty, derived in a worker process within ``timeout`` seconds, cached.

    Raises:
        InputError: no answer within the timeout.

    >>> from neglog import penalty
    >>> derive(penalty("log(1+abs(a))")).normalizer
    2/(lam - 1)
    """
    return Prior(phi, ask({"penalty": str(phi.expr), "domain": phi.domain, "timeout": timeout}))
