"""A neglog penalty as a penalty of skglm: value, proximal map, distance to the subdifferential.

    pip install neglog skglm
    python examples/skglm_penalty.py

skglm compiles its penalties with numba; the compiled functions of neglog are NumPy, so the class is
plain Python with the same methods, for skglm's solvers that are (or for a loop of one's own, as
here: proximal gradient descent).
"""

from __future__ import annotations

import numpy as np

import neglog


class NeglogPenalty:
    """strength·Σφ(wⱼ) with the methods of skglm's ``BasePenalty``.

    Args:
        expression: φ in ``a``, even.
        strength: λ > 0.
    """

    def __init__(self, expression: str, strength: float) -> None:
        self.phi, self.alpha = neglog.penalty(expression), strength
        self._value = self.phi.compile("numpy", strength=strength)
        self._maps: dict[float, object] = {}

    def value(self, w: np.ndarray) -> float:
        """λΣφ(wⱼ)."""
        return float(np.sum(self._value(w)))

    def prox_1d(self, value: float, stepsize: float, j: int) -> float:
        """The proximal map of stepsize·λφ at one coordinate."""
        return float(self.prox_vec(np.array([value]), stepsize)[0])

    def prox_vec(self, w: np.ndarray, stepsize: float) -> np.ndarray:
        """The proximal map at all coordinates."""
        strength = self.alpha * stepsize
        if strength not in self._maps:
            self._maps[strength] = self.phi.prox("numpy", strength=strength)
        return self._maps[strength](w)  # type: ignore[operator]

    def subdiff_distance(self, w: np.ndarray, grad: np.ndarray, ws: np.ndarray) -> np.ndarray:
        """Distance of −grad to the subdifferential at w, on the coordinates ``ws``."""
        kink = float(self._value.grad(np.array([1e-300]))[0])
        inner = w[ws]
        at_zero = np.maximum(np.abs(grad) - kink, 0.0)
        elsewhere = np.abs(grad + self._value.grad(inner))
        return np.where(inner == 0, at_zero, elsewhere)

    def is_penalized(self, n_features: int) -> np.ndarray:
        """Every coordinate is."""
        return np.ones(n_features, bool)

    def generalized_support(self, w: np.ndarray) -> np.ndarray:
        """The non-zero coordinates."""
        return w != 0


def solve(expression: str, x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """argmin ½‖y − Xw‖²/n + λΣφ(wⱼ) by proximal gradient descent."""
    penalty = NeglogPenalty(expression, strength)
    step = len(y) / np.linalg.norm(x, 2) ** 2
    w = np.zeros(x.shape[1])
    for _ in range(500):
        w = penalty.prox_vec(w - step * x.T @ (x @ w - y) / len(y), step)
    return w


if __name__ == "__main__":
    draw = np.random.default_rng(0)
    design = draw.normal(size=(80, 30))
    truth = np.where(np.arange(30) < 4, 2.0, 0.0)
    data = design @ truth + 0.1 * draw.normal(size=80)
    for text in ("abs(a)", "log(1+abs(a)/0.1)"):
        found = solve(text, design, data, 0.1)
        print(f"{text:22} {np.count_nonzero(found)} non-zero, error {abs(found - truth).max():.3f}")
