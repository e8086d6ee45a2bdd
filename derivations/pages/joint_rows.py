"""The rows of the table that only joint documents have."""

from __future__ import annotations

from typing import Any

from neglog.derivations.pages.notation import unicode
from neglog.derivations.pages.prose import signs

Rows = list[tuple[str, str]]


def joint_rows(doc: dict[str, Any]) -> Rows:
    """Regions, marginal, Kendall's τ, mixture and budget, where the document has them."""
    regions = [
        ("  region", f"{unicode(r['where'])}: {r['features']}")
        for r in doc.get("dependence_regions") or []
    ]
    return [
        *regions,
        ("marginal", _marginal(doc.get("marginal"))),
        ("Kendall's τ", _conditioned(doc.get("kendall_tau"))),
        ("strength", _mixture(doc.get("strength_mixture"))),
        *_budget(doc.get("budget")),
    ]


def _marginal(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    name = f"{found['law']}; " if found["law"] else ""
    return f"{name}density {unicode(found['density'])}"


def _conditioned(found: dict[str, Any] | None) -> str:
    if found is None or found["value"] is None:
        return ""
    value = unicode(found["value"])
    return value if found["when"] in (None, "True") else f"{value}   if {unicode(found['when'])}"


def _mixture(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["of"] is None:
        return f"no mixture of independent priors: {signs(found['reason'])}"
    only = f"   if {unicode(found['when'])}" if "when" in found else ""
    return f"{signs(found['of'])}, r ~ {found['mixing']}{only}"


def _budget(found: dict[str, Any] | None) -> Rows:
    if found is None:
        return []
    parts = []
    if found["index"] is not None:
        only = "" if found["when"] == "True" else f" if {unicode(found['when'])}"
        parts.append(f"β = {unicode(found['index'])}{only}")
    if found["limit"] is not None:
        parts.append(f"β → {unicode(found['limit'])} as d grows")
    return [("budget", ";   ".join(parts)), ("", signs(found["reason"]))]
