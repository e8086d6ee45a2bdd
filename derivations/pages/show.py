"""A derivation document for people: a small table in the terminal, the most important first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neglog.derivations.pages.folding import fold
from neglog.derivations.pages.joint_rows import joint_rows
from neglog.derivations.pages.notation import unicode
from neglog.derivations.pages.prose import signs
from neglog.priors.catalogue import THEME_OF, Entry

if TYPE_CHECKING:
    from neglog.priors.prior import Prior

VERDICTS = {
    "always": "proper for every λ > 0",
    "never": "improper for every λ",
    "unknown": "not decided",
}
DOMAINS = {"real": "a ∈ ℝ", "positive": "a ∈ [0, ∞)"}
NUMBERS = {"mean_abs": "E|a|", "normalizer": "Z", "variance": "variance", "error": "error ≤",
           "mean": "E a", "entropy": "entropy", "scale_information": "information",
           "correlation": "corr(|aᵢ|, |aⱼ|)", "kendall_tau": "Kendall's τ",
           "total_mean": "total s", "total_sd": "sd of s",
           "budget_index": "budget β"}  # fmt: skip
NARROW = 40

ATLAS_NAME = 25

Rows = list[tuple[str, str]]
Rows3 = list[tuple[str, str, str]]


def rows(document: dict[str, Any]) -> Rows:
    """(what, value) for everything that is known, the most important first."""
    parts = (_prior, _density, _moments, _numbers, _shape, _estimation, _features, _functions)
    return [row for part in parts for row in part(document) if row[1]]


def _prior(doc: dict[str, Any]) -> Rows:
    proper = VERDICTS.get(doc["proper"]) or f"proper iff {unicode(doc['proper_when'])}"
    law = doc["law"] or {"name": "", "scipy": None}
    return [
        ("penalty φ", f"{_math(doc['penalty'])},   {DOMAINS[doc['domain']]}"),
        ("prior", proper),
        ("because", signs(doc["reason"])),
        ("cut short", "" if doc["complete"] else "the time ran out; raise --timeout for the rest"),
        ("law", law["name"] + (f"   if {unicode(law['when'])}" if "when" in law else "")),
        ("", f"scipy.stats.{law['scipy']}" if law["scipy"] else ""),
        *[("", _case(when, case)) for when, case in law.get("cases", {}).items()],
    ]


def _case(when: str, law: dict[str, Any]) -> str:
    scipy = f"   scipy.stats.{law['scipy']}" if law["scipy"] else ""
    return f"{law['name']} if {unicode(when)}{scipy}"


def _density(doc: dict[str, Any]) -> Rows:
    if doc["normalizer"] is not None:
        checked = f"   (agrees with quadrature to {doc['verified_digits']} digits)"
        z = _math(doc["normalizer"]) + checked
    else:
        proper = doc["proper"] in ("always", "if")
        found = "no closed form found" if doc["complete"] else "no closed form found in time"
        z = f"{found}; --at gives the number" if proper else ""
    return [("density p(a)", _math(doc["density"])), ("normaliser Z", z)]


def _moments(doc: dict[str, Any]) -> Rows:
    labels = (
        ("mean_abs", "E|a|"),
        ("variance", "variance"),
        ("correlation", NUMBERS["correlation"]),
    )
    return [(label, _moment(doc["moments"].get(name))) for name, label in labels]


def _moment(moment: dict[str, Any] | None) -> str:
    if moment is None or (moment["value"] is None and moment["when"] in (None, "True")):
        return ""
    value = _math(moment["value"]) or "not closed"
    return value if moment["when"] in (None, "True") else f"{value}   if {unicode(moment['when'])}"


def _numbers(doc: dict[str, Any]) -> Rows:
    if doc["numeric"] is None:
        return []
    named = {k: v for k, v in doc["numeric"].items() if k not in NUMBERS}
    point = ", ".join(f"{unicode(k)} = {v:g}" for k, v in named.items())
    found = [
        (f"  {NUMBERS[k]}", "not computed" if v is None else unicode(str(v)))
        for k, v in doc["numeric"].items()
        if k in NUMBERS and (k, v) != ("error", None)
    ]
    law = doc["law_at"]
    if law is not None:
        found.append(
            ("  law", law["name"] + (f"   scipy.stats.{law['scipy']}" if law["scipy"] else ""))
        )
    return [("at", point), *found]


def _shape(doc: dict[str, Any]) -> Rows:
    zeros = {True: "yes", False: "no", None: ""}[doc["exact_zeros"]]
    if doc["exact_zeros_when"] is not None:
        zeros = f"iff {unicode(doc['exact_zeros_when'])}"
    return [
        ("tail", _tail(doc["tail"])),
        ("kink φ′(0⁺)", _math(doc["kink"])),
        ("exact zeros", zeros),
        ("shape", _curvature(doc)),
    ]


def _tail(tail: dict[str, Any] | None) -> str:
    if tail is None:
        return ""
    if "cases" in tail:
        return "; ".join(f"{name} if {unicode(when)}" for when, name in tail["cases"].items())
    return tail["class"] + (f", index {unicode(tail['index'])}" if tail["index"] else "")


def _curvature(doc: dict[str, Any]) -> str:
    words = []
    if doc["convex"] is not None:
        words.append("convex" if doc["convex"] else "not convex")
    elif doc["convex_when"] is not None:
        words.append(f"convex iff {unicode(doc['convex_when'])}")
    if doc["concave_on_positive"]:
        words.append("concave on a > 0")
    elif doc["concave_when"] is not None:
        words.append(f"concave on a > 0 iff {unicode(doc['concave_when'])}")
    found = ", ".join(words)
    return (
        f"{found} (checked numerically)" if found and doc["curvature_proof"] == "numeric" else found
    )


def _estimation(doc: dict[str, Any]) -> Rows:
    prox = doc["prox"]
    where = "x > 0" if prox is None else {"real": "all x"}.get(prox["for"], prox["for"])
    mixtures = [("mixture", _mixture(doc[f"{of}_mixture"])) for of in ("normal", "laplace")]
    why = doc["scale_mixture_reason"] if doc["scale_mixture"] is None else None
    improper = doc["proper"] == "never"
    return [
        (f"prox, {where}", _prox(prox)),
        *mixtures,
        ("no mixture", "" if improper else signs(why or "")),
        ("IRLS weight", _math(doc["irls_weight"])),
    ]


def _mixture(mixture: dict[str, Any] | None) -> str:
    if mixture is None:
        return ""
    only = f"   if {unicode(mixture['when'])}" if "when" in mixture else ""
    return "{of} with {mixing}".format(**mixture) + only


def _prox(prox: dict[str, Any] | None) -> str:
    if not prox:
        return ""
    text, name = _math(prox["expr"]), prox["input"]
    if prox.get("threshold") is not None:
        return f"{text}   leaves 0 at {name} = {_math(prox['threshold'])}"
    if prox.get("threshold_small_c") is not None:
        small = f"{_math(prox['threshold_small_c'])} if {_math(prox['small_c'])}"
        return f"{text}   leaves 0 at {name} = {small}, else it jumps"
    return text


def _features(doc: dict[str, Any]) -> Rows:
    return [
        ("features", doc["dependence"]),
        ("", signs(doc["dependence_reason"] or "")),
        ("", signs(doc.get("dependence_theorem") or "")),
        *joint_rows(doc),
        ("given others", signs(doc["conditional"] or "")),
    ]


def _functions(doc: dict[str, Any]) -> Rows:
    return [
        ("CDF", _math(doc["cdf"])),
        ("quantile", _math(doc["quantile"])),
        ("entropy", _math(doc["entropy"])),
        ("score", _math(doc["score"])),
        ("information", _math(doc["scale_information"])),
    ]


def _math(text: Any) -> str:
    return "" if text is None else unicode(str(text))


def print_document(document: dict[str, Any]) -> None:
    """The table on stdout, no wider than the terminal."""
    console = Console()
    shown = rows(document)
    labels = max(len(label) for label, _ in shown)
    width = max(console.width - labels - 2, NARROW)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in shown:
        table.add_row(label, Text(fold(value, width)))
    console.print(table)


def prior_of(document: dict[str, Any]) -> Prior:
    """The prior that a document is about."""
    from neglog.derivations.api import penalty
    from neglog.priors.prior import Prior

    return Prior(penalty(document["penalty"], document["domain"]), document)


def print_atlas(entries: Mapping[str, Entry]) -> None:
    """The catalogue by theme: name and expression, then what it is and who made it."""
    console = Console()
    width = max(console.width - ATLAS_NAME - 1, NARROW)
    theme = None
    for name, entry in entries.items():
        if THEME_OF[name] != theme:
            theme = THEME_OF[name]
            console.print(Text(f"\n{theme}\n", style="bold"))
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(style="bold cyan", width=ATLAS_NAME, overflow="fold")
        table.add_column(overflow="fold")
        for label, value, style in _atlas_lines(name, entry):
            table.add_row(label, Text(fold(value, width), style=style))
        console.print(table)
    if not entries:
        console.print("nothing in the catalogue answers to that.")


def _atlas_lines(name: str, entry: Entry) -> Rows3:
    when = {"True": "proper for every λ", "False": "improper for every λ"}
    verdict = when.get(entry.proper_when) or f"proper iff {unicode(entry.proper_when)}"
    where = "   a ≥ 0" if entry.domains == ("positive",) else ""
    law = f"; {entry.law}" if entry.law else ""
    return [
        (name, unicode(entry.expr) + where, ""),
        ("", verdict + law, ""),
        ("", entry.description, ""),
        ("", entry.reference, "dim"),
    ]


def print_rows(header: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """A plain table on stdout."""
    table = Table(box=None, header_style="bold cyan", show_header=any(header))
    for name in header:
        table.add_column(name, overflow="fold")
    for row in body:
        table.add_row(*[Text(cell) for cell in row])
    Console().print(table)
