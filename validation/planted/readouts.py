"""Ways to read codes off a trained SAE before a law is fitted to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from neglog.validation.debiased.linear import Floats, Linear, linear


def inverted(sae: Any, codes: Floats, penalty: Any, strength: float) -> Floats:
    """Codes with the proximal map undone where active: â + (c/2)φ′(â), tokens × features.

    The stationarity of (z − a)² + c·φ(a) at a = â. Without a penalty (TopK) the codes themselves.
    """
    if penalty is None:
        return codes
    import torch

    import neglog

    f = neglog.penalty(penalty, domain="positive").compile("torch", strength=1.0)
    token, feature = np.nonzero(codes)
    a = torch.tensor(codes[token, feature], requires_grad=True)
    (slope,) = torch.autograd.grad(f(a).sum(), a)
    out = codes.copy()
    out[token, feature] += 0.5 * strength * slope.numpy()
    return out


def refitted(source: Any, x: Any, codes: Floats) -> Floats:
    """Least squares on each token's own support, tokens × features; what comes out < 0 is 0."""
    model: Linear = linear(source, x, codes)
    out = np.zeros_like(model.codes)
    active = model.codes != 0
    sizes = active.sum(axis=1)
    for size in np.unique(sizes[sizes > 0]):
        rows = np.flatnonzero(sizes == size)
        for part in np.array_split(rows, -(-len(rows) // 4096)):
            which = np.nonzero(active[part])[1].reshape(len(part), size)
            chosen = model.dictionary[which]  # (n, size, d)
            gram = chosen @ chosen.transpose(0, 2, 1) + 1e-6 * np.eye(size, dtype=np.float32)
            target = chosen @ model.u[part][:, :, None]
            out[part[:, None], which] = np.linalg.solve(gram, target)[:, :, 0]
    return np.maximum(out, 0.0) / model.length
