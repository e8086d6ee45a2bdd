"""A law of scipy.stats, by name and numbers, as a penalty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sympy as sp

from neglog.derivations.inversion.from_density import drop_constants
from neglog.priors.errors import InputError
from neglog.priors.named import ALIASES, LAWS, OURS, NamedLaw, shape_name
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a
from neglog.priors.text import parse

_CALL = re.compile(r"^\s*([A-Za-z_][\w.-]*)\s*(?:\((.*)\))?\s*$", re.DOTALL)


def names_a_law(text: str) -> bool:
    """Whether the text calls a law: by a name of this library's own, or with ``name=value``."""
    match = _CALL.match(text)
    if match is None:
        return False
    name, inside = match.groups()
    return name in ALIASES or name in OURS or (name in LAWS and "=" in (inside or ""))


def from_call(text: str) -> Penalty:
    """The penalty of ``genpareto(c=0.3, scale=2)``, read by the table of named laws.

    Raises:
        InputError: no such law or parameter, or numbers that the law does not allow.

    >>> str(from_call("lomax(c=2)"))
    '3*log(a + 1)'
    """
    match = _CALL.match(text)
    if match is None:
        raise InputError(f"{text!r} is not a law such as genpareto(c=0.3).")
    values: dict[str, sp.Expr] = {}
    for number, part in enumerate(_arguments(match.group(2) or "")):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = f"#{number}", part
        values[key.strip()] = parse(value)
    return from_name(match.group(1), values)


def _arguments(text: str) -> list[str]:
    """The parts between commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def from_frozen(law: Any) -> Penalty:
    """The penalty of a frozen law of scipy.stats."""
    values = {f"#{i}": _exact(v) for i, v in enumerate(law.args)}
    values |= {k: _exact(v) for k, v in law.kwds.items()}
    return from_name(law.dist.name, values)


def _exact(value: Any) -> sp.Expr:
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return sp.oo if number > 0 else -sp.oo
    return sp.Rational(repr(number))


def from_name(name: str, values: Mapping[str, sp.Expr]) -> Penalty:
    """The penalty of a named law; ``values`` by scipy's names, or by place as ``#0``, ``#1``, …"""
    name = ALIASES.get(name, name)
    row = LAWS.get(name) or OURS.get(name)
    if row is None:
        raise InputError(f"unknown law {name!r} (known: {' '.join(sorted(LAWS | OURS))}).")
    given = _read(name, row, values)
    scale, loc = given.pop("scale", sp.S.One), given.pop("loc", sp.S.Zero)
    if not scale.is_positive or scale is sp.oo:
        raise InputError(f"{name}: the scale {scale} is not positive.")
    missing = [s for s in row.shapes if s not in given]
    if missing and values:
        raise InputError(f"{name} needs {', '.join(missing)}.")
    _check_shapes(name, row, given)
    inside = (a - loc) / scale
    phi = _put(row.expr, given, name).subs(a, inside)
    low, high = (loc + scale * _put(end, given, name) for end in (row.low, row.high))
    return _supported(phi, low, high, name)


def _read(name: str, row: NamedLaw, values: Mapping[str, sp.Expr]) -> dict[str, sp.Expr]:
    """The values by the row's own names."""
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
        if value.has(a):
            raise InputError(f"{name}: {key} must be a number or a parameter, not in a.")
        given[key] = value
    return given


def _check_shapes(name: str, row: NamedLaw, given: Mapping[str, sp.Expr]) -> None:
    """Raise where scipy has no such law; symbols are taken at their word."""
    numbers = [given.get(s) for s in row.shapes]
    known = [float(v) for v in numbers if v is not None and v.is_number]
    if name in OURS or len(known) < len(numbers):
        return
    import scipy.stats

    low, _ = getattr(scipy.stats, name)(*known).support()
    if low != low:
        shown = ", ".join(f"{s}={v}" for s, v in zip(row.shapes, numbers, strict=True))
        raise InputError(f"there is no law {name}({shown}).")


def _put(text: str, given: Mapping[str, sp.Expr], name: str) -> sp.Expr:
    """The row's expression with the values written in: its symbols would all be positive."""
    try:
        return parse(re.sub(r"[A-Za-z_]\w*", lambda m: _written(given, m.group()), text))
    except InputError as error:
        raise InputError(f"{name} has no density in closed form there: {error}") from None


def _written(given: Mapping[str, sp.Expr], word: str) -> str:
    return f"({given[word]})" if word in given else word


def _supported(phi: sp.Expr, low: sp.Expr, high: sp.Expr, name: str) -> Penalty:
    """φ on its support and ∞ elsewhere, on the smaller of the two domains."""
    domain = "positive" if low.is_nonnegative else "real"
    if domain == "real" and high.is_zero and low is -sp.oo:
        inside: sp.Basic = a <= 0
    elif domain == "real" and (low + high).is_zero and high.is_finite:
        inside = sp.Abs(a) <= high
    else:
        below = sp.true if low is -sp.oo or low == 0 else a >= low
        above = sp.true if high is sp.oo else a <= high
        inside = sp.And(below, above)
    if inside is not sp.true:
        phi = sp.Piecewise(*[
            (value, sp.And(inside, condition)) for value, condition in _pieces(phi)
        ], (sp.oo, True))  # fmt: skip
    return Penalty(drop_constants(phi, rewrite=False), domain, name)


def _pieces(phi: sp.Expr) -> list[tuple[sp.Expr, sp.Basic]]:
    if not isinstance(phi, sp.Piecewise):
        return [(phi, sp.true)]
    return [(value, condition) for value, condition in phi.args]
