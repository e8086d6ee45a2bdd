"""Special functions for torch that it lacks or that overflow where they need not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from neglog.priors.errors import InputError

sf = torch.special


def _sech(x: Tensor) -> Tensor:
    e = (-x.abs()).exp()
    return 2 * e / (1 + e * e)


def _log_erfc(x: Tensor) -> Tensor:
    far = x.clamp_min(0)
    return torch.where(x < 0, torch.erfc(x.clamp_max(0)).log(), sf.erfcx(far).log() - far * far)


def _order(n: Any) -> int:
    if isinstance(n, Tensor) or float(n) != int(n):
        raise InputError(f"a Bessel function of order {n} cannot be compiled to torch.")
    return abs(int(n))


def scaled_bessel_k(n: Any, x: Tensor) -> Tensor:
    """e^x·K_n(x) for whole n, by the upward recurrence K_{n+1} = K_{n−1} + (2n/x)·K_n."""
    low, high = sf.scaled_modified_bessel_k0(x), sf.scaled_modified_bessel_k1(x)
    order = _order(n)
    if order == 0:
        return low
    for k in range(1, order):
        low, high = high, low + 2 * k / x * high
    return high


def _bessel_i(n: Any, x: Tensor) -> Tensor:
    order = _order(n)
    if order > 1:
        raise InputError(f"besseli of order {order} cannot be compiled to torch; use 0 or 1.")
    return sf.i1(x) if order else sf.i0(x)


def scaled_e1(x: Tensor) -> Tensor:
    """e^x·E₁(x): the power series up to 2, a continued fraction from the tail beyond."""
    near = x.clamp(max=2.0)
    total, term = torch.zeros_like(near), torch.ones_like(near)
    for k in range(1, 31):
        term = -term * near / k
        total = total - term / k
    series = (total - near.log() - 0.5772156649015329) * near.exp()
    far = x.clamp(min=2.0)
    tail = far + 2 * 60 + 1
    for k in range(60, 0, -1):
        tail = far + 2 * k - 1 - k * k / tail
    return torch.where(x <= 2, series, 1 / tail)


def _expint(n: Any, x: Tensor) -> Tensor:
    if isinstance(n, Tensor) or float(n) != int(n) or n < 0:
        raise InputError(f"expint of order {n} cannot be compiled to torch.")
    decay = (-x).exp()
    if n == 0:
        return decay / x
    value = scaled_e1(x)
    for k in range(1, int(n)):
        value = (1 - x * value) / k
    return value * decay


def _gamma(x: Tensor) -> Tensor:
    # Γ alternates in sign on the negative axis, where gammaln gives log|Γ|.
    flips = torch.where((x < 0) & (torch.floor(x) % 2 != 0), -1.0, 1.0)
    return torch.lgamma(x).exp() * flips


def _polygamma(n: Any, x: Tensor) -> Tensor:
    return torch.digamma(x) if n == 0 else torch.polygamma(int(n), x)


SPECIAL: Mapping[str, Callable[..., Any]] = {
    "Log1p": torch.log1p,
    "Expm1": torch.expm1,
    "Sech": _sech,
    "sech": _sech,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "coth": lambda x: 1 / torch.tanh(x),
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "atan": torch.atan,
    "Abs": torch.abs,
    "sign": torch.sign,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "erfinv": torch.erfinv,
    "Erfcx": sf.erfcx,
    "LogErfc": _log_erfc,
    "gamma": _gamma,
    "loggamma": torch.lgamma,
    "digamma": torch.digamma,
    "polygamma": _polygamma,
    "beta": lambda x, z: (torch.lgamma(x) + torch.lgamma(z) - torch.lgamma(x + z)).exp(),
    "lowergamma": lambda s, x: sf.gammainc(s, x) * _gamma(s),
    "uppergamma": lambda s, x: sf.gammaincc(s, x) * _gamma(s),
    "expint": _expint,
    "ScaledE1": scaled_e1,
    "BesselKRatio": lambda n, x: scaled_bessel_k(n + 1, x) / scaled_bessel_k(n, x),
    "LogE1": lambda x: scaled_e1(x).log() - x,
    "besselk": lambda n, x: scaled_bessel_k(n, x) * (-x).exp(),
    "LogBesselK": lambda n, x: scaled_bessel_k(n, x).log() - x,
    "besseli": _bessel_i,
    "zeta": lambda s, q=1.0: sf.zeta(s, torch.as_tensor(q, dtype=s.dtype)),
}
