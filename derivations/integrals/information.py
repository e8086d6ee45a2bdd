"""Fisher's information about the scale: I = E[(λ a φ′(a) − 1)²] for the family p(a/s)/s at s = 1.

Where a φ′ is a sum of powers and of (y/k)^q/(1+(y/k)^q), its square times the density is again a
known integral: y^n only lowers the coefficient of log y by n/λ, and (1+(y/k)^q)^{−1} raises that of
its logarithm by 1/λ.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.terms import Term, Terms, terms_of
from neglog.priors.symbols import lam

Weight = tuple[sp.Expr, sp.Expr, Term | None]  # coefficient, power of y, term raised by 1/λ


def closed_information(side: Side) -> sp.Expr | None:
    """I in closed form where one expression holds on the half line; None where not known."""
    whole = side.whole
    if whole is None or whole is sp.oo:
        return None
    terms = terms_of(whole)
    weights = [_weight(term) for term in terms.terms]
    norm = transform(terms, sp.S.One)
    if norm is None or any(w is None for w in weights):
        return None
    total = sp.S.One
    for one in weights:
        assert one is not None
        first = _mean(terms, one, None, norm)
        if first is None:
            return None
        total -= 2 * lam * first
        for other in weights:
            second = _mean(terms, one, other, norm)
            if second is None:
                return None
            total += lam**2 * second
    return total


def _weight(term: Term) -> Weight | None:
    """y d/dy of a term as coefficient · y^power · (1+(y/k)^q)^{−1}."""
    match term.kind:
        case "power":
            return term.coefficient * term.parameters[0], term.parameters[0], None
        case "log":
            return term.coefficient, sp.S.Zero, None
        case "log-binomial":
            k, q = term.parameters
            return term.coefficient * q / k**q, q, term
    return None


def _mean(terms: Terms, one: Weight, other: Weight | None, norm: sp.Expr) -> sp.Expr | None:
    """E of a product of weights."""
    factors = [one] if other is None else [one, other]
    power = sum((w[1] for w in factors), sp.S.Zero)
    raised = terms
    for _, _, term in factors:
        if term is not None:
            raised = _raised(raised, term)
    found = transform(raised, 1 + power)
    if found is None:
        return None
    return sp.Mul(*[w[0] for w in factors]) * found / norm


def _raised(terms: Terms, term: Term) -> Terms:
    rows = [
        replace(t, coefficient=t.coefficient + 1 / lam)
        if (t.kind, t.parameters) == (term.kind, term.parameters)
        else t
        for t in terms.terms
    ]
    return replace(terms, terms=tuple(rows))
