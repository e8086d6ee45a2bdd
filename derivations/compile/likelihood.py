"""−log p with its normaliser: λφ(a/s) + log Z(λ, θ) + log s, so that everything can be learned.

The activation's part is a compiled penalty of strength λ; what is added is a function of the
numbers alone, differentiated symbolically like the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.compile.arguments import Arguments, check, exact, positive
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.outer import Outer
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.prior import Prior


@dataclass(frozen=True)
class Likelihood:
    """The penalty's arguments (its strength is λ) and log Z + λφ(0) as a function of (λ, θ, d)."""

    arguments: Arguments
    offset: Outer


def prepare_prior(
    prior: Prior, backend: str, learn: Sequence[str], params: Mapping[str, float]
) -> Likelihood:
    """The pieces of −log p.

    Raises:
        InputError: no closed normaliser, numbers at which the prior is improper, an atom, or
            arguments that :func:`check` refuses.
    """
    if prior.atom:
        raise InputError(
            "a prior with an atom has no density; compile prior.penalty(spike) instead."
        )
    z = prior.normalizer
    if prior.proper == "never" or z is None:
        why = prior.reason if prior.proper == "never" else "its normaliser has no closed form."
        raise InputError(f"{prior.phi} has no compiled prior: {why}")
    rest = dict(params)
    if "lam" not in rest:
        raise InputError("the prior needs a number for its strength: lam=2.0, say.")
    lam = positive("lam", rest.pop("lam"))
    scale = rest.pop("scale", 1.0)
    names = ["strength" if name == "lam" else name for name in learn]
    arguments = check(prior.phi, backend, lam, scale, names, rest)
    when = prior.proper_when
    numbers = {symbols.parameter(k): exact(v) for k, v in rest.items()}
    numbers[symbols.lam] = exact(lam)
    if when is not None and when.subs(numbers) == sp.false:
        raise InputError(f"the prior is improper at lam={lam:g}: it needs {when}.")
    fixed = {s: v for s, v in numbers.items() if str(s) != "lam" and str(s) not in learn}
    offset = sp.log(z) + symbols.lam * _start(prior, arguments)
    theta = (symbols.lam, *arguments.learned, symbols.d)
    return Likelihood(
        arguments,
        Outer.of(offset.subs(fixed), (), theta, {**numbers, symbols.d: sp.Integer(8)}, sp.S.Zero),
    )


def _start(prior: Prior, arguments: Arguments) -> sp.Expr:
    """φ(0; θ), which the compiled penalty leaves out; 0 where it is not finite."""
    if prior.phi.joint:
        value = arguments.expr
        for kind, whole in (
            (symbols.Total, lambda f: symbols.d * f.subs(symbols.a, 0)),
            (symbols.Multiple, lambda f: f.subs(symbols.a, 0) ** symbols.d),
            (symbols.Largest, lambda f: f.subs(symbols.a, 0)),
        ):
            value = value.replace(kind, whole)
        return sp.S.Zero if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) else value
    numbers = {s: exact(v) for s, v in arguments.learned.items()}
    return HalfLine.of(arguments.expr.subs(symbols.a, symbols.y), numbers).start or sp.S.Zero
