"""The standard form of a penalty: φ(a) = c·ψ(a/s) + level, ψ with fewer parameters.

A scale s and a factor c of the strength change no integral in an essential way,

    ∫ |a|^r e^{−λφ(a)} da = s^{r+1} e^{−λ·level} ∫ |a|^r e^{−cλψ(a)} da,

so closed forms are sought for ψ, where they are short, and carried back. The candidates for s are
the scales of the known terms, the breakpoints, and what balances two powers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.half_line import Piece, Side, parameters
from neglog.derivations.integrals.terms import Term, Terms, terms_of
from neglog.derivations.numbers import simplified
from neglog.priors.symbols import lam, y

# Kinds whose first parameter is a scale: core(y; k, …) = core(y/k; 1, …).
_SCALED = ("log-binomial", "log-quadratic", "log-one-minus", "log-cosh", "log-exp-binomial",
           "sqrt-binomial", "sqrt-from-zero", "power-binomial", "cosh", "sinh", "exp")  # fmt: skip


@dataclass(frozen=True)
class Standard:
    """φ(a) = strength·ψ(a/scale) + level, with ψ given by its half lines."""

    sides: tuple[Side, ...]
    scale: sp.Expr
    strength: sp.Expr
    level: sp.Expr

    def integral(self, of_psi: sp.Expr, order: int) -> sp.Expr:
        """∫ |a|^order e^{−λφ} da from that of ψ."""
        return self.scale ** (order + 1) * sp.exp(-lam * self.level) * self.at_strength(of_psi)

    def at_strength(self, of_psi: sp.Expr) -> sp.Expr:
        """What follows from ψ at strength cλ."""
        return of_psi.subs(lam, self.strength * lam)


def standard(sides: Sequence[Side]) -> Standard | None:
    """The standard form with the fewest parameters; None where none has fewer than φ."""
    names = parameters(sides) - {lam}
    if not names:
        return None
    best, fewest = None, len(names)
    for scale in dict.fromkeys(_scales(sides)):
        for found in _stretched(sides, scale):
            left = len(parameters(found.sides) - {lam})
            if left < fewest:
                best, fewest = found, left
            if left == 0:
                return best
    return best


def _scales(sides: Sequence[Side]) -> Iterator[sp.Expr]:
    for side in sides:
        for piece in side.pieces:
            if piece.phi is sp.oo:
                continue
            terms = terms_of(piece.phi)
            for term in terms.terms:
                if term.kind in _SCALED and term.parameters[0].is_positive:
                    yield term.parameters[0]
            powers = [t for t in terms.terms if t.kind == "power" and t.coefficient.is_positive]
            if len(powers) == 2:
                one, two = powers
                gap = simplified(two.parameters[0] - one.parameters[0])
                yield simplified((one.coefficient / two.coefficient) ** (1 / gap))
            yield from (edge for edge in (piece.lo, piece.hi) if edge not in (0, sp.oo))
    yield sp.S.One


def _stretched(sides: Sequence[Side], scale: sp.Expr) -> Iterator[Standard]:
    """ψ(y) = (φ(scale·y) − level)/c for every coefficient c, and for 1."""
    rows: list[list[tuple[Piece, Terms | None]]] = []
    for side in sides:
        row: list[tuple[Piece, Terms | None]] = []
        for piece in side.pieces:
            lo, hi = (simplified(e / scale) if e is not sp.oo else e for e in (piece.lo, piece.hi))
            inner = None if piece.phi is sp.oo else terms_of(piece.phi.subs(y, scale * y))
            row.append((Piece(lo, hi, piece.phi), inner))
        rows.append(row)
    known = [terms for row in rows for _, terms in row if terms is not None]
    levels = {terms.constant for terms in known}
    level = levels.pop() if len(levels) == 1 else sp.S.Zero
    factors = [t.coefficient for terms in known for t in terms.terms]
    for c in dict.fromkeys([sp.S.One, *(f for f in factors if f.is_positive)]):
        yield Standard(
            tuple(
                Side(tuple(_divided(p, t, level, c) for p, t in row), side.weight, side.sign)
                for side, row in zip(sides, rows, strict=True)
            ),
            scale,
            c,
            level,
        )


def _divided(piece: Piece, terms: Terms | None, level: sp.Expr, c: sp.Expr) -> Piece:
    if terms is None:
        return piece
    parts = [Term(t.kind, simplified(t.coefficient / c), t.parameters) for t in terms.terms]
    rest = simplified((terms.constant - level) / c)
    return Piece(piece.lo, piece.hi, sp.Add(rest, *[t.coefficient * t.core for t in parts]))
