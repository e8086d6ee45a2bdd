"""Joint penalties as functions of totals: φ = G(T₁, …), T = Σᵢ u(aᵢ) or maxᵢ |aᵢ|.

Where there is one total, the prior is one-dimensional in disguise. With s the total,

    Z = V_d ∫₀^∞ w(s) exp(−λ g(s)) ds,

and given s the features are spread by a law that does not depend on g (uniform on a simplex for
u = |a| or u = log(1+|a|)). A :class:`Measure` holds V_d, w and that law's moments: one row a kind
of total, and everything else follows for any g.

Fang, Kotz & Ng, Symmetric multivariate and related distributions, 1990 (chapters 5 and 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import Largest, Multiple, Total, a, d, y

s = sp.Symbol("s", positive=True)  # the total


@dataclass(frozen=True)
class Measure:
    """How volume and features follow from a total s.

    Attributes:
        volume: V_d on [0, ∞)^d (the real line multiplies by 2^d).
        weight: w(s), the volume element.
        mean: E[y | s], ``square``: E[y² | s], ``product``: E[y_i y_j | s], for y = |a|.
        power: w(s) = s^{power − 1} where that is all of it, and features scale as s^{1/q}.
        q: that exponent; None where features do not scale.
        conditional: u(y) for the law of one feature given the others.
    """

    volume: sp.Expr
    weight: sp.Expr
    mean: sp.Expr
    square: sp.Expr
    product: sp.Expr
    power: sp.Expr | None
    q: sp.Expr | None
    conditional: sp.Expr | None


def power_measure(q: sp.Expr) -> Measure:
    """s = Σ y_i^q: given s, y_i^q = s·Dirichlet(1/q, …, 1/q)."""
    base, top = sp.gamma(1 / q), sp.gamma(d / q)
    return Measure(
        volume=sp.gamma(1 + 1 / q) ** d / sp.gamma(d / q),
        weight=s ** (d / q - 1),
        mean=s ** (1 / q) * sp.gamma(2 / q) * top / (base * sp.gamma((d + 1) / q)),
        square=s ** (2 / q) * sp.gamma(3 / q) * top / (base * sp.gamma((d + 2) / q)),
        product=s ** (2 / q) * sp.gamma(2 / q) ** 2 * top / (base**2 * sp.gamma((d + 2) / q)),
        power=d / q,
        q=q,
        conditional=y**q,
    )


def log_measure(k: sp.Expr) -> Measure:
    """s = Σ log(1 + y_i/k): given s, log(1 + y_i/k) = s·Dirichlet(1, …, 1).

    E e^{r s w} for w ~ Beta(m, d−m) is ₁F₁(m; d; r s).
    """

    def tilt(m: int, r: int) -> sp.Expr:
        return sp.hyper((m,), (d,), r * s)

    return Measure(
        volume=k**d / sp.gamma(d),
        weight=s ** (d - 1) * sp.exp(s),
        mean=k * (tilt(1, 1) - 1),
        square=k**2 * (tilt(1, 2) - 2 * tilt(1, 1) + 1),
        product=k**2 * (tilt(2, 1) - 2 * tilt(1, 1) + 1),
        power=None,
        q=None,
        conditional=sp.log(1 + y / k),
    )


def largest_measure() -> Measure:
    """s = max y_i: given s, one feature equals s and the others are uniform on (0, s)."""
    return Measure(
        volume=d,
        weight=s ** (d - 1),
        mean=s * (d + 1) / (2 * d),
        square=s**2 * (d + 2) / (3 * d),
        product=s**2 * (d + 2) / (4 * d),
        power=d,
        q=sp.S.One,
        conditional=None,
    )


@dataclass(frozen=True)
class OneTotal:
    """φ = g(s) with s one total of the given measure."""

    g: sp.Expr
    measure: Measure
    largest: bool = False


def in_totals(phi: Penalty) -> sp.Expr:
    """φ with products written as exponentials of totals, so that only Σ and max remain."""

    def as_total(f: sp.Expr) -> sp.Expr:
        return sp.exp(Total(sp.expand_log(sp.log(f), force=True)))

    expr = phi.expr.replace(Multiple, as_total)
    # Simplifiers rename symbols, which would unbind a inside a total: stand-ins go in first.
    stand_ins = {node: sp.Dummy(positive=True) for node in expr.atoms(Total, Largest)}
    simpler = sp.powdenest(expr.xreplace(stand_ins), force=True)
    return simpler.xreplace({symbol: node for node, symbol in stand_ins.items()})


def separable_part(expr: sp.Expr) -> sp.Expr | None:
    """f with φ = Σᵢ f(aᵢ), or None where φ is no sum over features."""
    totals = sorted(expr.atoms(Total), key=str)
    if not totals or expr.has(Largest):
        return None
    stand_ins = {t: sp.Dummy(real=True) for t in totals}
    linear = sp.expand(expr.xreplace(stand_ins))
    f = sp.S.Zero
    for total, symbol in stand_ins.items():
        slope = sp.diff(linear, symbol)
        if slope.has(*stand_ins.values()):
            return None
        f += slope * total.args[0]
    rest = linear.subs(dict.fromkeys(stand_ins.values(), 0))
    return f + simplified(rest / d)


def one_total(expr: sp.Expr, domain: str) -> OneTotal | None:
    """φ as a function of one total with a known measure, or None."""
    nodes = expr.atoms(Total, Largest)
    if len(nodes) != 1:
        return None
    node = nodes.pop()
    u = Penalty(node.args[0], domain).on_half_line
    if u is None:
        return None
    terms = terms_of(u)
    if len(terms.terms) != 1:
        return None
    term = terms.terms[0]
    if isinstance(node, Largest):
        if term.kind != "power" or not term.coefficient.is_positive or terms.constant != 0:
            return None
        q = term.parameters[0]
        return OneTotal(expr.xreplace({node: term.coefficient * s**q}), largest_measure(), True)
    measures: dict[str, Callable[[], Measure]] = {
        "power": lambda: power_measure(term.parameters[0]),
        "log-binomial": lambda: log_measure(term.parameters[0]),
    }
    if term.kind not in measures or (term.kind == "log-binomial" and term.parameters[1] != 1):
        return None
    if term.kind == "power" and not term.parameters[0].is_positive:
        return None
    total = term.coefficient * s + d * terms.constant
    return OneTotal(simplified(expr.xreplace({node: total})), measures[term.kind]())


def scale_invariant(expr: sp.Expr) -> bool:
    """Whether φ(t·a) = φ(a) for t > 0: then it is constant along rays and never proper.

    u(ty) is written as Σ c(t)·v(y), so that a total such as Σ|a|log|a| turns into t·Σ|a|log|a| +
    t·log t·Σ|a|.
    """
    t = sp.Symbol("t", positive=True)
    stretched = {}
    stand_ins: dict[sp.Expr, sp.Symbol] = {}

    def stand_in(kind: type, u: sp.Expr) -> sp.Symbol:
        return stand_ins.setdefault(kind(u.subs(y, a)), sp.Dummy(positive=True))

    for node in expr.atoms(Total, Largest):
        u = node.args[0].subs(a, y)
        scaled = sp.expand(sp.expand_log(u.subs(y, t * y)), power_exp=False)
        parts = [part.as_independent(t, as_Add=False) for part in sp.Add.make_args(scaled)]
        if any(factor.has(y) for _, factor in parts):
            return False
        if isinstance(node, Largest) and len(parts) > 1:
            return False
        stretched[node] = sum(f * stand_in(type(node), v) for v, f in parts)
    start = {node: stand_in(type(node), node.args[0].subs(a, y)) for node in stretched}
    return bool(simplified(sp.expand_log(expr.xreplace(stretched) - expr.xreplace(start))) == 0)


def real_factor(domain: str) -> sp.Expr:
    """2^d on the real line, 1 on the positive domain: the number of orthants."""
    return 2**d if domain == "real" else sp.S.One
