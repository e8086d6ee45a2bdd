"""K_ν(z) to many digits, where mpmath's own series cancel: a trapezoidal rule.

Between about 1 and a few times the number of digits mpmath tries its asymptotic series, fails, and
adds up a power series that cancels: a second for K₀(18) to 60 digits. There

    K_ν(z) = ∫₀^∞ exp(−z cosh t) cosh(νt) dt        (DLMF 10.32.9)

has a positive integrand, so nothing cancels, and the trapezoidal rule's error falls like
exp(−2πw/h) where it is analytic in |Im t| < w (Trefethen & Weideman, The exponentially convergent
trapezoidal rule, 2014): some hundred terms.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp

GUARD = 10  # digits
WIDTH = 1.0  # of the strip, of π/2 at most: |exp(−z cosh t)| grows by e^{z(1 − cos w)} in it
LOWEST, DIGITS_FOR_LARGEST = 1, 3  # arguments are from 1 to 3 times the number of digits


def besselk(order: Any, z: Any) -> Any:
    """K_ν(z) at the current precision."""
    order, z = mp.mpmathify(order), mp.mpmathify(z)
    real = mp.im(order) == 0 and mp.im(z) == 0
    if not (real and LOWEST <= mp.re(z) <= DIGITS_FOR_LARGEST * mp.mp.dps):
        return mp.besselk(order, z)
    digits = mp.mp.dps
    with mp.workdps(digits + GUARD):
        found = _by_trapezoids(abs(mp.re(order)), mp.re(z), digits + GUARD)
    return +found


def _by_trapezoids(order: Any, z: Any, digits: int) -> Any:
    wanted = digits * mp.log(10)
    step = 2 * mp.pi * WIDTH / (wanted + z * (1 - mp.cos(WIDTH)) + order * WIDTH)
    # e^{kh} by multiplication; the terms are those of e^z K_ν(z), the first 1, so none underflows.
    grow, grow_order = mp.exp(step), mp.exp(order * step)
    at, at_order = mp.mpf(1), mp.mpf(1)
    total, least = mp.mpf(0.5), mp.mpf(10) ** -digits
    while True:
        at, at_order = at * grow, at_order * grow_order
        term = mp.exp(-z * (at + 1 / at - 2) / 2) * (at_order + 1 / at_order) / 2
        total += term
        if term < least * total:  # beyond the largest: terms rise to it and fall from it
            return total * step * mp.exp(-z)
