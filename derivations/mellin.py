"""Known integrals, as data: M(s) = ∫₀^∞ y^{s−1} exp(−λ Σ terms) dy for sums of known terms.

One row gives the normaliser (s = 1) and every moment (s = r + 1). A term m log y only shifts s to
s − λm, so gamma, Weibull, log-normal, inverse gamma and beta prime priors need no rows of their
own. A row answers None where its condition on signs fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.terms import Terms
from neglog.priors.symbols import lam

Formula = Callable[[Terms, sp.Expr], sp.Expr | None]


@dataclass(frozen=True)
class Row:
    """The kinds of terms it is for (without log), M(s), and where it is written down."""

    kinds: tuple[str, ...]
    formula: Formula
    source: str


def _power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−p y^q} dy = Γ(s/q) p^{−s/q}/|q|."""
    term = terms.of("power")
    p, q = lam * term.coefficient, term.parameters[0]
    if not (p.is_positive and q.is_nonzero and q.is_real):
        return None
    return sp.gamma(s / q) * p ** (-s / q) / sp.Abs(q)


def _two_powers(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    first, second = [t for t in terms.terms if t.kind == "power"]
    if first.parameters[0] == 2:
        first, second = second, first
    p, b = lam * first.coefficient, lam * second.coefficient
    q, r = first.parameters[0], second.parameters[0]
    if (q, r) == (1, 2) and b.is_positive:
        return _linear_and_square(p, b, s)
    if q == -r and p.is_positive and b.is_positive:
        # ∫ y^{s−1} e^{−p y^q − b y^{−q}} dy = (2/|q|) (b/p)^{s/(2q)} K_{s/q}(2√(pb))
        argument = 2 * lam * sp.sqrt(first.coefficient * second.coefficient)
        ratio = second.coefficient / first.coefficient
        return 2 / sp.Abs(q) * ratio ** (s / (2 * q)) * sp.besselk(s / q, argument)
    return None


def _linear_and_square(p: sp.Expr, b: sp.Expr, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−py−by²} dy for s = 1, 2, 3, …: −d/dp of ½√(π/b) e^{p²/4b} erfc(p/2√b)."""
    if not (s.is_Integer and 1 <= s <= 8):
        return None
    slope = sp.Dummy(real=True)
    first = sp.sqrt(sp.pi / b) / 2 * sp.exp(slope**2 / (4 * b)) * sp.erfc(slope / (2 * sp.sqrt(b)))
    return ((-1) ** (s - 1) * sp.diff(first, slope, s - 1)).subs(slope, p)


def _log_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} (1+(y/k)^q)^{−p} dy = (k^s/q) B(s/q, p − s/q), p > s/q."""
    term = terms.of("log-binomial")
    k, q = term.parameters
    p = lam * term.coefficient
    if not p.is_positive:
        return None
    return k**s / q * sp.gamma(s / q) * sp.gamma(p - s / q) / sp.gamma(p)


def _sqrt_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−p√(k²+y²)} dy = (k/√π) (2k/p)^{(s−1)/2} Γ(s/2) K_{(s+1)/2}(pk)."""
    term = terms.of("sqrt-binomial")
    (k,) = term.parameters
    p = lam * term.coefficient
    if not p.is_positive:
        return None
    bessel = sp.besselk((s + 1) / 2, p * k)
    return k / sp.sqrt(sp.pi) * (2 * k / p) ** ((s - 1) / 2) * sp.gamma(s / 2) * bessel


def _log_cosh(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ cosh(y/k)^{−p} dy = k √π Γ(p/2) / (2 Γ((p+1)/2)); only s = 1 is elementary."""
    term = terms.of("log-cosh")
    (k,) = term.parameters
    p = lam * term.coefficient
    if s != 1 or not p.is_positive:
        return None
    return k * sp.sqrt(sp.pi) * sp.gamma(p / 2) / (2 * sp.gamma((p + 1) / 2))


def _log_square(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−p (log y)²} dy = √(π/p) e^{s²/(4p)}."""
    p = lam * terms.of("log-square").coefficient
    return sp.sqrt(sp.pi / p) * sp.exp(s**2 / (4 * p)) if p.is_positive else None


def _cosh(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p cosh(y/k)} dy = k K₀(p)."""
    term = terms.of("cosh")
    p = lam * term.coefficient
    return term.parameters[0] * sp.besselk(0, p) if s == 1 and p.is_positive else None


def _exp(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p e^{y/k}} dy = k E₁(p), k > 0."""
    term = terms.of("exp")
    p, (k,) = lam * term.coefficient, term.parameters
    if s != 1 or not (p.is_positive and k.is_positive):
        return None
    return k * sp.expint(1, p)


def _exp_and_power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p e^{y/k} − by} dy = k E_{1+bk}(p) for k > 0; k γ(…) lower for k < 0."""
    exp, power = terms.of("exp"), terms.of("power")
    p, (k,) = lam * exp.coefficient, exp.parameters
    b, (q,) = lam * power.coefficient, power.parameters
    if s != 1 or q != 1 or not p.is_positive:
        return None
    if k.is_positive:
        return k * p ** (b * k) * sp.uppergamma(-b * k, p)
    if k.is_negative and b.is_positive:
        return -k * p ** (b * k) * sp.lowergamma(-b * k, p)
    return None


def _log_binomial_and_power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ (1+y/k)^{−p} e^{−by} dy = k e^{bk} (bk)^{p−1} Γ(1−p, bk)."""
    term, power = terms.of("log-binomial"), terms.of("power")
    (k, q), (r,) = term.parameters, power.parameters
    p, b = lam * term.coefficient, lam * power.coefficient
    if s != 1 or q != 1 or r != 1 or not b.is_positive:
        return None
    return k * sp.exp(b * k) * (b * k) ** (p - 1) * sp.uppergamma(1 - p, b * k)


ROWS: tuple[Row, ...] = (
    Row(("power",), _power, "Gradshteyn & Ryzhik, Table of integrals, 2007, 3.326"),
    Row(("power", "power"), _two_powers, "Gradshteyn & Ryzhik, 2007, 3.322 and 3.471"),
    Row(("log-binomial",), _log_binomial, "Gradshteyn & Ryzhik, 2007, 3.241"),
    Row(("sqrt-binomial",), _sqrt_binomial, "Gradshteyn & Ryzhik, 2007, 3.387 and 3.389"),
    Row(("log-cosh",), _log_cosh, "Gradshteyn & Ryzhik, 2007, 3.512"),
    Row(("log-square",), _log_square, "Gradshteyn & Ryzhik, 2007, 3.323"),
    Row(("cosh",), _cosh, "DLMF 10.32.9"),
    Row(("exp",), _exp, "DLMF 6.2.1"),
    Row(("exp", "power"), _exp_and_power, "DLMF 8.6"),
    Row(("log-binomial", "power"), _log_binomial_and_power, "DLMF 8.6.5 and 13.4.4"),
)


def transform(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫₀^∞ y^{s−1} exp(−λφ) dy from the table, or None where no row fits."""
    shifted = s - lam * terms.log_coefficient
    for row in ROWS:
        if row.kinds == terms.kinds:
            found = row.formula(terms, shifted)
            if found is not None:
                return sp.exp(-lam * terms.constant) * found
    return None
