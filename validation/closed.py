"""log Z of a penalty's prior from its derivation, where closed and numpy can evaluate it."""

from collections.abc import Sequence

import numpy as np
import sympy

from neglog.priors.penalty import Penalty
from neglog.validation.known import KNOWN, log_erfc
from neglog.validation.normaliser import log_normaliser
from neglog.validation.numeric import numpy_function

SECONDS = 10.0  # for the derivation
AGREEMENT = 1e-7  # with quadrature, of log Z and its derivatives, relative
POINTS = (0.7, 1.3, 2.6, 4.1)  # numbers put in for the symbols


def closed_log_normaliser(
    phi: Penalty,
    fixed: dict[sympy.Symbol, int],
    symbols: Sequence[sympy.Symbol],
    energy: sympy.Expr,
) -> tuple[sympy.Expr, sympy.Basic] | None:
    """log Z in ``symbols`` and the condition under which it is finite; None where not closed.

    ``fixed`` are parameters that hold a number. The expression and its first and second derivatives
    are compared with quadrature of exp(−energy): what numpy cannot evaluate, or evaluates
    inaccurately, is not returned.
    """
    prior = phi.prior(timeout=SECONDS)
    found, when = prior.normalizer, prior.proper_when
    if found is None or when is None or when == sympy.false:
        return None
    names = {str(s): s for s in symbols} | {str(s): sympy.Integer(n) for s, n in fixed.items()}
    here = {s: names[str(s)] for s in (found.free_symbols | when.free_symbols) if str(s) in names}
    log_z = _logarithm(found.subs(here))
    condition = sympy.sympify(when).subs(here)
    if not log_z.free_symbols <= set(symbols) or not condition.free_symbols <= set(symbols):
        return None
    return (log_z, condition) if _agrees(log_z, condition, list(symbols), energy) else None


def _logarithm(z: sympy.Expr) -> sympy.Expr:
    """log Z with log Γ and log erfc as functions that do not overflow."""
    safe = sympy.expand_log(sympy.log(z), force=True)
    safe = safe.replace(
        lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.gamma),
        lambda e: sympy.loggamma(e.args[0].args[0]),
    )
    return safe.replace(
        lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.erfc),
        lambda e: log_erfc(e.args[0].args[0]),
    )


def _agrees(
    log_z: sympy.Expr, condition: sympy.Basic, symbols: list[sympy.Symbol], energy: sympy.Expr
) -> bool:
    numeric, known = log_normaliser(symbols, energy)
    index = [(), *((i,) for i in range(len(symbols)))]
    index += [(i, j) for i in range(len(symbols)) for j in range(i, len(symbols))]
    ours = [sympy.diff(log_z, *(symbols[i] for i in at)) if at else log_z for at in index]
    theirs = [sympy.diff(numeric, *(symbols[i] for i in at)) if at else numeric for at in index]
    if any(e.has(sympy.Derivative, sympy.Subs, sympy.Integral, sympy.meijerg) for e in ours):
        return False
    shifts = np.array([[POINTS[(k + 2 * i) % len(POINTS)] for k in range(len(POINTS))]
                       for i in range(len(symbols))])  # fmt: skip
    inside = np.broadcast_to(
        sympy.lambdify(symbols, condition, "numpy")(*shifts), shifts.shape[1:]
    ).astype(bool)
    if not inside.any():
        return False
    points = shifts[:, inside]
    try:
        values = numpy_function(symbols, ours, KNOWN)(*points)
    except (NameError, TypeError, AttributeError):
        return False  # a function that neither scipy nor numpy has
    with np.errstate(all="ignore"):
        truth = numpy_function(symbols, theirs, known)(*points)
        near = [np.allclose(v, t, rtol=AGREEMENT, atol=AGREEMENT)
                for v, t in zip(values, truth, strict=True)]  # fmt: skip
    return all(near)
