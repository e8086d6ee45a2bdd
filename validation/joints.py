"""Which joint prior do codes follow? Held-out likelihood of priors that differ in dependence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from neglog.derivations.api import penalty
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.validation.codes import Codes, read_codes
from neglog.validation.segments import Floats

if TYPE_CHECKING:
    import pandas as pd

#: Penalties of all features together; those of ``GROUPED`` of each group, groups independent.
JOINT: dict[str, str] = {
    "independent, Laplace": "sum(abs(a))",
    "independent, Lomax": "sum(log(1+abs(a)))",
    "∏(1+|a|)": "prod(1+abs(a))",
    "log(1+Σ|a|)": "log(1+sum(abs(a)))",
}
GROUPED = ("∏(1+|a|)", "log(1+Σ|a|)")
MOST = 256  # features
SPAN = (-14.0, 7.0)  # of log(λ − λ₀), λ₀ the least strength that is proper
NODES = 31  # at which log Z is computed; a spline between them
REACH, STEPS = 12.0, 13  # of log scale, from the resolution up


@dataclass(frozen=True)
class Model:
    """A joint penalty on each group of features, groups independent."""

    name: str
    phi: Penalty
    groups: tuple[NDArray[np.int64], ...]


def compare_joint(
    codes: Any,
    features: Sequence[int] | None = None,
    *,
    priors: Mapping[str, str | Penalty] | None = None,
    groups: Sequence[Sequence[int]] | None = None,
    sequence: NDArray[Any] | None = None,
    resolution: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Joint priors by log-likelihood on tokens they were not fitted to: a row each, best first.

    p(a) = exp(−λφ(a/s))/(s^d Z(λ, d)), with a in units of each feature's mean active size; λ and s
    are fitted to half of the tokens, the other half (other sequences, with ``sequence``) judges.
    Columns: prior, features, lam, scale, loglik (nat a token), behind (the best one's minus this,
    paired), se (of ``behind``, over sequences where given), at_resolution.

    A heavy-tailed density explains exact zeros the better the smaller s is, without bound: codes
    are known to a ``resolution`` (default: the 1% quantile of active sizes), and s stays above it.
    Where ``at_resolution`` is true s has run into it: zeros decide, and the numbers compare priors
    of the same codes at that resolution, no more.

    codes: anything ``read_codes`` takes. features: which (default: the 32 that fire most), 256 at
    most. priors: joint penalties by name (default ``JOINT``). groups: places in ``features`` that
    belong together; default: greedily, up to four, by correlation of firing on the fitting half.
    ``∏`` and ``log Σ`` are tried on all features together and on each group.

    Raises:
        InputError: unreadable codes, features that never fire, a scalar penalty, groups that
            overlap, too few tokens.
    """
    import pandas as pd

    record = read_codes(codes)
    chosen = _chosen(record, features)
    x = record.matrix()[:, chosen].toarray().astype(float)
    if len(x) < 20:
        raise InputError(f"{len(x)} tokens are too few to fit and to judge by.")
    label = np.arange(len(x)) if sequence is None else np.asarray(sequence)
    if label.shape != (len(x),):
        raise InputError(f"sequence must name a sequence for each of the {len(x)} tokens.")
    names, place = np.unique(label, return_inverse=True)
    fitting = np.random.default_rng(seed).permutation(len(names))[place] < len(names) / 2
    active = x[fitting] > 0
    if not active.any(axis=0).all():
        raise InputError("a feature never fires on the tokens that are fitted: leave it out.")
    x /= x[fitting].sum(axis=0) / active.sum(axis=0)
    least = float(np.quantile(x[x > 0], 0.01)) if resolution is None else resolution
    models = _models(x.shape[1], priors or JOINT, groups or _groups(active))
    rows: list[dict[str, Any]] = []
    held: list[Floats] = []
    for model in models:
        lam, scale = _fit(model, x[fitting], least)
        held.append(_loglik(model, x[~fitting], lam, scale))
        rows.append({"prior": model.name, "features": len(chosen), "lam": lam, "scale": scale})
    best = int(np.argmax([h.mean() for h in held]))
    for row, values in zip(rows, held, strict=True):
        gap = held[best] - values
        by_sequence = np.bincount(place[~fitting], gap - gap.mean(), minlength=len(names))
        se = float(np.sqrt((by_sequence**2).sum())) / len(gap)
        row |= {"loglik": float(values.mean()), "behind": float(gap.mean()), "se": se}
        row["at_resolution"] = bool(row["scale"] <= 1.05 * least)
    table = pd.DataFrame(rows).sort_values("behind", kind="stable", ignore_index=True)
    table.attrs["resolution"] = least
    return table


def _chosen(record: Codes, features: Sequence[int] | None) -> NDArray[np.int64]:
    if features is None:
        order = np.argsort(-record.nonzero, kind="stable")[:32]
        return np.sort(order[record.nonzero[order] > 0])
    chosen = np.asarray(features, dtype=np.int64)
    if not 2 <= len(chosen) <= MOST or chosen.min() < 0 or chosen.max() >= record.features:
        raise InputError(f"choose 2 to {MOST} of the {record.features} features.")
    return chosen


def _models(
    d: int, priors: Mapping[str, str | Penalty], groups: Sequence[Sequence[int]]
) -> list[Model]:
    parts = [np.asarray(g, dtype=np.int64) for g in groups]
    together = np.concatenate(parts) if parts else np.empty(0, np.int64)
    if len(np.unique(together)) < len(together) or (len(together) and together.max() >= d):
        raise InputError("groups must be disjoint places among the chosen features.")
    rest = [np.array([i]) for i in np.setdiff1d(np.arange(d), together)]
    models = []
    for name, source in priors.items():
        phi = penalty(source, domain="positive")
        if phi.on_half_line is not None:
            raise InputError(f"{name} is scalar: write sum(...) of it for independent features.")
        models.append(Model(name, phi, (np.arange(d),)))
        if name in GROUPED:
            models.append(Model(f"{name} in groups", phi, (*parts, *rest)))
    return models


def _groups(active: NDArray[np.bool_], most: int = 4) -> list[list[int]]:
    """Features joined greedily by the correlation of their firing, up to ``most`` together."""
    d = active.shape[1]
    with np.errstate(all="ignore"):
        correlation = np.nan_to_num(np.corrcoef(active.T.astype(float)))
    i, j = np.triu_indices(d, 1)
    order = np.argsort(-correlation[i, j], kind="stable")
    member = {k: [k] for k in range(d)}
    for a, b in zip(i[order], j[order], strict=True):
        if correlation[a, b] <= 0:
            break
        one, other = member[int(a)], member[int(b)]
        if one is not other and len(one) + len(other) <= most:
            one.extend(other)
            for k in other:
                member[k] = one
    return [list(g) for g in {id(g): g for g in member.values()}.values() if len(g) > 1]


def _fit(model: Model, x: Floats, least: float) -> tuple[float, float]:
    """λ and s of largest likelihood, s not below the resolution."""
    sizes = [len(g) for g in model.groups]
    floor = max(_least_strength(model.phi, d) for d in set(sizes))
    grid = np.linspace(*SPAN, NODES)
    log_z = CubicSpline(grid, [_log_z_all(model.phi, floor + np.exp(u), sizes) for u in grid])
    found: dict[float, float] = {}

    def of_scale(log_s: float) -> float:
        phi = sum(_phi(model.phi, x[:, g] / np.exp(log_s)).mean() for g in model.groups)

        def of_strength(u: float) -> float:
            return float((floor + np.exp(u)) * phi + log_z(u) + x.shape[1] * log_s)

        best = minimize_scalar(of_strength, bounds=SPAN, method="bounded", options={"xatol": 1e-4})
        found[log_s] = floor + float(np.exp(best.x))
        return float(best.fun)

    steps = np.log(least) + np.linspace(0.0, REACH, STEPS)  # likelihoods in s have several tops
    first = int(np.argmin([of_scale(float(log_s)) for log_s in steps]))
    around = (float(steps[max(first - 1, 0)]), float(steps[min(first + 1, STEPS - 1)]))
    best = minimize_scalar(of_scale, bounds=around, method="bounded", options={"xatol": 1e-2})
    log_s = min((float(steps[first]), float(best.x)), key=of_scale)
    return found[log_s], float(np.exp(log_s))


def _loglik(model: Model, x: Floats, lam: float, scale: float) -> Floats:
    """log p of each token."""
    total = np.zeros(len(x))
    for group in model.groups:
        total -= lam * _phi(model.phi, x[:, group] / scale)
    total -= _log_z_all(model.phi, lam, [len(g) for g in model.groups])
    return total - x.shape[1] * np.log(scale)


_COMPILED: dict[Penalty, Any] = {}


def _phi(phi: Penalty, x: Floats) -> Floats:
    """φ(x) − φ(0), a number a token."""
    if phi not in _COMPILED:
        _COMPILED[phi] = phi.compile("numpy")
    value: Floats = np.asarray(_COMPILED[phi](x))
    return value


def _log_z_all(phi: Penalty, lam: float, sizes: Sequence[int]) -> float:
    """Σ over groups of log ∫exp(−λ(φ − φ(0)))."""
    total = 0.0
    for d, times in Counter(sizes).items():
        law = _prior(phi).at(lam=float(lam), dim=d)
        total -= times * float(law.logpdf(np.zeros(d)))  # log p(0) = −log Z of φ − φ(0)
    return total


_PRIORS: dict[Penalty, Any] = {}


def _prior(phi: Penalty) -> Any:
    """The prior, derived once."""
    if phi not in _PRIORS:
        _PRIORS[phi] = phi.prior()
    return _PRIORS[phi]


def _least_strength(phi: Penalty, d: int) -> float:
    """The λ above which the prior is proper: 0, 1 or d, whichever is the first that does."""
    why = "its integral is infinite"
    for floor in (0.0, 1.0, float(d)):
        try:
            if np.isfinite(_log_z_all(phi, floor + 1e-3, [d])):
                return floor
        except InputError as error:
            why = str(error).rstrip(".")
    raise InputError(f"{phi} has no normaliser for strengths up to the number of features: {why}.")
