"""Bins, nodes and the Gaussian between them: a convolution as one matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

from neglog.validation.debiased.linear import Floats

FINE, FAR = 0.25, 12.0  # width of bins below FAR; all in units of τ
GROWTH = 1.12  # ratio of neighbouring bin edges beyond FAR
TOP = 3000.0  # the last edge
LEAST = 1e-9  # nodes begin here: what a density puts below it is lost
ORDER = 3  # Gauss–Legendre nodes a panel


@dataclass(frozen=True)
class Kernel:
    """P(bin | node): bin 0 is everything up to ``above``, the last reaches to infinity."""

    edges: Floats  # (bins,) lower edges of bins 1, 2, …
    nodes: Floats  # (nodes,) a/τ
    weights: Floats  # (nodes,)
    matrix: Floats  # (levels, nodes, bins + 1)
    spike: Floats  # (levels, bins + 1): probabilities of the noise alone

    @property
    def bins(self) -> int:
        """Bins above, the censored one left out."""
        return len(self.edges)


@cache
def kernel(above: float, bins: int, noise: tuple[float, ...]) -> Kernel:
    """The kernel for data censored at ``above``, with this many bins above.

    noise: the standard deviation of each level of tokens, in units of the level's own (near 1).
    """
    edges = bin_edges(above)[:bins]
    nodes, weights = _nodes(edges)
    matrices, spikes = [], []
    for sd in noise:
        below = ndtr((edges[:, None] - nodes) / sd)  # P(z ≤ edge | node), (bins, nodes)
        beyond = ndtr((nodes - edges[-1]) / sd)  # not 1 − below: it may be tiny
        matrices.append(np.vstack([below[:1], np.diff(below, axis=0), beyond]).T)
        spikes.append(np.diff(np.concatenate([[0.0], ndtr(edges / sd), [1.0]])))
    spike = np.maximum(np.stack(spikes), 1e-300)
    return Kernel(edges, nodes, weights, np.ascontiguousarray(np.stack(matrices)), spike)


def bin_edges(above: float) -> Floats:
    """Edges from ``above``: 0.25τ apart up to about 12τ, then each 12% higher, up to 3,000τ."""
    fine = np.arange(above, max(FAR, above + 1) + FINE / 2, FINE)
    count = int(np.ceil(np.log(TOP / fine[-1]) / np.log(GROWTH)))
    return np.concatenate([fine, fine[-1] * GROWTH ** np.arange(1, count + 1)])


def _nodes(edges: Floats) -> tuple[Floats, Floats]:
    """Gauss–Legendre nodes on panels that get finer towards 0 and follow the bins far out.

    Near 0 panels grow threefold, so that a density with a pole there (Weibull, gamma of shape < 1)
    is integrated as well as any; far out a panel is a bin, as the Gaussian's edges are sharp there;
    beyond the last edge panels double, to ten million times it.
    """
    near = np.concatenate([[LEAST], 0.5 * 3.0 ** np.arange(-18, 1)])
    middle = np.arange(1.0, min(FAR, edges[-1]) + 0.25, 0.5)
    far = edges[edges > middle[-1] + 1e-9]
    last = far[-1] if len(far) else middle[-1]
    step = max(GROWTH, 1 + 1 / last)
    beyond = last * step ** np.arange(1, 9)
    panels = np.concatenate([near, middle, far, beyond, beyond[-1] * 2.0 ** np.arange(1, 25)])
    points, weights = np.polynomial.legendre.leggauss(ORDER)
    half, centre = np.diff(panels) / 2, (panels[1:] + panels[:-1]) / 2
    return (centre[:, None] + half[:, None] * points).ravel(), (half[:, None] * weights).ravel()
