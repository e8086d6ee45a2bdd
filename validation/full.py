"""A family's likelihood in its reported parameters, nothing eliminated."""

from typing import TYPE_CHECKING

import sympy

from neglog.validation.generic import generic_profile
from neglog.validation.profile import Free, Profile, constant

if TYPE_CHECKING:
    from neglog.validation.families import Family

EDGE = -0.999  # of a shape that may be negative: beyond −1 the likelihood is unbounded
HOLE = 1e-5  # such a shape is kept this far from 0, where the density is a limit


def full_profile(row: "Family") -> Profile:
    """ℓ in the parameters of ``row.params``, in that order.

    The corner and the limits of the family's own profile are not in it.
    """
    free = tuple(free_parameter(symbol) for symbol in row.params.values())
    return generic_profile(one_branch(row.logpdf, row), free, dict(row.params), row.profile.known)


def one_branch(expr: sympy.Expr, row: "Family") -> sympy.Expr:
    """The expression without the branch for a shape that is exactly 0: its limit."""
    signed = any(not symbol.is_positive for symbol in row.params.values())
    return expr.args[-1].expr if signed and isinstance(expr, sympy.Piecewise) else expr


def free_parameter(symbol: sympy.Symbol) -> Free:
    """A positive parameter searched in its logarithm; one that can be negative, from −1 on."""
    if symbol.is_positive:
        return Free(symbol, constant(1.0), low=constant(1e-10))
    return Free(symbol, constant(0.1), low=constant(EDGE), offset=1, hole=constant(HOLE))
