"""SAELens 6: `cfg.json` and `sae_weights.safetensors`.

W_enc (d, m), b_enc (m), W_dec (m, d), b_dec (d), with `threshold` (m) for a jumprelu and W_skip
(d_out, d) for a transcoder with a skip: f = act(x W_enc + b_enc), x̂ = f W_dec + b_dec.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from neglog.priors.errors import InputError
from neglog.sae.folding import Folded, fold
from neglog.sae.formats.reading import settings, take, tensors
from neglog.sae.model import SAE

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
_KINDS = {"relu": "standard", "jumprelu": "jumprelu", "topk": "topk"}
_TRANSCODERS = {"relu": "transcoder", "jumprelu": "jumprelu_transcoder"}


def save(sae: SAE, folder: Path) -> None:
    """Write the two files; BatchTopK, which exists for training only, becomes a jumprelu.

    Raises InputError for a transcoder whose activation SAELens has none for.
    """
    f = fold(sae)
    transcoder = f.W_skip is not None or sae.d_in != sae.d_out
    kind = _KINDS[f.kind]
    if transcoder:
        if f.kind not in _TRANSCODERS or (f.W_skip is not None and f.kind != "relu"):
            raise InputError(f"SAELens has no such transcoder with {f.kind}.")
        kind = "skip_transcoder" if f.W_skip is not None else _TRANSCODERS[f.kind]
    about: dict[str, Any] = {
        "architecture": kind,
        "d_in": sae.d_in,
        "d_sae": sae.width,
        "dtype": str(f.W_enc.dtype).removeprefix("torch."),
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": "none",
        "reshape_activations": "none",
        # Without a version of at least 6 SAELens drops other metadata.
        "metadata": {"sae_lens_version": "6.0.0", "trained_with": "neglog"},
    }
    weights = {"W_enc": f.W_enc.T, "b_enc": f.b_enc, "W_dec": f.W_dec, "b_dec": f.b_dec}
    if transcoder:
        about["d_out"] = sae.d_out
    if f.W_skip is not None:
        weights["W_skip"] = f.W_skip
    if f.threshold is not None:
        weights["threshold"] = f.threshold
    if f.k is not None:
        about |= {"k": f.k, "rescale_acts_by_decoder_norm": False}
    save_file({k: v.cpu().contiguous() for k, v in weights.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(about, indent=1) + "\n")


def load(folder: Path) -> SAE:
    """The SAE in a folder of SAELens; its codes are SAELens's.

    Raises InputError for an architecture other than standard, jumprelu, topk and transcoders, or
    a normalisation of the input that is not folded into the weights.
    """
    about, found = settings(folder / CONFIG), tensors(folder / WEIGHTS)
    kind = str(about.get("architecture", "standard"))
    base = kind.removesuffix("transcoder").strip("_") or "standard"
    kinds = {"standard": "relu", "skip": "relu", "jumprelu": "jumprelu", "topk": "topk"}
    if base not in kinds:
        raise InputError(f"{folder} holds a {kind} SAE: known are standard, jumprelu and topk.")
    if about.get("normalize_activations", "none") not in ("none", None):
        raise InputError(f"{folder} normalises its input: fold that into the weights first.")
    path = folder / WEIGHTS
    W_enc, b_enc, W_dec, b_dec = take(found, path, "W_enc", "b_enc", "W_dec", "b_dec")
    if about.get("apply_b_dec_to_input", base == kind):
        b_enc = b_enc - b_dec @ W_enc
    if about.get("rescale_acts_by_decoder_norm", False):
        norms = W_dec.norm(dim=1)
        W_enc, b_enc, W_dec = W_enc * norms, b_enc * norms, W_dec / norms.unsqueeze(1)
    threshold = None
    if base == "jumprelu":
        (threshold,) = take(found, path, "threshold")
        threshold = threshold.clamp_min(torch.finfo(torch.float32).tiny)  # ReLU below 0 anyway
    (skip,) = take(found, path, "W_skip") if base == "skip" else (None,)
    k = int(about["k"]) if base == "topk" else None
    return Folded(kinds[base], W_enc.T, b_enc, W_dec, b_dec, skip, k, threshold).model()
