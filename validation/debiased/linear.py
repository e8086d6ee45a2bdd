"""What a debiased code is made from: input, unit dictionary, codes and the encoder's divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation.opposites import read_decoder

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Linear:
    """u = a·D + noise, with rows of D of unit norm: everything in the units of that equation.

    ``u`` (tokens, d) is the input less the decoder's offset; ``codes`` (tokens, features) are the
    estimates â in units of unit-norm rows; ``divergence`` (tokens,) is Σᵢ ∂⟨dᵢâᵢ⟩/∂u, how many of
    the d degrees of freedom the codes have used; ``length`` (features,) are the norms taken out.
    """

    u: Floats
    dictionary: Floats  # (features, d)
    codes: Floats
    divergence: Floats
    length: Floats


def linear(source: Any, x: Any, codes: Any, encoder: Any = None) -> Linear:
    """The linear model of a trained SAE, or of a dictionary (features, d), on these inputs.

    For a dictionary alone the codes are taken to be those of a lasso or of TopK pursuit, whose
    divergence is the number of active features (Zou, Hastie and Tibshirani, On the degrees of
    freedom of the lasso, 2007); with ``encoder`` (features, d), or for an SAE, it is
    Σ over active i of ⟨w_i, d_i⟩·act′.

    Raises InputError for shapes that do not belong together, values that are not finite, a
    dictionary with a zero row that has codes, or a transcoder (its input is not what it decodes).
    """
    if hasattr(source, "W_dec"):
        return _of_sae(source, x, codes)
    dictionary = np.asarray(read_decoder(source), dtype=np.float32)
    u = _inputs(x, dictionary.shape[1])
    dense = _dense(codes, len(u), len(dictionary))
    active = (dense != 0).astype(np.float32)
    if encoder is None:
        divergence = active.sum(axis=1)
    else:
        weights = np.asarray(read_decoder(encoder), dtype=np.float32)
        if weights.shape != dictionary.shape:
            raise InputError(
                f"the encoder is {weights.shape} and the dictionary {dictionary.shape}: both must "
                "be features × d."
            )
        divergence = active @ (weights * dictionary).sum(axis=1)
    return _unit(u, dictionary, dense, divergence)


def _of_sae(sae: Any, x: Any, codes: Any) -> Linear:
    import torch

    if sae.d_in != sae.d_out or sae.W_skip is not None:
        raise InputError("debiasing needs an SAE that decodes its own input, without a skip.")
    rows = _inputs(x, sae.d_in)
    was = sae.training
    sae.eval()
    with torch.no_grad():
        u = (
            (sae.scaled(torch.from_numpy(rows).to(sae.W_enc.device)) - sae.b_dec)
            .float()
            .cpu()
            .numpy()
        )
    slopes = (sae.W_enc * sae.W_dec).sum(dim=1).detach()
    found, divergence = [], []
    for part in np.array_split(rows, max(1, -(-len(rows) // 4096))):
        inside = torch.from_numpy(part).to(sae.W_enc.device)
        pre = torch.nn.functional.linear(sae.scaled(inside), sae.W_enc, sae.b_enc).detach()
        with torch.enable_grad():
            pre.requires_grad_(True)
            code = sae.activation(pre)
            (slope,) = torch.autograd.grad(code.sum(), pre)  # 1 on active latents but for prox
        found.append(code.detach().float().cpu().numpy())
        divergence.append((slope * slopes).sum(dim=1).float().cpu().numpy())
    sae.train(was)
    dense = np.concatenate(found) if codes is None else _dense(codes, len(rows), sae.width)
    dictionary = sae.W_dec.detach().cpu().float().numpy()
    return _unit(u.astype(np.float32), dictionary, dense, np.concatenate(divergence))


def _unit(u: Floats, dictionary: Floats, codes: Floats, divergence: Floats) -> Linear:
    length = np.linalg.norm(dictionary, axis=1)
    dead = length == 0
    if dead.any() and codes[:, dead].any():
        raise InputError(
            f"feature {int(np.flatnonzero(dead)[0])} has codes but a zero row in the dictionary."
        )
    length = np.where(dead, 1.0, length).astype(np.float32)
    return Linear(u, dictionary / length[:, None], codes * length, divergence, length)


def _inputs(x: Any, d: int) -> Floats:
    if hasattr(x, "detach"):
        x = x.detach().cpu().float().numpy()
    rows = np.asarray(x)
    if rows.ndim != 2 or rows.shape[1] != d or not len(rows) or rows.dtype.kind not in "fiu":
        raise InputError(f"the inputs must be tokens × {d} real numbers; they are {rows.shape}.")
    rows = rows.astype(np.float32, copy=False)
    if not np.isfinite(rows).all():
        raise InputError("the inputs hold NaN or infinite values.")
    return rows


def _dense(codes: Any, tokens: int, features: int) -> Floats:
    if sparse.issparse(codes):
        codes = codes.toarray()
    elif hasattr(codes, "detach"):
        codes = codes.detach().cpu().float().numpy()
    dense = np.asarray(codes, dtype=np.float32)
    if dense.shape != (tokens, features):
        raise InputError(
            f"the codes are {dense.shape}; these inputs and this dictionary need "
            f"({tokens}, {features})."
        )
    if not np.isfinite(dense).all():
        raise InputError("the codes hold NaN or infinite values.")
    return dense
