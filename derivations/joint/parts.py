"""A joint penalty as a sum of parts, each with what is known of its sign and its growth.

Power sums are written in elementary symmetric sums where that shows a sign: (Σ|a|)² − Σa² is
2e₂ = 2Σ_{i<j}|aᵢ||aⱼ| ≥ 0, for every d.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, AT_ZERO, ratio
from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.totals import scale_invariant
from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import Largest, Total, d, y


@dataclass(frozen=True)
class Part:
    """One part of a sum, in stand-ins for its totals.

    Attributes:
        meant: the part in totals.
        expr: the part in stand-ins, each positive or real.
        totals_of: stand-in → u(y), the per-feature function of its total.
    """

    meant: sp.Expr
    expr: sp.Expr
    totals_of: dict[sp.Symbol, sp.Expr] = field(hash=False)

    @cached_property
    def shown(self) -> str:
        """The part for people."""
        return str(self.meant)

    @cached_property
    def totals(self) -> dict[sp.Symbol, sp.Expr]:
        """Stand-in → q for the totals of powers c|a|^q among them (max: its power)."""
        return {t: q for t, u in self.totals_of.items() if (q := _power(u)) is not None}

    @property
    def powers_only(self) -> bool:
        """Whether every total is one of powers."""
        return len(self.totals) == len(self.totals_of) and bool(self.totals)

    @property
    def totals_nonnegative(self) -> bool:
        """Whether every per-feature function is ≥ 0."""
        return all(u.is_nonnegative for u in self.totals_of.values())

    @cached_property
    def nonnegative(self) -> bool:
        """Whether the part is ≥ 0 for every code, as far as can be proved."""
        return bool(self.expr.is_nonnegative or sp.factor(self.expr).is_nonnegative)

    @cached_property
    def scale_free(self) -> bool:
        """Whether it is the same along rays, and continuous on the sphere: then it is bounded."""
        if not self.totals_of or not scale_invariant(self.meant):
            return False
        poles = [p.base for p in self.expr.atoms(sp.Pow) if p.exp.is_negative]
        poles += [p.args[0] for p in self.expr.atoms(sp.log)]
        return all(_is_power_total(p, self.totals) for p in poles) and all(
            _bounded_near_zero(u) for u in self.totals_of.values()
        )

    @cached_property
    def along(self) -> sp.Expr | None:
        """The part on a ray where it has one total of powers: y^q for the total."""
        if len(self.totals_of) != 1 or not self.powers_only:
            return None
        ((t, q),) = self.totals.items()
        return self.expr.subs(t, y**q)

    @cached_property
    def separable(self) -> sp.Expr | None:
        """f with the part = Σf(aᵢ): linear in its one total."""
        if len(self.totals_of) != 1:
            return None
        ((t, u),) = self.totals_of.items()
        slope = simplified(sp.diff(self.expr, t))
        return None if slope.has(t) else slope * u

    @cached_property
    def log_rate(self) -> sp.Expr | None:
        """r with the part ~ r·log: of the feature where separable, of scale for powers."""
        f = self.separable if self.separable is not None and not self.powers_only else self.along
        return None if f is None else ratio(f, sp.log(y), AT_INFINITY)

    @cached_property
    def order(self) -> tuple[sp.Expr, int] | None:
        """(m, sign) with the part ~ sign·const·t^m along rays; m = 0 for slower growth."""
        if self.along is None:
            return None
        for sign in (1, -1):
            value = simplified(sign * self.along)
            speed = ratio(sp.log(value), sp.log(y), AT_INFINITY)
            if speed is not None and speed.is_real and speed.is_finite:
                lead = ratio(value, y**speed, AT_INFINITY)
                if lead is not None and (lead.is_positive or (lead is sp.oo and speed == 0)):
                    return speed, sign
                if lead is not None and lead.is_zero and speed == 0:
                    return speed, sign
        return None

    @cached_property
    def coercive(self) -> bool:
        """Whether it alone outgrows every multiple of log|a| in every direction."""
        f = self.along if self.along is not None else self.separable
        return f is not None and ratio(f, sp.log(y), AT_INFINITY) is sp.oo

    @cached_property
    def bounded_at_zero(self) -> bool:
        """Whether it stays finite wherever activations are 0."""
        f = self.along if self.along is not None else self.separable
        if f is None:
            return all(_bounded_near_zero(u) for u in self.totals_of.values()) and (
                self.expr.is_finite is not False
            )
        start = ratio(f, sp.log(y), AT_ZERO)
        return start is not None and bool(start.is_zero)


def _bounded_near_zero(u: sp.Expr) -> bool:
    found = limit_from_right(u, y, sp.S.Zero)
    return found is not None and bool(found.is_finite)


def parts_of(expr: sp.Expr, domain: str) -> list[Part]:
    """The parts of φ (in totals): an additive split in which signs can be seen."""
    nodes = sorted(expr.atoms(Total, Largest), key=str)
    stand_ins: dict[sp.Expr, sp.Symbol] = {}
    functions: dict[sp.Symbol, sp.Expr] = {}
    for i, node in enumerate(nodes):
        u = Penalty(node.args[0], domain).on_half_line
        if u is None:
            raise ValueError("a per-feature function is not even")
        symbol = sp.Symbol(f"T_{i}", **({"positive": True} if u.is_nonnegative else {"real": True}))
        stand_ins[node], functions[symbol] = symbol, u
    whole = sp.expand(expr.xreplace(stand_ins))
    whole, pairs = _with_pairs(whole, functions)
    back = {v: k for k, v in stand_ins.items()}
    back |= {e: (back[t] ** 2 - back[square]) / 2 for e, (t, square) in pairs.items()}
    known = {**functions, **dict.fromkeys(pairs, y)}
    groups = _grouped(_scale_free_first(whole, back), set(known))
    found: list[Part] = []
    for group in groups:
        used = {t: known[t] for t in group.free_symbols & set(known)}
        if any(t in pairs for t in used):  # e₂ has no law of growth of its own: a sign only
            of = {e: _power(functions[pairs[e][0]]) for e in used if e in pairs}
            found.append(PairPart(group.xreplace(back), group, {}, of))
            continue
        found.append(Part(group.xreplace(back), group, used))
    return found


@dataclass(frozen=True)
class PairPart(Part):
    """A part with products of different features: its sign is known, its growth is not.

    Attributes:
        pairs: the stand-in of e₂ → q where it is of powers |a|^q.
    """

    pairs: dict[sp.Symbol, sp.Expr | None] = field(default_factory=dict, hash=False)

    @property
    def powers_only(self) -> bool:
        return False

    @cached_property
    def scale_free(self) -> bool:
        return False

    @cached_property
    def coercive(self) -> bool:
        return False

    @cached_property
    def bounded_at_zero(self) -> bool:
        return bool(self.expr.is_polynomial(*self.expr.free_symbols))


def _scale_free_first(whole: sp.Expr, back: dict[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """The terms, with those gathered that only together do not change with scale."""
    terms = list(sp.Add.make_args(whole))
    for size in (1, 2, 3):
        for chosen in combinations(terms, size):
            together = sp.Add(*chosen)
            if together.free_symbols & set(back) and scale_invariant(together.xreplace(back)):
                return [together, *[t for t in terms if t not in chosen]]
    return terms


def _grouped(terms: list[sp.Expr], totals: set[sp.Symbol]) -> list[sp.Expr]:
    """Additive terms, those of the same totals together; a constant joins nothing."""
    groups: dict[frozenset[sp.Symbol], sp.Expr] = {}
    for term in terms:
        key = frozenset(term.free_symbols & totals)
        if key:
            groups[key] = groups.get(key, sp.S.Zero) + term
    return list(groups.values())


def _with_pairs(
    whole: sp.Expr, functions: dict[sp.Symbol, sp.Expr]
) -> tuple[sp.Expr, dict[sp.Symbol, tuple[sp.Symbol, sp.Symbol]]]:
    """Σu² as (Σu)² − 2e₂ where it stands with a minus beside (Σu)²."""
    pairs: dict[sp.Symbol, tuple[sp.Symbol, sp.Symbol]] = {}
    for t, u in functions.items():
        for square, v in functions.items():
            if square is t or simplified(u**2 - v) != 0 or not whole.is_polynomial(square):
                continue
            slope = whole.coeff(square, 1)
            if sp.degree(whole, square) == 1 and (slope.is_negative or (-slope).is_positive):
                e = sp.Symbol(f"e_{len(pairs)}", nonnegative=True)
                pairs[e] = (t, square)
                whole = sp.expand(whole.subs(square, t**2 - 2 * e))
    return whole, pairs


def _power(u: sp.Expr) -> sp.Expr | None:
    """q with u = c·y^q, c, q > 0."""
    terms = terms_of(u)
    if len(terms.terms) != 1 or terms.constant != 0:
        return None
    (term,) = terms.terms
    if term.kind != "power" or not term.coefficient.is_positive:
        return None
    q = term.parameters[0]
    return q if q.is_positive else None


def _is_power_total(expr: sp.Expr, totals: dict[sp.Symbol, sp.Expr]) -> bool:
    """Whether it vanishes at 0 alone: a sum of powers of totals of powers."""
    return (
        bool(expr.free_symbols & set(totals))
        and all(s in totals or s == d or s.is_positive for s in expr.free_symbols)
        and bool(expr.is_positive)
    )
