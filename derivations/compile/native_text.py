"""Programs as C++ text: a backend whose numbers are lines of code.

Each primitive records one assignment, so composite functions (built from a table's primitives) come
for free. Functions of libm are declared as having vector versions, which glibc's libmvec (2.35
and later, on x86-64) provides to 4 ulp; without it the linker says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neglog.derivations.compile.program import Program
from neglog.derivations.compile.special import primitives
from neglog.priors.errors import InputError

# Primitives that are one function of libm; all have vector versions in libmvec.
FUNCTIONS: Mapping[str, str] = {
    "exp": "exp",
    "log": "log",
    "Log1p": "log1p",
    "Expm1": "expm1",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "atan": "atan",
    "erf": "erf",
    "erfc": "erfc",
    "pow": "pow",
}


@dataclass
class Lines:
    """The assignments recorded so far, in numbers of the C++ type ``kind``."""

    kind: str
    text: list[str] = field(default_factory=list)
    called: set[str] = field(default_factory=set)

    def number(self, value: Any) -> str:
        """C++ for a recorded number or a Python one."""
        if isinstance(value, Cell):
            return value.name
        if isinstance(value, bool):
            return "true" if value else "false"
        as_float = float(value)
        if as_float != as_float:
            return f"({self.kind})NAN"
        if abs(as_float) == float("inf"):
            return f"({'-' if as_float < 0 else ''}({self.kind})INFINITY)"
        return f"(({self.kind}){as_float.hex()})"

    def emit(self, pattern: str, *values: Any, truth: bool = False) -> Cell:
        """A new number from ``pattern``, whose {0}, {1}, … are the values."""
        name = f"t{len(self.text)}"
        body = pattern.format(*[self.number(v) for v in values])
        self.text.append(f"const {'bool' if truth else self.kind} {name} = {body};")
        return Cell(self, name)

    def call(self, function: str, *values: Any) -> Cell:
        """A function of libm, with the suffix of the type."""
        name = function + ("f" if self.kind == "float" else "")
        self.called.add(name)
        return self.emit(f"{name}({', '.join(f'{{{i}}}' for i in range(len(values)))})", *values)


@dataclass(frozen=True, eq=False)
class Cell:
    """A number of the loop; its operators record assignments."""

    lines: Lines
    name: str

    def __add__(self, other: Any) -> Cell:
        return self.lines.emit("{0} + {1}", self, other)

    def __radd__(self, other: Any) -> Cell:
        return self.lines.emit("{0} + {1}", other, self)

    def __sub__(self, other: Any) -> Cell:
        return self.lines.emit("{0} - {1}", self, other)

    def __rsub__(self, other: Any) -> Cell:
        return self.lines.emit("{0} - {1}", other, self)

    def __mul__(self, other: Any) -> Cell:
        return self.lines.emit("{0} * {1}", self, other)

    def __rmul__(self, other: Any) -> Cell:
        return self.lines.emit("{0} * {1}", other, self)

    def __truediv__(self, other: Any) -> Cell:
        return self.lines.emit("{0} / {1}", self, other)

    def __rtruediv__(self, other: Any) -> Cell:
        return self.lines.emit("{0} / {1}", other, self)

    def __neg__(self) -> Cell:
        return self.lines.emit("-{0}", self)

    def __abs__(self) -> Cell:
        return self.lines.emit("std::fabs({0})", self)

    def __lt__(self, other: Any) -> Cell:
        return self.lines.emit("{0} < {1}", self, other, truth=True)

    def __le__(self, other: Any) -> Cell:
        return self.lines.emit("{0} <= {1}", self, other, truth=True)

    def __gt__(self, other: Any) -> Cell:
        return self.lines.emit("{0} > {1}", self, other, truth=True)

    def __ge__(self, other: Any) -> Cell:
        return self.lines.emit("{0} >= {1}", self, other, truth=True)

    def __pow__(self, whole: int) -> Cell:
        result = self
        for _ in range(whole - 1):
            result = result * self
        return result


def table(lines: Lines) -> dict[str, Callable[..., Any]]:
    """The primitives, recording into ``lines``."""

    def form(pattern: str, truth: bool = False) -> Callable[..., Cell]:
        return lambda *values: lines.emit(pattern, *values, truth=truth)

    def function(name: str) -> Callable[..., Cell]:
        return lambda *values: lines.call(name, *values)

    least = "{0} < TINY ? TINY : {0}"
    basic: dict[str, Callable[..., Any]] = {
        "add": form("{0} + {1}"),
        "sub": form("{0} - {1}"),
        "mul": form("{0} * {1}"),
        "div": form("{0} / {1}"),
        "neg": form("-{0}"),
        "Abs": form("std::fabs({0})"),  # not x < 0 ? -x : x, whose two ways compilers keep apart
        "sign": form("({0} > 0 ? 1 : {0} < 0 ? -1 : 0)"),
        "sqrt": form("std::sqrt({0})"),
        "maximum": form("({0} > {1} ? {0} : {1})"),
        "minimum": form("({0} < {1} ? {0} : {1})"),
        "where": form("({0} ? {1} : {2})"),
        "fill": lambda value, like: value,
        "finite_or_zero": form("({0} - {0} == 0 ? {0} : 0)"),
        "Normal": form(f"({least})"),
        "lt": form("{0} < {1}", True),
        "le": form("{0} <= {1}", True),
        "gt": form("{0} > {1}", True),
        "ge": form("{0} >= {1}", True),
        "eq": form("{0} == {1}", True),
        "ne": form("{0} != {1}", True),
        "and": form("({0} && {1})", True),
        "or": form("({0} || {1})", True),
        "not": form("!{0}", True),
        **{name: function(libm) for name, libm in FUNCTIONS.items()},
    }
    basic["Sech"] = basic["sech"] = lambda x: _sech(basic, x)
    basic["coth"] = lambda x: 1 / basic["tanh"](x)
    return {**basic, **primitives(basic)}


def _sech(basic: Mapping[str, Callable[..., Any]], x: Any) -> Any:
    e = basic["exp"](-abs(x))
    return 2 * e / (1 + e * e)


def written(program: Program, kind: str) -> tuple[Lines, str, str]:
    """The lines of a program of one input ``x0``, and its two results as C++.

    Raises:
        InputError: the program needs a function that libm does not have.
    """
    lines = Lines(kind)
    known = table(lines)
    for name, _ in program.steps:
        if name not in known:
            raise InputError(f"native code has no function {name}; use total() as it is.")
    value, slope = program.bind(known)(Cell(lines, "x0"))
    return lines, lines.number(value), lines.number(slope)
