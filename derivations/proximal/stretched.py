"""The proximal map of φ(a) = C·ψ(a/s) + level from that of ψ: s·prox_ψ(x/s; cC/s²)."""

from __future__ import annotations

from typing import Any

import sympy as sp

from neglog.derivations.integrals.standard import Standard
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y
from neglog.priors.text import parse, parse_condition


def rejoined(form: Standard, phi: Penalty) -> Penalty:
    """ψ as a penalty on the domain of φ, of which one half line tells all."""
    inside = sp.Abs(a) if phi.domain == "real" else a
    rows = []
    for piece in form.sides[0].pieces:
        upto = sp.true if piece.hi is sp.oo else inside < piece.hi
        rows.append((piece.phi.subs(y, inside), upto))
    return Penalty(rows[0][0] if len(rows) == 1 else sp.Piecewise(*rows), phi.domain)


def carried_back(found: dict[str, Any], form: Standard, phi: Penalty) -> dict[str, Any] | None:
    """The document of ψ's map as that of φ; None where a name would mean two things."""
    if {found["input"], found["strength"]} & {p.name for p in phi.parameters}:
        return None
    x, c = (sp.Symbol(found[key], positive=True) for key in ("input", "strength"))
    inner = {x: x / form.scale, c: c * form.strength / form.scale**2}

    def scaled(value: sp.Expr | None) -> sp.Expr | None:
        if isinstance(value, sp.Piecewise):
            rows = [(scaled(row), when.subs(inner)) for row, when in value.args]
            return sp.Piecewise(*rows, evaluate=False)
        return None if value is None else form.scale * value.subs(inner, simultaneous=True)

    def scaled_text(text: str | None) -> str | None:
        return None if text is None else str(scaled(parse(text)))

    def condition(text: str | None) -> str | None:
        if text in (None, "True", "False"):
            return text
        return str(parse_condition(str(text)).subs(inner, simultaneous=True))

    out = {
        **found,
        **{key: scaled(found[key]) for key in ("expr", "threshold", "jump")},
        "continuous_when": condition(found["continuous_when"]),
    }
    if "regimes" in found:
        out["regimes"] = [
            {
                **regime,
                "when": condition(regime["when"]),
                "threshold": scaled_text(regime["threshold"]),
                "jump": scaled_text(regime["jump"]),
            }
            for regime in found["regimes"]
        ]
    if "small_c" in found:
        out["threshold_small_c"] = scaled(found["threshold_small_c"])
        out["small_c"] = found["small_c"].subs(inner, simultaneous=True)
    return out
