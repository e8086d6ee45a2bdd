"""A prior with numbers put in, with the methods of a frozen law of scipy.stats.

>>> import neglog
>>> law = neglog.penalty("log(1+abs(a))").prior().at(lam=3.0)
>>> law
exp(-3*log(Abs(a) + 1))/1 on (-inf, inf)
>>> [round(float(v), 6) for v in law.sf([1.0, 1e30])], round(law.mean(), 6)
([0.125, 0.0], 0.0)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from neglog.derivations.deadline import within
from neglog.derivations.frozen import expectations
from neglog.derivations.frozen.given import exact, read_numbers
from neglog.derivations.frozen.segments import Segment, segments
from neglog.derivations.frozen.tabulated import Table
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.symbols import lam

Floats = NDArray[np.float64]
Seed = int | np.random.Generator | np.random.RandomState | None


def freeze(prior: Prior, values: Mapping[str, Any]) -> Any:
    """The prior at numbers for ``lam`` and every parameter (λ = 1 where not given).

    A joint prior needs ``dim`` as well and gives a ``FrozenJoint`` (``joint/frozen.py``).

    Raises:
        InputError: a name that is unknown or missing, a value that is not a
            positive finite number, or numbers at which the prior is improper.
    """
    phi = prior.phi
    if phi.joint:
        from neglog.derivations.joint.frozen import freeze_joint

        return freeze_joint(prior, values)
    numbers = read_numbers(phi, values)
    strength = float(numbers.pop(lam))
    _check_proper(prior, {**numbers, lam: exact("lam", strength)})
    frozen = FrozenPrior(phi, strength, numbers, prior.atom)
    _check_mass(prior, frozen)
    return frozen


def _check_mass(prior: Prior, frozen: FrozenPrior) -> None:
    """Raise where quadrature (which diverges here, not at the first probability) and Z differ."""
    log_z = frozen.log_normalizer
    closed = prior.normalizer
    if closed is None or closed.has(sp.Integral):
        return
    at = {**frozen.numbers, lam: exact("lam", frozen.strength)}

    def value() -> float | None:
        try:
            return float(sp.N(sp.log(substitute(closed, at, 30)), 17))
        except (*UNCOMPUTABLE, TypeError):
            return None  # beyond what can be computed: quadrature stands alone

    known = within(1.0, value, None)
    if known is not None and abs(known - log_z) > 1e-8 * (1 + abs(known)):
        raise InputError(f"the quadrature of {prior.phi} does not reach its normaliser there.")


def _check_proper(prior: Prior, numbers: Mapping[sp.Symbol, sp.Expr]) -> None:
    when = prior.proper_when
    if when is None or substitute(when, numbers, 20) != sp.false:
        return
    shown = ", ".join(f"{name}={float(value):g}" for name, value in numbers.items())
    needs = f"it needs {prior.facts['proper_when']}" if prior.proper == "if" else prior.reason
    raise InputError(f"the prior is not proper at {shown}: {needs.rstrip('.')}.")


@dataclass(frozen=True, repr=False)
class FrozenPrior:
    """p(a) = exp(−λφ(a))/Z with numbers for everything, and a point mass ``atom`` at 0.

    Arguments and results are arrays of any shape. Both tails keep their relative precision: about
    1e-13, or the rounding of log p where that is larger. ``pdf`` and ``logpdf`` are of the
    continuous part, 1 − atom times the slab; everything else includes the atom.

    Attributes:
        phi: the penalty of the slab.
        strength: λ.
        numbers: a number for each parameter.
        atom: the weight of the point mass at 0.
    """

    phi: Penalty
    strength: float
    numbers: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    atom: float = 0.0

    @cached_property
    def _parts(self) -> tuple[list[Segment], float]:
        return segments(self.phi, self.strength, self.numbers)

    @cached_property
    def _table(self) -> Table:
        return Table(self._parts[0])

    @property
    def log_normalizer(self) -> float:
        """log Z of the slab, finite where Z is beyond the doubles."""
        return self._table.log_total + self._parts[1]

    @property
    def normalizer(self) -> float:
        """Z = ∫ exp(−λφ) of the slab."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_normalizer))

    def logpdf(self, x: ArrayLike) -> Any:
        """log p(x) in nats; −∞ outside the support."""
        return self._map(x, lambda v: self._table.log_density(v) + np.log1p(-self.atom))

    def pdf(self, x: ArrayLike) -> Any:
        """p(x)."""
        return np.exp(self.logpdf(x))

    def cdf(self, x: ArrayLike) -> Any:
        """P(A ≤ x), to full relative precision in the left tail."""
        return self._map(x, lambda v: self._tail(v, -1))

    def sf(self, x: ArrayLike) -> Any:
        """P(A > x), to full relative precision in the right tail."""
        return self._map(x, lambda v: self._tail(v, +1))

    def logcdf(self, x: ArrayLike) -> Any:
        """log P(A ≤ x), far below what a double holds as a probability."""
        return self._map(x, lambda v: self._log_tail(v, -1))

    def logsf(self, x: ArrayLike) -> Any:
        """log P(A > x), far below what a double holds as a probability."""
        return self._map(x, lambda v: self._log_tail(v, +1))

    def ppf(self, q: ArrayLike) -> Any:
        """The quantile: the smallest x with P(A ≤ x) ≥ q; NaN outside [0, 1]."""
        return self._map(q, lambda v: self._quantile(v, -1))

    def isf(self, q: ArrayLike) -> Any:
        """The x with P(A > x) = q, for q far below the rounding of 1 − q too."""
        return self._map(q, lambda v: self._quantile(v, +1))

    def median(self) -> float:
        """The quantile at one half."""
        return float(self.ppf(0.5))

    def interval(self, confidence: float) -> tuple[float, float]:
        """The interval with equal tails that holds ``confidence`` of the probability."""
        rest = (1 - confidence) / 2
        return float(self.ppf(rest)), float(self.isf(rest))

    def support(self) -> tuple[float, float]:
        """The ends of the smallest interval that holds everything."""
        low, high = self._table.support
        return (min(low, 0.0), max(high, 0.0)) if self.atom else (low, high)

    def rvs(
        self, size: int | tuple[int, ...] | None = 1, seed: Seed = None, *,
        random_state: Seed = None,
    ) -> Any:  # fmt: skip
        """Samples by inversion of the distribution function.

        Args:
            size: how many, or a shape; None for a single number.
            seed: an integer or a generator of NumPy.
            random_state: the same, by scipy's name.
        """
        given = seed if random_state is None else random_state
        legacy = isinstance(given, np.random.RandomState)
        rng: Any = given if legacy else np.random.default_rng(given)
        uniform = np.asarray(rng.random_sample(size) if legacy else rng.random(size))
        uniform = np.where(uniform == 0.0, 2.0**-54, uniform)
        values = self.ppf(uniform)
        return float(values) if size is None else np.asarray(values)

    def moment(self, order: float) -> float:
        """E[A^order]: infinite where it diverges, NaN where two infinities meet.

        Raises:
            InputError: a negative order, or one that is not whole on the real domain.
        """
        if order < 0 or (order != int(order) and self._table.support[0] < 0):
            raise InputError(f"the moment of order {order:g} is not defined for this prior.")
        if order == 0:
            return 1.0
        return (1 - self.atom) * expectations.moment(self._table, order)

    def mean(self) -> float:
        """E A; infinite or NaN where it does not exist."""
        return self.moment(1)

    def var(self) -> float:
        """The variance; infinite where it or the mean diverges, NaN where there is no mean."""
        return self._central(2)

    def std(self) -> float:
        """The standard deviation."""
        return float(np.sqrt(self.var()))

    def stats(self, moments: str = "mv") -> tuple[float, ...]:
        """Mean, variance, skewness and excess kurtosis, those named in ``moments`` of "mvsk"."""
        known: dict[str, Callable[[], float]] = {
            "m": self.mean,
            "v": self.var,
            "s": lambda: self._central(3) / self.var() ** 1.5,
            "k": lambda: self._central(4) / self.var() ** 2 - 3,
        }
        unknown = set(moments) - set(known)
        if unknown:
            raise InputError(f"stats() knows the letters mvsk, not {''.join(sorted(unknown))!r}.")
        return tuple(float(known[letter]()) for letter in "mvsk" if letter in moments)

    def entropy(self) -> float:
        """−E log p in nats; with an atom, p is its weight at 0 and ``pdf`` elsewhere."""
        slab = expectations.entropy(self._table)
        if not self.atom:
            return slab
        w = self.atom
        return float((1 - w) * (slab - np.log1p(-w)) - w * np.log(w))

    def expect(self, f: Callable[[Floats], Any] | None = None) -> float:
        """E f(A) by quadrature, the atom included; ``f`` takes and gives arrays. E A without f.

        The part of a power tail beyond the largest double counts as nothing.
        """
        if f is None:
            return self.mean()
        slab = (1 - self.atom) * expectations.expect(self._table, f)
        return slab + (self.atom * float(f(np.asarray(0.0))) if self.atom else 0.0)

    def __repr__(self) -> str:
        phi = self.phi.expr.xreplace({s: sp.Float(float(v), 6) for s, v in self.numbers.items()})
        low, high = self.support()
        body = f"exp(-{self.strength:g}*{phi if phi.is_Atom or phi.is_Function else f'({phi})'})"
        text = f"{body}/{self.normalizer:.10g} on ({low:g}, {high:g})"
        return f"{1 - self.atom:g}*{text} + {self.atom:g}*atom" if self.atom else text

    def _central(self, order: int) -> float:
        mean = self.mean()
        if not np.isfinite(mean):
            return float("nan") if np.isnan(mean) else float("inf")
        slab = expectations.central(self._table, mean, order, own=not self.atom)
        return (1 - self.atom) * slab + (self.atom * (-mean) ** order if self.atom else 0.0)

    def _map(self, x: ArrayLike, f: Callable[[Floats], Floats]) -> Any:
        given = np.asarray(x, dtype=np.float64)
        out = f(given.ravel()).reshape(given.shape)
        return out[()]

    def _log_tail(self, x: Floats, side: int) -> Floats:
        slab = self._table.log_tail(x, side)
        if not self.atom:
            return slab
        has = (x < 0) if side > 0 else (x >= 0)
        extra = np.where(has, np.log(self.atom), -np.inf)
        return np.minimum(np.logaddexp(slab + np.log1p(-self.atom), extra), 0.0)

    def _tail(self, x: Floats, side: int) -> Floats:
        slab = self._table.tail(x, side)
        if not self.atom:
            return slab
        has = (x < 0) if side > 0 else (x >= 0)
        return (1 - self.atom) * slab + self.atom * has

    def _quantile(self, q: Floats, side: int) -> Floats:
        """The quantile from either side, each probability counted from its nearer end."""
        valid = (q >= 0) & (q <= 1)
        p = np.where(valid, q, 0.5)
        if not self.atom:
            return np.where(valid, self._slab_quantile(p, 1 - p, side), np.nan)
        slab = 1 - self.atom
        before = slab * float(self._table.tail(np.array([0.0]), side)[0])  # on the side counted
        past = slab - before
        out = np.zeros(p.shape)
        near, far = p < before, 1 - p < past
        if near.any():
            out[near] = self._slab_quantile(p[near] / slab, 1 - p[near] / slab, side)
        if far.any():
            rest = (1 - p[far]) / slab
            out[far] = self._slab_quantile(1 - rest, rest, side)
        return np.where(valid, out, np.nan)

    def _slab_quantile(self, p: Floats, rest: Floats, side: int) -> Floats:
        out = np.empty(p.shape)
        near = p <= 0.5
        with np.errstate(divide="ignore"):
            out[near] = self._table.quantile(np.log(p[near]), side)
            out[~near] = self._table.quantile(np.log(rest[~near]), -side)
        return out
