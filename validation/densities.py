"""Fitted families as functions: what a figure draws over a histogram."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation.families import Family, family
from neglog.validation.numeric import numpy_function
from neglog.validation.profile import A

Curve = Callable[[Any], NDArray[np.float64]]


def log_density(of: str | Family, params: Mapping[str, float]) -> Curve:
    """log p(a) in nats, vectorised over a; −∞ outside the support.

    params: by name, as in the table of ``fit``; extra entries are ignored. Raises InputError for
    an unknown family or a parameter that is missing.
    """
    row = family(of) if isinstance(of, str) else of
    missing = [name for name in row.params if name not in params]
    if missing:
        raise InputError(f"{row.name} needs the parameter {missing[0]}.")
    values = {symbol: float(params[name]) for name, symbol in row.params.items()}
    function = numpy_function([A, *values], [row.logpdf], row.profile.known)

    def curve(a: Any) -> NDArray[np.float64]:
        a = np.asarray(a, dtype=np.float64)
        with np.errstate(all="ignore"):
            out = np.broadcast_to(function(a, *values.values())[0], a.shape)
        return np.where((a > 0) & ~np.isnan(out), out, -np.inf)

    return curve


def density(of: str | Family, params: Mapping[str, float]) -> Curve:
    """p(a), vectorised over a; 0 outside the support. Arguments as ``log_density``."""
    curve = log_density(of, params)
    return lambda a: np.exp(curve(a))


def scipy_law(of: str | Family, params: Mapping[str, float]) -> Any:
    """The fitted law as a frozen scipy distribution, or None where scipy has none."""
    row = family(of) if isinstance(of, str) else of
    if row.scipy is None:
        return None
    return getattr(stats, row.scipy)(**{name: float(params[name]) for name in row.params})
