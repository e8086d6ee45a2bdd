"""Bessel K of any order and Eₙ, written once over a backend's primitives: no cancellation.

e^x·K_ν(x): Temme's series up to 1 (On the numerical evaluation of the modified Bessel function of
the third kind, 1975), beyond it the trapezoidal rule for ∫₀^∞ e^(−x(cosh t − 1)) cosh(νt) dt, which
converges geometrically; larger orders by the upward recurrence, all of whose terms are positive.

e^x·Eₙ(x): the power series up to ½, beyond it ∫₀^∞ e^(−w)·x^(n−1)/(x + w)ⁿ dw by the double
exponential rule w = exp(t − e^(−t)), whose nodes do not depend on x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np

from neglog.priors.errors import InputError

Table = Mapping[str, Callable[..., Any]]
TERMS = 13
STEPS = 24
NODES = np.arange(-4.0, 4.001, 0.125)


def order_of(n: Any) -> float:
    """The order of a Bessel function as a number.

    Raises:
        InputError: it is an array: derivatives in the order are not known in closed form.
    """
    if not isinstance(n, int | float | np.number):
        raise InputError("a Bessel function's order cannot be learned; give it as a number.")
    return abs(float(n))


def bessel_pair(table: Table, order: float, x: Any) -> tuple[Any, Any]:
    """e^x·K_ν(x) and e^x·K_{ν+1}(x) for x > 0 and ν ≥ 0."""
    whole = int(np.floor(order + 0.5))
    mu = order - whole
    where = table["where"]
    near = where(x < 1, x, 1.0)
    far = where(x < 1, 1.0, x)
    grown = table["exp"](near)
    low, high = (
        where(x < 1, grown * close, beyond)
        for close, beyond in zip(_temme(table, mu, near), _trapezoid(table, mu, far), strict=True)
    )
    for k in range(whole):
        low, high = high, low + 2 * (mu + k + 1) / x * high
    return low, high


def scaled_bessel_k(table: Table, n: Any, x: Any) -> Any:
    """e^x·K_n(x) for a real order."""
    return bessel_pair(table, order_of(n), x)[0]


def bessel_k_ratio(table: Table, n: Any, x: Any) -> Any:
    """K_{n+1}(x)/K_n(x)."""
    if float(n) < 0:  # K_{−ν} = K_ν
        order, above = order_of(n), order_of(float(n) + 1)
        if float(n) <= -1:
            low, high = bessel_pair(table, above, x)
            return low / high
        return scaled_bessel_k(table, above, x) / scaled_bessel_k(table, order, x)
    low, high = bessel_pair(table, order_of(n), x)
    return high / low


def _temme(table: Table, mu: float, x: Any) -> tuple[Any, Any]:
    one, two, ratio, above, below = _gammas(mu)
    log = table["log"](2 / x)
    sigma = mu * log
    grow = table["pow"](2 / x, mu) if mu else 1.0  # e^σ, which the rounding of σ would spoil
    if mu == 0:
        f = one + two * log
    else:
        size, square = abs(sigma), sigma * sigma
        safe = table["where"](size < 0.5, 1.0, sigma)
        series = 1 + square / 6 * (1 + square / 20 * (1 + square / 42 * (1 + square / 72)))
        series = series + square**5 / 39916800 * (1 + square / 156)
        sinc = table["where"](size < 0.5, series, 0.5 * (grow - 1 / grow) / safe)
        f = ratio * (0.5 * (grow + 1 / grow) * one + sinc * log * two)
    p, q = 0.5 * grow * above, 0.5 / grow * below
    square, c = 0.25 * x * x, 1.0
    total, other = f, p
    for k in range(1, TERMS):
        f = (k * f + p + q) / (k * k - mu * mu)
        p, q = p / (k - mu), q / (k + mu)
        c = c * square / k
        total, other = total + c * f, other + c * (p - k * f)
    return total, 2 / x * other


@cache
def _gammas(mu: float) -> tuple[float, float, float, float, float]:
    with mp.workdps(40):
        m = mp.mpf(mu)
        up, down = mp.gamma(1 + m), mp.gamma(1 - m)
        one = -mp.euler if mu == 0 else (1 / down - 1 / up) / (2 * m)
        ratio = mp.mpf(1) if mu == 0 else mp.pi * m / mp.sin(mp.pi * m)
        return float(one), float((1 / down + 1 / up) / 2), float(ratio), float(up), float(down)


def _trapezoid(table: Table, mu: float, x: Any) -> tuple[Any, Any]:
    u = 40 / x
    step = table["Log1p"](u + table["sqrt"](u * (u + 2))) / STEPS
    low, high = 0.5 + 0 * x, 0.5 + 0 * x
    for j in range(1, STEPS + 1):
        half = table["sinh"](0.5 * j * step)
        lift = half * half  # (cosh t − 1)/2
        weight = table["exp"](-2 * x * lift)
        low = low + weight * (table["cosh"](mu * j * step) if mu else 1)
        high = high + weight * table["cosh"]((mu + 1) * j * step)
    return step * low, step * high


@cache
def _rule() -> tuple[tuple[float, float], ...]:
    """(w, weight·e^(−w)) of the double exponential rule."""
    w = np.exp(NODES - np.exp(-NODES))
    weights = 0.125 * w * (1 + np.exp(-NODES)) * np.exp(-w)
    return tuple((float(a), float(b)) for a, b in zip(w, weights, strict=True) if b > 1e-40)


def scaled_expint(table: Table, n: Any, x: Any) -> Any:
    """e^x·Eₙ(x) for whole n ≥ 0 and x > 0.

    Raises:
        InputError: n is an array, not whole, or negative.
    """
    if not isinstance(n, int | float | np.number) or float(n) != int(n) or n < 0:
        raise InputError(f"the exponential integral of order {n} cannot be compiled.")
    order = int(n)
    if order == 0:
        return 1 / x
    near = table["where"](x < 0.5, x, 0.5)
    far = table["where"](x < 0.5, 0.5, x)
    tail, term = 0 * near, 1.0
    for k in range(1, 15):
        term = -term * near / k
        tail = tail - term / k
    series = (tail - 0.5772156649015329 - table["log"](near)) * table["exp"](near)
    for k in range(1, order):
        series = (1 - near * series) / k
    total = 0 * far
    for w, weight in _rule():
        share = weight / (far + w)
        for _ in range(order - 1):
            share = share * (far / (far + w))
        total = total + share
    return table["where"](x < 0.5, series, total)


def primitives(table: Table) -> dict[str, Callable[..., Any]]:
    """The functions of this file over ``table``, by the names programs use."""
    exp, log = table["exp"], table["log"]
    return {
        "besselk": lambda n, x: scaled_bessel_k(table, n, x) * exp(-x),
        "LogBesselK": lambda n, x: log(scaled_bessel_k(table, n, x)) - x,
        "BesselKRatio": lambda n, x: bessel_k_ratio(table, n, x),
        "ScaledBesselK": lambda n, x: scaled_bessel_k(table, n, x),
        "ScaledExpint": lambda n, x: scaled_expint(table, n, x),
        "expint": lambda n, x: scaled_expint(table, n, x) * exp(-x),
        "LogE1": lambda x: log(scaled_expint(table, 1, x)) - x,
        "LogScaledE1": lambda x: log(scaled_expint(table, 1, x)),
    }
