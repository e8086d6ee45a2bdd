"""``Prior``: what a penalty assumes, as a record that reads like the mathematics."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from neglog.priors.penalty import Penalty
from neglog.priors.text import parse, parse_condition


@dataclass(frozen=True)
class Prior:
    """p(a) = exp(−λ φ(a)) / Z, and everything that follows from φ.

    Attributes:
        phi: the penalty φ (of the slab, where there is an atom).
        facts: the derivation as the JSON document of ``neglog derive`` (see ``document``).
        atom: weight of a point mass at 0, in [0, 1).
    """

    phi: Penalty
    facts: dict[str, Any]
    atom: float = 0.0

    @property
    def domain(self) -> str:
        """``"real"`` or ``"positive"``."""
        return self.phi.domain

    @property
    def proper(self) -> str:
        """``"always"``, ``"never"``, ``"if"`` or ``"unknown"``."""
        return str(self.facts["proper"])

    @property
    def proper_when(self) -> sp.Basic | None:
        """The condition on λ, d and the parameters; None where unknown."""
        text = self.facts["proper_when"]
        return None if text is None else parse_condition(text)

    @property
    def reason(self) -> str:
        """Why it is or is not proper, in one sentence."""
        return str(self.facts["reason"])

    @property
    def normalizer(self) -> sp.Expr | None:
        """Z(λ, θ, d) in closed form; None where nothing closed is known."""
        return self._expr("normalizer")

    @property
    def cdf(self) -> sp.Expr | None:
        """P(A ≤ a), where closed."""
        return self._expr("cdf")

    @property
    def quantile(self) -> sp.Expr | None:
        """The inverse of the CDF at ``u``, where closed."""
        return self._expr("quantile")

    @property
    def entropy(self) -> sp.Expr | None:
        """−E log p in nats, where closed."""
        return self._expr("entropy")

    @property
    def kink(self) -> sp.Expr | None:
        """φ'(0⁺)."""
        return self._expr("kink")

    @property
    def irls_weight(self) -> sp.Expr | None:
        """φ'(a)/a."""
        return self._expr("irls_weight")

    @property
    def law(self) -> str | None:
        """The name of the law, where it has one."""
        law = self.facts["law"]
        return None if law is None else str(law["name"])

    @property
    def tail(self) -> dict[str, Any] | None:
        """The tail's class and index."""
        return self.facts["tail"]

    @property
    def dependence(self) -> str:
        """``"independent"``, ``"coactivating"``, ``"exclusive"`` or ``"mixed"``."""
        return str(self.facts["dependence"])

    def moment(self, name: str) -> tuple[sp.Expr | None, sp.Basic | None]:
        """(value, condition) of ``"mean_abs"``, ``"variance"`` or, if joint, ``"correlation"``."""
        found = self.facts["moments"].get(name, {"value": None, "when": None})
        value, when = found["value"], found["when"]
        return (
            None if value is None else parse(value),
            None if when is None else parse_condition(when),
        )

    def penalty(self, spike: float | None = None) -> Penalty:
        """−log p with constants dropped, so that φ(0) = 0 where that limit is finite.

        Args:
            spike: the width ε of the narrow exponential that stands for the atom; needed only
                where there is one.
        """
        if not self.atom:
            return self.phi
        from neglog.derivations.inversion.spike import spike_and_slab

        return spike_and_slab(self.phi, self.atom, spike)

    def at(self, **values: Any) -> Any:
        """Numbers for λ (``lam``) and the parameters → pdf, logpdf, cdf, ppf, rvs, moment, entropy.

        A joint prior needs ``dim``, the number of features, as well and gives logpdf, pdf,
        log_normalizer, rvs and sample over codes [..., dim].

        Raises:
            InputError: a missing or unknown name, or values at which the prior is improper.
        """
        from neglog.derivations.frozen.frozen import freeze

        return freeze(self, values)

    def compile(self, backend: str, *, learn: Sequence[str] = (), **params: float) -> Any:
        """−log p with log Z included, so that strength, scale and shape can be learned.

        Without log Z a learned scale grows until the penalty vanishes; with it the scale has a
        maximum-likelihood value.
        """
        from neglog.derivations.compile import compile_prior

        return compile_prior(self, backend, learn=tuple(learn), **params)

    def plot(self, path: str | os.PathLike[str], **values: float) -> None:
        """Draw penalty, density, score and proximal map to a png, svg or pdf file.

        ``values``: numbers for ``lam`` and the parameters; what is left out is chosen and named
        in the title. Needs matplotlib.
        """
        from neglog.derivations.pages.plot import plot

        plot(self, path, values)

    def __str__(self) -> str:
        verdict = {"always": "proper", "never": "improper", "unknown": "propriety unknown"}
        state = verdict.get(self.proper, f"proper iff {self.facts['proper_when']}")
        law = f"{self.law}: " if self.law else ""
        return f"{law}exp(-lam*({self.phi.expr}))/Z on the {self.domain} domain, {state}"

    def _expr(self, key: str) -> sp.Expr | None:
        text = self.facts[key]
        return None if text is None else parse(text)

    def latex(self) -> str:
        """Penalty, density, normaliser, law, moments and the rest as one ``aligned`` block."""
        from neglog.derivations.pages.typeset import latex

        return latex(self)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def _repr_html_(self) -> str:
        from neglog.derivations.pages.show import rows

        cells = "".join(
            f"<tr><th style='text-align:right'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in rows(self.facts)
        )
        return f"<table>{cells}</table>"
