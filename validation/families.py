"""The families a slab is compared with: laws on (0, ∞), each a row of data.

Parameters are named as in scipy; the log-density is symbolic; the profile says how its maximum
is found (what sums it needs, what is eliminated in closed form, where the search starts).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy
from sympy import Rational, log, loggamma, pi, sqrt
from sympy.codegen.cfunctions import log1p

from neglog.priors.errors import InputError
from neglog.validation.full import full_profile
from neglog.validation.profile import (
    LOG_A,
    TOP,
    A,
    Corner,
    Eliminated,
    Free,
    N,
    Profile,
    T,
    constant,
)
from neglog.validation.segments import Floats, Segments

SCALE, C, SHAPE, S, DF = sympy.symbols("scale c shape s df", positive=True)
XI = sympy.Symbol("xi", real=True)
KAPPA = sympy.Symbol("kappa", positive=True)  # 1/scale (Lomax) or 1/df (half-t)
THETA = sympy.Symbol("theta", real=True)  # c/scale of the generalised Pareto


@dataclass(frozen=True)
class Family:
    """A law on (0, ∞): log-density in ``a`` and the parameters, and how to fit it.

    ``params`` maps the reported names to the symbols in ``logpdf``. ``regular`` is the condition
    under which observed information gives standard errors. ``scaled`` says that ``scale`` is a
    scale parameter, so that a feature can be fitted in its own unit.
    """

    name: str
    scipy: str | None
    params: Mapping[str, sympy.Symbol]
    logpdf: sympy.Expr
    profile: Profile
    regular: sympy.Basic = field(default=sympy.true)
    scaled: bool = True

    @cached_property
    def full(self) -> Profile:
        """The likelihood in the reported parameters."""
        return full_profile(self)

    @cached_property
    def truncated(self) -> "Family":
        """The law given that a lies above the samples' ``cut``."""
        from neglog.validation.truncation import truncated

        return truncated(self)

    @property
    def shapes(self) -> tuple[str, ...]:
        return tuple(name for name in self.params if name != "scale")


def _cv2(x: Segments) -> Floats:
    return x.variance / x.mean**2


def _gamma_start(x: Segments) -> Floats:
    """Minka (2002), Estimating a Gamma distribution: a close start from log ā − mean log a."""
    gap = np.maximum(np.log(x.mean) - x.mean_log, 1e-12)
    return (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)


def _weibull_start(x: Segments) -> Floats:
    """log a is Gumbel with standard deviation π/(c√6)."""
    return np.pi / np.sqrt(6 * np.maximum(x.variance_log, 1e-24))


def _lomax_start(x: Segments) -> Floats:
    """1/scale from mean and variance where they exist under a Lomax (CV² > 1), else nearly 0."""
    cv2 = np.maximum(_cv2(x), 1.05)
    return (cv2 - 1) / (cv2 + 1) / x.mean


def _pareto_start(x: Segments) -> Floats:
    """c/scale from mean and variance (Hosking and Wallis 1987), kept inside the support."""
    inverse = 1 / np.maximum(_cv2(x), 1e-12)
    c = 0.5 * (1 - inverse)
    return np.maximum(c / (0.5 * x.mean * (inverse + 1)), -0.9 / x.top)


def _half_t_normaliser(kappa: sympy.Symbol) -> sympy.Expr:
    """log[Γ((ν+1)/2) / (Γ(ν/2) √(νπ))] at ν = 1/κ; by series for large ν, where Γ's cancel."""
    half = 1 / (2 * kappa)
    exact = loggamma(half + Rational(1, 2)) - loggamma(half) - log(half) / 2
    series = -kappa / 4 + kappa**3 / 24 - kappa**5 / 20 + 17 * kappa**7 / 112
    return sympy.Piecewise((series, kappa < Rational(1, 64)), (exact, True)) - log(2 * pi) / 2


def _bell(logpdf: sympy.Expr, profile: Profile, name: str, scipy: str | None) -> Family:
    return Family(name, scipy, {"scale": SCALE}, logpdf, profile)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _bell(
            -log(SCALE) - A / SCALE,
            Profile(
                free=(),
                sums=(A,),
                eliminated=(Eliminated(SCALE, T[0] / N, N),),
                objective=-N * log(T[0] / N) - N,
                params={"scale": SCALE},
            ),
            "exponential",
            "expon",
        ),
        _bell(
            log(2 / pi) / 2 - log(SCALE) - A**2 / (2 * SCALE**2),
            Profile(
                free=(),
                sums=(A**2,),
                eliminated=(Eliminated(SCALE, sqrt(T[0] / N), 2 * N),),
                objective=N * log(2 / pi) / 2 - N * log(T[0] / N) / 2 - N / 2,
                params={"scale": SCALE},
            ),
            "half-normal",
            "halfnorm",
        ),
        _bell(
            log(2 / pi) - log(SCALE) - log1p((A / SCALE) ** 2),
            Profile(
                free=(Free(SCALE, lambda x: x.median),),
                sums=(log1p((A / SCALE) ** 2),),
                objective=N * log(2 / pi) - N * log(SCALE) - T[0],
                params={"scale": SCALE},
            ),
            "half-cauchy",
            "halfcauchy",
        ),
        Family(
            "half-t",
            None,
            {"df": DF, "scale": SCALE},
            log(2)
            + _half_t_normaliser(1 / DF)
            - log(SCALE)
            - (DF + 1) / 2 * log1p((A / SCALE) ** 2 / DF),
            Profile(
                free=(
                    Free(SCALE, lambda x: 1.35 * x.median),
                    Free(
                        KAPPA,
                        constant(0.25),
                        low=constant(1e-5),
                        high=constant(1e3),
                        offset=1,
                        limit=constant(1e-5),
                        limit_flag="limit: half-normal",
                    ),
                ),
                sums=(log1p(KAPPA * (A / SCALE) ** 2),),
                objective=N * (log(2) + _half_t_normaliser(KAPPA) - log(SCALE))
                - (1 / KAPPA + 1) / 2 * T[0],
                params={"df": 1 / KAPPA, "scale": SCALE},
            ),
        ),
        Family(
            "lomax",
            "lomax",
            {"c": C, "scale": SCALE},
            log(C) - log(SCALE) - (C + 1) * log1p(A / SCALE),
            Profile(
                free=(
                    Free(
                        KAPPA,
                        _lomax_start,
                        low=lambda x: 1e-5 / x.mean,
                        high=lambda x: 1e30 / x.median,
                        offset=1,
                        reach=lambda x: x.top,
                        limit=lambda x: 1e-9 / x.mean,
                        limit_flag="limit: exponential",
                    ),
                ),
                sums=(log1p(KAPPA * A),),
                eliminated=(Eliminated(C, N / T[0], N),),
                objective=N * log(N * KAPPA / T[0]) - T[0] - N,
                params={"c": C, "scale": 1 / KAPPA},
            ),
        ),
        Family(
            "gamma",
            "gamma",
            {"a": SHAPE, "scale": SCALE},
            (SHAPE - 1) * log(A) - A / SCALE - loggamma(SHAPE) - SHAPE * log(SCALE),
            Profile(
                free=(Free(SHAPE, _gamma_start),),
                sums=(A, LOG_A),
                eliminated=(Eliminated(SCALE, T[0] / (N * SHAPE), N * SHAPE),),
                objective=-N * loggamma(SHAPE)
                - N * SHAPE * log(T[0] / (N * SHAPE))
                + (SHAPE - 1) * T[1]
                - N * SHAPE,
                params={"a": SHAPE, "scale": SCALE},
            ),
        ),
        Family(
            "weibull",
            "weibull_min",
            {"c": C, "scale": SCALE},
            log(C) - log(SCALE) + (C - 1) * log(A / SCALE) - (A / SCALE) ** C,
            Profile(
                free=(Free(C, _weibull_start),),
                sums=(sympy.exp(C * LOG_A), LOG_A),
                eliminated=(Eliminated(SCALE, (T[0] / N) ** (1 / C), N * C**2),),
                objective=N * log(C) - N * log(T[0] / N) + (C - 1) * T[1] - N,
                params={"c": C, "scale": SCALE},
            ),
        ),
        Family(
            "log-normal",
            "lognorm",
            {"s": S, "scale": SCALE},
            -log(2 * pi) / 2 - log(S) - log(A) - log(A / SCALE) ** 2 / (2 * S**2),
            Profile(
                free=(),
                sums=(LOG_A, LOG_A**2),
                eliminated=(
                    Eliminated(S, sqrt(T[1] / N - (T[0] / N) ** 2), 2 * N),
                    Eliminated(SCALE, sympy.exp(T[0] / N), N / (T[1] / N - (T[0] / N) ** 2)),
                ),
                objective=-N * (log(2 * pi) + log(T[1] / N - (T[0] / N) ** 2) + 1) / 2 - T[0],
                params={"s": S, "scale": SCALE},
            ),
        ),
        Family(
            "generalised-pareto",
            "genpareto",
            {"c": XI, "scale": SCALE},
            sympy.Piecewise(
                (-log(SCALE) - A / SCALE, sympy.Eq(XI, 0)),
                (-log(SCALE) - (1 + 1 / XI) * log1p(XI * A / SCALE), True),
            ),
            # Grimshaw (1993), Computing maximum likelihood estimates for the generalized Pareto
            # distribution: c = mean log(1 + θa). Beyond c = −1 the likelihood is unbounded.
            Profile(
                free=(
                    Free(
                        THETA,
                        _pareto_start,
                        low=lambda x: -(1 - 1e-12) / x.top,
                        high=lambda x: 1e30 / x.median,
                        offset=1,
                        reach=lambda x: x.top,
                        hole=lambda x: 1e-5 / x.mean,
                    ),
                ),
                sums=(log1p(THETA * A),),
                eliminated=(Eliminated(XI, T[0] / N, N),),
                objective=-N * log(T[0] / (N * THETA)) - T[0] - N,
                params={"c": XI, "scale": XI / THETA},
                feasible=T[0] > -N,
                corner=Corner(-N * log(TOP), {"c": sympy.Integer(-1), "scale": TOP}, "boundary"),
            ),
            regular=sympy.Gt(XI, -Rational(1, 2)),
        ),
    )
}


def family(name: str) -> Family:
    """The row of that name; InputError, listing the names, if there is none."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise InputError(
            f"there is no family {name!r}; the families are {', '.join(FAMILIES)}."
        ) from None
