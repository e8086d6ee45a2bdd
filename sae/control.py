"""How strong the penalty is: fixed, or steered so that the code has the wanted L0."""

import math
from typing import Any

from neglog.priors.errors import InputError


class Control:
    """What decides the strength of a step."""

    def at(self, step: int) -> float:
        """The strength to use at `step`, counted from 0."""
        raise NotImplementedError

    def update(self, l0: float, loss: float, penalty: float) -> None:
        """Learn from a step: its L0, reconstruction error and penalty (without the strength)."""

    def correct(self, unseen_l0: float) -> None:
        """Learn from the L0 of rows that are not trained on."""

    def state(self) -> dict[str, Any]:
        """What changes from step to step, as numbers; `vars(control).update(state)` restores it."""
        return {}


class FixedStrength(Control):
    """The same strength throughout, after a linear warm-up from 0 over `warmup` steps."""

    def __init__(self, strength: float, warmup: int = 0) -> None:
        if not (strength > 0 and math.isfinite(strength)):
            raise InputError(f"The strength must be positive and finite, not {strength}.")
        self.strength = strength
        self.warmup = warmup

    def at(self, step: int) -> float:
        """The strength to use at `step`, counted from 0."""
        return self.strength * min(1.0, (step + 1) / (self.warmup + 1))


class NoiseStrength(Control):
    """c = 2σ²λ: the strength that noise σ² and a prior of strength λ imply (MAP).

    Without `noise` (the standard deviation σ of an entry, in scaled units) σ² is estimated from the
    residuals, as a running mean of ‖x − x̂‖²/(d − L0): L0 entries of d are spent on the fit, and not
    more than half of d is taken off. It begins at 1, the variance of the scaled data, so the
    strength comes down as the dictionary improves. `warmup` steps from 0 as in FixedStrength.
    """

    def __init__(
        self, lam: float, d: int, noise: float | None = None, warmup: int = 0, memory: float = 0.98
    ) -> None:
        for name, value in (("λ", lam), ("noise", noise)):
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"The {name} must be positive and finite, not {value}.")
        self.lam, self.d, self.warmup, self.memory = lam, d, warmup, memory
        self.known = noise is not None
        self.variance = 1.0 if noise is None else noise**2

    def at(self, step: int) -> float:
        """The strength to use at `step`, counted from 0."""
        return 2 * self.variance * self.lam * min(1.0, (step + 1) / (self.warmup + 1))

    def update(self, l0: float, loss: float, penalty: float) -> None:
        """Learn σ² from a step's residual."""
        if not self.known:
            now = loss / max(self.d - l0, self.d / 2)
            self.variance += (1 - self.memory) * (now - self.variance)

    def state(self) -> dict[str, Any]:
        """The variance."""
        return {"variance": self.variance}


class TargetL0(Control):
    """Steers log(strength) by the error e = log(L0/target), L0 smoothed over a few steps:

        trend        ← trend + drift · clip(e)
        log strength ← log strength + clip(trend + integral · e + proportional · Δe)

    Multiplicative, so penalties of any scale are steered alike. While the dictionary improves,
    the strength for a given L0 falls steadily; `trend` follows that fall, which the other two
    terms would lag behind. The first strength makes the penalty `start` times the reconstruction
    error of the first batch.

    Learned thresholds (JumpReLU) answer to the strength only through many steps of Adam, so that
    such terms overshoot by orders of magnitude. For them (`for_thresholds`) the strength has a
    slow integral term alone, and the fast one, `nudge` · clip(e), is added to all log thresholds
    at once. It vanishes at the target, where the strength alone holds L0.
    """

    def __init__(
        self,
        target: float,
        integral: float = 0.1,
        proportional: float = 1.0,
        drift: float = 2e-4,
        smoothing: float = 0.8,
        start: float = 0.1,
        most: float = 0.2,
        nudge: float = 0.0,
    ) -> None:
        if not (target > 0 and math.isfinite(target)):
            raise InputError(f"The target L0 must be positive and finite, not {target}.")
        self.target = target
        self.integral = integral
        self.proportional = proportional
        self.drift = drift
        self.smoothing = smoothing
        self.start = start
        self.most = most
        self.nudge = nudge
        self.log_strength: float | None = None
        self._trend = 0.0
        self._log_l0 = 0.0
        self._error = 0.0
        self._gap = 0.0

    @classmethod
    def for_thresholds(cls, target: float) -> "TargetL0":
        """The control of a model whose thresholds are learned."""
        return cls(target, integral=0.02, proportional=0.0, drift=0.0, nudge=0.1)

    def threshold_step(self) -> float:
        """What to add to every log threshold now."""
        return self.nudge * min(max(self._error, -1.0), 1.0)

    def at(self, step: int) -> float:
        """The strength to use now; 0 before the first batch has been seen."""
        return 0.0 if self.log_strength is None else math.exp(self.log_strength)

    def update(self, l0: float, loss: float, penalty: float) -> None:
        """Learn from a step: its L0, reconstruction error and penalty (without the strength)."""
        # Far below the target every L0, 0 too, says the same: too few.
        log_l0 = math.log(max(l0, 1e-2 * self.target))
        if self.log_strength is None:
            if penalty > 0 and loss > 0:
                self.log_strength = math.log(self.start * loss / penalty)
                self._log_l0 = log_l0
                self._error = self._gap + log_l0 - math.log(self.target)
            return
        self._log_l0 += (1 - self.smoothing) * (log_l0 - self._log_l0)
        error = self._gap + self._log_l0 - math.log(self.target)
        # Clipped, so that the long way down at the start does not wind it up.
        self._trend += self.drift * min(max(error, -0.1), 0.1)
        change = self._trend + self.integral * error + self.proportional * (error - self._error)
        self._error = error
        self.log_strength += min(max(change, -self.most), self.most)

    def correct(self, unseen_l0: float, share: float = 0.5) -> None:
        """Steer the L0 of unseen rows: tokens trained on need fewer features than new ones.

        `unseen_l0` is measured now, next to the smoothed L0 of training batches; the gap between
        the two moves by `share` towards this measurement.
        """
        if unseen_l0 > 0 and self.log_strength is not None:
            gap = math.log(unseen_l0) - self._log_l0
            self._gap += share * (min(max(gap, -0.5), 0.5) - self._gap)

    def state(self) -> dict[str, Any]:
        """The strength reached, and what it was steered by."""
        names = ("log_strength", "_trend", "_log_l0", "_error", "_gap")
        return {name: getattr(self, name) for name in names}
