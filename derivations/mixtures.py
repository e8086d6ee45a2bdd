"""Scale mixtures: exp(−λφ) as an average of normal or Laplace densities over a random scale."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.derivations.terms import Terms
from neglog.priors.symbols import lam


def scale_mixture(terms: Terms) -> dict[str, str] | None:
    """What the prior mixes and the law it mixes over; None where no row is known.

    West, On scale mixtures of normal distributions, 1987; Andrews & Mallows, 1974.
    """
    if terms.log_coefficient != 0 or len(terms.terms) != 1:
        return None
    term = terms.terms[0]
    p = simplified(lam * term.coefficient)
    match term.kind:
        case "power":
            return _of_power(p, term.parameters[0])
        case "log-binomial":
            return _of_log_binomial(p, *term.parameters)
        case "sqrt-binomial":
            (k,) = term.parameters
            return {
                "of": "normal",
                "mixing": f"variance ~ geninvgauss(p=1, b={simplified(p * k)}, scale={k}/({p}))",
            }
    return None


def _of_power(p: sp.Expr, q: sp.Expr) -> dict[str, str] | None:
    if q == 2:
        return {"of": "normal", "mixing": f"variance = {simplified(1 / (2 * p))}"}
    if q == 1:
        return {"of": "normal", "mixing": f"variance ~ expon(scale={simplified(2 / p**2)})"}
    if q.is_number and 0 < q < 2:
        return {
            "of": "normal",
            "mixing": f"precision ~ positive stable({q / 2}), tilted by precision**(-1/2)",
        }
    return None


def _of_log_binomial(p: sp.Expr, k: sp.Expr, q: sp.Expr) -> dict[str, str] | None:
    if q == 2:
        shape = simplified(p - sp.S.Half)
        return {"of": "normal", "mixing": f"variance ~ invgamma(a={shape}, scale={k**2 / 2})"}
    if q == 1:
        shape = simplified(p - 1)
        return {"of": "Laplace", "mixing": f"rate ~ gamma(a={shape}, scale={1 / k})"}
    return None
