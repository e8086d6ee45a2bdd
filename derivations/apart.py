"""Parameters kept apart from the names that derivations use themselves, such as y = |a|.

A parameter called ``c`` is worked with as ``c_`` and called ``c`` again in the document, except
where the document's own variables stand: the strength c and the argument x of the proximal map and
the argument u of the quantile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from neglog.priors.penalty import Penalty
from neglog.priors.symbols import parameter

TAKEN = frozenset(["y", "u", "x", "c", "s", "t", "m", "S", "R", "y_i", "y_j"])
OWN = {"prox": ("c", "x"), "quantile": ("u",)}  # the variables of an entry of the document


def names_apart(phi: Penalty) -> dict[sp.Symbol, sp.Symbol]:
    """Parameters whose names are taken → parameters with free names."""
    used = {str(s) for s in phi.expr.free_symbols}
    found = {}
    for symbol in phi.parameters:
        name = str(symbol)
        if name in TAKEN:
            while name in used | TAKEN:
                name += "_"
            used.add(name)
            found[symbol] = parameter(name)
    return found


def renamed(phi: Penalty, names: Mapping[sp.Symbol, sp.Symbol]) -> Penalty:
    """The penalty with parameters renamed."""
    return replace(phi, expr=phi.expr.xreplace(dict(names))) if names else phi


def original(document: dict[str, Any], names: Mapping[sp.Symbol, sp.Symbol]) -> dict[str, Any]:
    """The document with the parameters' own names again."""
    back = {str(new): str(old) for old, new in names.items()}
    if not back:
        return document
    found = {
        key: _called(value, {n: o for n, o in back.items() if o not in OWN.get(key, ())})
        for key, value in document.items()
    }
    return {**found, "parameters": sorted(found["parameters"])}


def _called(value: Any, back: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"[A-Za-z_]\w*", lambda word: back.get(word.group(), word.group()), value)
    if isinstance(value, dict):
        return {_called(key, back): _called(inner, back) for key, inner in value.items()}
    return [_called(inner, back) for inner in value] if isinstance(value, list) else value
