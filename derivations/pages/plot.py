"""A prior as a picture: penalty, density, score and proximal map, written at once or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from neglog.derivations.frozen.sampling import (
    Curve,
    Floats,
    as_function,
    breaks,
    curve,
    slope,
    split_at_jumps,
)
from neglog.derivations.pages.show import unicode
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.symbols import lam, parameter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg", "pdf")
# Okabe and Ito's colours, told apart by all.
CURVE, MARK, FAINT = "#0072B2", "#D55E00", "#9a9a9a"
STRENGTHS = ("1", "2", "3", "1/2", "1/4", "5", "10", "1/10", "30")  # tried in this order
REACH, WIDER = 4.0, (6.0, 9.0, 12.0)
FALLEN, RISING = 2.5, 0.4  # of the log density: at the edge, and over the outer half


def plot(prior: Prior, path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:
    """Draw four panels to a png, svg or pdf file.

    Args:
        prior: of a scalar penalty.
        path: ends in .png, .svg or .pdf; replaced whole, never left half-written.
        values: numbers for ``lam`` and the parameters; left out, a parameter is 1 and ``lam`` the
            first of a few numbers at which the prior is proper. The title says so.

    Raises:
        InputError: a joint penalty, an unknown name or format, or a folder that is not there.
        ModuleNotFoundError: matplotlib is not installed.
    """
    target = check_path(path)
    scene = _scene(prior, values)
    figure = _figure(scene)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    os.close(handle)
    try:
        figure.savefig(name, dpi=160)
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def check_path(path: str | os.PathLike[str]) -> Path:
    """The file to write, if it can be written, and matplotlib is there to write it."""
    import matplotlib  # noqa: F401 (its absence should be known before the work)

    target = Path(path)
    if target.suffix.lower().removeprefix(".") not in FORMATS:
        raise InputError(f"a picture is a .png, .svg or .pdf file, not {target.name!r}.")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise InputError(f"the folder {str(target.parent)!r} is not there or not writable.")
    if target.is_dir():
        raise InputError(f"{str(target)!r} is a folder.")
    return target


@dataclass(frozen=True)
class Scene:
    """What is drawn: φ with numbers put in, its strength, its normaliser and the words."""

    prior: Prior
    phi: Penalty
    strength: float
    normalizer: float | None  # None: not normalisable, or not known
    numbers: str


def _scene(prior: Prior, values: Mapping[str, Any]) -> Scene:
    phi = prior.phi
    if phi.joint:
        raise InputError("a plot shows a scalar penalty; this one acts on all features at once.")
    names = {str(p) for p in phi.parameters}
    for name, value in values.items():
        if name not in names | {"lam"}:
            raise InputError(f"the penalty has no parameter {name!r} to plot with.")
        if not 0 < float(value) < float("inf"):
            raise InputError(f"{name}={value}: a positive finite number is wanted.")
    point = {name: sp.Rational(str(values.get(name, 1))) for name in sorted(names)}
    numbers = {parameter(name): value for name, value in point.items()}
    strength = values.get("lam")
    chosen = sp.Rational(str(strength)) if strength is not None else _proper(prior, numbers)
    fixed = Penalty(phi.expr.subs(numbers), phi.domain)
    said = [f"λ = {_short(chosen)}" + (" (chosen)" if strength is None else "")]
    said += [f"{n} = {_short(v)}" + ("" if n in values else " (chosen)") for n, v in point.items()]
    z = _normalizer(prior, chosen, {k: float(v) for k, v in point.items()})
    return Scene(prior, fixed, float(chosen), z, ", ".join(said))


def _short(value: sp.Expr) -> str:
    return f"{float(value):g}"


def _holds(prior: Prior, strength: sp.Expr, numbers: Mapping[sp.Symbol, sp.Expr]) -> bool:
    when = prior.proper_when
    return when is not None and when.subs({**numbers, lam: strength}) == sp.true


def _proper(prior: Prior, numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The first strength of a few at which the prior is proper; 1 where there is none."""
    tried = [sp.Rational(text) for text in STRENGTHS]
    return next((s for s in tried if _holds(prior, s, numbers)), sp.S.One)


def _normalizer(prior: Prior, strength: sp.Expr, point: Mapping[str, float]) -> float | None:
    numbers = {parameter(k): sp.Rational(str(v)) for k, v in point.items()}
    if not _holds(prior, strength, numbers):
        return None
    if prior.normalizer is not None:
        value = sp.N(prior.normalizer.subs({**numbers, lam: strength}), 17)
        if value.is_Float and value > 0:
            return float(value)
    try:
        return prior.at(lam=float(strength), **point).normalizer
    except InputError:
        return None


def _figure(scene: Scene) -> Any:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    positive = scene.phi.domain == "positive"
    reach = _reach(scene.phi, scene.strength)
    window = (0.0 if positive else -reach, reach)
    f = as_function(scene.phi.expr)
    at = breaks(scene.phi.expr, window)
    with rc_context({"font.size": 10, "mathtext.fontset": "dejavusans"}):
        figure = Figure(figsize=(9.2, 7.0), layout="constrained", facecolor="white")
        panels = figure.subplots(2, 2).flat
        title = f"φ(a) = {_fold(unicode(str(scene.prior.phi.expr)))}"
        figure.suptitle(f"{title}\n{scene.numbers}", fontsize=12)
        _penalty(next(panels), f, window, at)
        _density(next(panels), f, window, at, scene)
        _score(next(panels), f, window, at, scene.strength)
        _prox(next(panels), scene, reach)
    return figure


def _fold(text: str, width: int = 84) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _reach(phi: Penalty, strength: float) -> float:
    """How far the window goes: past the last break, and until the density has fallen."""
    far = [abs(x) for x in breaks(phi.expr, (-50.0, 50.0)) if phi.domain == "real" or x > 0]
    reach = max(REACH, 1.5 * max(far, default=0.0))
    f = as_function(phi.expr)
    if np.isposinf(f(np.array([reach])))[0]:  # a hard bound: a little beyond it
        return 1.5 * max(far, default=reach)
    for wider in WIDER:
        height = strength * f(np.linspace(reach / 400, reach, 400))
        if not np.isfinite(height).all() or height[-1] - height.min() > FALLEN:
            break
        if height[-1] - height[len(height) // 2] < RISING:  # flat: no window is wide enough
            break
        reach = max(reach, wider)
    return reach


def _dress(axes: Axes, title: str, x: str = "a") -> None:
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x)
    axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0)


def _draw(axes: Axes, shape: Curve, dots: bool = True) -> None:
    for x, y in shape.stretches:
        axes.plot(x, np.where(np.isfinite(y), y, np.nan), color=CURVE, linewidth=1.9)
    for place, left, right in shape.jumps() if dots else ():
        axes.plot(
            [place, place], [left, right], "o", color=CURVE, markerfacecolor="white", markersize=5
        )


def _limits(axes: Axes, shape: Curve) -> None:
    """The range of the values, cut where a few go to infinity."""
    y = shape.even_values()
    if not len(y):
        return
    lo, hi = np.quantile(y, (0.03, 0.97))
    room = 0.7 * (hi - lo) + 1e-12
    low, high = max(float(y.min()), lo - room), min(float(y.max()), hi + room)
    pad = 0.07 * (high - low) or 0.5
    axes.set_ylim(low - pad, high + pad)


def _at_points(axes: Axes, f: Any, at: list[float], shape: Curve) -> None:
    """A filled dot for the value at a jump."""
    for place in at:
        value = float(f(np.array([place]))[0])
        beside = [y for s in shape.stretches for xs, y in ((s[0][0], s[1][0]), (s[0][-1], s[1][-1]))
                  if abs(xs - place) < 1e-6 * (1 + abs(place))]  # fmt: skip
        size = float(np.ptp(shape.values())) if len(shape.values()) else 1.0
        jump = [y for y in beside if np.isfinite(y) and abs(y - value) > 5e-3 * size]
        if np.isfinite(value) and jump:
            axes.plot([place] * len(jump), jump, "o", color=CURVE, mfc="white", markersize=5)
            axes.plot([place], [value], "o", color=CURVE, markersize=5)
            low, high = axes.get_ylim()
            room = 0.1 * (max(high, value) - min(low, value))
            axes.set_ylim(min(low, value - room), max(high, value + room))


def _penalty(axes: Axes, f: Any, window: tuple[float, float], at: list[float]) -> None:
    shape = curve(f, window, at)
    _draw(axes, shape)
    _limits(axes, shape)
    _at_points(axes, f, at, shape)
    _dress(axes, "penalty φ(a)")


def _density(
    axes: Axes, f: Any, window: tuple[float, float], at: list[float], scene: Scene
) -> None:
    z = scene.normalizer

    def density(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.exp(-scene.strength * f(x)) / (z or 1.0)

    shape = curve(density, window, at)
    _draw(axes, shape)
    _limits(axes, shape)
    _at_points(axes, density, at, shape)
    top = axes.get_ylim()[1]
    axes.set_ylim(-0.04 * top, top)
    if z is None:
        state = "not normalisable" if scene.prior.proper != "unknown" else "normaliser not known"
        _dress(axes, f"exp(−λφ(a)): {state}")
    else:
        _dress(axes, "density p(a) = exp(−λφ(a))/Z")


def _score(
    axes: Axes, f: Any, window: tuple[float, float], at: list[float], strength: float
) -> None:
    found = slope(f, window, at)
    shape = Curve([(x, -strength * y) for x, y in found.stretches])
    _draw(axes, shape)
    _limits(axes, shape)
    _dress(axes, "score −λφ′(a)")


def _prox(axes: Axes, scene: Scene, reach: float) -> None:
    _dress(axes, "proximal map at strength λ", "x")
    lo = 0.0 if scene.phi.domain == "positive" else -reach
    x = np.linspace(lo, reach, 4001)
    axes.plot([lo, reach], [lo, reach], color=FAINT, linewidth=1, linestyle="--", zorder=1)
    y = np.asarray(scene.phi.prox("numpy", strength=scene.strength)(x), dtype=np.float64)
    _draw(axes, split_at_jumps(x, y), dots=False)
    axes.set_ylim(1.05 * lo - 0.03 * reach, 1.05 * reach)
    threshold = _threshold(x, y)
    if threshold is not None:
        axes.axvline(threshold, color=MARK, linewidth=1.1, linestyle=":")
        fits = threshold < reach / 2
        axes.annotate(
            f"zero up to {threshold:.3g}",
            (threshold, 0.93 * reach if lo == 0 else 0.93 * lo),
            color=MARK,
            xytext=(5 if fits else -5, 0),
            textcoords="offset points",
            horizontalalignment="left" if fits else "right",
            fontsize=9,
        )


def _threshold(x: Floats, y: Floats) -> float | None:
    """The largest x > 0 that is sent to 0, where more than 0 itself is."""
    zero = (x > 0) & (np.abs(y) < 1e-9)
    if not zero.any() or y[x > 0][0] != 0 or zero[-1]:
        return None
    return float(x[zero].max())
