"""The primitive table for NumPy and SciPy, and the callables made with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from scipy import special

from neglog.derivations.compile.program import least, lower
from neglog.derivations.compile.special import primitives


def _fill(value: Any, like: Any) -> Any:
    return np.full((), value, dtype=np.result_type(like, np.float32))


def _log_erfc(x: Any) -> Any:
    far = np.maximum(x, 0)
    return np.where(x < 0, np.log(special.erfc(x)), np.log(special.erfcx(far)) - far * far)


def _lower_gamma(s: Any, x: Any) -> Any:
    return special.gammainc(s, x) * special.gamma(s)


def _upper_gamma(s: Any, x: Any) -> Any:
    positive = np.where(np.asarray(s) > 0, s, 1.0)
    value = special.gammaincc(positive, x) * special.gamma(positive)
    return value if np.all(np.asarray(s) > 0) else _vectorised("gammainc")(s, x)


def _sech(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return 2 * e / (1 + e * e)


def _split(x: Any) -> Any:
    """x with the lower half of its digits cleared."""
    x = np.asarray(x)
    if x.dtype == np.float32:
        return (x.view(np.uint32) & np.uint32(0xFFFFF000)).view(np.float32)
    return (x.view(np.uint64) & np.uint64(0xFFFFFFFFF8000000)).view(np.float64)


def _power_of_two(k: Any) -> Any:
    return np.ldexp(np.ones_like(k), np.asarray(k).astype(np.int32))


def _vectorised(name: str) -> Callable[..., Any]:
    """A function of mpmath for what scipy lacks: slow, element by element."""
    import mpmath

    return np.vectorize(lambda *xs: float(mpmath.re(getattr(mpmath, name)(*xs))), otypes=[float])


def _hyper(p: int, q: int) -> Callable[..., Any]:
    scipy = {(2, 1): special.hyp2f1, (1, 1): special.hyp1f1, (0, 1): special.hyp0f1}
    if (p, q) in scipy:
        return scipy[p, q]
    import mpmath

    def value(*xs: float) -> float:
        return float(mpmath.re(mpmath.hyper(xs[:p], xs[p : p + q], xs[-1])))

    return np.vectorize(value, otypes=[float])


_TABLE: dict[str, Callable[..., Any]] = {
    "fill": _fill,
    "constant": lambda values, like: np.asarray(values, dtype=np.asarray(like).dtype),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "split": _split,
    "round": np.round,
    "power_of_two": _power_of_two,
    "eps": lambda y: float(np.finfo(np.asarray(y).dtype).eps),
    "Normal": lambda y: np.maximum(y, least(np.finfo(np.asarray(y).dtype))),
    "finite_or_zero": lambda x: np.where(np.isinf(x), np.zeros_like(x), x),
    "Log1p": np.log1p,
    "Expm1": np.expm1,
    "Sech": _sech,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sech": _sech,
    "coth": lambda x: 1 / np.tanh(x),
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan2": np.arctan2,
    "Abs": np.abs,
    "sign": np.sign,
    "Heaviside": lambda x, h=0.5: np.heaviside(x, h),
    "floor": np.floor,
    "ceiling": np.ceil,
    "erf": special.erf,
    "erfc": special.erfc,
    "erfi": special.erfi,
    "erfinv": special.erfinv,
    "erfcinv": special.erfcinv,
    "Erfcx": special.erfcx,
    "LogErfc": _log_erfc,
    "gamma": special.gamma,
    "loggamma": special.gammaln,
    "digamma": special.digamma,
    "polygamma": lambda n, x: special.digamma(x) if np.all(n == 0) else special.polygamma(n, x),
    "beta": special.beta,
    "betainc": lambda a, b, x, y: (
        special.beta(a, b) * (special.betainc(a, b, y) - special.betainc(a, b, x))
    ),
    "betainc_regularized": lambda a, b, x, y: special.betainc(a, b, y) - special.betainc(a, b, x),
    "lowergamma": _lower_gamma,
    "uppergamma": _upper_gamma,
    "Ei": special.expi,
    "besseli": special.iv,
    "besselj": special.jv,
    "LambertW": lambda x, k=0: special.lambertw(x, int(np.max(k))).real,
    "zeta": lambda s, q=1: special.zeta(s, q),
    "polylog": _vectorised("polylog"),
    "factorial": special.factorial,
    "Si": lambda x: special.sici(x)[0],
    "Ci": lambda x: special.sici(x)[1],
    **{f"hyper_{p}_{q}": _hyper(p, q) for p in range(4) for q in range(4)},
}


_OWN = primitives(_TABLE)


def _either(name: str, other: Callable[..., Any]) -> Callable[..., Any]:
    """The function of this library where the order is one whole or real number, else another."""

    def value(n: Any, x: Any) -> Any:
        whole = name != "expint" or (np.ndim(n) == 0 and float(n).is_integer() and n >= 0)
        return _OWN[name](float(n), x) if np.ndim(n) == 0 and whole else other(n, x)

    return value


TABLE: Mapping[str, Callable[..., Any]] = {
    **_TABLE,
    **_OWN,
    "besselk": _either("besselk", special.kv),
    "expint": _either("expint", _vectorised("expint")),
}


def function(
    args: Sequence[sp.Symbol], exprs: Sequence[sp.Expr]
) -> Callable[..., tuple[np.ndarray, ...]]:
    """The expressions as one NumPy function of ``args`` with shared subexpressions.

    Args:
        args: the symbols, in the order the callable takes them; arrays or numbers, broadcast.
        exprs: what to compute.

    Returns:
        A callable giving a tuple of float64 arrays of the broadcast shape, one an expression.

    Raises:
        InputError: an expression holds another symbol, or a function that has no primitive.
    """
    run = lower(args, exprs).bind(TABLE)

    def evaluate(*values: Any) -> tuple[np.ndarray, ...]:
        arrays = [np.asarray(v, dtype=float) for v in values]
        shape = np.broadcast_shapes(*[v.shape for v in arrays])
        with np.errstate(all="ignore"):
            results = run(*arrays)
        return tuple(np.array(np.broadcast_to(np.asarray(r, dtype=float), shape)) for r in results)

    return evaluate
