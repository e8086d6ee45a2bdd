"""Programs in twofold arithmetic: every number an unevaluated sum high + low of one type.

About twice the type's digits, for what no rewriting saves: e^(−a²) far out, powers at the ends of
the range, differences beside a zero of the function. The basic operations are Dekker's and Knuth's
(A floating-point technique for extending the available precision, 1971); exp is a Taylor series
of a reduced argument with repeated doubling of exp − 1, log one Newton step on it. A function
without such a form keeps its backend's accuracy and gets the low part by its derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.compile.program import Program, lower

Table = Mapping[str, Callable[..., Any]]
Pair = tuple[Any, Any]
DOUBLINGS = 6
INFINITE = float("inf")


def number(e: sp.Expr) -> Any:
    """A constant to 40 digits: a Fraction, or ±∞ or NaN as a float."""
    if e.is_infinite or e is sp.nan:
        return float(e)
    if e.is_Rational:
        return Fraction(int(e.p), int(e.q))
    with mp.workdps(45):
        value = mp.mpmathify(sp.N(e, 45))
        return Fraction(str(mp.nstr(value, 42)))


def lower_twofold(args: Sequence[sp.Symbol], exprs: Sequence[sp.Expr]) -> Program:
    """The program with its constants to 40 digits, to be bound by :func:`bind`."""
    return lower(args, exprs, number=number)


def bind(program: Program, base: Table, bits: int) -> Callable[..., tuple[Any, ...]]:
    """The program on numbers of ``bits`` significant bits (24 or 53), rounded at the end.

    Raises:
        InputError: the base table lacks a function.
    """
    arithmetic = Twofold(base, bits)
    constants = tuple(arithmetic.constant(c) for c in program.constants)
    table = arithmetic.table()
    opaque = base.get("opaque")

    def rounded(*inputs: Any) -> tuple[Any, ...]:
        known = opaque(constants, inputs[0]) if opaque else constants
        exact = Program(program.inputs, known, program.steps, program.dead, program.outputs)
        run = exact.bind(table)
        return tuple(pair[0] for pair in run(*[(x, 0.0 * x) for x in inputs]))

    return rounded


class Twofold:
    """The primitives on pairs, over a backend's primitives on its arrays."""

    def __init__(self, base: Table, bits: int) -> None:
        self.base, self.bits = base, bits
        self.split = base["split"]
        self.log2 = self.constant(_log2())

    def constant(self, value: Any) -> Any:
        """A number as a pair of Python floats, each exact in the type; a truth value as it is."""
        if isinstance(value, bool):
            return value
        if isinstance(value, float):
            return (value, 0.0)
        high = _rounded(value, self.bits)
        if abs(high) == INFINITE:
            return (high, 0.0)
        return (high, _rounded(value - Fraction(high), self.bits))

    def where(self, condition: Any, x: Any, z: Any) -> Any:
        """The backend's choice; between numbers, Python's."""
        if isinstance(condition, bool):
            return x if condition else z
        return self.base["where"](condition, x, z)

    def clean(self, error: Any) -> Any:
        """An error term, 0 where it is not finite."""
        return self.where(abs(error) < INFINITE, error, 0.0)

    def quick(self, high: Any, low: Any) -> Pair:
        total = high + low
        return total, self.clean(low - (total - high))

    def two_sum(self, x: Any, z: Any) -> Pair:
        total = x + z
        part = total - x
        return total, self.clean((x - (total - part)) + (z - part))

    def two_product(self, x: Any, z: Any) -> Pair:
        product = x * z
        (x1, x0), (z1, z0) = self.halves(x), self.halves(z)
        return product, self.clean(((x1 * z1 - product) + x1 * z0 + x0 * z1) + x0 * z0)

    def halves(self, x: Any) -> Pair:
        if isinstance(x, float):
            high = _truncated(x, self.bits // 2)
            return high, x - high
        high = self.split(x)
        return high, x - high

    def add(self, x: Pair, z: Pair) -> Pair:
        total, error = self.two_sum(x[0], z[0])
        low, rest = self.two_sum(x[1], z[1])
        total, error = self.quick(total, error + low)
        return self.quick(total, error + rest)

    def neg(self, x: Pair) -> Pair:
        return -x[0], -x[1]

    def sub(self, x: Pair, z: Pair) -> Pair:
        return self.add(x, self.neg(z))

    def mul(self, x: Pair, z: Pair) -> Pair:
        product, error = self.two_product(x[0], z[0])
        return self.quick(product, error + self.clean(x[0] * z[1] + x[1] * z[0]))

    def div(self, x: Pair, z: Pair) -> Pair:
        first = self.base["div"](x[0], z[0])
        rest = self.sub(x, self.mul(z, (first, 0.0)))
        return self.quick(first, self.clean(self.base["div"](rest[0], z[0])))

    def sqrt(self, x: Pair) -> Pair:
        root = self.base["sqrt"](x[0])
        rest = self.sub(x, self.two_product(root, root))
        return self.quick(root, self.clean(rest[0] / (2 * root)))

    def choose(self, condition: Any, x: Any, z: Any) -> Any:
        return self.where(condition, x[0], z[0]), self.where(condition, x[1], z[1])

    def less(self, x: Pair, z: Pair) -> Any:
        return (x[0] < z[0]) | ((x[0] == z[0]) & (x[1] < z[1]))

    def equal(self, x: Pair, z: Pair) -> Any:
        return (x[0] == z[0]) & (x[1] == z[1])

    def absolute(self, x: Pair) -> Pair:
        return self.choose(x[0] < 0, self.neg(x), x)

    def scaled(self, x: Pair, k: Any) -> Pair:
        """x·2ᵏ in two steps, so that neither factor leaves the range."""
        half = self.base["round"](k * 0.5)
        one, two = self.base["power_of_two"](half), self.base["power_of_two"](k - half)
        return x[0] * one * two, x[1] * one * two

    def _reduced(self, x: Pair) -> tuple[Any, Pair]:
        """(k, e^r − 1) with x = k·log 2 + r, |r| ≤ ½ log 2."""
        limit = 800.0 if self.bits > 24 else 110.0
        inside = abs(x[0]) < limit
        x = self.where(inside, x[0], 0.0), self.where(inside, x[1], 0.0)
        k = self.base["round"](x[0] * 1.4426950408889634)
        r = self.sub(x, self.mul(self.log2, (k, 0.0 * k)))
        small = 2.0**-DOUBLINGS
        r = r[0] * small, r[1] * small
        u = r[0]
        tail = 1 / 120 + u * (1 / 720 + u * (1 / 5040 + u * (1 / 40320)))
        tail = u * u * u * (1 / 6 + u * (1 / 24 + u * tail))
        square = self.mul(r, r)
        e = self.add(self.add(r, (0.5 * square[0], 0.5 * square[1])), (tail, 0.0 * tail))
        for _ in range(DOUBLINGS):
            e = self.add((2 * e[0], 2 * e[1]), self.mul(e, e))
        return k, e

    def exp(self, x: Pair) -> Pair:
        k, e = self._reduced(x)
        value = self.scaled(self.add(e, (1.0 + 0.0 * k, 0.0 * k)), k)
        limit = 800.0 if self.bits > 24 else 110.0
        return self._else_plain("exp", abs(x[0]) < limit, value, x)

    def expm1(self, x: Pair) -> Pair:
        k, e = self._reduced(x)
        zero = 0.0 * k
        grown = self.scaled(self.add(e, (1.0 + zero, zero)), k)
        value = self.choose(k == 0, e, self.sub(grown, (1.0 + zero, zero)))
        size = abs(x[0])  # e^x − 1 is x to all digits for tiny x, whose halves would underflow
        inside = (size < (80.0 if self.bits == 24 else 700.0)) & (size > 1e-25)
        return self._else_plain("Expm1", inside, value, x)

    def _else_plain(self, name: str, condition: Any, value: Pair, x: Pair) -> Pair:
        """The pair where the condition holds and it is finite, else the backend's own function."""
        good = condition & (abs(value[0]) < INFINITE)
        return self.where(good, value[0], self.base[name](x[0])), self.where(good, value[1], 0.0)

    def _near_one(self, u: Pair, guess: Any) -> Pair:
        """log(1 + u) from its value ``guess``: y + log((1 + u)·e^(−y))."""
        e = self.expm1((-guess, 0.0 * guess))
        rest = self.add(self.add(u, e), self.mul(u, e))
        return self.add((guess, 0.0 * guess), (rest[0] * (1 - 0.5 * rest[0]), rest[1]))

    def log(self, x: Pair) -> Pair:
        plain = self.base["log"](x[0])
        k = self.base["round"](self.clean(plain) * 1.4426950408889634)
        m = self.scaled(x, -k)
        u = self.sub(m, (1.0 + 0.0 * k, 0.0 * k))
        value = self.add(
            self.mul(self.log2, (k, 0.0 * k)), self._near_one(u, self.base["Log1p"](u[0]))
        )
        return self._else_plain("log", (x[0] > 0) & (x[0] < INFINITE), value, x)

    def log1p(self, u: Pair) -> Pair:
        small = abs(u[0]) < 0.4
        inner = self.where(small, u[0], 0.1), self.where(small, u[1], 0.0)
        near = self._near_one(inner, self.base["Log1p"](inner[0]))
        far = self.log(self.add(u, (1.0 + 0.0 * u[0], 0.0 * u[0])))
        value = self.choose(small, near, far)
        return self._else_plain("Log1p", (abs(u[0]) > 1e-25) & (u[0] > -1), value, u)

    def power(self, x: Pair, n: Pair) -> Pair:
        value = self.exp(self.mul(self.log(x), n))
        good = (x[0] > 0) & (x[0] < INFINITE) & (abs(value[0]) < INFINITE)
        plain = self.base["pow"](x[0], n[0])
        return self.where(good, value[0], plain), self.where(good, value[1], 0.0)

    def tanh(self, x: Pair) -> Pair:
        size = self.absolute(x)
        far = size[0] > 40.0
        size = self.where(far, 0.0, size[0]), self.where(far, 0.0, size[1])
        e = self.expm1((2 * size[0], 2 * size[1]))
        t = self.div(e, self.add(e, (2.0 + 0.0 * e[0], 0.0 * e[0])))
        t = self.where(far, 1.0, t[0]), self.where(far, 0.0, t[1])
        return self.choose(x[0] < 0, self.neg(t), t)

    def sech(self, x: Pair) -> Pair:
        e = self.exp(self.neg(self.absolute(x)))
        bottom = self.add(self.mul(e, e), (1.0 + 0.0 * e[0], 0.0 * e[0]))
        return self.div((2 * e[0], 2 * e[1]), bottom)

    def sinh(self, x: Pair) -> Pair:
        e = self.expm1(self.absolute(x))
        under = self.div(e, self.add(e, (1.0 + 0.0 * e[0], 0.0 * e[0])))
        both = self.add(e, under)
        half = 0.5 * both[0], 0.5 * both[1]
        value = self.choose(x[0] < 0, self.neg(half), half)
        return self._else_plain("sinh", abs(x[0]) > 1e-25, value, x)

    def cosh(self, x: Pair) -> Pair:
        e = self.exp(self.absolute(x))
        both = self.add(e, self.div((1.0 + 0.0 * e[0], 0.0 * e[0]), e))
        return self._else_plain("cosh", x[0] == x[0], (0.5 * both[0], 0.5 * both[1]), x)

    def by_derivative(self, name: str, slope: Callable[[Any], Any]) -> Callable[[Pair], Pair]:
        """f(high + low) ≈ f(high) + f'(high)·low, at the backend's accuracy of f."""

        def value(x: Pair) -> Pair:
            return self.quick(self.base[name](x[0]), self.clean(slope(x[0]) * x[1]))

        return value

    def table(self) -> Table:
        """Primitive → function of pairs."""
        base = self.base
        own: dict[str, Callable[..., Any]] = {
            "fill": lambda v, like: (base["fill"](v[0], like[0]), base["fill"](v[1], like[0])),
            "add": self.add,
            "sub": self.sub,
            "mul": self.mul,
            "div": self.div,
            "neg": self.neg,
            "pow": self.power,
            "sqrt": self.sqrt,
            "exp": self.exp,
            "log": self.log,
            "Log1p": self.log1p,
            "Expm1": self.expm1,
            "tanh": self.tanh,
            "Sech": self.sech,
            "sech": self.sech,
            "sinh": self.sinh,
            "cosh": self.cosh,
            "Abs": self.absolute,
            "maximum": lambda x, z: self.choose(self.less(x, z), z, x),
            "minimum": lambda x, z: self.choose(self.less(z, x), z, x),
            "where": self.choose,
            "lt": self.less,
            "le": lambda x, z: self.less(x, z) | self.equal(x, z),
            "gt": lambda x, z: self.less(z, x),
            "ge": lambda x, z: self.less(z, x) | self.equal(x, z),
            "eq": self.equal,
            "ne": lambda x, z: base["not"](self.equal(x, z)),
            "and": base["and"],
            "or": base["or"],
            "not": base["not"],
            "Normal": lambda x: (base["Normal"](x[0]), x[1]),
            "finite_or_zero": lambda x: (base["finite_or_zero"](x[0]), self.clean(x[1])),
            "sign": lambda x: (base["sign"](x[0]), 0.0 * x[1]),
            "atan": self.by_derivative("atan", lambda x: 1 / (1 + x * x)),
            "sin": self.by_derivative("sin", base["cos"]),
            "cos": self.by_derivative("cos", lambda x: -base["sin"](x)),
            "asinh": self.by_derivative("asinh", lambda x: 1 / base["sqrt"](1 + x * x)),
            "erf": self.by_derivative("erf", lambda x: 1.1283791670955126 * base["exp"](-x * x)),
            "erfc": self.by_derivative("erfc", lambda x: -1.1283791670955126 * base["exp"](-x * x)),
        }
        rest = {
            name: _plainly(call)
            for name, call in base.items()
            if name not in own
            and name not in ("split", "round", "power_of_two", "constant", "opaque", "array")
        }
        return {**rest, **own}


def _plainly(call: Callable[..., Any]) -> Callable[..., Pair]:
    def value(*pairs: Any) -> Pair:
        result = call(*[x[0] for x in pairs])
        return result, 0.0 * result

    return value


@cache
def _log2() -> Fraction:
    with mp.workdps(45):
        return Fraction(str(mp.nstr(mp.log(2), 42)))


def _rounded(value: Fraction, bits: int) -> float:
    """The nearest number of ``bits`` significant bits (24: also within float32's range)."""
    if bits == 53:
        return float(value)
    import numpy as np

    return float(np.float32(float(value)))


def _truncated(x: float, bits: int) -> float:
    """x with its last bits dropped."""
    if x == 0 or abs(x) == INFINITE or x != x:
        return x
    import math

    m, e = math.frexp(x)
    return math.ldexp(math.trunc(m * 2**bits), e - bits)
