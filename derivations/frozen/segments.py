"""A law with numbers in it, cut into segments on each of which log p is smooth in t = log u.

Every segment starts at an anchor, x = anchor ± u with 0 < u < length, and anchors are where a
density may be singular, have a kink or a narrow mode: 0, the breakpoints, poles, modes. A number
next to an anchor is then known relative to its distance from it, so that |a − 1|^(−1/2) and a
normal law of width 1e-8 around 5 are as easy as a power law at 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.frozen.floating import DIGITS, Floats, Numbers, compiled, stable, value_of
from neglog.derivations.half_line import Piece, Side, sides
from neglog.derivations.numbers import UNCOMPUTABLE, function
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import y

# log u where doubles of full precision end.
LEAST, MOST = -700.0, 709.0


@dataclass(frozen=True)
class Segment:
    """x = anchor + direction·u for 0 < u < length; ``log_density`` is −λφ up to a constant.

    Attributes:
        log_density: of u, the same constant left out on every segment.
        far: log(u·p) at u = e^t less that at u = e^rim, in many digits, for t beyond all doubles.
    """

    anchor: float
    direction: int
    length: float
    log_density: Callable[[Floats], Floats]
    far: Callable[[Floats, float], Floats]

    @property
    def ends(self) -> tuple[float, float]:
        """Where it starts and stops on the axis, from left to right."""
        far = self.anchor + self.direction * self.length
        return (self.anchor, far) if self.direction > 0 else (far, self.anchor)


@dataclass(frozen=True)
class Local:
    """φ around an anchor before its constant is compared with the others'."""

    anchor: float
    direction: int
    length: float
    form: sp.Expr
    start: mp.mpf
    symbolic: sp.Expr


def segments(phi: Penalty, strength: float, numbers: Numbers) -> tuple[list[Segment], float]:
    """The segments of exp(−λφ) from left to right, and the constant left out: log p̃ = log p − it.

    Args:
        phi: a scalar penalty.
        strength: λ.
        numbers: a value for each parameter.

    Raises:
        InputError: the breakpoints of φ cannot be put in order, or a function has no float form.
    """
    halves = _halves(phi, numbers)
    found: list[Local] = []
    for side in halves:
        for sign in (side.sign, -side.sign) if side.weight == 2 else (side.sign,):
            for piece in side.pieces:
                found += _of_piece(piece, sign, strength, numbers)
    if not found:
        raise InputError(f"{phi} is infinite everywhere: no density is left.")
    least = min(local.start for local in found)
    out = [_segment(local, strength, least, numbers) for local in found]
    return sorted(out, key=lambda s: s.ends), float(-strength * least)


def _halves(phi: Penalty, numbers: Numbers) -> Sequence[Side]:
    halves = within(3.0, lambda: sides(phi), None)
    if halves is None:  # an order that holds at these numbers only
        fixed = Penalty(phi.expr.subs(numbers), phi.domain)
        halves = within(5.0, lambda: sides(fixed), None)
    if halves is None:
        raise InputError(f"the breakpoints of {phi} cannot be put in order.")
    return halves


def _of_piece(piece: Piece, sign: int, strength: float, numbers: Numbers) -> list[Local]:
    if piece.phi is sp.oo:
        return []
    lo, hi = value_of(piece.lo, numbers), value_of(piece.hi, numbers)
    if not lo < hi:
        return []
    cuts = [lo, *[p for p in _poles(piece.phi, numbers) if lo < p < hi], hi]
    out = []
    for left, right in itertools.pairwise(cuts):
        peaks = _narrow_modes(piece.phi, left, right, sign, strength, numbers)
        edges = [left, *peaks, right]
        for start, stop in itertools.pairwise(edges):
            out += _between(piece.phi, start, stop, sign, strength, numbers)
    return out


def _between(
    phi: sp.Expr, lo: mp.mpf, hi: mp.mpf, sign: int, strength: float, numbers: Numbers
) -> list[Local]:
    """One smooth stretch of |a|: from its lower end up, and from its upper end down."""
    if hi == mp.inf:
        return [_local(phi, lo, +1, mp.inf, sign, strength, numbers)]
    half = (hi - lo) / 2
    return [
        _local(phi, lo, +1, half, sign, strength, numbers),
        _local(phi, hi, -1, half, sign, strength, numbers),
    ]


def _local(
    phi: sp.Expr,
    anchor: mp.mpf,
    direction: int,
    length: mp.mpf,
    sign: int,
    strength: float,
    numbers: Numbers,
) -> Local:
    near = around(phi, anchor, direction, numbers)
    form, start = stable(near, strength, numbers)
    return Local(float(sign * anchor), sign * direction, float(length), form, start, near)


def around(phi: sp.Expr, anchor: mp.mpf, direction: int, numbers: Numbers) -> sp.Expr:
    """φ(anchor ± y), each polynomial in it expanded there, so that no difference cancels."""
    if anchor == 0:
        return phi

    def shift(e: sp.Expr) -> sp.Expr:
        if not e.has(y):
            return e
        if e.is_polynomial(y) and sp.degree(e, y) <= 12:
            return shifted_polynomial(e)
        if e.is_Add:
            known = [t for t in e.args if t.is_polynomial(y)]
            rest = [shift(t) for t in e.args if not t.is_polynomial(y)]
            return sp.Add(shifted_polynomial(sp.Add(*known)) if known else 0, *rest)
        if isinstance(e, sp.sin | sp.cos):
            return e.func(_right_angle(shift(e.args[0])))
        return e.func(*[shift(arg) for arg in e.args])

    def shifted_polynomial(e: sp.Expr) -> sp.Expr:
        with mp.workdps(DIGITS + 20):
            plain = [value_of(c, numbers) for c in reversed(sp.Poly(e, y).all_coeffs())]
            size = sum(abs(c) * anchor**k for k, c in enumerate(plain))
            moved = mp.taylor(lambda t: mp.polyval(plain[::-1], t), anchor, 0)[:0]
            for k in range(len(plain)):
                terms = [mp.binomial(j, k) * plain[j] * anchor ** (j - k)
                         for j in range(k, len(plain))]  # fmt: skip
                moved.append(mp.fsum(terms))
            if moved and abs(moved[0]) < size * mp.mpf(10) ** -DIGITS:
                moved[0] = mp.mpf(0)
            return sp.Add(*[
                sp.Float(c, DIGITS) * (direction * y) ** k for k, c in enumerate(moved) if c
            ])  # fmt: skip

    return shift(phi)


def _right_angle(angle: sp.Expr) -> sp.Expr:
    """An angle that starts at a multiple of π/2, to the digits carried, exactly so: sin u, not
    cos(π/2 − u)."""
    start, rest = angle.as_independent(y, as_Add=True)
    turns = sp.N(2 * start / sp.pi, DIGITS)
    nearest = sp.Integer(round(turns))
    if abs(turns - nearest) > sp.Float(10, DIGITS) ** (10 - DIGITS):
        return angle
    return nearest * sp.pi / 2 + rest


def _segment(local: Local, strength: float, least: mp.mpf, numbers: Numbers) -> Segment:
    run, offset = compiled(local.form, numbers), float(strength * (least - local.start))

    def log_density(u: Floats) -> Floats:
        value = offset - strength * run(u)
        return np.where(np.isnan(value) | (value == np.inf), -np.inf, value)

    def far(t: Floats, rim: float) -> Floats:
        names = sorted(local.symbolic.free_symbols - {y}, key=str)
        values = [value_of(numbers[name], {}) for name in names]
        phi = function([y, *names], local.symbolic)
        with mp.workdps(DIGITS):
            low = phi(mp.exp(rim), *values)
            gains = [-strength * mp.re(phi(mp.exp(v), *values) - low) + v - rim for v in t]
            return np.array([float(gain) for gain in gains])

    return Segment(local.anchor, local.direction, local.length, log_density, far)


def _poles(phi: sp.Expr, numbers: Numbers) -> list[mp.mpf]:
    """Where a logarithm's argument or a denominator vanishes on y > 0, in order."""
    suspects = [n.args[0] for n in phi.atoms(sp.log)]
    suspects += [p.base for p in phi.atoms(sp.Pow) if p.exp.is_negative]
    found: set[mp.mpf] = set()
    for suspect in suspects:
        if not suspect.has(y) or suspect.is_positive or _of_huge_degree(suspect):
            continue

        def roots(f: sp.Expr = suspect) -> list[sp.Expr]:
            try:
                return list(sp.solve(f, y))
            except NotImplementedError:
                return []

        none: list[sp.Expr] = []
        for root in within(1.0, roots, none):
            try:
                found.add(value_of(root, numbers))
            except (*UNCOMPUTABLE, TypeError):
                continue  # not a real number here
    return sorted(p for p in found if p > 0)


def _of_huge_degree(expr: sp.Expr) -> bool:
    """Whether solving means a polynomial of thousands of terms: y^{1234/1009} as t^1234."""
    powers = [p.exp for p in expr.atoms(sp.Pow) if p.base.has(y) and p.exp.is_Rational]
    return any(max(abs(e.p), e.q) > LARGEST_POWER for e in powers)


LARGEST_POWER = 60
NARROW = 1e-2  # of log u: what panels of ordinary size would miss
DEEP = 745.0


def _narrow_modes(
    phi: sp.Expr, lo: mp.mpf, hi: mp.mpf, sign: int, strength: float, numbers: Numbers
) -> list[mp.mpf]:
    """Modes inside (lo, hi) that are narrow against their distance from both ends."""
    found: set[mp.mpf] = set()
    for local in _between(phi, lo, hi, sign, strength, numbers):
        run = compiled(local.form, numbers)
        inward = +1 if local.direction == sign else -1
        anchor = lo if inward > 0 else hi

        def height(t: Floats, run: Callable[[Floats], Floats] = run) -> Floats:
            value = -strength * run(np.exp(t)) + t
            return np.where(np.isfinite(value), value, -np.inf)

        top = min(MOST, float(np.log(local.length))) if local.length < np.inf else MOST
        for t in _peaks(height, top):
            found.add(anchor + inward * mp.exp(t))
    return sorted(found)


def _peaks(height: Callable[[Floats], Floats], top: float) -> list[float]:
    """The t of each narrow local maximum."""
    grid = np.append(np.arange(LEAST, top, 1.0), top)
    h = height(grid)
    inner = (h[1:-1] > -np.inf) & (h[1:-1] >= h[:-2]) & (h[1:-1] > h[2:])
    out = []
    for i in np.flatnonzero(inner & (h[1:-1] > np.max(h[1:-1]) - 1e30))[:40] + 1:
        left, right = grid[i - 1], grid[i + 1]
        while right - left > 1e-15 * max(1.0, abs(left)) * 4:
            fine = np.linspace(left, right, 33)
            j = int(np.argmax(height(fine)))
            left, right = fine[max(j - 1, 0)], fine[min(j + 1, 32)]
            if right - left >= (grid[i + 1] - grid[i - 1]) * 0.99:
                break
        peak = (left + right) / 2
        drop = float(
            height(np.array([peak]))[0] - max(height(np.array([peak - NARROW, peak + NARROW])))
        )
        if drop > 1.0:
            out.append(float(peak))
    return out
