"""A smooth penalty on the half line as a sum of known terms.

φ(y) = constant + Σ coefficient·core(y), where each core is one of a few kinds. Integrals, laws and
mixtures are tables over these kinds, so that log((1+y²)·3)/2, −log(1/√(1+y²)) and log(1+y²)/2 are
the same thing to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.priors.symbols import y

# kind → core(y; parameters); ``other`` holds its core as its only parameter. The slope of an
# ``exp`` may have either sign; ``log-one-minus`` makes sense on y < k only.
CORES: dict[str, Callable[..., sp.Expr]] = {
    "power": lambda q: y**q,
    "log": lambda: sp.log(y),
    "log-square": lambda: sp.log(y) ** 2,
    "log-binomial": lambda k, q: sp.log(1 + (y / k) ** q),
    "log-quadratic": lambda k, b: sp.log(1 + 2 * b * y / k + (y / k) ** 2),  # b > −1
    "log-one-minus": lambda k, q: sp.log(1 - (y / k) ** q),
    "log-cosh": lambda k: sp.log(sp.cosh(y / k)),
    "log-exp-binomial": lambda k, g: sp.log(1 + g * sp.exp(-y / k)),  # g ≥ −1
    "sqrt-binomial": lambda k: sp.sqrt(k**2 + y**2),
    "sqrt-from-zero": lambda k: sp.sqrt(y**2 + k * y),
    "power-binomial": lambda k, q: (1 + y / k) ** q,
    "cosh": lambda k: sp.cosh(y / k),
    "sinh": lambda k: sp.sinh(y / k),
    "exp": lambda k: sp.exp(y / k),
}


@dataclass(frozen=True)
class Term:
    """coefficient · core(y; parameters)."""

    kind: str
    coefficient: sp.Expr
    parameters: tuple[sp.Expr, ...] = ()

    @property
    def core(self) -> sp.Expr:
        """core(y; parameters) as an expression in ``y``."""
        return self.parameters[0] if self.kind == "other" else CORES[self.kind](*self.parameters)


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

    @property
    def log_singularity(self) -> sp.Expr:
        """m in φ ≈ m log y at 0."""
        total = self.log_coefficient
        for t in self.terms:
            if t.kind == "log-exp-binomial" and t.parameters[1] == -1:
                total += t.coefficient
        return total


def terms_of(phi: sp.Expr) -> Terms:
    """The terms of a smooth expression in y > 0."""
    whole = expanded(sp.expand_log(_powers_of_y(phi), force=True)).replace(sp.log, _expanded_log)
    constant = sp.S.Zero
    found: dict[tuple[str, tuple[sp.Expr, ...]], sp.Expr] = {}
    for part in sp.Add.make_args(expanded(whole)):
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


def expanded(expr: sp.Expr) -> sp.Expr:
    """Products multiplied out, powers such as y^(1+q) kept whole."""
    return sp.expand(expr, power_exp=False)


def _powers_of_y(phi: sp.Expr) -> sp.Expr:
    """√(c y²) → √c·y, 2^y → e^{y log 2}, sech → 1/cosh and the like, valid because y > 0."""
    if any(_has_number_below(power) for power in phi.atoms(sp.Pow)):
        phi = phi.replace(_has_number_below, lambda p: sp.exp(p.exp * sp.log(p.base)))
    if phi.has(sp.sech, sp.csch, sp.coth):
        phi = phi.replace(sp.sech, lambda u: 1 / sp.cosh(u))
        phi = phi.replace(sp.csch, lambda u: 1 / sp.sinh(u))
        phi = phi.replace(sp.coth, lambda u: sp.cosh(u) / sp.sinh(u))
    for wave in phi.atoms(sp.cosh, sp.sinh, sp.tanh):
        if wave.args[0].has(sp.log):  # cosh(log y) = (y + 1/y)/2
            phi = phi.xreplace({wave: sp.expand(wave.rewrite(sp.exp))})
    return sp.powdenest(phi, force=True)


def _has_number_below(expr: sp.Expr) -> bool:
    """Whether an expression is c^{f(y)} with a positive number c."""
    return bool(expr.is_Pow and expr.base.is_number and expr.base.is_positive and expr.exp.has(y))


def _expanded_log(argument: sp.Expr) -> sp.Expr:
    """log of a product or of something that factors, as a sum of logs."""
    if not argument.has(y) or any(form(argument) for form in (_binomial, _one_minus, _quadratic)):
        return sp.log(argument)
    if argument.has(sp.tanh):
        over, under = sp.fraction(sp.factor(sp.together(argument.rewrite(sp.exp))))
        return sp.expand_log(sp.log(over), force=True) - sp.expand_log(sp.log(under), force=True)
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
    elif isinstance(core, sp.Pow) and not core.exp.has(y):
        yield from _classify_power(core)
    elif isinstance(core, sp.cosh | sp.sinh | sp.exp):
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
    bounded = _one_minus(argument)
    if bounded is not None:
        constant, k, q = bounded
        yield "constant", sp.log(constant), ()
        yield "log-one-minus", sp.S.One, (k, q)
        return
    quadratic = _quadratic(argument)
    if quadratic is not None:
        constant, k, b = quadratic
        yield "constant", sp.log(constant), ()
        yield "log-quadratic", sp.S.One, (k, b)
        return
    if isinstance(argument, sp.cosh):
        rate = _rate(argument.args[0])
        if rate is not None:
            yield "log-cosh", sp.S.One, (1 / rate,)
            return
    exponentials = _two_exponentials(argument)
    if exponentials is not None:
        yield from exponentials
        return
    yield "other", sp.S.One, (sp.log(argument),)


def _classify_power(core: sp.Expr) -> Iterator[Found]:
    binomial = _binomial(core.base)
    if binomial is not None:
        constant, slope, q = binomial
        if q == 2 and core.exp == sp.S.Half:
            yield "sqrt-binomial", sp.sqrt(slope), (sp.sqrt(constant / slope),)
            return
        if q == 1 and not core.exp.is_integer:
            yield "power-binomial", constant**core.exp, (simplified(constant / slope), core.exp)
            return
    from_zero = _from_zero(core)
    if from_zero is not None:
        yield "sqrt-from-zero", from_zero[0], (from_zero[1],)
        return
    yield "other", sp.S.One, (core,)


def _from_zero(core: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(c, k) with core = c √(y² + k y), c, k > 0."""
    if core.exp != sp.S.Half or not core.base.is_polynomial(y) or sp.degree(core.base, y) != 2:
        return None
    square, linear, constant = sp.Poly(core.base, y).all_coeffs()
    if constant != 0 or not (square.is_positive and linear.is_positive):
        return None
    return sp.sqrt(square), simplified(linear / square)


def _classify_exponential(core: sp.Expr) -> Iterator[Found]:
    rate = _rate(core.args[0])
    kind = core.func.__name__
    if rate is not None and (kind == "exp" or rate.is_positive):
        yield kind, sp.S.One, (1 / rate,)
    else:
        yield "other", sp.S.One, (core,)


def _binomial(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(A, B, q) with expr = A + B y^q, A, B, q > 0."""
    constant, rest = expanded(expr).as_independent(y, as_Add=True)
    slope, power = rest.as_independent(y, as_Add=False)
    base, q = power.as_base_exp()
    if base != y or not (constant.is_positive and slope.is_positive and q.is_positive):
        return None
    return constant, slope, q


def _one_minus(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(A, k, q) with expr = A (1 − (y/k)^q), A, k, q > 0."""
    constant, rest = expanded(expr).as_independent(y, as_Add=True)
    binomial = _binomial(constant - rest)
    if binomial is None:
        return None
    _, slope, q = binomial
    return constant, simplified((constant / slope) ** (1 / q)), q


def _rate(argument: sp.Expr) -> sp.Expr | None:
    """b with argument = b·y."""
    rate = simplified(argument / y)
    return None if rate.has(y) else rate


def _quadratic(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(A, k, b) with expr = A (1 + 2by/k + (y/k)²), A, k > 0, b > −1: no zero on y > 0."""
    if not expr.is_polynomial(y) or sp.degree(expr, y) != 2:
        return None
    square, linear, constant = sp.Poly(expr, y).all_coeffs()
    if not (square.is_positive and constant.is_positive):
        return None
    gap = sp.expand(4 * square * constant - linear**2)
    if gap == 0 or not (linear.is_positive or gap.is_positive):
        return None  # a square, or zeros on y > 0
    return constant, sp.sqrt(constant / square), simplified(linear / sp.sqrt(constant * square) / 2)


def _two_exponentials(expr: sp.Expr) -> list[Found] | None:
    """log(A e^{by} + B e^{cy}) = log A + by + log(1 + (B/A) e^{−(b−c)y}), b > c, B/A ≥ −1."""
    expr = expr.rewrite(sp.exp) if expr.has(sp.cosh, sp.sinh) else expr
    parts = sp.Add.make_args(expanded(expr))
    if len(parts) != 2 or not expr.has(sp.exp):
        return None
    found = []
    for part in parts:
        weight, core = part.as_independent(y, as_Add=False)
        rate = sp.S.Zero if core == 1 else None
        if isinstance(core, sp.exp):  # e^{by + c} = e^c e^{by}
            start = core.args[0].subs(y, 0)
            rate, weight = _rate(sp.expand(core.args[0] - start)), weight * sp.exp(start)
        if rate is None:
            return None
        found.append((weight, rate))
    (large, b), (small, c) = found
    if (b - c).is_negative:
        (large, b), (small, c) = (small, c), (large, b)
    gap, g = simplified(b - c), simplified(small / large)
    if not gap.is_positive or not large.is_positive or not (g + 1).is_nonnegative:
        return None
    if g == 1:
        cosh: list[Found] = [("log-cosh", sp.S.One, (2 / gap,))]
        return [*cosh, *_with_line(2 * large, simplified((b + c) / 2))]
    return [("log-exp-binomial", sp.S.One, (1 / gap, g)), *_with_line(large, b)]


def _with_line(constant: sp.Expr, slope: sp.Expr) -> list[Found]:
    line: list[Found] = [("power", slope, (sp.S.One,))] if slope != 0 else []
    return [("constant", sp.log(constant), ()), *line]
