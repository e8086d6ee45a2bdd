"""A prior in LaTeX: penalty, density, normaliser with its condition, law, moments and the rest."""

from __future__ import annotations

import sympy as sp

from neglog.priors import symbols
from neglog.priors.prior import Prior
from neglog.priors.text import parse

_DOMAINS = {"real": r"a \in \mathbb{R}", "positive": r"a \in [0, \infty)"}
_LAMBDA = sp.Symbol("lambda", positive=True)


def latex(prior: Prior) -> str:
    """An ``aligned`` block with everything that is known, without dollar signs."""
    return "\\begin{aligned}\n" + " \\\\\n".join(lines(prior)) + "\n\\end{aligned}"


def lines(prior: Prior) -> list[str]:
    """The lines of the block, each with its ``&``."""
    facts = prior.facts
    found = [rf"\varphi(a) &= {maths(prior.phi.expr)}, \quad {_DOMAINS[prior.domain]}"]
    if prior.proper == "never":
        found.append(r"\int e^{-\lambda\varphi} &= \infty \quad\text{for every } \lambda")
    else:
        found.append(r"p(a) &= \frac{1}{Z}\, e^{-\lambda \varphi(a)}" + _named(prior))
        found += _stated("Z", prior.normalizer, prior.proper_when)
    for name, symbol in _moment_symbols(prior).items():
        value, when = prior.moment(name)
        found += _stated(symbol, value, when)
    rows = (("F(a)", "cdf"), ("F^{-1}(u)", "quantile"), ("H", "entropy"),
            (r"\varphi'(0^+)", "kink"), (r"\varphi'(a)/a", "irls_weight"))  # fmt: skip
    for symbol, key in rows:
        if facts[key] is not None:
            found += _stated(symbol, parse(facts[key]), None)
    if facts["prox"] is not None:
        found += _stated(r"\operatorname{prox}_{c\varphi}(x)", parse(facts["prox"]["expr"]), None)
    return found


def maths(expr: sp.Basic) -> str:
    """An expression or condition with λ for ``lam``; a condition with λ on its left."""
    if isinstance(expr, sp.core.relational.Relational) and expr.rhs == symbols.lam:
        expr = expr.reversed
    return str(sp.latex(expr.xreplace({symbols.lam: _LAMBDA}), ln_notation=False))


def _named(prior: Prior) -> str:
    return "" if prior.law is None else rf" \quad\text{{({prior.law})}}"


def _moment_symbols(prior: Prior) -> dict[str, str]:
    known = {"mean_abs": r"\mathbb{E}|a|", "variance": r"\operatorname{Var}(a)",
             "correlation": r"\operatorname{corr}(|a_i|, |a_j|)"}  # fmt: skip
    return {k: v for k, v in known.items() if k in prior.facts["moments"]}


def _stated(symbol: str, value: sp.Expr | None, when: sp.Basic | None) -> list[str]:
    if value is None:
        return []
    condition = "" if when in (None, sp.true) else rf" \quad\text{{if }} {maths(when)}"
    return [f"{symbol} &= {maths(value)}{condition}"]
