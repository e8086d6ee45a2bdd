"""From a prior to the penalty: −log p with constants dropped, so that φ(0) = 0 where finite.

A density has its strength inside: what comes back gives it at λ = 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from neglog.derivations.api import penalty
from neglog.derivations.inversion.from_density import from_density
from neglog.derivations.inversion.from_law import from_call, from_frozen, names_a_law
from neglog.derivations.inversion.mixture import ATOM, Mixture, split
from neglog.derivations.service import derive as ask
from neglog.priors import symbols
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.text import parse, parse_condition


@dataclass(frozen=True)
class Inversion:
    """What a prior becomes.

    Attributes:
        penalty: −log of the (slab's) density.
        mixture: the atom at 0 and what is known of it; None without one.
    """

    penalty: Penalty
    mixture: Mixture | None = None


def inverted(source: Any, domain: str | None = None) -> Inversion:
    """The penalty of a prior given by name, expression or frozen scipy law, and its atom.

    Args:
        source: a catalogue name, a density in ``a`` (``atom`` is a unit mass at 0),
            ``"scipy:lomax(c=3)"``, a frozen law of scipy.stats, or a sympy expression.
        domain: ``"real"`` (default for expressions) or ``"positive"``.

    Raises:
        InputError: it is none of these, or the density is negative or not real.

    >>> str(inverted("exp(-abs(a))/2").penalty)
    'Abs(a)'
    """
    if hasattr(source, "dist") and hasattr(source, "kwds"):
        return Inversion(_on(domain, from_frozen(source)))
    if isinstance(source, str):
        text = source.strip()
        if text.startswith("scipy:"):
            return Inversion(_on(domain, from_call(text.removeprefix("scipy:"))))
        if text.lower() in ENTRIES:
            return Inversion(penalty(text.lower(), domain))
        if names_a_law(text):
            return Inversion(_on(domain, from_call(text)))
        source = parse(text)
    if not isinstance(source, sp.Expr):
        raise InputError(
            f"a prior is made from a name, a density in a, scipy:LAW(...), a frozen scipy law or "
            f"a fit, not from {type(source).__name__}."
        )
    if source.has(ATOM):
        mixture = split(source, domain)
        return Inversion(mixture.slab, mixture)
    return Inversion(from_density(source, domain))


def _on(domain: str | None, phi: Penalty) -> Penalty:
    """A law's penalty, refused on a domain that it does not live on."""
    if domain not in (None, phi.domain):
        raise InputError(f"{phi.name} lives on the {phi.domain} domain, not on the {domain} one.")
    return phi


def implied_penalty(source: Any, domain: str | None = None) -> Penalty:
    """The penalty of a prior; of the slab, where there is an atom (see :func:`inverted`)."""
    return inverted(source, domain).penalty


def prior_from(source: Any, domain: str | None = None) -> Prior:
    """A prior from a name, a density, ``"scipy:lomax(c=3)"``, a frozen scipy law, or a fit.

    Raises:
        InputError: it is none of these, or the density is not positive and real.
    """
    if isinstance(source, Prior):
        return source
    if isinstance(source, Penalty):
        return source.prior()
    if hasattr(source, "as_prior"):
        return source.as_prior()
    found = inverted(source, domain)
    prior = found.penalty.prior()
    return prior if found.mixture is None else replace(prior, atom=found.mixture.number)


def inversion(
    source: str, domain: str | None, at: dict[str, str], timeout: float
) -> dict[str, Any]:
    """The document of ``neglog invert``, schema ``neglog.inversion/1``."""
    found = inverted(source, domain)
    phi = found.penalty
    request = {"penalty": str(phi.expr), "domain": phi.domain, "at": at, "timeout": timeout}
    derivation = ask(request)
    mixture, possible = found.mixture, normalisable(derivation)
    notes = [] if mixture is None else list(mixture.notes)
    if possible == "False":
        why = derivation["reason"]
        notes.append(f"The density is improper, so that it is no prior at lam = 1. {why}")
    return {
        "schema": "neglog.inversion/1",
        "prior": source,
        "penalty": str(phi.expr),
        "domain": phi.domain,
        "normalisable": possible,
        "atom": None if mixture is None else str(mixture.atom),
        "spike_and_slab": None if mixture is None else str(mixture.smoothed.expr),
        "notes": notes,
        "derivation": derivation,
    }


def normalisable(derivation: dict[str, Any]) -> str | None:
    """Whether what was given can be normalised: the condition at λ = 1, None where unknown."""
    if derivation["proper_when"] is None:
        return None
    return str(parse_condition(derivation["proper_when"]).subs(symbols.lam, 1))
