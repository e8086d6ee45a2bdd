"""Straight-line programs: expressions lowered once to a flat list of primitive calls.

A program names its primitives; a backend is a table name → function. Equal subexpressions are
computed once, numbers are folded, and a temporary is dropped right after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean, BooleanAtom

from neglog.derivations.compile import nodes
from neglog.priors.errors import InputError

Slot = tuple[str, int]
Table = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Program:
    """Steps over numbered slots: the inputs first, then the constants, then one slot a step.

    Attributes:
        inputs: how many inputs it takes.
        constants: Python numbers, or anything the table's functions accept.
        steps: (primitive, slots it reads); step i writes slot inputs + len(constants) + i.
        dead: for each step, the slots not read again.
        outputs: the slots returned.
    """

    inputs: int
    constants: tuple[Any, ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]
    dead: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]

    def bind(self, table: Table) -> Callable[..., tuple[Any, ...]]:
        """A callable on the inputs that runs the steps with ``table``'s primitives.

        Raises:
            InputError: the table lacks a primitive.
        """
        for name, _ in self.steps:
            if name not in table:
                raise InputError(f"the function {name} cannot be compiled for this backend.")
        steps = tuple(
            (table[name], slots, dead)
            for (name, slots), dead in zip(self.steps, self.dead, strict=True)
        )
        constants, outputs = self.constants, self.outputs  # plain values: tracers read closures

        def run(*inputs: Any) -> tuple[Any, ...]:
            slot = [*inputs, *constants]
            for call, reads, dead in steps:
                slot.append(call(*[slot[i] for i in reads]))
                for i in dead:
                    slot[i] = None
            return tuple([slot[i] for i in outputs])

        return run


def least(info: Any) -> float:
    """What ``Normal`` takes smaller numbers for: 1/y and log(y)/y stay finite."""
    return float(info.tiny) * (2.0**40 if info.bits == 64 else 2.0**10)


def to_float(number: sp.Expr) -> float:
    """The float nearest to a constant expression (evaluated to 30 digits first)."""
    return float(number) if number.is_Rational or number.is_infinite else float(sp.N(number, 30))


def lower(
    args: Sequence[sp.Symbol], exprs: Sequence[sp.Expr], number: Callable[[sp.Expr], Any] = to_float
) -> Program:
    """The program computing ``exprs`` from ``args``; ``number`` makes the constants.

    Raises:
        InputError: an expression holds a name not among ``args`` or an unknown function.
    """
    lowering = _Lowering(args, number)
    outputs = [lowering.visit(sp.sympify(e)) for e in exprs]
    return lowering.finish(outputs)


RELATIONS = {
    sp.StrictLessThan: "lt",
    sp.LessThan: "le",
    sp.StrictGreaterThan: "gt",
    sp.GreaterThan: "ge",
    sp.Equality: "eq",
    sp.Unequality: "ne",
}


class _Lowering:
    def __init__(self, args: Sequence[sp.Symbol], number: Callable[[sp.Expr], Any]) -> None:
        self.number = number
        self.args = list(args)
        self.memo: dict[Any, Slot] = {s: ("in", i) for i, s in enumerate(args)}
        self.constants: list[Any] = []
        self.steps: list[tuple[str, tuple[Slot, ...]]] = []
        self.known: dict[Any, Slot] = {}

    def emit(self, name: str, *slots: Slot) -> Slot:
        key = (name, slots)
        if key not in self.known:
            self.steps.append((name, slots))
            self.known[key] = ("step", len(self.steps) - 1)
        return self.known[key]

    def constant(self, value: Any) -> Slot:
        self.constants.append(value)
        return ("const", len(self.constants) - 1)

    def filled(self, expr: sp.Expr) -> Slot:
        """A slot that is an array even where ``expr`` is a number (branches need a dtype)."""
        slot = self.visit(expr)
        return self.emit("fill", slot, ("in", 0)) if slot[0] == "const" else slot

    def visit(self, e: Any) -> Slot:
        if e not in self.memo:
            self.memo[e] = self.build(e)
        return self.memo[e]

    def build(self, e: Any) -> Slot:
        if isinstance(e, Boolean):
            return self.condition(e)
        if not e.free_symbols:
            return self.constant(self.number(e))
        if e.is_Symbol:
            names = ", ".join(str(s) for s in self.args)
            raise InputError(f"the expression holds {e}, which is not among its inputs ({names}).")
        if e.is_Add:
            return self.add(e)
        if e.is_Mul:
            return self.mul(e)
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if isinstance(e, sp.Piecewise):
            return self.piecewise(e)
        if isinstance(e, sp.Max | sp.Min):
            name = "maximum" if isinstance(e, sp.Max) else "minimum"
            return reduce(lambda x, z: self.emit(name, x, z), [self.filled(u) for u in e.args])
        if isinstance(e, nodes.AtZero):
            variable, value, form = e.args
            zero = self.emit("eq", self.visit(variable), self.constant(0.0))
            return self.emit("where", zero, self.filled(value), self.filled(form))
        if isinstance(e, nodes.LogSumExp):
            top, total = self.exponentials(e.args)
            return self.emit("add", top, self.emit("log", total))
        if isinstance(e, nodes.Weight):
            # 1/Σⱼ e^(Lⱼ − Lᵢ), the differences taken symbolically: no ∞ − ∞ where the L overflow.
            own, logs = int(e.args[0]), e.args[1:]
            gaps = [sp.expand(u - logs[own]) for j, u in enumerate(logs) if j != own]
            total = sp.Add(1, *[sp.exp(g) for g in gaps])
            return self.emit("div", self.visit(sp.S.One), self.visit(total))
        return self.call(e)

    def call(self, e: sp.Expr) -> Slot:
        name, slots = type(e).__name__, e.args
        if isinstance(e, sp.hyper):
            upper, lowered, z = slots
            name, slots = f"hyper_{len(upper)}_{len(lowered)}", (*upper, *lowered, z)
        if not all(isinstance(u, sp.Expr) for u in slots):
            raise InputError(f"the function {name} cannot be compiled.")
        orders = {
            "besselk",
            "besseli",
            "besselj",
            "LogBesselK",
            "BesselKRatio",
            "ScaledBesselK",
            "ScaledExpint",
            "expint",
            "polygamma",
        }
        if name in orders and slots[0].is_number:
            return self.emit(name, self.constant(self.number(slots[0])), self.visit(slots[1]))
        return self.emit(
            name, *[self.filled(u) if len(slots) > 1 else self.visit(u) for u in slots]
        )

    def add(self, e: sp.Expr) -> Slot:
        plus = [t for t in e.args if not t.could_extract_minus_sign()]
        minus = [-t for t in e.args if t.could_extract_minus_sign()]
        if not plus:
            plus, minus = [-minus[0]], minus[1:]
        total = reduce(lambda x, z: self.emit("add", x, z), [self.visit(t) for t in plus])
        return reduce(lambda x, z: self.emit("sub", x, z), [self.visit(t) for t in minus], total)

    def mul(self, e: sp.Expr) -> Slot:
        coefficient, factors = e.as_coeff_mul()
        above = [f for f in factors if not _reciprocal(f)]
        below = [1 / f for f in factors if _reciprocal(f)]
        sign = -1 if coefficient.is_negative else 1
        coefficient = abs(coefficient)
        if coefficient.is_Rational and coefficient.p == 1 and coefficient.q & (coefficient.q - 1):
            below.append(sp.Integer(coefficient.q))  # y/3 rounds once, y·(1/3) twice
            coefficient = sp.S.One
        if coefficient != 1 or not above:
            above.append(coefficient)
        top = reduce(lambda x, z: self.emit("mul", x, z), [self.visit(f) for f in above])
        if below:
            bottom = reduce(lambda x, z: self.emit("mul", x, z), [self.visit(f) for f in below])
            top = self.emit("div", top, bottom)
        return self.emit("neg", top) if sign < 0 else top

    def power(self, base: sp.Expr, n: sp.Expr) -> Slot:
        if base is sp.E:
            return self.emit("exp", self.visit(n))
        if n == -1:
            return self.emit("div", self.visit(sp.S.One), self.visit(base))
        if n.is_Rational and n.is_negative:  # (1/y)², not 1/y², which overflows first
            return self.powered(self.visit(1 / base), -n)
        return self.powered(self.visit(base), n)

    def powered(self, x: Slot, n: sp.Expr) -> Slot:
        if n.is_Rational and (2 * n).is_integer and n <= 8:
            whole = self.whole(x, int(n)) if n >= 1 else None
            root = None if n.is_integer else self.emit("sqrt", x)
            if whole is None or root is None:
                return whole or root or x
            return self.emit("mul", whole, root)
        return self.emit("pow", x, self.visit(n))

    def whole(self, x: Slot, n: int) -> Slot:
        if n == 1:
            return x
        half = self.whole(x, n // 2)
        square = self.emit("mul", half, half)
        return self.emit("mul", square, x) if n % 2 else square

    def piecewise(self, e: sp.Piecewise) -> Slot:
        pieces = list(e.args)
        last = pieces.pop() if pieces[-1][1] is sp.true else (sp.nan, sp.true)
        value = self.filled(last[0])
        for piece, condition in reversed(pieces):
            value = self.emit("where", self.condition(condition), self.filled(piece), value)
        return value

    def condition(self, e: Any) -> Slot:
        if isinstance(e, BooleanAtom):
            return self.constant(bool(e))
        if type(e) in RELATIONS:
            return self.emit(RELATIONS[type(e)], self.filled(e.lhs), self.filled(e.rhs))
        if isinstance(e, sp.Not):
            return self.emit("not", self.condition(e.args[0]))
        if isinstance(e, sp.And | sp.Or):
            name = "and" if isinstance(e, sp.And) else "or"
            return reduce(lambda x, z: self.emit(name, x, z), [self.condition(c) for c in e.args])
        raise InputError(f"the condition {e} cannot be compiled.")

    def exponentials(self, args: Sequence[sp.Expr]) -> tuple[Slot, Slot]:
        """The largest L and Σ exp(Lᵢ − largest)."""
        logs = [self.filled(u) for u in args]
        top = reduce(lambda x, z: self.emit("maximum", x, z), logs)
        # An infinite maximum would give ∞ − ∞; shifting by 0 instead gives the right ±∞.
        top = self.emit("finite_or_zero", top)
        terms = [self.emit("exp", self.emit("sub", u, top)) for u in logs]
        return top, reduce(lambda x, z: self.emit("add", x, z), terms)

    def finish(self, outputs: list[Slot]) -> Program:
        shift = {"in": 0, "const": len(self.args), "step": len(self.args) + len(self.constants)}
        steps = [(name, tuple(shift[kind] + i for kind, i in slots)) for name, slots in self.steps]
        results = tuple(shift[kind] + i for kind, i in outputs)
        last = {slot: i for i, (_, slots) in enumerate(steps) for slot in slots}
        dead: list[list[int]] = [[] for _ in steps]
        for slot, i in last.items():
            if slot >= shift["step"] and slot not in results:
                dead[i].append(slot)
        constants = tuple(self.constants)
        return Program(len(self.args), constants, tuple(steps), tuple(map(tuple, dead)), results)


def _reciprocal(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow and factor.exp in (-1, -sp.Rational(1, 2)))
