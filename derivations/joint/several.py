"""Propriety where there is more than one total: by parts, by rays, by powers of scale.

Totals of powers, Σc|a|^q, all measure the same size: on the ray t·a they are k·t^q with k bounded
away from 0 and ∞ over all directions. That decides most penalties (fields of ``RULES``):

* **parts**: φ is a sum of non-negative parts, one of which alone is proper for every λ;
* **rays**: φ does not fall in any total of powers; it grows like r·log t: proper iff λr > d;
* **leading**: φ is a sum of parts of one total each, the fastest of them positive;
* **homogeneous**: φ(ta) = t^m φ(a): proper iff φ > 0 in every direction;
* **counting**: φ = Σf(aᵢ) + g(totals of powers), all growing like logs; m features at scale t and
  the others at scale 1 have volume t^m and density t^{−λ(A + Bm)}: proper iff every power of t is
  negative (Weinberg, High-energy behavior in quantum field theory, 1960);
* **convex**: φ = g(Σu) with g′ → ∞ exceeds every multiple of Σu up to a constant;
* **bounded**: a bounded part, such as a ratio that does not depend on scale, changes nothing.

Where no rule applies the answer is "unknown".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, AT_ZERO, ratio
from neglog.derivations.asymptotics.propriety import ALWAYS, IF, NEVER, UNKNOWN, Propriety
from neglog.derivations.deadline import within
from neglog.derivations.joint.parts import PairPart, Part, parts_of
from neglog.derivations.numbers import simplified
from neglog.priors.symbols import d, lam, y

SECONDS = 4.0
When = Callable[[int], sp.Basic]  # when E|a|^r exists


@dataclass(frozen=True)
class Growth:
    """The verdict, and when the r-th moment of one feature exists (r = 0: the normaliser)."""

    propriety: Propriety
    moment: When


def growth(expr: sp.Expr, domain: str) -> Growth:
    """The propriety of exp(−λφ) for φ in totals, even in every feature."""
    parts = within(SECONDS, lambda: parts_of(expr, domain), None)
    if parts is None:
        return _unknown("The totals of phi could not be told apart within the deadline.")
    bounded = [p for p in parts if p.scale_free]
    rest = [p for p in parts if not p.scale_free]
    for rule in RULES:
        found = within(SECONDS, lambda rule=rule: rule(rest), None)  # type: ignore[misc]
        if found is not None:
            return _with_bounded(found, bool(bounded))
    return _unknown("phi is not a function of one total, and no rule on its growth decides.")


def _with_bounded(found: Growth, some: bool) -> Growth:
    if not some:
        return found
    old = found.propriety
    reason = f"{old.reason} A part that does not change with scale is bounded and changes nothing."
    return Growth(Propriety(old.proper, old.when, reason), found.moment)


def _unknown(reason: str) -> Growth:
    return Growth(Propriety(UNKNOWN, None, reason), lambda r: sp.false)


def _always(reason: str) -> Growth:
    return Growth(Propriety(ALWAYS, sp.true, reason), lambda r: sp.true)


def _never(reason: str) -> Growth:
    return Growth(Propriety(NEVER, sp.false, reason), lambda r: sp.false)


def _if(moment: When, reason: str) -> Growth:
    when = moment(0)
    if when == sp.true:
        return _always(reason)
    if when == sp.false:
        return _never(reason)
    return Growth(Propriety(IF, when, reason), moment)


def _by_parts(parts: list[Part]) -> Growth | None:
    """Every part ≥ 0 and finite, one of them enough for every λ and every moment."""
    if not all(p.nonnegative for p in parts):
        return None
    for part in parts:
        if part.coercive and part.bounded_at_zero:
            return _always(
                f"phi is a sum of non-negative parts, and {part.shown} alone outgrows every "
                "multiple of log|a| in every direction."
            )
    return None


def _by_rays(parts: list[Part]) -> Growth | None:
    if not parts or not all(p.powers_only for p in parts):
        return None
    whole = sum((p.expr for p in parts), sp.S.Zero)
    totals = sorted({t for p in parts for t in p.totals}, key=str)
    if not all(_nonnegative(sp.diff(whole, t)) for t in totals):
        return None
    exponent = {t: q for p in parts for t, q in p.totals.items()}
    sizes = {t: sp.Symbol(f"k_{i}", positive=True) for i, t in enumerate(totals)}
    along = whole.xreplace({t: sizes[t] * y ** exponent[t] for t in totals})
    rate, start = (ratio(along, sp.log(y), end) for end in (AT_INFINITY, AT_ZERO))
    if rate is None or start is None or rate.has(*sizes.values()) or start.has(*sizes.values()):
        return None
    about = "phi does not fall in any total of powers and grows, along every ray t*a, "
    if rate is sp.oo and start.is_zero:
        return _always(about + "faster than every multiple of log t.")
    if rate.is_zero or rate.is_negative:
        return _never(about + "no faster than a multiple 0 of log t, however large lam is.")
    if start.is_zero and rate.is_positive:
        return _if(lambda r: lam > simplified((d + r) / rate), about + f"like {rate}*log t.")
    if start.is_positive and rate.is_positive:
        # at the vector 0 the density is t^{−λ·start} against the volume t^{d−1}
        if rate is not sp.oo and not (rate - start).is_positive:
            return _never(
                about
                + f"like {rate}*log t, and near 0 like {start}*log t: one end always diverges."
            )

        def moment(r: int) -> sp.Basic:
            near = lam < simplified(d / start)
            return near if rate is sp.oo else sp.And(near, lam > simplified((d + r) / rate))

        return _if(moment, about + f"like {rate}*log t; near 0 it is {start}*log t.")
    return None


def _leading(parts: list[Part]) -> Growth | None:
    """Parts of one total of powers each, as powers of scale; the largest power decides."""
    orders = []
    for part in parts:
        order = part.order
        if order is None or not part.bounded_at_zero:
            return None
        orders.append(order)
    top = sp.Max(*[m for m, _ in orders]) if orders else sp.S.Zero
    if not top.is_positive or top.has(sp.Max):
        return None
    leaders = [sign for m, sign in orders if m == top]
    if all(sign > 0 for sign in leaders):
        return _always(f"The parts of phi that grow fastest, like t**{top}, are positive.")
    return None


def _homogeneous(parts: list[Part]) -> Growth | None:
    """φ(ta) = t^m φ(a) in two totals: its sign over all directions, at the ends of a segment."""
    totals = {t: q for p in parts for t, q in p.totals.items()}
    if len(totals) != 2 or not all(p.powers_only for p in parts):
        return None
    whole = sum((p.expr for p in parts), sp.S.Zero)
    (small, q), (large, r) = sorted(
        totals.items(), key=lambda item: float(item[1]) if item[1].is_number else 0.0
    )
    if not (q.is_number and r.is_number and q < r):
        return None
    t = sp.Symbol("t", positive=True)
    power = simplified(
        sp.log(simplified(whole.xreplace({small: t**q * small, large: t**r * large}) / whole))
        / sp.log(t)
    )
    power = sp.simplify(sp.expand_log(power, force=True))
    if power.has(t, small, large) or not power.is_positive:
        return None
    # directions with Σ|a|^r = 1 have Σ|a|^q between 1 (one feature) and d^{1 − q/r} (all equal)
    x = sp.Symbol("x", positive=True)
    h = whole.xreplace({small: x, large: sp.S.One})
    slope = simplified(sp.diff(h, x))
    if not (slope.is_nonnegative or slope.is_nonpositive):
        return None
    least = simplified(h.subs(x, 1 if slope.is_nonnegative else d ** (1 - q / r)))
    reason = f"phi is homogeneous of degree {power}; its least value over directions is {least}"
    if least.is_positive:
        return _always(reason + " > 0.")
    if least.is_negative:
        return _never(reason + " < 0: there the density grows.")
    if least.is_zero or least.is_real is not True:
        return None
    return _if(lambda _: sp.StrictGreaterThan(least, 0), reason + ".")


def _counting(parts: list[Part]) -> Growth | None:
    """Separable logs and logs of totals: m features at scale t, for m = 1 and m = d."""
    shared, own = sp.S.Zero, sp.S.Zero
    for part in parts:
        rate = part.log_rate
        if rate is None or not part.bounded_at_zero:
            return None
        if part.separable is not None:
            own += rate
        else:
            shared += rate
    if not own.is_finite or not shared.is_finite or own == 0:
        return None

    def moment(r: int) -> sp.Basic:
        # λ(A + Bm) − m is linear in m: its ends decide
        found = []
        for m in (sp.S.One, d):
            speed = simplified(shared + own * m)
            if not speed.is_positive:
                return sp.false
            found.append(lam > simplified((m + r) / speed))
        if _nonnegative(shared) and _nonnegative(own):
            return found[1] if r == 0 else sp.And(*found)  # (m + r)/(A + Bm) rises in m for r = 0
        return sp.And(*found)

    speed = f"{shared} + {own}*m"
    return _if(moment, f"With m features at scale t, phi grows like ({speed})*log t; m = 1 … d.")


def _convex(parts: list[Part]) -> Growth | None:
    """g(Σu) with g convex and g′ → ∞ above K·Σu − C for every K."""
    if len(parts) != 1 or len(parts[0].totals_of) != 1:
        return None
    (part,) = parts
    ((total, u),) = part.totals_of.items()
    if not (part.totals_nonnegative and _nonnegative(sp.diff(part.expr, total, 2))):
        return None
    slope = sp.diff(part.expr, total)
    far = ratio(slope.subs(total, y), sp.S.One, AT_INFINITY)
    speed = ratio(u, sp.log(y), AT_INFINITY)
    if far is not sp.oo or speed is None or not (speed is sp.oo or speed.is_positive):
        return None
    if not part.bounded_at_zero:
        return None
    return _always("phi is convex in its total with unbounded slope: it exceeds every multiple of "
                   "the total, up to a constant.")  # fmt: skip


def _log_sum(parts: list[Part]) -> Growth | None:
    """Σv − c·log(A + BΣe^f), as of spikes and slabs: above Σ(v − c·max(f, 0)) up to a constant.

    log(A + BΣe^f) ≤ log(A + Bd) + max f₊ and max f₊ ≤ Σf₊.
    """
    own = [p for p in parts if p.separable is not None]
    rest = [p for p in parts if p.separable is None]
    if len(rest) != 1 or len(rest[0].totals_of) != 1:
        return None
    ((total, u),) = rest[0].totals_of.items()
    coefficient, core = rest[0].expr.as_independent(total, as_Add=False)
    if not isinstance(core, sp.log) or not coefficient.is_negative or not isinstance(u, sp.exp):
        return None
    inside = sp.expand(core.args[0])
    start, slope = inside.subs(total, 0), simplified(sp.diff(inside, total))
    if not (start.is_positive and slope.is_positive) or slope.has(total):
        return None
    v = sp.Add(*[p.separable for p in own])
    for f in (v, simplified(sp.expand(v + coefficient * u.args[0]))):
        if ratio(f, sp.log(y), AT_INFINITY) is not sp.oo or not f.is_nonnegative:
            return None
    return _always(
        "phi is a sum over features less the log of a sum of exponentials, which takes off at "
        "most what one feature may: what is left outgrows every multiple of log|a|."
    )


def _pairs(parts: list[Part]) -> Growth | None:
    """c·e₂: 0 where one feature is active; there the others have room t^{−1/q} each."""
    part = parts[0] if len(parts) == 1 else None
    if not isinstance(part, PairPart):
        return None
    (e,) = part.pairs
    slope = simplified(part.expr / e)
    if not slope.is_positive or slope.has(e) or part.pairs[e] is None:
        return None
    return _if(
        lambda r: sp.StrictGreaterThan(d, 2 + r),
        "phi is 0 where a single feature is active, at t say; the others have room 1/t each, so "
        "that the volume there is the integral of t**(1 - d).",
    )


RULES: tuple[Callable[[list[Part]], Growth | None], ...] = (
    _by_parts, _by_rays, _leading, _homogeneous, _counting, _convex, _log_sum, _pairs,
)  # fmt: skip


def _nonnegative(expr: sp.Expr) -> bool:
    return bool(simplified(expr).is_nonnegative or sp.expand(expr).is_nonnegative)
