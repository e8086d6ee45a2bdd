"""The results of the loop in words, every number computed."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import Any

from neglog.derivations.pages.show import unicode
from neglog.validation import claims

SAE, RANDOM = "SAE", "random dictionary"
THINNED = ", one token a sequence"
EQUAL = 0.02  # relative differences of FVU below this are within what another seed changes


def verdict(results: dict[str, Any]) -> list[str]:
    """Sentences: what was assumed, what trained best, what was fitted, what depends on what."""
    return [
        _question_one(results),
        _question_two(results),
        _question_three(results),
        _training(results),
        _strengths(results),
        *_fits(results),
        *_pairs(results),
        _loop(results),
    ]


def _question_one(results: dict[str, Any]) -> str:
    doc = results["answers"]["derivations"]["log(1+abs(a)) on real"]
    return (
        f"log(1+|a|) is the negative log of the {doc['law']['name']} (Pareto II) prior "
        f"{unicode(doc['density'])}, proper iff {unicode(doc['proper_when'])}, "
        f"Z = {unicode(doc['normalizer'])}; at strength 1 it is improper, and its heavy tail has "
        "index λ."
    )


def _question_two(results: dict[str, Any]) -> str:
    doc = results["answers"]["derivations"]["prod(1+abs(a))"]
    sampled = results["answers"]["simulated"]["prod(1+abs(a))"]
    budget = results["answers"]["budget"]
    return (
        f"The product ∏(1+|a_i|) has the same level sets but another prior: proper for every "
        f"λ > 0, features {doc['dependence']} (given the others each is Laplace with rate "
        f"λ·∏(1+|a_j|)); at d = 2, λ = {sampled['lam']} the correlation of |a_1|, |a_2| is "
        f"{sampled['derived']:.5f} (400,000 samples: {sampled['sampled']:.4f} ± "
        f"{sampled['standard_error']:.4f}). At d = {budget['d']:.0f}, λ = 1 its total "
        f"Σ log(1+|a_i|) is {budget['mean']:.2f} ± {budget['sd']:.3f}: nearly a fixed budget, so "
        "the exclusion between any two features is of order 1/d."
    )


def _question_three(results: dict[str, Any]) -> str:
    inside = results["answers"]["simulated"]["log(1+sum(abs(a)))"]
    return (
        "A penalty that is a sum over features is the negative log of a product of priors, so "
        "Σ log(1+|a_i|) does assume independent features; features that exclude each other, or "
        "fire together, need a penalty that is no sum: ∏(1+|a_i|) is exclusive, log(1+Σ|a_i|) "
        f"coactivating (correlation {inside['derived']:+.4f} at d = 2, λ = {inside['lam']})."
    )


def _training(results: dict[str, Any]) -> str:
    middle = results["settings"]["middle"]
    rows = [
        (name, scores)
        for name, scores in fvu_at(results, middle).items()
        if scores  # every penalty of the study is trained at the middle L0
    ]
    rows.sort(key=lambda row: fmean(row[1]["fvu"]))
    said = ", ".join(f"{n} {_spread(s['fvu'])} (L0 {fmean(s['l0']):.1f})" for n, s in rows)
    seeds = len(results["settings"]["seeds"])
    return (
        f"Held-out FVU at target L0 {middle}, {seeds} seed{'s' * (seeds > 1)}, best first: {said}."
        + " One seed ranks only what differs clearly." * (seeds == 1)
    )


def _strengths(results: dict[str, Any]) -> str:
    """Which priors were really trained with: λ = c/(2σ²), and whether they are proper there."""
    middle, width = results["settings"]["middle"], results["settings"]["width"]
    lam = {
        run["penalty"]: run["lam"]
        for run in results["trained"]
        if run["target_l0"] == middle and run["lam"] is not None
    }
    lomax, inside = lam["log(1+|a|)"], lam["log(1+Σ|a|)"]
    said = ", ".join(f"{name} {value:.2g}" for name, value in lam.items() if name != "fitted")
    return (
        f"In units of the residual's variance the steered strengths are λ = c/(2σ²): {said}. "
        f"The Lomax prior is {'proper' if lomax > 1 else 'improper'} there (λ > 1 wanted); "
        f"log(1+Σ|a|) is {'proper' if inside > width else 'improper'} (λ > d = {width} wanted)."
    )


def fvu_at(results: dict[str, Any], l0: int) -> dict[str, dict[str, list[float]]]:
    """{penalty: {"fvu": [...], "l0": [...], "dead": [...]}} over seeds at a target L0."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in results["trained"]:
        if run["target_l0"] == l0:
            scores = found.setdefault(run["penalty"], {"fvu": [], "l0": [], "dead": []})
            for key, values in scores.items():
                values.append(run[key])
    return found


def _spread(values: list[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def winner(summary: dict[str, Any]) -> tuple[str, float]:
    """The family that is best for most features by AIC, and its share."""
    return claims.winner(summary["aic"], summary["features"])


def _fits(results: dict[str, Any]) -> list[str]:
    return [_fit(name, sources) for name, sources in results["fits"].items()]


def _fit(name: str, sources: dict[str, Any]) -> str:
    """The fits beside their controls, with what they were measured under."""
    controls = {c: sources[c]["aic"] for c in claims.CONTROLS if c in sources}
    readout = "TopK" if name == "TopK" else "ReLU"
    threshold = "the k-th largest" if name == "TopK" else "0"
    return claims.claim(
        sources[SAE]["aic"], controls, penalty=name, readout=readout, threshold=threshold
    ).text


def _pairs(results: dict[str, Any]) -> list[str]:
    pairs = results["pairs"]
    return [_discoveries(pairs), *_thinned(pairs), _budgets(pairs)]


def _discoveries(pairs: dict[str, Any]) -> str:
    said = []
    for name, sources in pairs.items():
        sae, control = sources[SAE], sources[RANDOM]
        said.append(
            f"{name} {sae['exclusive_fraction']:.1%} exclusive and "
            f"{sae['coactivating_fraction']:.1%} coactivating (random dictionary "
            f"{control['exclusive_fraction']:.1%} and {control['coactivating_fraction']:.1%})"
        )
    text = (
        "Of the feature pairs with the power to show it, tokens taken as independent: "
        + "; ".join(said)
        + "."
    )
    alike = [n for n, s in pairs.items() if _as_exclusive(s[RANDOM], s[SAE])]
    if alike:
        text += (
            f" Random directions exclude each other as often as the features of "
            f"{', '.join(alike)}: over all tokens this test says nothing about learned features."
        )
    return text


def _thinned(pairs: dict[str, Any]) -> list[str]:
    """The same test on one token a sequence, where tokens do not depend on each other."""
    said, beyond = [], []
    for name, sources in pairs.items():
        sae, control = sources.get(SAE + THINNED), sources.get(RANDOM + THINNED)
        if sae is None or control is None:
            continue
        said.append(
            f"{name} {sae['exclusive_fraction']:.1%} (random dictionary "
            f"{control['exclusive_fraction']:.1%})"
        )
        if sae["exclusive_fraction"] > 2 * control["exclusive_fraction"]:
            beyond.append(name)
    if not said:
        return []
    text = f"With one token a sequence, exclusive among the testable pairs: {', '.join(said)}."
    if beyond:
        text += (
            f" There the features of {', '.join(beyond)} exclude each other beyond what random "
            "directions do, so independence does not hold."
        )
    return [text]


def _as_exclusive(control: dict[str, Any], sae: dict[str, Any]) -> bool:
    return bool(control["exclusive_fraction"] >= sae["exclusive_fraction"])


def _budgets(pairs: dict[str, Any]) -> str:
    """How the number of active features varies, which is where joint penalties differ."""
    ratios = {name: sources[SAE]["var_l0_ratio"] for name, sources in pairs.items()}
    order = sorted(ratios, key=lambda name: ratios[name])
    said = ", ".join(f"{name} {ratios[name]:.2f}" for name in order)
    text = f"Var(L0) over tokens, as a multiple of what independent features would give: {said}."
    theory = ("∏(1+|a|), tempered", "log(1+|a|)", "log(1+Σ|a|)")
    if all(name in ratios for name in theory):
        found = [name for name in order if name in theory]
        agrees = "as the joint priors say" if found == list(theory) else "not as the priors say"
        text += (
            f" The exclusive product, the independent sum and the coactivating log of a sum come "
            f"in the order {' < '.join(found)}, {agrees}: a budget holds the total, a shared "
            "random strength spreads it."
        )
    return text


def _loop(results: dict[str, Any]) -> str:
    prior = results["fitted_prior"]
    scores = fvu_at(results, results["settings"]["middle"])
    fitted, source = scores["fitted"]["fvu"], scores["log(1+|a|)"]["fvu"]
    change = fmean(fitted) / fmean(source) - 1
    how = f"{abs(change):.0%} {'better' if change < 0 else 'worse'} than"
    if abs(change) < EQUAL:
        how = "no different from"
    shapes = ", ".join(f"{k} = {v:.3g}" for k, v in prior["shapes"].items()) or "no shape"
    return (
        f"The loop: one slab for all features of log(1+|a|) is best as {prior['family']} "
        f"({shapes}) with an atom of {prior['zero_fraction']:.3f} at 0; its negative log as the "
        f"penalty trains to FVU {_spread(fitted)}, {how} the log(1+|a|) it was fitted to "
        f"({_spread(source)})."
    )
