"""A derivation document for people: a small table in the terminal, or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

VERDICTS = {
    "always": "proper for every λ > 0",
    "never": "improper for every λ",
    "unknown": "not decided",
}

# What str(sympy) writes → what people read: whole words, then signs (longer ones first).
_WORDS = {
    "sqrt": "√",
    "gamma": "Γ",
    "loggamma": "logΓ",
    "lam": "λ",
    "oo": "∞",
    "pi": "π",
    "prod": "∏",
    "sum": "Σ",
}
_SIGNS = (
    ("Abs(a)", "|a|"),
    ("abs(a)", "|a|"),
    ("expint(1, ", "E₁("),
    ("**2", "²"),
    ("**3", "³"),
    ("**", "^"),
    ("*", "·"),
    (">=", "≥"),
    ("<=", "≤"),
    (" & ", " and "),
)


def unicode(text: str) -> str:
    """The text of an expression with mathematical signs."""
    for plain, sign in _SIGNS:
        text = text.replace(plain, sign)
    return re.sub(r"[A-Za-z_]\w*", lambda word: _WORDS.get(word.group(), word.group()), text)


def rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(what, value) for everything that is known."""
    found: list[tuple[str, str]] = []

    def add(name: str, value: Any) -> None:
        if value is not None:
            found.append((name, unicode(str(value))))

    doc = document
    add("penalty φ", doc["penalty"])
    add("domain", {"real": "ℝ", "positive": "[0, ∞)"}[doc["domain"]])
    proper = VERDICTS.get(doc["proper"]) or f"proper iff {doc['proper_when']}"
    found.append(("prior", unicode(proper)))
    found.append(("because", unicode(doc["reason"])))
    add("density p(a)", doc["density"])
    if doc["normalizer"] is not None:
        digits = f"   (agrees with quadrature to {doc['verified_digits']} digits)"
        found.append(("normaliser Z", unicode(doc["normalizer"]) + digits))
    elif doc["proper"] in ("always", "if"):
        found.append(("normaliser Z", "no closed form found; --at gives the number"))
    if doc["law"] is not None:
        scipy = doc["law"]["scipy"]
        found.append(("law", doc["law"]["name"] + (f"   scipy.stats.{scipy}" if scipy else "")))
    for name, label in (
        ("mean_abs", "E|a|"),
        ("variance", "variance"),
        ("correlation", "corr(|aᵢ|,|aⱼ|)"),
    ):
        add(label, _moment(doc["moments"].get(name)))
    add("CDF", doc["cdf"])
    add("quantile", doc["quantile"])
    add("entropy", doc["entropy"])
    add("tail", _tail(doc["tail"]))
    add("kink φ′(0⁺)", doc["kink"])
    if doc["exact_zeros"] is not None:
        found.append(("exact zeros", "yes" if doc["exact_zeros"] else "no"))
    elif doc["exact_zeros_when"] is not None:
        add("exact zeros", f"iff {doc['exact_zeros_when']}")
    add("shape", _shape(doc))
    if doc["prox"] is not None:
        where = "all a" if doc["prox"]["for"] == "real" else doc["prox"]["for"]
        add(f"prox ({where})", _prox(doc["prox"]))
    for mixture in (doc["normal_mixture"], doc["laplace_mixture"]):
        if mixture is not None:  # law names in it are scipy's: no Γ for gamma
            only = f"   if {unicode(mixture['when'])}" if "when" in mixture else ""
            found.append(("mixture", "{of} with {mixing}".format(**mixture) + only))
    if doc["scale_mixture"] is None and doc["proper"] != "never":
        add("no mixture", doc["scale_mixture_reason"])
    add("IRLS weight", doc["irls_weight"])
    found.append(("features", doc["dependence"]))
    add("", doc["dependence_reason"])
    add("given the others", doc["conditional"])
    if doc["numeric"] is not None:
        for name, value in doc["numeric"].items():
            add(f"at: {name}", value)
    return found


def _moment(moment: dict[str, Any] | None) -> str | None:
    if moment is None or (moment["value"] is None and moment["when"] in (None, "True")):
        return None
    value = moment["value"] or "not closed"
    return value if moment["when"] == "True" else f"{value}   if {moment['when']}"


def _tail(tail: dict[str, Any] | None) -> str | None:
    if tail is None:
        return None
    if "cases" in tail:
        return "; ".join(f"{name} if {when}" for when, name in tail["cases"].items())
    return tail["class"] + (f", index {tail['index']}" if tail["index"] else "")


def _shape(doc: dict[str, Any]) -> str | None:
    words = []
    if doc["convex"] is not None:
        words.append("convex" if doc["convex"] else "not convex")
    elif doc["convex_when"] is not None:
        words.append(f"convex iff {doc['convex_when']}")
    if doc["concave_on_positive"]:
        words.append("concave on a > 0")
    elif doc["concave_when"] is not None:
        words.append(f"concave on a > 0 iff {doc['concave_when']}")
    if words and doc["curvature_proof"] == "numeric":
        words.append("(checked numerically)")
    return ", ".join(words[:2]) + (f" {words[2]}" if len(words) > 2 else "") or None


def _prox(prox: dict[str, Any]) -> str:
    text, name = str(prox["expr"]), prox["input"]
    if prox.get("threshold") is not None:
        text += f"   leaves 0 at {name} = {prox['threshold']}"
    elif prox.get("threshold_small_c") is not None:
        at, when = prox["threshold_small_c"], prox["small_c"]
        text += f"   leaves 0 at {name} = {at} if {when}, else it jumps"
    return text


def print_document(document: dict[str, Any]) -> None:
    """The table on stdout."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows(document):
        table.add_row(name, Text(value))
    Console().print(table)


def latex(document: dict[str, Any]) -> str:
    """The prior as LaTeX."""
    from neglog.derivations.api import penalty
    from neglog.priors.prior import Prior

    prior = Prior(penalty(document["penalty"], document["domain"]), document)
    return prior._repr_latex_()


def print_rows(header: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """A plain table on stdout."""
    table = Table(box=None, header_style="bold cyan", show_header=any(header))
    for name in header:
        table.add_column(name, overflow="fold")
    for row in body:
        table.add_row(*[Text(cell) for cell in row])
    Console().print(table)
