"""``Penalty``: a sparsity penalty φ as a symbolic record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy as sp

from neglog.priors import symbols
from neglog.priors.errors import InputError

if TYPE_CHECKING:
    from neglog.priors.prior import Prior

DOMAINS = ("real", "positive")


@dataclass(frozen=True)
class Penalty:
    """A penalty φ(a; θ), the negative log of a prior up to strength and normaliser.

    The prior is p(a) = exp(−λ φ(a)) / Z on ``domain``: ``"real"`` (ℝ) or ``"positive"`` ([0, ∞),
    what a ReLU code lives on). Natural logarithms, no hidden ½, strength λ > 0 multiplies φ.

    Attributes:
        expr: φ in the symbol ``a``; a joint penalty holds reductions over features.
        domain: ``"real"`` or ``"positive"``.
        name: the catalogue's name, where it has one.
        reference: title, authors, year.
    """

    expr: sp.Expr
    domain: str = "real"
    name: str | None = None
    reference: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise InputError(f"the domain {self.domain!r} is not one of: real, positive.")
        if symbols.lam in self.expr.free_symbols:
            raise InputError("lam is the strength and multiplies the penalty; leave it out of it.")

    @property
    def joint(self) -> bool:
        """Whether φ reduces over features instead of acting on one."""
        return symbols.is_joint(self.expr)

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """The positive parameters θ, in alphabetical order."""
        free = self.expr.free_symbols - {symbols.a, symbols.lam}
        if self.joint:
            free -= {symbols.d}
        return tuple(sorted(free, key=str))

    @cached_property
    def on_half_line(self) -> sp.Expr | None:
        """φ(y) for y = |a| > 0 where φ is even or the domain positive; None otherwise.

        Raises nothing; joint penalties have none.
        """
        if self.joint:
            return None
        right = self.expr.subs(symbols.a, symbols.y)
        if self.domain == "positive":
            return right
        left = self.expr.subs(symbols.a, -symbols.y)
        return right if right == left or sp.simplify(right - left) == 0 else None

    def prior(self, timeout: float = 10.0) -> Prior:
        """Everything that follows from φ (see :class:`neglog.Prior`)."""
        from neglog.derivations.derive import derive  # the verb lives one floor up

        return derive(self, timeout=timeout)

    def compile(
        self,
        backend: str,
        *,
        strength: float = 1.0,
        scale: float = 1.0,
        learn: Sequence[str] = (),
        **params: float,
    ) -> Any:
        """strength·(φ(a/scale; θ) − φ(0; θ)) as a differentiable callable.

        Args:
            backend: ``"torch"`` (an ``nn.Module``), ``"jax"`` or ``"numpy"``.
            strength: c > 0, multiplies the penalty.
            scale: s > 0, divides the activations.
            learn: names among ``strength``, ``scale`` and the parameters that are trained.
            **params: a number for each parameter of the expression.

        Returns:
            A callable on arrays [..., m]: elementwise for a scalar penalty, reducing the last
            axis for a joint one.

        Raises:
            InputError: unknown backend, a missing or non-positive parameter.
        """
        from neglog.derivations.compile import compile_penalty

        return compile_penalty(
            self, backend, strength=strength, scale=scale, learn=tuple(learn), params=params
        )

    def prox(self, backend: str, *, strength: float = 1.0, **params: float) -> Any:
        """The proximal map x ↦ argmin_z ½(z − x)² + strength·φ(z) as a vectorised callable."""
        from neglog.derivations.compile import compile_prox

        return compile_prox(self, backend, strength=strength, params=params)

    def activation(
        self,
        *,
        strength: float = 1.0,
        learn: Sequence[str] = ("strength",),
        features: int | None = None,
        bandwidth: float = 1e-3,
        **params: float,
    ) -> Any:
        """The activation function φ implies, prox_{cφ}, as a torch module.

        L1 gives the shifted ReLU, L0 the hard threshold, log(1+|a|) a threshold with a jump.

        Args:
            strength: c > 0 to start from.
            learn: ``("strength",)``, ``("threshold",)`` (where the map leaves 0) or ``()``.
            features: one learned number for each feature of the last axis; None: one for all.
            bandwidth: width of the surrogate that stands for the derivative in c at a jump.
            **params: a number for each parameter of the expression.

        Raises:
            InputError: bad arguments, a joint penalty, or one that is not even.

        >>> import neglog, torch
        >>> relu = neglog.penalty("a", "positive").activation(strength=0.5)
        >>> relu(torch.tensor([-1.0, 0.2, 2.0])).detach()
        tensor([0.0000, 0.0000, 1.5000])
        """
        from neglog.derivations.compile import compile_activation

        return compile_activation(
            self,
            strength=strength,
            learn=tuple(learn),
            features=features,
            bandwidth=bandwidth,
            params=params,
        )

    def __str__(self) -> str:
        return str(self.expr)

    def _repr_latex_(self) -> str:
        return rf"$\varphi(a) = {sp.latex(self.expr)}$"
