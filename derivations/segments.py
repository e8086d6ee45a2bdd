"""A law with numbers in it, cut into segments on each of which log p is smooth in t = log u.

Every segment starts at an anchor, x = anchor ± u with 0 < u < length, and anchors are where a
density may be singular, have a kink or a narrow mode: 0, the breakpoints, poles, modes. A number
next to an anchor is then known relative to its distance from it, so that |a − 1|^(−1/2) and a
normal law of width 1e-8 around 5 are as easy as a power law at 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from neglog.derivations.compile import nodes, numpy_backend, reference
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.large import overflow_free
from neglog.derivations.deadline import within
from neglog.derivations.half_line import Piece, Side, sides
from neglog.derivations.numbers import UNCOMPUTABLE, function, substitute
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import y

Floats = NDArray[np.float64]
Numbers = Mapping[sp.Symbol, sp.Expr]
DIGITS = 50
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
    lo, hi = _value(piece.lo, numbers), _value(piece.hi, numbers)
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
    form, start = _stable(near, strength, numbers)
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
            plain = [_value(c, numbers) for c in reversed(sp.Poly(e, y).all_coeffs())]
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


GOOD = 1e-15
_PROBES = (*range(-36, 40, 3), 100, 300, 600)


def _stable(near: sp.Expr, strength: float, numbers: Numbers) -> tuple[sp.Expr, mp.mpf]:
    """φ in a form that keeps the digits of λφ, and the constant φ(0) that the form leaves out.

    As written where that is good enough; else the compiler's form of φ(u) − φ(0), if better.
    """
    none: mp.mpf = mp.mpf(0)
    try:
        truth = _truth(near, numbers)
    except InputError:  # a function without a reference: taken as written
        return _small_sums(near), none
    best: tuple[float, sp.Expr, mp.mpf] | None = None
    for make in (lambda: near, lambda: overflow_free(near, y), None):
        try:
            start = none
            if make is None:
                half = HalfLine.of(near, numbers)
                start = none if half.start is None else _value(half.start, numbers)
            form = _small_sums(half.form if make is None else make())
            lost = _lost(form, start, truth, strength, numbers)
        except (*UNCOMPUTABLE, TypeError, InputError):
            continue  # no such form
        if best is None or lost < best[0]:
            best = (lost, form, start)
        if lost <= GOOD:
            break
    if best is None:
        raise InputError(f"{near} cannot be evaluated in floating point.")
    return best[1:]


def _truth(near: sp.Expr, numbers: Numbers) -> dict[int, mp.mpf]:
    """φ(e^t) in many digits at the probes where it is real and finite."""
    out = {}
    names = sorted(near.free_symbols - {y}, key=str)
    values = [_value(numbers[name], {}) for name in names]
    phi = reference.function([y, *names], [near], DIGITS)
    for t in _PROBES:
        try:
            (value,) = phi(mp.exp(t), *values)
        except (*reference.NO_VALUE, *UNCOMPUTABLE):
            continue
        if mp.isfinite(value):
            out[t] = value
    return out


def _lost(
    form: sp.Expr, start: mp.mpf, truth: dict[int, mp.mpf], strength: float, numbers: Numbers
) -> float:
    """The largest error of λφ relative to 1 + λ|φ − φ(0)| over the probes."""
    if not truth:
        return 0.0
    first, second = (truth[t] for t in sorted(truth)[:2]) if len(truth) > 1 else (mp.mpf(0),) * 2
    origin = first if abs(second - first) < 1e-2 * (1 + abs(first)) else mp.mpf(0)
    run, worst = _compiled(form, numbers), 0.0
    for t, value in truth.items():
        got = float(run(np.array(np.exp(float(t)))))
        if t <= 100 and strength * abs(value - origin) > 1e4:
            continue  # the density has long vanished there
        error = strength * abs(got - float(value - start)) if np.isfinite(got) else 1.0
        worst = max(worst, float(error / (1 + strength * abs(value - origin))))
    return worst


def _small_sums(e: sp.Expr) -> sp.Expr:
    """log(1 + w) as log1p(w) where w > 0, since w may be far below 1; log erfc as one function.

    sympy writes erfc(−z) as 2 − erfc(z), which has no digits left in the tail.
    """

    def rewrite(arg: sp.Expr) -> sp.Expr:
        for tail in arg.atoms(sp.erfc, sp.erf):
            z = tail.args[0]
            for sign in (1, -1):
                whole = sp.erfc(sign * z) if isinstance(tail, sp.erfc) else 1 - sign * tail
                if arg == whole:
                    return nodes.LogErfc(sign * z)
        one, rest = arg.as_independent(y, as_Add=True)
        return nodes.Log1p(rest) if one == 1 and rest.is_positive else sp.log(arg)

    return e.replace(sp.log, rewrite)


def _compiled(form: sp.Expr, numbers: Numbers) -> Callable[[Floats], Floats]:
    names = sorted(form.free_symbols - {y}, key=str)
    values = [float(numbers[name]) for name in names]
    run = numpy_backend.function([y, *names], [form])
    return lambda u: run(u, *values)[0]


def _segment(local: Local, strength: float, least: mp.mpf, numbers: Numbers) -> Segment:
    run, offset = _compiled(local.form, numbers), float(strength * (least - local.start))

    def log_density(u: Floats) -> Floats:
        value = offset - strength * run(u)
        return np.where(np.isnan(value) | (value == np.inf), -np.inf, value)

    def far(t: Floats, rim: float) -> Floats:
        names = sorted(local.symbolic.free_symbols - {y}, key=str)
        values = [_value(numbers[name], {}) for name in names]
        phi = function([y, *names], local.symbolic)
        with mp.workdps(DIGITS):
            low = phi(mp.exp(rim), *values)
            gains = [-strength * mp.re(phi(mp.exp(v), *values) - low) + v - rim for v in t]
            return np.array([float(gain) for gain in gains])

    return Segment(local.anchor, local.direction, local.length, log_density, far)


def _value(expr: sp.Expr, numbers: Numbers) -> mp.mpf:
    if expr is sp.oo:
        return mp.inf
    with mp.workdps(DIGITS + 20):
        return mp.mpf(sp.N(substitute(sp.sympify(expr), numbers, DIGITS), DIGITS))


def _poles(phi: sp.Expr, numbers: Numbers) -> list[mp.mpf]:
    """Where a logarithm's argument or a denominator vanishes on y > 0, in order."""
    suspects = [n.args[0] for n in phi.atoms(sp.log)]
    suspects += [p.base for p in phi.atoms(sp.Pow) if p.exp.is_negative]
    found: set[mp.mpf] = set()
    for suspect in suspects:
        if not suspect.has(y) or suspect.is_positive:
            continue

        def roots(f: sp.Expr = suspect) -> list[sp.Expr]:
            try:
                return list(sp.solve(f, y))
            except NotImplementedError:
                return []

        none: list[sp.Expr] = []
        for root in within(1.0, roots, none):
            try:
                found.add(_value(root, numbers))
            except (*UNCOMPUTABLE, TypeError):
                continue  # not a real number here
    return sorted(p for p in found if p > 0)


NARROW = 1e-2  # of log u: what panels of ordinary size would miss
DEEP = 745.0


def _narrow_modes(
    phi: sp.Expr, lo: mp.mpf, hi: mp.mpf, sign: int, strength: float, numbers: Numbers
) -> list[mp.mpf]:
    """Modes inside (lo, hi) that are narrow against their distance from both ends."""
    found: set[mp.mpf] = set()
    for local in _between(phi, lo, hi, sign, strength, numbers):
        run = _compiled(local.form, numbers)
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
