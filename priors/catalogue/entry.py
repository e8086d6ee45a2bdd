"""The record of one named penalty: an expression with the facts declared about it."""

from dataclasses import dataclass

BOTH = ("real", "positive")
REAL = ("real",)
POSITIVE = ("positive",)


@dataclass(frozen=True)
class Entry:
    """A named penalty.

    Facts hold for every positive value of the parameters, on the first domain; None: not declared.

    Attributes:
        expr: φ in the expression language.
        proper_when: when exp(−λφ) has a finite integral, in ``lam``, ``d`` and the parameters.
        law: the known law of the prior, if any.
        reference: authors, title, year.
        domains: where it is used; the first is the default.
        description: one line for people.
        tail: the tail's class.
        kink: φ'(0⁺).
        exact_zeros: whether estimates under it are exactly zero.
        convex: on its domain.
        concave_on_positive: on a > 0.
        dependence: of the features under a joint penalty.
    """

    expr: str
    proper_when: str
    law: str | None
    reference: str
    domains: tuple[str, ...] = BOTH
    description: str = ""
    tail: str | None = None
    kink: str | None = None
    exact_zeros: bool | None = None
    convex: bool | None = None
    concave_on_positive: bool | None = None
    dependence: str | None = None
