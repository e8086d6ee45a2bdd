"""Known integrals, as data: M(s) = ∫₀^∞ y^{s−1} exp(−λ Σ terms) dy for sums of known terms.

One row gives the normaliser (s = 1) and every moment (s = r + 1). A term m log y only shifts s to
s − λm, so gamma, Weibull, log-normal, inverse gamma and beta prime priors need no rows of their
own. A row answers None where its condition on signs certainly fails; where a sign depends on the
parameters it answers all the same, and verification by quadrature decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.integrals.terms import Terms
from neglog.derivations.numbers import simplified
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
    if p.is_nonpositive or not (q.is_nonzero and q.is_real):
        return None
    return sp.gamma(s / q) * p ** (-s / q) / sp.Abs(q)


def _two_powers(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    first, second = [t for t in terms.terms if t.kind == "power"]
    if simplified(first.parameters[0] - 2 * second.parameters[0]) == 0:
        first, second = second, first
    p, b = lam * first.coefficient, lam * second.coefficient
    q, r = first.parameters[0], second.parameters[0]
    if simplified(r - 2 * q) == 0 and not b.is_nonpositive:
        # u = |y|^q turns y^q, y^{2q} into u, u² (also for q < 0).
        linear = _linear_and_square(p, b, simplified(s / q))
        return linear / sp.Abs(q)
    if q == -r and not (p.is_nonpositive or b.is_nonpositive):
        # ∫ y^{s−1} e^{−p y^q − b y^{−q}} dy = (2/|q|) (b/p)^{s/(2q)} K_{s/q}(2√(pb))
        argument = 2 * lam * sp.sqrt(first.coefficient * second.coefficient)
        ratio = second.coefficient / first.coefficient
        bessel = _besselk(simplified(s / q), argument)
        return 2 / sp.Abs(q) * ratio ** (s / (2 * q)) * bessel
    return None


def _besselk(order: sp.Expr, z: sp.Expr) -> sp.Expr:
    """K_ν(z) with ν ≥ 0 where the sign is known; elementary at half-integers."""
    order = -order if order.could_extract_minus_sign() else order
    bessel = sp.besselk(order, z)
    if not (order.is_Rational and order.q == 2):
        return bessel
    return sp.expand_func(bessel).replace(
        lambda e: isinstance(e, sp.besselk) and abs(e.args[0]) == sp.S.Half,
        lambda e: sp.sqrt(sp.pi / (2 * e.args[1])) * sp.exp(-e.args[1]),
    )


def _linear_and_square(p: sp.Expr, b: sp.Expr, s: sp.Expr) -> sp.Expr:
    """∫ y^{s−1} e^{−py−by²} dy, p of either sign.

    s = 1, 2, 3, …: −d/dp of ½√(π/b) e^{p²/4b} erfc(p/2√b); else two confluent 1F1, the parabolic
    cylinder function D_{−s} of G&R 3.462.1 written out.
    """
    if s.is_Integer and 1 <= s <= 8:
        slope = sp.Dummy(real=True)
        erfc = sp.erfc(slope / (2 * sp.sqrt(b)))
        first = sp.sqrt(sp.pi / b) / 2 * sp.exp(slope**2 / (4 * b)) * erfc
        return ((-1) ** (s - 1) * sp.diff(first, slope, s - 1)).subs(slope, p)
    z = simplified(p**2 / (4 * b))
    even = sp.gamma(s / 2) * sp.hyper((s / 2,), (sp.S.Half,), z)
    odd = sp.gamma((s + 1) / 2) * sp.hyper(((s + 1) / 2,), (sp.Rational(3, 2),), z)
    return b ** (-s / 2) / 2 * (even - p / sp.sqrt(b) * odd)


def _log_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} (1+(y/k)^q)^{−p} dy = (k^s/q) B(s/q, p − s/q), p > s/q."""
    term = terms.of("log-binomial")
    k, q = term.parameters
    p = lam * term.coefficient
    if p.is_nonpositive:
        return None
    return k**s / q * sp.gamma(s / q) * sp.gamma(p - s / q) / sp.gamma(p)


def _sqrt_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−p√(k²+y²)} dy = (k/√π) (2k/p)^{(s−1)/2} Γ(s/2) K_{(s+1)/2}(pk)."""
    term = terms.of("sqrt-binomial")
    (k,) = term.parameters
    p = lam * term.coefficient
    if p.is_nonpositive:
        return None
    bessel = _besselk((s + 1) / 2, p * k)
    return k / sp.sqrt(sp.pi) * (2 * k / p) ** ((s - 1) / 2) * sp.gamma(s / 2) * bessel


def _log_cosh(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ cosh(y/k)^{−p} dy = k √π Γ(p/2) / (2 Γ((p+1)/2)); only s = 1 is elementary."""
    term = terms.of("log-cosh")
    (k,) = term.parameters
    p = lam * term.coefficient
    if s != 1 or p.is_nonpositive:
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


def _sinh(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p sinh(y/k)} dy = k (π/2) (H₀(p) − Y₀(p)), H Struve's function."""
    term = terms.of("sinh")
    p = lam * term.coefficient
    if s != 1 or p.is_nonpositive:
        return None
    return term.parameters[0] * sp.pi / 2 * (struve(0, p) - sp.bessely(0, p))


def _sqrt_from_zero(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p√(y²+ky)} dy = (k/2)((π/2)(H₁(z) − Y₁(z)) − 1), z = pk/2; y + k/2 = (k/2) cosh t."""
    term = terms.of("sqrt-from-zero")
    (k,), p = term.parameters, lam * term.coefficient
    if s != 1 or p.is_nonpositive:
        return None
    z = p * k / 2
    return k / 2 * (sp.pi / 2 * (struve(1, z) - sp.bessely(1, z)) - 1)


def struve(order: int, z: sp.Expr) -> sp.Expr:
    """H_n(z) = 2 (z/2)^{n+1}/(√π Γ(n+3/2)) 1F2(1; 3/2, n+3/2; −z²/4) (DLMF 11.2.1)."""
    half = sp.Rational(3, 2)
    series = sp.hyper((1,), (half, order + half), -(z**2) / 4)
    return 2 * (z / 2) ** (order + 1) / (sp.sqrt(sp.pi) * sp.gamma(order + half)) * series


def _exp(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p e^{y/k}} dy = k E₁(p), k > 0."""
    term = terms.of("exp")
    p, (k,) = lam * term.coefficient, term.parameters
    if s != 1 or (p.is_nonpositive or k.is_nonpositive):
        return None
    return k * sp.expint(1, p)


def _exp_and_power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−p e^{y/k} − by} dy = k E_{1+bk}(p) for k > 0; k γ(…) lower for k < 0."""
    exp, power = terms.of("exp"), terms.of("power")
    p, (k,) = lam * exp.coefficient, exp.parameters
    b, (q,) = lam * power.coefficient, power.parameters
    if s != 1 or q != 1 or p.is_nonpositive:
        return None
    if k.is_positive:
        return k * p ** (b * k) * sp.uppergamma(-b * k, p)
    if k.is_negative and b.is_positive:
        return -k * p ** (b * k) * sp.lowergamma(-b * k, p)
    return None


def _log_exp_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−by} (1 + g e^{−y/k})^{−p} dy = 2F1(p, bk; bk+1; −g)/b; g = −1: k B(bk, 1−p)."""
    term, power = terms.of("log-exp-binomial"), terms.of("power")
    k, g = term.parameters
    p, b, (q,) = lam * term.coefficient, lam * power.coefficient, power.parameters
    if s != 1 or q != 1 or b.is_nonpositive:
        return None
    if g == -1:
        return k * sp.gamma(b * k) * sp.gamma(1 - p) / sp.gamma(b * k + 1 - p)
    return sp.hyper((p, b * k), (b * k + 1,), -g) / b


def _log_cosh_and_power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ e^{−by} cosh(y/k)^{−p} dy, by cosh(y/k) = e^{y/k}(1 + e^{−2y/k})/2."""
    term, power = terms.of("log-cosh"), terms.of("power")
    (k,), (q,) = term.parameters, power.parameters
    p, b = lam * term.coefficient, lam * power.coefficient
    total = simplified(b + p / k)
    if s != 1 or q != 1 or total.is_nonpositive:
        return None
    return 2**p * sp.hyper((p, total * k / 2), (total * k / 2 + 1,), -1) / total


def _log_binomial_and_power(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} (1+(y/k)^q)^{−p} e^{−b y^r} dy, b > 0: incomplete gamma functions or Meijer's G.

    r = q, s = q: k^q/q · e^{z} z^{p−1} Γ(1−p, z), z = b k^q.
    """
    term, power = terms.of("log-binomial"), terms.of("power")
    (k, q), (r,) = term.parameters, power.parameters
    p, b = lam * term.coefficient, lam * power.coefficient
    if b.is_nonpositive:
        return None
    ratio = simplified(r / q)
    z, alpha = simplified(b * k**r), simplified(s / q)
    if ratio == 1 and alpha.is_Integer and 1 <= alpha <= 4:
        # (1+u)^{−p} u^{α−1} = Σ binom (−1)^{…} (1+u)^{j−p}
        return k**s / q * sp.Add(*[
            sp.binomial(alpha - 1, j) * (-1) ** (alpha - 1 - j)
            * sp.exp(z) * z ** (p - j - 1) * sp.uppergamma(1 - p + j, z)
            for j in range(int(alpha))
        ])  # fmt: skip
    known = ratio.is_Rational and ratio.is_positive and ratio.p + ratio.q <= MOST_PARAMETERS
    if not known or (ratio != 1 and p.is_nonpositive):  # 0·∞ where −p is a whole number
        return None
    return k**s / q * _binomial_beside_exponential(alpha, p, z, int(ratio.p), int(ratio.q))


MOST_PARAMETERS = 7  # of a Meijer G; more take seconds to compute


def _binomial_beside_exponential(alpha: sp.Expr, p: sp.Expr, z: sp.Expr, m: int, n: int) -> sp.Expr:
    """∫ u^{α−1} (1+u)^{−p} e^{−z u^{m/n}} du as Meijer's G of (z/n)^n.

    e^{−x} = 1/(2πi) ∫ Γ(nv) x^{−nv} n dv under the integral makes it a beta function, and Gauss's
    multiplication formula gamma functions of v. m/n = 1 is Tricomi's U; m/n = 1/2 Struve's and
    Neumann's function, which are 0·∞ at whole p where G is not.
    """
    upper = [1 - (alpha + j) / m for j in range(m)]
    lower = [sp.Rational(j, n) for j in range(n)] + [(p - alpha + j) / m for j in range(m)]
    weight = sp.sqrt(n) * m ** (p - 1) * (2 * sp.pi) ** (sp.Rational(3 - n, 2) - m)
    found = sp.meijerg((upper, ()), (lower, ()), simplified((z / n) ** n))
    return weight / sp.gamma(p) * found


def _two_log_binomials(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} (1+(y/k)^q)^{−p} (1+(y/m)^q)^{−r} dy = (k^s/q) B(σ, p+r−σ) 2F1(r, σ; p+r; 1−x).

    σ = s/q, x = (k/m)^q ≤ 1 by order of the two.
    """
    first, second = [t for t in terms.terms if t.kind == "log-binomial"]
    (k, q), (m, q2) = first.parameters, second.parameters
    if simplified(q - q2) != 0:
        return None
    if (k - m).is_positive:
        first, second, k, m = second, first, m, k
    p, r, sigma = lam * first.coefficient, lam * second.coefficient, simplified(s / q)
    x = simplified((k / m) ** q)
    if (p + r).is_nonpositive:
        return None
    beta = sp.gamma(sigma) * sp.gamma(p + r - sigma) / sp.gamma(p + r)
    return k**s / q * beta * sp.hyper((r, sigma), (p + r,), 1 - x)


def _log_quadratic(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} (1+2by/k+(y/k)²)^{−p} dy = k^s B(s, 2p−s) 2F1(s, 2p−s; p+½; (1−b)/2), b > −1."""
    term = terms.of("log-quadratic")
    k, b = term.parameters
    p = lam * term.coefficient
    if p.is_nonpositive:
        return None
    beta = sp.gamma(s) * sp.gamma(2 * p - s) / sp.gamma(2 * p)
    return k**s * beta * sp.hyper((s, 2 * p - s), (p + sp.S.Half,), simplified((1 - b) / 2))


def _power_binomial(terms: Terms, s: sp.Expr) -> sp.Expr | None:
    """∫ y^{s−1} e^{−p(1+y/k)^q} dy by u = 1 + y/k and the binomial theorem, s = 1, 2, 3, …"""
    term = terms.of("power-binomial")
    k, q = term.parameters
    p = lam * term.coefficient
    if not (s.is_Integer and 1 <= s <= 8 and p.is_positive and q.is_positive):
        return None
    return k**s * sp.Add(*[
        sp.binomial(s - 1, j) * (-1) ** (s - 1 - j)
        * sp.uppergamma((j + 1) / q, p) * p ** (-(j + 1) / q) / q
        for j in range(int(s))
    ])  # fmt: skip


ROWS: tuple[Row, ...] = (
    Row(("power",), _power, "Gradshteyn & Ryzhik, Table of integrals, 2007, 3.326"),
    Row(("power", "power"), _two_powers, "Gradshteyn & Ryzhik, 2007, 3.322 and 3.471"),
    Row(("log-binomial",), _log_binomial, "Gradshteyn & Ryzhik, 2007, 3.241"),
    Row(("sqrt-binomial",), _sqrt_binomial, "Gradshteyn & Ryzhik, 2007, 3.387 and 3.389"),
    Row(("log-cosh",), _log_cosh, "Gradshteyn & Ryzhik, 2007, 3.512"),
    Row(("log-square",), _log_square, "Gradshteyn & Ryzhik, 2007, 3.323"),
    Row(("cosh",), _cosh, "DLMF 10.32.9"),
    Row(("sinh",), _sinh, "DLMF 11.5.6"),
    Row(("sqrt-from-zero",), _sqrt_from_zero, "DLMF 11.5.6 and 11.4.27"),
    Row(("exp",), _exp, "DLMF 6.2.1"),
    Row(("exp", "power"), _exp_and_power, "DLMF 8.6"),
    Row(
        ("log-binomial", "power"),
        _log_binomial_and_power,
        "DLMF 8.6.5, 13.4.4 and 16.17; Prudnikov, Brychkov & Marichev, Integrals and series 3, "
        "1990, 2.24.1",
    ),
    Row(("log-binomial", "log-binomial"), _two_log_binomials, "Gradshteyn & Ryzhik, 2007, 3.197"),
    Row(("log-cosh", "power"), _log_cosh_and_power, "DLMF 15.6.1"),
    Row(("log-exp-binomial", "power"), _log_exp_binomial, "DLMF 15.6.1 and 5.12.1"),
    Row(("log-quadratic",), _log_quadratic, "Gradshteyn & Ryzhik, 2007, 3.252.10"),
    Row(("power-binomial",), _power_binomial, "DLMF 8.2.2"),
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
