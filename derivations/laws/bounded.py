"""Known laws on part of the domain: penalties with a hard bound (φ = ∞ outside)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.laws.half_line import Form, Law, call
from neglog.derivations.numbers import simplified

Row = Callable[[Form, sp.Expr], Law | None]


def _uniform(form: Form, end: sp.Expr) -> Law | None:
    """y^m on (0, end)."""
    if form.real:
        uniform = call("uniform", loc=-end, scale=2 * end)
        return Law("uniform", uniform) if form.power == 0 else None
    if form.power == 0:
        return Law("uniform", call("uniform", scale=end))
    return Law("power function", call("powerlaw", a=form.power + 1, scale=end))


def _power(form: Form, end: sp.Expr) -> Law | None:
    """e^{−p y^q} on (0, end)."""
    term = form.terms.of("power")
    q, p = term.parameters[0], form.strength * term.coefficient
    if form.power != 0:
        return None
    if q == 2 and p.is_positive:
        sigma = 1 / sp.sqrt(2 * p)
        low = -end / sigma if form.real else sp.S.Zero
        return Law("truncated normal", call("truncnorm", a=low, b=end / sigma, scale=sigma))
    if q == 1 and form.real:
        return Law("truncated Laplace", None)
    if q == 1 and p.is_positive:
        return Law("truncated exponential", call("truncexpon", b=p * end, scale=1 / p))
    return None


def _two_powers(form: Form, end: sp.Expr) -> Law | None:
    """e^{−by−cy²} on (0, end)."""
    powers = {t.parameters[0]: form.strength * t.coefficient
              for t in form.terms.terms if t.kind == "power"}  # fmt: skip
    if form.real or form.power != 0 or set(powers) != {sp.S.One, sp.Integer(2)}:
        return None
    b, c = powers[sp.S.One], powers[sp.Integer(2)]
    if not c.is_positive:
        return None
    sigma, middle = 1 / sp.sqrt(2 * c), -b / (2 * c)
    low, high = -middle / sigma, (end - middle) / sigma
    return Law("truncated normal", call("truncnorm", a=low, b=high, loc=middle, scale=sigma))


def _log_one_minus(form: Form, end: sp.Expr) -> Law | None:
    """y^m (1−(y/k)^q)^{−p} on (0, k): beta laws."""
    term = form.terms.of("log-one-minus")
    (k, q), b = term.parameters, 1 - form.strength * term.coefficient
    if simplified(end - k) != 0:
        return None
    if not form.real:
        beta = call("beta", a=form.power + 1, b=b, scale=k)
        return Law("beta", beta) if q == 1 else None
    if q == 1 and form.power == 0 and b == 2:
        half = sp.S.Half
        return Law("triangular", f"triang(c={half}, loc={-k}, scale={2 * k})")
    if q == 2 and form.power == 0:
        if b == sp.Rational(3, 2):
            return Law("semicircle", call("semicircular", scale=k))
        return Law("symmetric beta", call("beta", a=b, b=b, loc=-k, scale=2 * k))
    return None


ROWS: dict[tuple[str, ...], Row] = {
    (): _uniform,
    ("power",): _power,
    ("power", "power"): _two_powers,
    ("log-one-minus",): _log_one_minus,
}


def bounded_law(sides: Sequence[Side], domain: str, strength: sp.Expr) -> Law | None:
    """The law of a penalty that is finite on one interval only."""
    if len(sides) != 1:
        return None
    inside = [piece for piece in sides[0].pieces if piece.phi is not sp.oo]
    if len(inside) != 1:
        return None
    (piece,) = inside
    form = Form(terms_of(piece.phi), domain, strength)
    if piece.lo == 0 and piece.hi is not sp.oo:
        row = ROWS.get(form.terms.kinds)
        return None if row is None else row(form, piece.hi)
    if piece.hi is sp.oo and form.terms.kinds == () and domain == "positive":
        return Law("Pareto", call("pareto", b=-form.power - 1, scale=piece.lo))
    return None
