"""Undo a penalty's bias: codes as Gaussian observations of the true activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.validation.debiased.linear import Floats, Linear, linear
from neglog.validation.debiased.message import Settings, message_passing

MOST_USED = 0.9  # tokens whose codes used more than this share of the d dimensions are left out


@dataclass(frozen=True)
class Debiased:
    """z[t, i] = a[t, i] + N(0, (tau[t]·width[i])²): what the data say of each code, unpenalised.

    ``z`` is (tokens, features) in the units of the codes that went in, negative where noise wins;
    ``used`` says which of the tokens that went in these are.
    """

    z: Floats
    tau: Floats  # (tokens,)
    width: Floats  # (features,)
    used: Floats  # (tokens that went in,) bool
    method: str

    @property
    def shape(self) -> tuple[int, int]:
        """Tokens × features."""
        return self.z.shape[0], self.z.shape[1]


def debias(
    source: Any,
    x: Any,
    codes: Any = None,
    *,
    encoder: Any = None,
    method: str = "one-step",
    empirical: bool = True,
    settings: Settings | None = None,
) -> Debiased:
    """Codes without the penalty's bias, and the standard deviation of the noise left on them.

    ``one-step``: z = â + Dᵀ(x − Dâ)/(1 − s/d), τ² = ‖x − Dâ‖²/(d(1 − s/d)²) for each token, where
    s is the divergence of the encoder, Σ over active i of ⟨w_i, d_i⟩ (their number for a lasso):
    the debiased lasso (Javanmard and Montanari, Confidence intervals and hypothesis testing for
    high-dimensional regression, 2014) with an amortised encoder's Onsager term.

    ``em``: from there, vector approximate message passing with a spike-and-exponential prior for
    each feature, its parameters, the noise and the dictionary learned as it goes (EM: Vila and
    Schniter, Expectation-maximization Gaussian-mixture approximate message passing, 2013; VAMP:
    Rangan, Schniter and Fletcher, Vector approximate message passing, 2019). The observations are
    those of the denoiser's input, Gaussian whatever the true law; τ is smaller, since what other
    features had left in the residual is explained. A dictionary that is learned stays matched with
    the one that went in: rows move a little, none changes place.

    ``empirical`` reads the width of each feature's noise off its negative half, which an activation
    ≥ 0 leaves to noise alone: columns that overlap have more noise than τ says.

    source: a trained ``SAE`` (units of its scaled input) or a dictionary, features × d, with codes
    tokens × features, dense or sparse, and an optional ``encoder`` features × d. x: tokens × d, as
    the SAE takes it; for a dictionary, less the decoder's offset. codes: None for an SAE's own.

    Tokens whose codes used 90% of the dimensions leave no residual to judge by: they are left out.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> d = rng.standard_normal((30, 40)) / 40**0.5
    >>> a = np.where(rng.random((2000, 30)) < 0.05, rng.exponential(size=(2000, 30)), 0)
    >>> x = a @ d + 0.05 * rng.standard_normal((2000, 40))
    >>> lasso = np.maximum(a - 0.2, 0)  # codes that are 0.2 too small
    >>> found = debias(d, x, lasso)
    >>> bool(abs((found.z - a[found.used])[lasso[found.used] > 0].mean()) < 0.03)
    True

    Raises:
        InputError: an unknown method, shapes that do not belong together, values that are not
            finite, no token that can be used.
    """
    if method not in ("one-step", "em"):
        raise InputError(f"method is {method!r}; it must be 'one-step' or 'em'.")
    model = linear(source, x, codes, encoder)
    share = model.divergence / model.u.shape[1]
    used = share < MOST_USED
    if not used.any():
        raise InputError(
            f"the codes use {share.mean():.0%} of the {model.u.shape[1]} dimensions on every token:"
            " no residual is left to debias with; use a sparser readout."
        )
    model = _only(model, used)
    z, tau = one_step(model)
    if method == "em":
        z, tau = message_passing(model, z, tau, settings or Settings())
    z, width = z / model.length, 1 / model.length
    if empirical:
        width = width * null_width(z / width, tau)
    return Debiased(z.astype(np.float32), tau, width, used, method)


def debias_blocks(
    source: Any, x: Any, codes: Any = None, *, block: int = 16_384, **options: Any
) -> Iterator[Debiased]:
    """``debias`` a block of tokens at a time, for ``fit_debiased``; its widths are the first's."""
    for start in range(0, x.shape[0], block):
        part = slice(start, start + block)
        yield debias(source, x[part], None if codes is None else codes[part], **options)


def one_step(model: Linear) -> tuple[Floats, Floats]:
    """z (tokens, features) and τ (tokens,) of the debiased lasso with this divergence."""
    d = model.u.shape[1]
    residual = model.u - model.codes @ model.dictionary
    left = 1 - model.divergence / d
    z = model.codes + (residual / left[:, None]) @ model.dictionary.T
    return z, np.linalg.norm(residual, axis=1) / np.sqrt(d) / left


def null_width(z: Floats, tau: Floats) -> Floats:
    """Each feature's noise in units of τ, by the median of its negative half: (features,)."""
    scaled = np.where(z < 0, -z / np.maximum(tau, 1e-30)[:, None], np.nan)
    enough = (z < 0).sum(axis=0) >= 20
    with np.errstate(all="ignore"):
        width = np.ones(z.shape[1])
        width[enough] = np.nanmedian(scaled[:, enough], axis=0) / HALF_NORMAL_MEDIAN
    return np.clip(width, 0.1, 10.0)


HALF_NORMAL_MEDIAN = 0.6744897501960817


def _only(model: Linear, used: Floats) -> Linear:
    return Linear(
        model.u[used], model.dictionary, model.codes[used], model.divergence[used], model.length
    )
