"""The three questions, answered by computation: what log(1+|a|), its product and its sum assume."""

from __future__ import annotations

from typing import Any

import numpy as np

from neglog.derivations.service import derive

SCALAR = ("abs(a)", "log(1+a**2)", "log(1+abs(a))")
JOINT = ("sum(log(1+abs(a)))", "log(1+sum(abs(a)))", "prod(1+abs(a))")
STRENGTHS = {"prod(1+abs(a))": 0.7, "log(1+sum(abs(a)))": 5.5, "sum(log(1+abs(a)))": 5.5}
SAMPLES = 400_000


def derivations() -> dict[str, Any]:
    """The derivation of each penalty of the study, on the real line and for codes ≥ 0."""
    found: dict[str, Any] = {}
    for expr in SCALAR:
        for domain in ("real", "positive"):
            found[f"{expr} on {domain}"] = derive(
                {"penalty": expr, "domain": domain, "timeout": 30.0}
            )
    for expr in JOINT:
        at = {"lam": str(STRENGTHS[expr])}
        request = {"penalty": expr, "domain": "real", "timeout": 30.0}
        numeric = derive({**request, "at": at, "dim": 2})["numeric"]
        found[expr] = {**derive(request), "numeric": numeric}
    return found


def simulated(seed: int = 0) -> dict[str, dict[str, float]]:
    """corr(|a₁|, |a₂|) at d = 2 from samples, beside the derived value.

    Sampled by the one picture: a total s with density ∝ w(s) exp(−λ g(s)), split uniformly between
    the two features; u = |a| for log(1+Σ|a|), u = log(1+|a|) for the product.
    """
    rng = np.random.default_rng(seed)
    out = {}
    derived = derivations()
    for expr in JOINT:
        strength = STRENGTHS[expr]
        x, y = _sample(expr, strength, rng)
        correlation = float(np.corrcoef(x, y)[0, 1])
        stated = float(derived[expr]["numeric"]["correlation"])
        out[expr] = {
            "lam": strength,
            "derived": stated,
            "sampled": correlation,
            "standard_error": _bootstrap_error(x, y, rng),
        }
    return out


def _sample(
    expr: str, strength: float, rng: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    if expr == "sum(log(1+abs(a)))":
        return tuple(rng.pareto(strength - 1, (2, SAMPLES)))
    split = rng.random(SAMPLES)
    if expr == "log(1+sum(abs(a)))":
        # s has density ∝ s (1+s)^{−λ}: s = G₂/G_{λ−2}, a beta prime.
        s = rng.gamma(2, 1, SAMPLES) / rng.gamma(strength - 2, 1, SAMPLES)
        return s * split, s * (1 - split)
    grid = np.linspace(1e-6, 8, 40_001)
    weight = grid * np.exp(grid - strength * np.exp(grid))
    s = np.interp(rng.random(SAMPLES), np.cumsum(weight) / weight.sum(), grid)
    return np.expm1(s * split), np.expm1(s * (1 - split))


def _bootstrap_error(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], rng: np.random.Generator
) -> float:
    """The spread of the correlation over twenty disjoint parts, scaled to the whole."""
    parts = np.array_split(rng.permutation(len(x)), 20)
    values = [np.corrcoef(x[p], y[p])[0, 1] for p in parts]
    return float(np.std(values, ddof=1) / np.sqrt(len(parts)))


def budget(width: int) -> dict[str, float]:
    """How narrow the product prior's total is at d = width, λ = 1: mean and sd of Σ log(1+|aᵢ|)."""
    grid = np.linspace(1e-3, 40, 400_001)
    log_weight = (width - 1) * np.log(grid) + grid - np.exp(grid)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = float((grid * weight).sum())
    sd = float(np.sqrt(((grid - mean) ** 2 * weight).sum()))
    return {"d": float(width), "mean": mean, "sd": sd}
