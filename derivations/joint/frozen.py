"""A joint prior with numbers for λ, the parameters and d: density, normaliser and draws.

>>> import neglog
>>> law = neglog.penalty("log(1+sum(abs(a)))").prior().at(lam=5.5, dim=2)
>>> round(law.normalizer, 6), law.rvs(3, random_state=0).shape
(0.253968, (3, 2))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from neglog.derivations.frozen.given import exact, read_numbers
from neglog.derivations.joint.chains import target
from neglog.derivations.joint.cubature import cubature
from neglog.derivations.joint.law_of_total import law_of_total
from neglog.derivations.joint.sampling import Sample, sample
from neglog.derivations.joint.totals import in_totals, one_total, real_factor, separable_part
from neglog.derivations.numbers import substitute
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.symbols import d, lam

Floats = NDArray[np.float64]
MOST_FEATURES = 100_000


@dataclass(frozen=True, repr=False)
class FrozenJoint:
    """p(a) = exp(−λφ(a))/Z of codes [..., d] at numbers for everything.

    Attributes:
        phi: the joint penalty.
        strength: λ.
        dim: d, the number of features.
        numbers: a number for each parameter.
    """

    phi: Penalty
    strength: float
    dim: int
    numbers: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)

    @cached_property
    def log_normalizer(self) -> float:
        """log Z: for any d with one total or none, for up to three features otherwise.

        Raises:
            InputError: several totals and more than three features.
        """
        expr = in_totals(self.phi)
        at = {**self.numbers, d: sp.Integer(self.dim)}
        f = separable_part(expr)
        if f is not None:
            from neglog.derivations.frozen.frozen import FrozenPrior

            one = Penalty(f.subs(d, self.dim), self.phi.domain)
            used = {n: v for n, v in self.numbers.items() if n in one.expr.free_symbols}
            return self.dim * FrozenPrior(one, self.strength, used).log_normalizer
        total = one_total(expr, self.phi.domain)
        if total is not None:
            law = law_of_total(total, self._floats, self.strength, self.dim)
            volume = sp.log(real_factor(self.phi.domain) * total.measure.volume)
            return law.log_integral + _log_value(sp.expand_log(volume, force=True), at)
        orthants = 2.0**self.dim if self.phi.domain == "real" else 1.0
        got = cubature(expr, dict(self.numbers), self.strength, self.dim, orthants, order=0)
        return float(np.log(got.normalizer[0]) + got.log_scale)

    @property
    def normalizer(self) -> float:
        """Z."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_normalizer))

    def logpdf(self, codes: ArrayLike) -> Any:
        """log p of codes [..., d], in nats: [...]; −∞ below 0 on the positive domain."""
        x = np.asarray(codes, dtype=np.float64)
        if x.ndim == 0 or x.shape[-1] != self.dim:
            raise InputError(f"a code of {self.dim} features is wanted, not shape {x.shape}.")
        sizes = np.maximum(np.abs(x), np.finfo(float).tiny)  # −λφ is continuous at 0 or infinite
        value = self._target(sizes.reshape(-1, self.dim)).reshape(x.shape[:-1])
        if self.phi.domain == "positive":
            value = np.where((x < 0).any(-1), -np.inf, value)
        return (value - self.log_normalizer)[()]

    def pdf(self, codes: ArrayLike) -> Any:
        """p of codes [..., d]."""
        return np.exp(self.logpdf(codes))

    def sample(self, size: int, seed: int | np.random.Generator | None = None) -> Sample:
        """``size`` codes with how they were made: exact, or chains with R̂ and effective size."""
        if size < 1:
            raise InputError(f"size is {size}; at least one code is drawn.")
        rng = np.random.default_rng(seed)
        return sample(self.phi, size, self.dim, self.strength, self.numbers, rng)

    def rvs(self, size: int = 1, random_state: int | np.random.Generator | None = None) -> Floats:
        """``size`` codes: [size, d].

        Raises:
            InputError: Markov chains that do not agree (see :meth:`sample`).
        """
        drawn = self.sample(size, random_state)
        if not drawn.converged and size >= 1000:
            raise InputError(
                f"the chains do not agree (R-hat {drawn.r_hat:.3g}, {drawn.effective:.0f} "
                "effective draws); look at sample()."
            )
        return drawn.values

    @cached_property
    def _target(self) -> Any:
        return target(in_totals(self.phi), self.numbers, self.strength, self.dim)

    @property
    def _floats(self) -> dict[sp.Symbol, float]:
        return {n: float(v) for n, v in self.numbers.items()}

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={float(v):g}" for n, v in self.numbers.items())
        return f"exp(-{self.strength:g}*({self.phi})) of {self.dim} features" + (
            f" at {shown}" if shown else ""
        )


def _log_value(volume: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]) -> float:
    """A logarithm of gammas and powers at numbers, without forming Γ(10⁵)."""
    logs = volume.replace(
        lambda e: isinstance(e, sp.log) and isinstance(e.args[0], sp.gamma),
        lambda e: sp.loggamma(e.args[0].args[0]),
    )
    return float(sp.N(substitute(logs, at, 30), 20))


def freeze_joint(prior: Prior, values: Mapping[str, Any]) -> FrozenJoint:
    """The joint prior at numbers for ``dim``, ``lam`` (1 where not given) and every parameter.

    Raises:
        InputError: no ``dim``, an unknown or missing name, or a prior that is improper there or
            whose propriety is not known.
    """
    rest = dict(values)
    dim = rest.pop("dim", None)
    if not isinstance(dim, int) or not 1 <= dim <= MOST_FEATURES:
        raise InputError("a joint prior needs the number of features too: at(lam=1.0, dim=2), say.")
    numbers = read_numbers(prior.phi, rest)
    strength = float(numbers.pop(lam))
    when = prior.proper_when
    if when is None:
        raise InputError(f"it is not known whether the prior is proper: {prior.reason}")
    at = {**numbers, lam: exact("lam", strength), d: sp.Integer(dim)}
    if substitute(when, at, 20) != sp.true:
        raise InputError(f"the prior is not proper there: it needs {prior.facts['proper_when']}.")
    return FrozenJoint(prior.phi, strength, dim, numbers)
