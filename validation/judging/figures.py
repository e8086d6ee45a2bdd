"""QQ and PP plots of fits, and tail indices over thresholds, as figures for a paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation.fitting import FamilyLike, Sort, fit_one, resolve
from neglog.validation.laws import Law, law_of
from neglog.validation.portion import Source
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.bins import right
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.studies.style import GREY, PALETTE, canvas, dress

if TYPE_CHECKING:
    import pandas as pd

POINTS = 400
DASHES = ("-", (0, (4, 2)), (0, (1, 1)), (0, (6, 1, 1, 1)))  # families that agree hide each other
FORMATS = (".png", ".pdf", ".svg")


def fit_figure(
    codes: Any,
    path: str | Path,
    *,
    families: Sequence[FamilyLike] = ("exponential", "lomax", "weibull", "log-normal"),
    features: Sequence[int] | None = None,
    level: float = 0.95,
    names: Mapping[int, str] | None = None,
) -> None:
    """PP and QQ plots, two panels a feature, written to a png, pdf or svg file.

    PP: the empirical minus the fitted distribution function, against the fitted one; the grey band
    holds ``level`` of the values at each point if the law were known beforehand (fitting makes true
    deviations smaller). QQ: ordered values against the fitted quantiles, both on logarithmic axes.
    A sketch is drawn at the edges of its bins.

    features: at most 8; default: three from often to seldom firing. names: what to call features
    (default: by number). Raises InputError for another
    ending, features that do not exist or cannot be fitted.
    """
    target = _target(path)
    source, rows = read_source(codes), resolve(families)
    chosen = _chosen(source, features)
    figure = canvas(2, len(chosen), width=4.4, height=3.3)
    for line, feature in enumerate(chosen):
        chunk = _one(source, feature)
        a, reached, n = points(source, feature)
        pp = figure.add_subplot(len(chosen), 2, 2 * line + 1)
        qq = figure.add_subplot(len(chosen), 2, 2 * line + 2)
        _band(pp, n, level)
        for row, colour, dashes in zip(rows, PALETTE * 3, DASHES * 6, strict=False):
            own = dict(zip(row.params, fit_one(row, chunk).params[:, 0], strict=True))
            if not np.isfinite(list(own.values())).all():
                continue
            law = law_of(row)
            fitted = np.asarray(law.cdf(a, **own))
            pp.plot(fitted, reached - fitted, color=colour, linewidth=1.4, linestyle=dashes)
            x = quantiles(law, reached, own, a)
            qq.plot(x, a, ".", markersize=3, color=colour, label=row.name)
        ends = [a[0], a[-1]]
        qq.plot(ends, ends, color=GREY, linewidth=0.9)
        qq.set_xscale("log")
        qq.set_yscale("log")
        qq.set_xlim(a[0] / 3, a[-1] * 3)
        title = _title(names, feature)
        dress(pp, f"{title}, {n:,} values", "fitted F", "empirical − fitted F")
        dress(qq, title, "fitted quantile", "value")
        if line == 0:
            qq.legend(fontsize=8, frameon=False, loc="upper left", markerscale=3)
    figure.savefig(target)


def tail_figure(
    tails: "pd.DataFrame",
    path: str | Path,
    features: Sequence[int] | None = None,
    names: Mapping[int, str] | None = None,
) -> None:
    """ξ by the generalised Pareto law and by Hill over thresholds, with intervals, from ``tail``.

    features: at most 8; default: the first four of the table. names: what to call them. Raises
    InputError for another ending or features that are not in the table.
    """
    target = _target(path)
    every = list(dict.fromkeys(tails.loc[tails["xi"].notna(), "feature"]))
    chosen = every[:4] if features is None else list(features)
    if not chosen or len(chosen) > 8 or not set(chosen) <= set(every):
        raise InputError("no feature, more than 8, or one without a fitted tail is to be drawn.")
    columns = min(2, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = canvas(columns, lines, width=4.4, height=3.2)
    for number, feature in enumerate(chosen):
        axes = figure.add_subplot(lines, columns, number + 1)
        part = tails[(tails["feature"] == feature) & tails["xi"].notna()].sort_values("share")
        axes.axhline(0, color=GREY, linewidth=0.9)
        for shift, (name, low, high, colour, label) in enumerate(
            (
                ("xi", "low", "high", PALETTE[0], "generalised Pareto"),
                ("hill", "hill_low", "hill_high", PALETTE[1], "Hill"),
            )
        ):
            x = part["share"].to_numpy() * (0.97 if shift == 0 else 1.03)
            y = part[name].to_numpy()
            bars = np.abs(np.stack([y - part[low].to_numpy(), part[high].to_numpy() - y]))
            axes.errorbar(x, y, yerr=bars, fmt="o", markersize=4, linewidth=1.2, capsize=2,
                          color=colour, label=label)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(part["share"].to_numpy(), [f"{s:.3g}" for s in part["share"]])
        axes.minorticks_off()
        dress(axes, _title(names, feature), "share of values above the threshold", "tail index ξ")
        if number == 0:
            axes.legend(fontsize=8, frameon=False)
    figure.savefig(target)


def _title(names: Mapping[int, str] | None, feature: int) -> str:
    return f"feature {feature}" if names is None else names[int(feature)]


def points(source: Source, feature: int) -> tuple[Floats, Floats, int]:
    """Values, the empirical distribution function there, and how many values there are.

    At most ``POINTS``, the largest and smallest among them.
    """
    n = int(source.nonzero[feature])
    if isinstance(source, Sketch):
        entries = slice(source.indptr[feature], source.indptr[feature + 1])
        a = right(source.bins[entries])[:-1]  # the last is F = 1
        reached = np.cumsum(source.counts[entries])[:-1] / n
    else:
        a = np.sort(source.column(feature)).astype(np.float64)
        reached = (np.arange(n) + 0.5) / n
    # evenly spaced in logit F, so that both tails are seen
    logit = np.log(reached / (1 - reached))
    grid = np.linspace(logit[0], logit[-1], POINTS)
    kept = np.unique(np.clip(np.searchsorted(logit, grid), 0, len(a) - 1))
    return a[kept], reached[kept], n


def quantiles(law: Law, reached: Floats, own: dict[str, Any], near: Floats) -> Floats:
    """F⁻¹ by bisection in log a, 70 e-folds either side of the values."""
    low, high = np.log(near) - 70, np.log(near) + 70
    for _ in range(70):
        middle = (low + high) / 2
        with np.errstate(all="ignore"):
            below = np.asarray(law.cdf(np.exp(middle), **own)) < reached
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.exp((low + high) / 2)


def _band(axes: Any, n: int, level: float) -> None:
    """Quantiles of the order statistics of n uniform values about their means."""
    u = np.linspace(0, 1, 201)[1:-1]
    ends = stats.beta.ppf([[(1 - level) / 2], [(1 + level) / 2]], n * u + 0.5, n * (1 - u) + 0.5)
    axes.fill_between(u, ends[0] - u, ends[1] - u, color="#dddddd", linewidth=0)
    axes.axhline(0, color=GREY, linewidth=0.9)


def _target(path: str | Path) -> Path:
    target = Path(path)
    if target.suffix not in FORMATS:
        raise InputError(f"a figure is written as {', '.join(FORMATS)}, and {target.name} is not.")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent} to write the figure in.")
    return target


def _chosen(source: Source, features: Sequence[int] | None) -> NDArray[np.int64]:
    if features is None:
        order = np.argsort(-source.nonzero, kind="stable")
        able = order[source.nonzero[order] >= 50]
        if not len(able):
            raise InputError("no feature has 50 non-zero values to draw.")
        return able[np.unique(np.linspace(0, len(able) - 1, 3).astype(int))]
    chosen = np.asarray(features, dtype=np.int64)
    if not 1 <= len(chosen) <= 8 or chosen.min() < 0 or chosen.max() >= source.features:
        raise InputError(f"1 to 8 features can be drawn, each between 0 and {source.features - 1}.")
    return chosen


def _one(source: Source, feature: int) -> Segments:
    sort = Sort(source.take(np.array([feature])), 10)
    for chunk in sort.chunks():
        return chunk
    reason = ", ".join(sort.flags[0])
    raise InputError(f"feature {feature} cannot be fitted ({reason}), so it is not drawn.")
