"""Families truncated on the left: values at or below a cut were not recorded."""

from typing import TYPE_CHECKING

import sympy

from neglog.validation.full import free_parameter, one_branch
from neglog.validation.generic import generic_profile
from neglog.validation.normaliser import log_normaliser
from neglog.validation.profile import CUT, A

if TYPE_CHECKING:
    from neglog.validation.families import Family


def truncated(row: "Family") -> "Family":
    """The law of a given a > cut: log p(a) − log P(A > cut).

    Survival functions are closed where the table of laws has them; elsewhere log ∫_cut^∞ p is
    integrated numerically, with its derivatives (about ten digits; about four where the density
    has a kink). The parameters are those of the whole law.
    """
    from dataclasses import replace

    from neglog.validation.known import KNOWN
    from neglog.validation.laws import LAWS

    law = LAWS.get(row.name)
    logpdf = one_branch(row.logpdf, row)
    if law is not None and law.log_sf is not None:
        conditional, known = logpdf - law.log_sf, KNOWN
    else:
        # The normaliser of the whole law cancels, so only the terms in a are kept.
        energy = -sum(t for t in sympy.Add.make_args(sympy.expand(logpdf)) if t.has(A))
        symbols = [*row.params.values(), CUT]
        log_z, known = log_normaliser(symbols, energy.subs(A, A + CUT))
        conditional = -energy - log_z
    free = tuple(free_parameter(symbol) for symbol in row.params.values())
    profile = generic_profile(conditional, free, dict(row.params), known)
    return replace(row, logpdf=conditional, profile=profile)
