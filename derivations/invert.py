"""From a prior to the penalty: −log p with constants dropped, so that φ(0) = 0 where finite."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from neglog.derivations.api import check_real, penalty
from neglog.derivations.numbers import simplified, value_at
from neglog.derivations.totals import in_totals
from neglog.priors import symbols
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.named import ALIASES, LAWS, shape_name
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.text import parse

_CALL = re.compile(r"^\s*([A-Za-z_][\w.-]*)\s*(?:\((.*)\))?\s*$", re.DOTALL)


def prior_from(source: Any, domain: str | None = None) -> Prior:
    """A prior from a name, a density, ``"scipy:lomax(c=3)"``, a frozen scipy law, or a fit.

    Raises:
        InputError: it is none of these, or the density is not positive and real.
    """
    if isinstance(source, Prior):
        return source
    if isinstance(source, Penalty):
        return source.prior()
    if hasattr(source, "as_prior"):
        return source.as_prior()
    return implied_penalty(source, domain).prior()


def implied_penalty(source: Any, domain: str | None = None) -> Penalty:
    """The penalty of a law given by name, expression or frozen scipy object."""
    if hasattr(source, "dist") and hasattr(source, "kwds"):
        return _of_frozen(source)
    if isinstance(source, str):
        text = source.strip()
        if text.startswith("scipy:"):
            return _of_call(text.removeprefix("scipy:"))
        if text.lower() in ENTRIES:
            return penalty(text.lower(), domain)
        match = _CALL.match(text)
        if match and match.group(1) in ALIASES:
            return _of_call(text)
        return of_density(parse(text), domain)
    if isinstance(source, sp.Expr):
        return of_density(source, domain)
    raise InputError(
        f"a prior is made from a name, a density in a, scipy:LAW(...), a frozen scipy law or a "
        f"fit, not from {type(source).__name__}."
    )


def of_density(density: sp.Expr, domain: str | None = None) -> Penalty:
    """−log of a density in ``a``, additive constants dropped and φ(0) = 0 where finite."""
    if symbols.is_joint(density):
        phi = sp.expand_log(-sp.log(density), force=True)
        return Penalty(in_totals(Penalty(phi, domain or "real")), domain or "real")
    _check_positive(density)
    logs = sp.expand_log(-sp.log(density.subs(symbols.a, symbols.y)), force=True)
    whole = sp.expand_log(-sp.log(density), force=True)
    even = simplified(density - density.subs(symbols.a, -symbols.a)) == 0
    if domain != "positive" and not even:
        phi = whole
    else:
        phi = logs.subs(symbols.y, sp.Abs(symbols.a) if domain != "positive" else symbols.a)
    result = Penalty(drop_constants(phi), domain or "real")
    check_real(result)
    return result


def _check_positive(density: sp.Expr) -> None:
    """Raise where the density is negative or zero at a sample point, parameters at 1."""
    ones = dict.fromkeys(density.free_symbols, sp.S.One)
    value = value_at(density, {**ones, symbols.a: sp.Rational(13, 11)})
    if value is not None and not value.real > 0:
        raise InputError(f"the density {density} is not positive at a = 1.18.")


def drop_constants(phi: sp.Expr) -> sp.Expr:
    """φ without the terms free of ``a``, shifted so that φ(0) = 0 where that is finite."""
    expanded = sp.expand(phi)
    if not isinstance(expanded, sp.Piecewise):
        expanded = sp.Add(*[t for t in sp.Add.make_args(expanded) if t.has(symbols.a)])
    at_zero = expanded.subs(symbols.a, 0)
    if at_zero.is_finite and not at_zero.has(sp.nan):
        expanded = expanded - at_zero
    short = simplified(expanded)
    return min((expanded, short), key=sp.count_ops)


def _of_call(text: str) -> Penalty:
    """``genpareto(c=0.3, scale=2)`` by the table of named laws."""
    match = _CALL.match(text)
    if match is None:
        raise InputError(f"{text!r} is not a law such as genpareto(c=0.3).")
    name, inside = match.group(1), match.group(2)
    values: dict[str, sp.Expr] = {}
    for number, part in enumerate(p for p in (inside or "").split(",") if p.strip()):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = f"#{number}", part
        values[key.strip()] = parse(value)
    return _of_named(name, values)


def _of_frozen(law: Any) -> Penalty:
    values = {f"#{i}": sp.nsimplify(v, rational=True) for i, v in enumerate(law.args)}
    values |= {k: sp.nsimplify(v, rational=True) for k, v in law.kwds.items()}
    return _of_named(law.dist.name, values)


def _of_named(name: str, values: dict[str, sp.Expr]) -> Penalty:
    name = ALIASES.get(name, name)
    row = LAWS.get(name)
    if row is None:
        raise InputError(f"unknown law {name!r} (known: {' '.join(sorted(LAWS))}).")
    order = [*row.shapes, "loc", "scale"]
    given: dict[str, sp.Expr] = {}
    for key, value in values.items():
        if key.startswith("#"):
            if int(key[1:]) >= len(order):
                raise InputError(f"{name} takes at most {len(order)} arguments.")
            key = order[int(key[1:])]
        else:
            key = shape_name(key)
        if key not in order:
            raise InputError(f"{name} has no parameter {key!r}; it has {', '.join(order)}.")
        given[key] = value
    scale, loc = given.pop("scale", sp.S.One), given.pop("loc", sp.S.Zero)
    if scale.is_nonpositive:
        raise InputError(f"{name}: the scale {scale} is not positive.")
    if loc != 0 and row.domain == "positive":
        raise InputError(f"{name} with loc={loc} does not start at 0; leave loc out.")
    missing = [s for s in row.shapes if s not in given]
    expr = parse(row.expr).subs({symbols.parameter(k): v for k, v in given.items()})
    if missing and values:
        raise InputError(f"{name} needs {', '.join(missing)}.")
    expr = expr.subs(symbols.a, (symbols.a - loc) / scale)
    return Penalty(drop_constants(expr), row.domain, name)
