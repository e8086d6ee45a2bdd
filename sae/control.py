"""How strong the penalty is: fixed, or steered so that the code has the wanted L0."""

import math

from neglog.priors.errors import InputError


class FixedStrength:
    """The same strength throughout, after a linear warm-up from 0 over `warmup` steps."""

    def __init__(self, strength: float, warmup: int = 0) -> None:
        if not (strength > 0 and math.isfinite(strength)):
            raise InputError(f"The strength must be positive and finite, not {strength}.")
        self.strength = strength
        self.warmup = warmup

    def at(self, step: int) -> float:
        """The strength to use at `step`, counted from 0."""
        return self.strength * min(1.0, (step + 1) / (self.warmup + 1))

    def update(self, l0: float, loss: float, penalty: float) -> None:
        """Nothing to learn from a step."""

    def correct(self, unseen_l0: float) -> None:
        """Nothing to correct."""


class TargetL0:
    """Steers log(strength) by the error e = log(L0/target), L0 smoothed over a few steps:

        trend        ← trend + drift · clip(e)
        log strength ← log strength + clip(trend + integral · e + proportional · Δe)

    Multiplicative, so penalties of any scale are steered alike. While the dictionary improves,
    the strength for a given L0 falls steadily; `trend` follows that fall, which the other two
    terms would lag behind. The first strength makes the penalty `start` times the reconstruction
    error of the first batch.
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
        self.log_strength: float | None = None
        self._trend = 0.0
        self._log_l0 = 0.0
        self._error = 0.0
        self._gap = 0.0

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
