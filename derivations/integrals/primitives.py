"""Known indefinite integrals, as data: y^{s−1} exp(−λ Σ terms) from 0 to y and from y to ∞.

They give the closed forms of penalties cut into pieces (Huber, hinge, hard bounds), and every
closed CDF. A row answers with the pair (∫₀^y, ∫_y^∞), either None where it does not exist or is
not known; M(s) of ``mellin.py`` is their sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.terms import Terms
from neglog.derivations.numbers import simplified
from neglog.priors.symbols import lam, y

Pair = tuple[sp.Expr | None, sp.Expr | None]
NONE: Pair = (None, None)


@dataclass(frozen=True)
class Row:
    """The kinds of terms it is for (without log), the pair of integrals, where it is written."""

    kinds: tuple[str, ...]
    formula: Callable[[Terms, sp.Expr], Pair]
    source: str


def _monomial(terms: Terms, s: sp.Expr) -> Pair:
    """∫ y^{s−1} dy = y^s/s."""
    if s == 0:
        return NONE
    return None if s.is_negative else y**s / s, None if s.is_positive else -(y**s) / s


def _power(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} e^{−p y^q}: incomplete gamma functions of p y^q; 1F1 for p < 0."""
    term = terms.of("power")
    p, q = lam * term.coefficient, term.parameters[0]
    alpha = simplified(s / q)
    if p.is_negative and q.is_positive:
        if alpha == 1:
            return (sp.exp(-p * y**q) - 1) / (-p * q), None
        if (q, s) == (2, 1):
            return sp.sqrt(sp.pi / -p) / 2 * sp.erfi(sp.sqrt(-p) * y), None
        return y**s / s * sp.hyper((alpha,), (alpha + 1,), -p * y**q), None
    if q.is_positive:
        factor = p ** (-alpha) / q
        return factor * sp.lowergamma(alpha, p * y**q), factor * sp.uppergamma(alpha, p * y**q)
    if q.is_negative and not p.is_negative:
        factor = -(p ** (-alpha)) / q
        upper = factor * sp.lowergamma(alpha, p * y**q)
        return factor * sp.uppergamma(alpha, p * y**q), upper
    return NONE


def _two_powers(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} e^{−p y^q − b y^{2q}}, s/q = 1, 2, 3: the square completed."""
    first, second = [t for t in terms.terms if t.kind == "power"]
    if simplified(first.parameters[0] - 2 * second.parameters[0]) == 0:
        first, second = second, first
    p, b = lam * first.coefficient, lam * second.coefficient
    q, r = first.parameters[0], second.parameters[0]
    alpha = simplified(s / q)
    if simplified(r - 2 * q) != 0 or q.is_nonpositive or alpha not in (1, 2, 3):
        return NONE
    slope = sp.Dummy(real=True)
    at, square = y**q, slope**2 / (4 * b)
    times = int(alpha) - 1

    def by_slope(primitive: sp.Expr) -> sp.Expr:
        return ((-1) ** times * sp.diff(primitive, slope, times)).subs(slope, p) / q

    if b.is_negative:
        root = sp.sqrt(-b)
        half = sp.sqrt(sp.pi) / (2 * root) * sp.exp(square)
        start = slope / (2 * root)
        return by_slope(half * (sp.erfi(root * at - start) + sp.erfi(start))), None
    root = sp.sqrt(b)
    half = sp.sqrt(sp.pi) / (2 * root) * sp.exp(square)
    place = root * at + slope / (2 * root)
    from_zero = half * (sp.erf(place) - sp.erf(slope / (2 * root)))
    return by_slope(from_zero), by_slope(half * sp.erfc(place))


def _log_binomial(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} (1+(y/k)^q)^{−p}: 2F1 of −(y/k)^{±q}, elementary for s/q = 1, 2, 3, 4."""
    term = terms.of("log-binomial")
    (k, q), p = term.parameters, lam * term.coefficient
    alpha, x = simplified(s / q), (y / k) ** q
    if alpha.is_Integer and 1 <= alpha <= 4:
        upper = sp.S.Zero
        for j in range(int(alpha)):
            weight = sp.binomial(alpha - 1, j) * (-1) ** (alpha - 1 - j)
            upper += weight * (1 + x) ** (j + 1 - p) / (p - j - 1)
        upper = k**s / q * upper
        return simplified(upper.subs(y, 0)) - upper, upper
    lower = y**s / s * sp.hyper((p, alpha), (alpha + 1,), -x)
    rest = p - alpha
    far = k**s / q * x**-rest / rest * sp.hyper((p, rest), (rest + 1,), -1 / x)
    return lower, far


def _log_one_minus(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} (1−(y/k)^q)^{−p} on y < k: the incomplete beta function as 2F1."""
    term = terms.of("log-one-minus")
    (k, q), p = term.parameters, lam * term.coefficient
    alpha, x = simplified(s / q), (y / k) ** q
    if alpha == 1:
        return k**s / q * (1 - (1 - x) ** (1 - p)) / (1 - p), None
    return y**s / s * sp.hyper((p, alpha), (alpha + 1,), x), None


def _beta(terms: Terms, s: sp.Expr) -> sp.Expr:
    """∫_0^k y^{s−1} (1−(y/k)^q)^{−p} dy = (k^s/q) B(s/q, 1−p)."""
    term = terms.of("log-one-minus")
    (k, q), p = term.parameters, lam * term.coefficient
    s = simplified(s - lam * terms.log_coefficient)
    beta = sp.gamma(s / q) * sp.gamma(1 - p) / sp.gamma(s / q + 1 - p)
    return sp.exp(-lam * terms.constant) * k**s / q * beta


def _ends_at(terms: Terms, hi: sp.Expr) -> bool:
    return bool(simplified(hi - terms.of("log-one-minus").parameters[0]) == 0)


def _log_square(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} e^{−p log² y}: normal in log y."""
    p = lam * terms.of("log-square").coefficient
    if p.is_nonpositive:
        return NONE
    half = sp.sqrt(sp.pi / p) / 2 * sp.exp(s**2 / (4 * p))
    place = sp.sqrt(p) * sp.log(y) - s / (2 * sp.sqrt(p))
    return half * (1 + sp.erf(place)), half * sp.erfc(place)


def _exp(terms: Terms, s: sp.Expr) -> Pair:
    """e^{−p e^{y/k}}, k > 0: k E₁(p e^{y/k})."""
    term = terms.of("exp")
    p, (k,) = lam * term.coefficient, term.parameters
    if s != 1 or (p.is_nonpositive or k.is_nonpositive):
        return NONE
    upper = k * sp.expint(1, p * sp.exp(y / k))
    return k * sp.expint(1, p) - upper, upper


def _exp_and_power(terms: Terms, s: sp.Expr) -> Pair:
    """e^{−p e^{y/k} − by}: incomplete gamma functions of p e^{y/k}."""
    exp, power = terms.of("exp"), terms.of("power")
    p, (k,) = lam * exp.coefficient, exp.parameters
    b, (q,) = lam * power.coefficient, power.parameters
    if s != 1 or q != 1 or p.is_nonpositive:
        return NONE
    at = p * sp.exp(y / k)
    if k.is_positive:
        upper = k * p ** (b * k) * sp.uppergamma(-b * k, at)
    elif k.is_negative and b.is_positive:
        upper = -k * p ** (b * k) * sp.lowergamma(-b * k, at)
    else:
        return NONE
    return upper.subs(y, 0) - upper, upper


def _log_binomial_and_power(terms: Terms, s: sp.Expr) -> Pair:
    """(1+y/k)^{−p} e^{−by}: k e^{z} z^{p−1} Γ(1−p, b(k+y)), z = bk."""
    term, power = terms.of("log-binomial"), terms.of("power")
    (k, q), (r,) = term.parameters, power.parameters
    p, b = lam * term.coefficient, lam * power.coefficient
    if (q, r, s) != (1, 1, 1) or b.is_nonpositive:
        return NONE
    z = b * k
    upper = k * sp.exp(z) * z ** (p - 1) * sp.uppergamma(1 - p, z + b * y)
    return upper.subs(y, 0) - upper, upper


def _decaying(b: sp.Expr, p: sp.Expr, k: sp.Expr, g: sp.Expr) -> Pair:
    """e^{−by} (1 + g e^{−y/k})^{−p}: e^{−by} 2F1(p, bk; bk+1; −g e^{−y/k})/b from y to ∞."""
    if b.is_nonpositive:
        return NONE
    upper = sp.exp(-b * y) / b * sp.hyper((p, b * k), (b * k + 1,), -g * sp.exp(-y / k))
    start = sp.gamma(b * k + 1) * sp.gamma(1 - p) / (b * sp.gamma(b * k + 1 - p))
    return (start if g == -1 else upper.subs(y, 0)) - upper, upper


def _log_exp_binomial(terms: Terms, s: sp.Expr) -> Pair:
    term, power = terms.of("log-exp-binomial"), terms.of("power")
    if s != 1 or power.parameters[0] != 1:
        return NONE
    return _decaying(lam * power.coefficient, lam * term.coefficient, *term.parameters)


def _log_cosh(terms: Terms, s: sp.Expr) -> Pair:
    term = terms.of("log-cosh")
    (k,), p = term.parameters, lam * term.coefficient
    slopes = [lam * t.coefficient for t in terms.terms if t.kind == "power"]
    powers = [t.parameters[0] for t in terms.terms if t.kind == "power"]
    if s != 1 or any(q != 1 for q in powers):
        return NONE
    lower, upper = _decaying(simplified(sum(slopes) + p / k), p, k / 2, sp.S.One)
    return NONE if lower is None or upper is None else (2**p * lower, 2**p * upper)


def _power_binomial(terms: Terms, s: sp.Expr) -> Pair:
    """y^{s−1} e^{−p(1+y/k)^q}, s = 1, 2, 3: incomplete gamma functions of p(1+y/k)^q."""
    term = terms.of("power-binomial")
    k, q = term.parameters
    p = lam * term.coefficient
    if s not in (1, 2, 3) or (p.is_nonpositive or q.is_nonpositive):
        return NONE
    upper = sp.S.Zero
    for j in range(int(s)):
        weight = sp.binomial(s - 1, j) * (-1) ** (s - 1 - j) * p ** (-(j + 1) / q) / q
        upper += weight * sp.uppergamma((j + 1) / q, p * (1 + y / k) ** q)
    upper = k**s * upper
    return upper.subs(y, 0) - upper, upper


ROWS: tuple[Row, ...] = (
    Row((), _monomial, "elementary"),
    Row(("power",), _power, "DLMF 8.2.1 and 8.2.2"),
    Row(("power", "power"), _two_powers, "DLMF 7.2"),
    Row(("log-binomial",), _log_binomial, "DLMF 8.17.7"),
    Row(("log-one-minus",), _log_one_minus, "DLMF 8.17.7"),
    Row(("log-square",), _log_square, "DLMF 7.2"),
    Row(("exp",), _exp, "DLMF 6.2.1"),
    Row(("exp", "power"), _exp_and_power, "DLMF 8.2.2"),
    Row(("log-binomial", "power"), _log_binomial_and_power, "DLMF 8.6.5"),
    Row(("log-exp-binomial", "power"), _log_exp_binomial, "DLMF 15.6.1"),
    Row(("log-cosh",), _log_cosh, "DLMF 15.6.1"),
    Row(("log-cosh", "power"), _log_cosh, "DLMF 15.6.1"),
    Row(("power-binomial",), _power_binomial, "DLMF 8.2.2"),
)


def primitives(terms: Terms, s: sp.Expr) -> Pair:
    """(∫₀^y, ∫_y^∞) of t^{s−1} exp(−λφ(t)) dt from the table."""
    shifted = simplified(s - lam * terms.log_coefficient)
    for row in ROWS:
        if row.kinds == terms.kinds:
            lower, upper = row.formula(terms, shifted)
            factor = sp.exp(-lam * terms.constant)
            return (
                None if lower is None else factor * lower,
                None if upper is None else factor * upper,
            )
    return NONE


def between(terms: Terms, s: sp.Expr, lo: sp.Expr, hi: sp.Expr) -> sp.Expr | None:
    """∫_lo^hi y^{s−1} exp(−λφ) dy, 0 ≤ lo < hi ≤ ∞, from the tables; None where no row fits."""
    if lo == 0 and hi is sp.oo:
        return transform(terms, s)
    if lo == 0 and terms.kinds == ("log-one-minus",) and _ends_at(terms, hi):
        return _beta(terms, s)
    lower, upper = primitives(terms, s)
    if hi is sp.oo:
        return None if upper is None else upper.subs(y, lo)
    if lo == 0:
        return None if lower is None else lower.subs(y, hi)
    if lower is not None:
        return lower.subs(y, hi) - lower.subs(y, lo)
    return None if upper is None else upper.subs(y, lo) - upper.subs(y, hi)
