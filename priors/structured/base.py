"""What every structured penalty has: features that differ, a compiled form, facts and draws.

The expression language treats all features alike. A structured penalty knows which features belong
together: groups, or a matrix of couplings. It is used as a :class:`neglog.Penalty` is, in training
too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError

Labels = NDArray[np.int64]


class Structured(ABC):
    """A joint penalty on codes [..., d] whose features are not all alike.

    Attributes:
        features: d.
        domain: ``"positive"`` (default) or ``"real"``.
        joint: True: it reduces the last axis.
    """

    domain: str
    joint = True
    title: str
    reference: str

    @property
    @abstractmethod
    def features(self) -> int:
        """d, the number of features."""

    def compile(self, backend: str, *, strength: float = 1.0, scale: float = 1.0) -> Any:
        """strength·(φ(a/scale) − φ(0)) as a differentiable callable of ``backend``.

        Gradients are closed forms: the minimal-norm subgradient at 0 on ℝ (and where a whole group
        is 0), the right derivative on [0, ∞), where a < 0 is read as 0.

        Raises:
            InputError: an unknown backend, a non-positive number, or a prior without a penalty.
        """
        from neglog.derivations.structured.compiled import compile_structured

        return compile_structured(self, backend, strength, scale)

    def derive(self, lam: float = 1.0) -> dict[str, Any]:
        """Propriety, log Z at strength λ, dependence and conditional, as a dictionary.

        ``log_normalizer`` is None where no closed form is known at that λ.
        """
        from neglog.derivations.structured.facts import facts

        return facts(self, lam)

    def sample(
        self, size: int, seed: int | None = None, lam: float = 1.0, zeros: bool = False
    ) -> NDArray[np.float64]:
        """``size`` codes [size, d] from the prior at strength λ.

        ``zeros``: features in their spike are written as exact zeros.

        Raises:
            InputError: no exact sampler at this λ (spikes and slabs have one at λ = 1).
        """
        from neglog.derivations.structured.sampling import draw

        return draw(self, size, np.random.default_rng(seed), lam, zeros)

    @property
    def expr(self) -> str:
        """The penalty in words, as records of a training keep it."""
        return repr(self)


@dataclass(frozen=True)
class Grouped:
    """Labels of d features: ``labels[i]`` is the group of feature i, groups numbered from 0."""

    labels: tuple[int, ...]

    @classmethod
    def of(cls, groups: Sequence[Any] | NDArray[Any]) -> Grouped:
        """From one label a feature, or from a list of lists of features that covers each once.

        Raises:
            InputError: features missing or named twice, or no features.

        >>> Grouped.of([[0, 2], [1]]).labels
        (0, 1, 0)
        """
        listed = list(groups)
        if not listed:
            raise InputError("groups is empty; give a label for each feature, or lists of them.")
        if isinstance(listed[0], list | tuple):
            members = [int(i) for group in listed for i in group]
            if sorted(members) != list(range(len(members))):
                raise InputError("groups must name every feature from 0 once and only once.")
            labels = [0] * len(members)
            for g, group in enumerate(listed):
                for i in group:
                    labels[int(i)] = g
            return cls(tuple(labels))
        _, numbered = np.unique(np.asarray(listed), return_inverse=True)
        return cls(tuple(int(n) for n in numbered))

    @cached_property
    def array(self) -> Labels:
        """The labels as an array."""
        return np.asarray(self.labels, dtype=np.int64)

    @cached_property
    def sizes(self) -> Labels:
        """How many features each group has."""
        return np.bincount(self.array)


def check_domain(domain: str) -> None:
    """Raise InputError unless the domain is one of the two."""
    if domain not in ("real", "positive"):
        raise InputError(f"the domain {domain!r} is not one of: real, positive.")


def check_spike(spike: float, slab: float) -> None:
    """Raise InputError unless 0 < spike < slab."""
    if not 0 < spike < slab < np.inf:
        raise InputError(f"spike is {spike} and slab {slab}; 0 < spike < slab is needed.")
