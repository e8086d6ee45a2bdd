"""Special functions for torch that it lacks or that overflow where they need not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from neglog.derivations.compile.special import order_of
from neglog.priors.errors import InputError

sf = torch.special


def _sech(x: Tensor) -> Tensor:
    e = (-x.abs()).exp()
    return 2 * e / (1 + e * e)


def _log_erfc(x: Tensor) -> Tensor:
    far = x.clamp_min(0)
    return torch.where(x < 0, torch.erfc(x.clamp_max(0)).log(), sf.erfcx(far).log() - far * far)


def _bessel_i(n: Any, x: Tensor) -> Tensor:
    order = order_of(n)
    if order not in (0, 1):
        raise InputError(f"besseli of order {order} cannot be compiled to torch; use 0 or 1.")
    return sf.i1(x) if order else sf.i0(x)


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
    "besseli": _bessel_i,
    "zeta": lambda s, q=1.0: sf.zeta(s, torch.as_tensor(q, dtype=s.dtype)),
}
