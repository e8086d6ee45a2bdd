"""A smooth penalty on the half line as a sum of known terms.

φ(y) = constant + Σ coefficient·core(y), where each core is one of a few kinds. Integrals, laws and
mixtures are tables over these kinds, so that log((1+y²)·3)/2, −log(1/√(1+y²)) and log(1+y²)/2 are
the same thing to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.priors.symbols import y

# kind: core(y; parameters)
#   power           y^q                 (q,)
#   log             log y               ()
#   log-square      (log y)²            ()
#   log-binomial    log(1 + (y/k)^q)    (k, q)
#   sqrt-binomial   √(k² + y²)          (k,)
#   log-cosh        log cosh(y/k)       (k,)
#   cosh            cosh(y/k)           (k,)
#   exp             e^{y/k}             (k,)   k of either sign
#   other           anything else       (core,)


@dataclass(frozen=True)
class Term:
    """coefficient · core(y; parameters)."""

    kind: str
    coefficient: sp.Expr
    parameters: tuple[sp.Expr, ...] = ()


@dataclass(frozen=True)
class Terms:
    """constant + Σ terms."""

    constant: sp.Expr
    terms: tuple[Term, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds in alphabetical order, without log y (a power factor of the density)."""
        return tuple(sorted(t.kind for t in self.terms if t.kind != "log"))

    def of(self, kind: str) -> Term:
        """The only term of a kind."""
        return next(t for t in self.terms if t.kind == kind)

    @property
    def log_coefficient(self) -> sp.Expr:
        """m in φ = … + m log y."""
        return sum((t.coefficient for t in self.terms if t.kind == "log"), sp.S.Zero)


def terms_of(phi: sp.Expr) -> Terms:
    """The terms of a smooth expression in y > 0."""
    expanded = sp.expand(sp.expand_log(_powers_of_y(phi), force=True))
    expanded = expanded.replace(sp.log, _expanded_log)
    constant = sp.S.Zero
    found: dict[tuple[str, tuple[sp.Expr, ...]], sp.Expr] = {}
    for part in sp.Add.make_args(sp.expand(expanded)):
        coefficient, core = part.as_independent(y, as_Add=False)
        if core == 1:
            constant += coefficient
            continue
        for kind, factor, parameters in _classify(core):
            if kind == "constant":
                constant += coefficient * factor
                continue
            key = (kind, parameters)
            found[key] = found.get(key, sp.S.Zero) + coefficient * factor
    terms = [Term(k, simplified(c), p) for (k, p), c in found.items()]
    terms = [t for t in terms if t.coefficient != 0]
    return Terms(simplified(constant), tuple(sorted(terms, key=lambda t: t.kind)))


def _powers_of_y(phi: sp.Expr) -> sp.Expr:
    """√(c y²) → √c·y and the like, valid because y > 0."""
    return sp.powdenest(phi, force=True)


def _expanded_log(argument: sp.Expr) -> sp.Expr:
    """log of a product or of something that factors, as a sum of logs."""
    if not argument.has(y):
        return sp.log(argument)
    together = sp.factor(sp.together(argument)) if argument.is_rational_function(y) else argument
    return sp.expand_log(sp.log(together), force=True)


Found = tuple[str, sp.Expr, tuple[sp.Expr, ...]]


def _classify(core: sp.Expr) -> Iterator[Found]:
    """(kind, factor, parameters) of the terms that make up one core without a coefficient."""
    if core == y:
        yield "power", sp.S.One, (sp.S.One,)
    elif isinstance(core, sp.Pow) and core.base == y and not core.exp.has(y):
        yield "power", sp.S.One, (core.exp,)
    elif core == sp.log(y):
        yield "log", sp.S.One, ()
    elif core == sp.log(y) ** 2:
        yield "log-square", sp.S.One, ()
    elif isinstance(core, sp.log):
        yield from _classify_log(core.args[0])
    elif isinstance(core, sp.Pow) and core.exp == sp.S.Half:
        yield from _classify_sqrt(core)
    elif isinstance(core, sp.cosh | sp.exp):
        yield from _classify_exponential(core)
    else:
        yield "other", sp.S.One, (core,)


def _classify_log(argument: sp.Expr) -> Iterator[Found]:
    binomial = _binomial(argument)
    if binomial is not None:
        constant, slope, q = binomial
        yield "constant", sp.log(constant), ()
        yield "log-binomial", sp.S.One, (simplified((constant / slope) ** (1 / q)), q)
        return
    if isinstance(argument, sp.cosh):
        rate = _rate(argument.args[0])
        if rate is not None:
            yield "log-cosh", sp.S.One, (1 / rate,)
            return
    exponentials = _two_exponentials(argument)
    if exponentials is not None:
        constant, slope, k = exponentials
        yield "constant", sp.log(constant), ()
        yield "log-cosh", sp.S.One, (k,)
        if slope != 0:
            yield "power", slope, (sp.S.One,)
        return
    yield "other", sp.S.One, (sp.log(argument),)


def _classify_sqrt(core: sp.Expr) -> Iterator[Found]:
    binomial = _binomial(core.base)
    if binomial is not None and binomial[2] == 2:
        constant, slope, _ = binomial
        yield "sqrt-binomial", sp.sqrt(slope), (sp.sqrt(constant / slope),)
    else:
        yield "other", sp.S.One, (core,)


def _classify_exponential(core: sp.Expr) -> Iterator[Found]:
    rate = _rate(core.args[0])
    kind = "cosh" if isinstance(core, sp.cosh) else "exp"
    if rate is not None and (kind == "exp" or rate.is_positive):
        yield kind, sp.S.One, (1 / rate,)
    else:
        yield "other", sp.S.One, (core,)


def _binomial(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(A, B, q) with expr = A + B y^q, A, B, q > 0."""
    constant, rest = sp.expand(expr).as_independent(y, as_Add=True)
    slope, power = rest.as_independent(y, as_Add=False)
    base, q = power.as_base_exp()
    if base != y or not (constant.is_positive and slope.is_positive and q.is_positive):
        return None
    return constant, slope, q


def _rate(argument: sp.Expr) -> sp.Expr | None:
    """b with argument = b·y."""
    rate = simplified(argument / y)
    return None if rate.has(y) else rate


def _two_exponentials(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(C, m, k) with expr = A e^{by} + A e^{cy} = C e^{my} cosh(y/k), equal weights A > 0."""
    parts = sp.Add.make_args(sp.expand(expr))
    if len(parts) != 2 or not expr.has(sp.exp):
        return None
    rates, weights = [], []
    for part in parts:
        weight, core = part.as_independent(y, as_Add=False)
        rate = sp.S.Zero if core == 1 else None
        if isinstance(core, sp.exp):
            rate = _rate(core.args[0])
        if rate is None:
            return None
        rates.append(rate)
        weights.append(weight)
    half = simplified((rates[0] - rates[1]) / 2)
    half = -half if half.is_negative else half
    if simplified(weights[0] - weights[1]) != 0 or not half.is_positive:
        return None
    if not weights[0].is_positive:
        return None
    return 2 * weights[0], simplified((rates[0] + rates[1]) / 2), 1 / half
