"""What may be said of a prior: never without how it was measured, never against its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from neglog.priors.errors import InputError

LEAD = 0.5  # a family is called the winner only if it is best for at least this share of features
ALPHA = 0.01  # a control's share must be lower than the features' at this level
CONTROLS = ("random dictionary", "Gaussian noise")


@dataclass(frozen=True)
class Claim:
    """A sentence about a prior, and whether it names one.

    ``family`` is the prior that the sentence names, None where it refuses to; ``reason`` is why.
    """

    text: str
    family: str | None
    reason: str


def winner(counts: Mapping[str, int], features: int) -> tuple[str, float]:
    """The family that is best for most features, and its share; ("none", 0) if none was fitted."""
    if not counts:
        return "none", 0.0
    name = max(counts, key=lambda family: counts[family])
    return name, counts[name] / max(features, 1)


def claim(
    counts: Mapping[str, int],
    controls: Mapping[str, Mapping[str, int]],
    *,
    penalty: str,
    readout: str,
    threshold: str = "0",
    debiased: Mapping[str, int] | None = None,
) -> Claim:
    """What may be said of the prior of features, given the same fits of codes that know nothing.

    counts: how many features each family describes best (``neglog.validation.counts``). controls:
    the same for ``"random dictionary"`` (random directions, read out alike, at the same rates) and
    ``"Gaussian noise"`` (of equal mean and covariance, through the same encoder). penalty, readout,
    threshold: what the codes were measured under; they are part of the sentence.

    A family is named only if it is best for half of the features or more, and no control shows the
    same: its share is lower in each, with a one-sided p < 0.01, and it wins none of them. Without
    both controls nothing is named. debiased: the counts of ``fit_debiased`` for the same features;
    a family without a majority there may be the readout's, whatever the controls say (TopK makes a
    log-normal of most laws), and is not named.

    >>> random, noise = {"lomax": 70, "gamma": 30}, {"gamma": 90}
    >>> said = claim({"lomax": 80, "gamma": 20},
    ...              {"random dictionary": random, "Gaussian noise": noise},
    ...              penalty="L1", readout="ReLU")
    >>> said.family is None, said.reason
    (True, 'the random dictionary shows the same')

    Raises:
        InputError: a control of another name, or an empty penalty or readout.
    """
    unknown = set(controls) - set(CONTROLS)
    if unknown:
        raise InputError(
            f"there is no control {sorted(unknown)[0]!r}; the controls are {', '.join(CONTROLS)}."
        )
    if not penalty.strip() or not readout.strip():
        raise InputError("a claim says which penalty and readout the codes were measured under.")
    features = sum(counts.values())
    family, share = winner(counts, features)
    beside = ", ".join(
        "{}: {} {:.0%}".format(name, *winner(its, sum(its.values())))
        for name, its in controls.items()
    )
    said = (
        f"Features trained with {penalty} (readout {readout}, threshold {threshold}): {family} "
        f"fits best for {share:.0%} of {features}"
    ) + (f" (controls: {beside})" if beside else "")
    if debiased:
        said += "; debiased codes: {} {:.0%}".format(*winner(debiased, sum(debiased.values())))
    reason = _refusal(family, share, counts, controls)
    if reason is None and debiased and debiased.get(family, 0) < LEAD * sum(debiased.values()):
        reason = "debiased codes do not show it for most features"
    if reason is None:
        which = "Neither control shows the same."
        return Claim(f"{said}. {which}", family, which)
    return Claim(f"{said}. {_capital(_sentence(reason))}", None, reason)


def _refusal(
    family: str,
    share: float,
    counts: Mapping[str, int],
    controls: Mapping[str, Mapping[str, int]],
) -> str | None:
    """Why the winner is not called the prior; None if nothing speaks against it."""
    if not sum(counts.values()):
        return "no feature could be fitted"
    same = [name for name, its in controls.items() if _shows(family, counts, its)]
    if same:
        names = " and ".join(f"the {name}" for name in same)
        return f"{names} {'shows' if len(same) == 1 else 'show'} the same"
    if share < LEAD:
        return "no family has a majority"
    missing = [name for name in CONTROLS if not sum(controls.get(name, {}).values())]
    if missing:
        return f"the control {missing[0]} was not measured"
    return None


def _shows(family: str, counts: Mapping[str, int], control: Mapping[str, int]) -> bool:
    """Whether the control's share is the winner of its own, or not clearly below the features'."""
    total = sum(control.values())
    if not total:
        return False
    if winner(control, total)[0] == family:
        return True
    features = sum(counts.values())
    one, other = counts[family] / features, control.get(family, 0) / total
    pooled = (counts[family] + control.get(family, 0)) / (features + total)
    sd = np.sqrt(pooled * (1 - pooled) * (1 / features + 1 / total))
    return bool(sd > 0 and ndtr(-(one - other) / sd) >= ALPHA)


def _sentence(reason: str) -> str:
    if reason.endswith("the same"):
        return f"as {reason}, it is not called their prior."
    return f"{reason}, so none is called their prior."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
