"""Functions that sympy does not have and stable forms need, each with its derivative.

They appear only inside this folder: the stable rewriting introduces them, programs lower them.
"""

from typing import Any

import sympy as sp


class Node(sp.Function):
    """A function defined by an expression sympy can evaluate to any precision."""

    def meaning(self) -> sp.Expr:
        raise NotImplementedError

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.meaning()._evalf(prec)


class Log1p(Node):
    """log(1 + u), accurate for small u."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if u.is_zero else None

    def meaning(self) -> sp.Expr:
        return sp.log(1 + self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (1 + self.args[0])


class Expm1(Node):
    """exp(u) − 1, accurate for small u."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if u.is_zero else None

    def meaning(self) -> sp.Expr:
        return sp.exp(self.args[0]) - 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(self.args[0])


class Sech(Node):
    """1/cosh(u), which underflows instead of dividing by an overflow."""

    nargs = 1
    is_positive = True

    def meaning(self) -> sp.Expr:
        return 1 / sp.cosh(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -self * sp.tanh(self.args[0])


class LogCosh(Node):
    """log cosh(u)."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if u.is_zero else None

    def meaning(self) -> sp.Expr:
        return sp.log(sp.cosh(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])


class LogErfc(Node):
    """log erfc(u), finite where erfc underflows."""

    nargs = 1
    is_extended_real = True

    def meaning(self) -> sp.Expr:
        return sp.log(sp.erfc(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        u = self.args[0]
        return -2 / sp.sqrt(sp.pi) / Erfcx(u)


class Erfcx(Node):
    """exp(u²)·erfc(u)."""

    nargs = 1
    is_positive = True

    def meaning(self) -> sp.Expr:
        return sp.exp(self.args[0] ** 2) * sp.erfc(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        u = self.args[0]
        return 2 * u * self - 2 / sp.sqrt(sp.pi)


class LogBesselK(Node):
    """log K_n(x) for x > 0, finite where K_n underflows."""

    nargs = 2
    is_extended_real = True

    @classmethod
    def eval(cls, n: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        return sp.oo if x.is_zero else None

    def meaning(self) -> sp.Expr:
        return sp.log(sp.besselk(*self.args))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if argindex == 1:
            raise sp.ArgumentIndexError(self, argindex)
        n, x = self.args
        if n == 0:
            return -BesselKRatio(n, x)
        return -1 / BesselKRatio(n - 1, x) - n / x  # terms of one sign: nothing cancels


class LogE1(Node):
    """log E₁(x) for x > 0, finite where E₁ underflows."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.oo if x.is_zero else None

    def meaning(self) -> sp.Expr:
        return sp.log(sp.expint(1, self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x = self.args[0]
        return -1 / (x * ScaledExpint(sp.Integer(1), x))


class LogSumExp(Node):
    """log Σ exp(Lᵢ), computed from the largest Lᵢ."""

    is_extended_real = True

    def meaning(self) -> sp.Expr:
        return sp.log(sum(sp.exp(u) for u in self.args))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Weight(sp.Integer(argindex - 1), *self.args)

    @classmethod
    def eval(cls, *logs: sp.Expr) -> Any:
        return logs[0] if len(logs) == 1 else None


class Weight(Node):
    """exp(Lᵢ)/Σⱼ exp(Lⱼ), the share of term i; the first argument is i."""

    is_nonnegative = True

    def meaning(self) -> sp.Expr:
        i, *logs = self.args
        return 1 / sum(sp.exp(u - logs[int(i)]) for u in logs)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        i, *logs = self.args
        j = argindex - 2
        if j < 0:
            raise sp.ArgumentIndexError(self, argindex)
        return self * (int(i == j) - Weight(sp.Integer(j), *logs))


class ScaledExpint(Node):
    """exp(x)·E_n(x) for x > 0 and whole n ≥ 0."""

    nargs = 2
    is_positive = True

    @classmethod
    def eval(cls, n: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        if not x.is_zero:
            return None
        return sp.oo if n in (0, 1) else 1 / (n - 1)

    def meaning(self) -> sp.Expr:
        n, x = self.args
        return sp.exp(x) * sp.expint(n, x)

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        if argindex == 1:
            raise sp.ArgumentIndexError(self, argindex)
        n, x = self.args
        if n == 1:
            return -ScaledExpint(sp.Integer(2), x) / x
        return self - ScaledExpint(n - 1, x)


class LogScaledE1(Node):
    """x + log E₁(x) for x > 0."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.oo if x.is_zero else None

    def meaning(self) -> sp.Expr:
        return self.args[0] + sp.log(sp.expint(1, self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x = self.args[0]
        two, one = (ScaledExpint(sp.Integer(n), x) for n in (2, 1))
        return -two / (x * one)  # 1 − 1/(x·e^x·E₁) without the subtraction


class BesselKRatio(Node):
    """K_{n+1}(x)/K_n(x) for x > 0."""

    nargs = 2
    is_positive = True

    def meaning(self) -> sp.Expr:
        n, x = self.args
        return sp.besselk(n + 1, x) / sp.besselk(n, x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if argindex == 1:
            raise sp.ArgumentIndexError(self, argindex)
        n, x = self.args
        return self**2 - (2 * n + 1) * self / x - 1


class AtZero(sp.Function):
    """AtZero(y, value, form): ``value`` where y = 0, else ``form``.

    A Piecewise would not do: y is a positive symbol and sympy knows that y = 0 is false.
    """

    nargs = 3
    is_extended_real = True


class Normal(sp.Function):
    """y, but not below a small multiple of the least normal number: log(y)/y stays finite."""

    nargs = 1
    is_positive = True
