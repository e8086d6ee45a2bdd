"""When a joint prior is a mixture of independent ones with a random strength, and of which.

exp(−λg(s)) = ∫ e^{−rs} μ(dr) exactly if it is completely monotone in s (Bernstein, 1929, Sur les
fonctions absolument monotones). With s = Σu(aᵢ) the features are then independent given r, each
with density e^{−ru(a)}/Z₁(r), and r has the law Z₁(r)^d μ(dr)/Z: features share r and nothing else,
and a shared strength makes them fire together. A convex g cannot be one: mixtures of exponentials
are log-convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.joint.budget import shape
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.numbers import simplified
from neglog.derivations.shapes.bernstein import mixes, rebuilt
from neglog.priors.symbols import d, lam, y

SECONDS = 1.5
RATE = "r"


@dataclass(frozen=True)
class StrengthMixture:
    """``of``: one feature given r; ``mixing``: the law of r; None where there is no mixture."""

    of: str | None
    mixing: str | None
    when: str | None
    reason: str


def strength_mixture(total: OneTotal) -> StrengthMixture:
    """Whether the prior of one total is a mixture over a random strength, and the law of it."""
    if total.largest:
        return StrengthMixture(None, None, None, "The maximum is not a sum over features.")
    bend = simplified(sp.diff(total.g, s, 2))
    if bend == 0:
        return StrengthMixture(None, None, None, "phi is linear in its total: independent.")
    terms = within(SECONDS, lambda: terms_of(total.g.subs(s, y)), None)
    form = total.g.subs(s, y) if terms is None else rebuilt(terms)
    when = within(SECONDS, lambda: mixes(form, square=False), None)
    if when is None or when == sp.false:
        convex = bool(bend.is_positive)
        why = (
            "phi is convex in its total, and a mixture of exponentials is log-convex: none exists."
            if convex
            else "No rule proves that exp(-lam*g(s)) is completely monotone in the total s."
        )
        return StrengthMixture(None, None, None, why)
    law = None if terms is None else _law(terms, total)
    return StrengthMixture(
        _feature(total),
        law or f"exists; no closed law, tilted by {_tilt(total)}",
        None if when == sp.true else str(when),
        "exp(-lam*g(s)) is completely monotone in the total s for every lam > 0: given a shared "
        "strength r the features are independent.",
    )


def _feature(total: OneTotal) -> str:
    q = total.measure.q
    if q == 1:
        return f"Laplace with rate {RATE}"
    if q == 2:
        return f"normal with variance 1/(2*{RATE})"
    if q is not None:
        return f"density proportional to exp(-{RATE}*|a|**{q})"
    return f"density proportional to exp(-{RATE}*({total.measure.conditional}))"


def _tilt(total: OneTotal) -> str:
    """Z₁(r)^d up to a constant: r^{−dα}, and (r − 1)^{−d} for log totals."""
    return (
        f"{RATE}**(-{d * shape(total)})" if total.measure.q is not None else f"({RATE} - 1)**(-d)"
    )


def _law(terms: Terms, total: OneTotal) -> str | None:
    """The law of r for one term on a power total; μ is Gamma, Lévy or positive stable."""
    if total.measure.q is None or len(terms.terms) != 1:
        return None
    (term,) = terms.terms
    strength, lost = simplified(lam * term.coefficient), simplified(d * shape(total))
    if term.kind == "log-binomial" and term.parameters[1] == 1:
        # (1 + s/k)^{−c} is the transform of Gamma(c, scale 1/k); r^{−dα} takes dα off its shape
        return f"gamma(a={simplified(strength - lost)}, scale={1 / term.parameters[0]})"
    if term.kind == "power" and term.parameters[0] == sp.S.Half:
        # e^{−c√s}: Lévy, r^{−3/2}e^{−c²/(4r)}; with r^{−dα} an inverse gamma
        return f"invgamma(a={simplified(lost + sp.S.Half)}, scale={simplified(strength**2 / 4)})"
    if term.kind == "power":
        q = term.parameters[0]
        return f"{strength ** (1 / q)}*(positive stable({q})), tilted by {_tilt(total)}"
    return None
