"""One request, one document: parse, derive, put numbers in. Runs in the worker process."""

from __future__ import annotations

import time
from typing import Any

import sympy as sp

from neglog.derivations.apart import names_apart, original, renamed
from neglog.derivations.api import penalty
from neglog.derivations.deadline import budget, left, within
from neglog.derivations.document import document, law_document, numeric
from neglog.derivations.joint.joint import derive_joint
from neglog.derivations.joint.numbers import joint_numbers
from neglog.derivations.scalar import Derivation, derive_scalar
from neglog.derivations.scalar_numbers import numbers as scalar_numbers
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, lam
from neglog.priors.text import parse

# Tactics are left out or shortened when fewer seconds than this are left.
SHORT_OF_TIME = 1.0


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The document for a request {"penalty", "domain", "at", "dim", "timeout"}.

    ``complete`` in it says whether the deadline cannot have cut it short.

    Raises:
        InputError: the request says something that cannot be.
    """
    started = time.perf_counter()
    with budget(float(request.get("timeout") or 10.0)):
        phi = penalty(request["penalty"], request.get("domain"))
        dim = check_dim(request.get("dim"), phi)
        point = read_point(request.get("at") or {}, phi)
        names = names_apart(phi)
        phi, point = renamed(phi, names), {names.get(s, s): v for s, v in point.items()}
        found = derive_joint(phi, dim) if phi.joint else derive_scalar(phi)
        out = document(found)
        if dim is not None:
            out["dim"] = dim
        if point:
            out["numeric"] = _numeric(phi, found, point, dim)
            out["law_at"] = _law_at(found, point)
        complete = left() > SHORT_OF_TIME
    out = original(out, names)
    out["complete"] = complete
    out["seconds"] = round(time.perf_counter() - started, 3)
    return out


def _law_at(found: Derivation, point: dict[sp.Symbol, sp.Expr]) -> dict[str, Any] | None:
    """The law at the number given for λ, where that one has a name of its own."""
    if found.law is None or found.law_at is None:
        return None
    law_at, strength = found.law_at, point[lam]
    law = within(1.0, lambda: law_at(strength), None)
    return None if law is None else law_document(law)


def _numeric(
    phi: Penalty, found: Derivation, point: dict[sp.Symbol, sp.Expr], dim: int | None
) -> dict[str, Any]:
    def work() -> dict[str, Any]:
        if not phi.joint:
            return scalar_numbers(phi, point, found)
        return joint_numbers(phi, point, found, dim or 2)

    values = within(max(left(), 2.0), work, None)
    if values is None:
        values = dict.fromkeys(("normalizer", "mean_abs", "variance"))
    out = numeric(values, point)
    if phi.joint:
        out["d"] = dim or 2
    return out


def check_dim(dim: Any, phi: Penalty) -> int | None:
    """The number of features asked for, if any."""
    if dim is None:
        return None
    if not phi.joint:
        raise InputError("--dim is for joint penalties; this one acts on a single feature.")
    if not 1 <= int(dim) <= 100_000:
        raise InputError(f"the number of features {dim} is not between 1 and 100,000.")
    return int(dim)


def read_point(at: dict[str, str], phi: Penalty) -> dict[sp.Symbol, sp.Expr]:
    """Numbers for lam and every parameter; lam is 1 where it is not given."""
    if not at:
        return {}
    known = {str(p): p for p in phi.parameters} | {"lam": lam}
    point = {}
    for name, text in at.items():
        symbol = known.get(name)
        if symbol is None:
            names = ", ".join(sorted(known))
            raise InputError(f"--at {name}: the penalty has no such parameter; it has {names}.")
        value = parse(str(text))
        if not value.is_number or not value.is_positive or not value.is_finite:
            raise InputError(f"--at {name}={text}: a positive finite number is wanted.")
        point[symbol] = value if value.is_Rational else sp.Float(value, 60)
    point.setdefault(lam, sp.S.One)
    missing = sorted(str(p) for p in set(phi.parameters) - set(point) - {d})
    if missing:
        raise InputError(f"--at needs a value for {', '.join(missing)} as well.")
    return point
