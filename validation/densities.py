"""Fitted families as functions: what a figure draws over a histogram."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy import stats
from sympy.codegen.cfunctions import log1p

from neglog.priors import symbols
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
    row, values = _row(of, params)
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


def negative_log(of: str | Family, params: Mapping[str, float]) -> sympy.Expr:
    """−log p(a) as an expression in ``a``, additive constants dropped: the penalty a fit implies.

    In neglog's symbol ``a``, for ``neglog.penalty(…, domain="positive")``; numbers are the
    shortest decimals that give these doubles. Raises InputError as ``log_density``.
    """
    row, values = _row(of, params)
    numbers = {symbol: sympy.Rational(repr(value)) for symbol, value in values.items()}
    expr = -row.logpdf.subs(numbers).replace(log1p, lambda x: sympy.log(1 + x))
    terms = sympy.Add.make_args(sympy.expand_log(expr, force=True))
    return sympy.Add(*(term for term in terms if term.has(A))).subs(A, symbols.a)


def scipy_law(of: str | Family, params: Mapping[str, float]) -> Any:
    """The fitted law as a frozen scipy distribution, or None where scipy has none."""
    row, values = _row(of, params)
    if row.scipy is None:
        return None
    return getattr(stats, row.scipy)(**dict(zip(row.params, values.values(), strict=True)))


def _row(of: str | Family, params: Mapping[str, float]) -> tuple[Family, dict[sympy.Symbol, float]]:
    row = family(of) if isinstance(of, str) else of
    missing = [name for name in row.params if name not in params]
    if missing:
        raise InputError(f"{row.name} needs the parameter {missing[0]}.")
    return row, {symbol: float(params[name]) for name, symbol in row.params.items()}
