"""sparsify: `cfg.json` and `sae.safetensors`; TopK only.

encoder.weight (m, d), encoder.bias (m), W_dec (m, d), b_dec (d), W_skip (d, d). An autoencoder
subtracts b_dec from its input, a transcoder does not.
"""

import json
from pathlib import Path

from safetensors.torch import save_file

from neglog.priors.errors import InputError
from neglog.sae.folding import Folded, fold
from neglog.sae.formats.reading import settings, take, tensors
from neglog.sae.model import SAE

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"


def save(sae: SAE, folder: Path) -> None:
    """Write the two files; written as a transcoder, so that the input is taken as it is.

    Raises InputError unless the activation is topk and input and output have the same width.
    """
    f = fold(sae)
    if f.k is None or sae.d_in != sae.d_out:
        raise InputError("sparsify holds topk SAEs whose input and output have the same width.")
    weights = {"encoder.weight": f.W_enc, "encoder.bias": f.b_enc, "W_dec": f.W_dec,
               "b_dec": f.b_dec}  # fmt: skip
    if f.W_skip is not None:
        weights["W_skip"] = f.W_skip
    about = {
        "activation": "topk",
        "expansion_factor": max(1, sae.width // sae.d_in),
        "normalize_decoder": True,
        "num_latents": sae.width,
        "k": f.k,
        "multi_topk": False,
        "skip_connection": f.W_skip is not None,
        "transcode": True,
        "d_in": sae.d_in,
    }
    save_file({k: v.cpu().contiguous() for k, v in weights.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(about, indent=1) + "\n")


def load(folder: Path) -> SAE:
    """The SAE in a folder of sparsify; InputError unless its activation is topk."""
    about, found = settings(folder / CONFIG), tensors(folder / WEIGHTS)
    if about.get("activation", "topk") != "topk":
        raise InputError(f"{folder} holds a {about['activation']} SAE: known is topk.")
    names = ("encoder.weight", "encoder.bias", "W_dec", "b_dec")
    W_enc, b_enc, W_dec, b_dec = take(found, folder / WEIGHTS, *names)
    if not about.get("transcode", False):
        b_enc = b_enc - W_enc @ b_dec
    skip = found.get("W_skip")
    return Folded("topk", W_enc, b_enc, W_dec, b_dec, skip, int(about["k"])).model()
