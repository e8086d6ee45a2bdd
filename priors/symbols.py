"""The symbols every expression is written in, and the reductions over features.

``a`` is one feature's activation, ``lam`` (λ) the strength, ``d`` the number of features. Every
other name is a positive parameter. A reduction binds ``a``: ``Total(f)`` means Σᵢ f(aᵢ).
"""

from typing import Any

import sympy as sp

a = sp.Symbol("a", real=True)
y = sp.Symbol("y", positive=True)  # y = |a| > 0, the half line on which derivations work
lam = sp.Symbol("lam", positive=True)
d = sp.Symbol("d", integer=True, positive=True)

RESERVED = {"a": a, "lam": lam}


def parameter(name: str) -> sp.Symbol:
    """The positive parameter called ``name``."""
    return d if name == "d" else sp.Symbol(name, positive=True)


class Total(sp.Function):
    """Σᵢ f(aᵢ) over the features; the argument is f as an expression in ``a``."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, f: sp.Expr) -> sp.Expr | None:
        if not f.has(a):
            return d * f
        factor, rest = f.as_independent(a, as_Add=False)
        return None if factor == 1 else factor * cls(rest)

    def _sympystr(self, printer: Any) -> str:
        return f"sum({printer.doprint(self.args[0])})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = printer.doprint(self.args[0].subs(a, sp.Symbol("a_i", real=True)))
        text = rf"\sum_i {body}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Largest(sp.Function):
    """maxᵢ f(aᵢ) over the features; the argument is f as an expression in ``a``."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, f: sp.Expr) -> sp.Expr | None:
        return None if f.has(a) else f

    def _sympystr(self, printer: Any) -> str:
        return f"max({printer.doprint(self.args[0])})"


class Multiple(sp.Function):
    """∏ᵢ f(aᵢ) over the features; the argument is f as an expression in ``a``."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, f: sp.Expr) -> sp.Expr | None:
        return None if f.has(a) else f**d

    def _sympystr(self, printer: Any) -> str:
        return f"prod({printer.doprint(self.args[0])})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = printer.doprint(self.args[0].subs(a, sp.Symbol("a_i", real=True)))
        text = rf"\prod_i \left({body}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


REDUCTIONS = (Total, Multiple, Largest)


def is_joint(expr: sp.Expr) -> bool:
    """Whether the expression reduces over features."""
    return bool(expr.has(*REDUCTIONS))


def bound_free(expr: sp.Expr) -> sp.Expr:
    """The expression with each reduction replaced by a dummy, so that free ``a`` shows."""
    return expr.replace(lambda e: isinstance(e, REDUCTIONS), lambda e: sp.Dummy(real=True))
