"""What sympy may be asked to work out while text is read: sizes past which it takes for ever."""

import sympy as sp

MAX_BITS = 4_096
MAX_EXPONENT = 10_000
LARGEST = sp.Integer(10) ** 1_000

# What sympy answers where an expression has no meaning; LookupError is its own slip.
MEANINGLESS = (
    TypeError, ValueError, ArithmeticError, NotImplementedError, RecursionError, LookupError,
)  # fmt: skip

# The largest rational argument a function is built with; sympy expands some of these term by term.
DEFAULT_ARGUMENT = 10**6
ANY_NUMBER = frozenset({
    "abs", "Abs", "sqrt", "cbrt", "log", "ln", "log1p", "min", "Min", "max", "Max", "sign",
    "Rational", "Heaviside", "Eq", "Ne", "sum", "norm",
})  # fmt: skip
ARGUMENTS = dict.fromkeys(("gamma", "factorial", "zeta", "beta", "loggamma"), 500)
ARGUMENTS |= dict.fromkeys(("digamma", "polygamma", "polylog"), 100)
ORDERS = dict.fromkeys(("besselj", "besseli", "besselk"), 100)  # of the first argument alone
ORDERS |= dict.fromkeys(("lowergamma", "uppergamma", "expint"), 50)


def bits(number: sp.Expr) -> int:
    """How long a number is; 0 for what is not rational."""
    return max(abs(number.p), number.q).bit_length() if number.is_Rational else 0


def argument_too_large(name: str, index: int, argument: sp.Basic) -> bool:
    """Whether a function would be worked out at a number that takes too long."""
    if not getattr(argument, "is_Rational", False) or name in ANY_NUMBER:
        return False
    limit = (ORDERS if index == 0 and name in ORDERS else ARGUMENTS).get(name, DEFAULT_ARGUMENT)
    return bool(abs(argument) > limit) or argument.q > DEFAULT_ARGUMENT


def power_too_large(base: sp.Expr, exponent: sp.Expr) -> str | None:
    """What is wrong with a power, if anything."""
    if not exponent.is_Rational:
        return None
    if abs(exponent) > MAX_EXPONENT:
        return "the exponent is too large"
    if abs(exponent) * bits(base.as_coeff_Mul()[0]) > MAX_BITS:
        return "the power is too large a number"
    return None


def value_too_large(value: sp.Basic) -> bool:
    """Whether a coefficient is too long, or a constant such as exp(exp(99)) too far out."""
    if not isinstance(value, sp.Expr):
        return False
    if bits(value.as_coeff_Mul()[0]) > MAX_BITS or bits(value.as_coeff_Add()[0]) > MAX_BITS:
        return True
    if value.is_Atom or value.free_symbols or not value.is_number or value.has(sp.Integral):
        return False
    try:
        size = abs(sp.N(value, 3))
    except MEANINGLESS:
        return False  # a pole, say: not a matter of size
    return bool(size.is_Float and size > LARGEST)
