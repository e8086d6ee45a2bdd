"""dictionary_learning: `config.json` and a state dict.

AutoEncoder has bias (d), encoder.weight (m, d), encoder.bias (m) and decoder.weight (d, m);
AutoEncoderTopK and BatchTopKSAE call the first b_dec and add k and threshold: both subtract it from
the input. JumpReluAutoEncoder has W_enc (d, m), b_enc, W_dec (m, d), b_dec, threshold (m).

The package itself keeps the state dict as a pickle, `ae.pt`. neglog reads that with
`weights_only`, so that nothing in it is run, and writes the same tensors as `ae.safetensors`:

    trainer = json.load(open(f"{folder}/config.json"))["trainer"]
    ae = AutoEncoder(trainer["activation_dim"], trainer["dict_size"])  # or trainer["dict_class"]
    ae.load_state_dict(safetensors.torch.load_file(f"{folder}/ae.safetensors"))
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

CONFIG, WEIGHTS, PICKLED = "config.json", "ae.safetensors", "ae.pt"
_CLASSES = {"relu": "AutoEncoder", "topk": "AutoEncoderTopK", "jumprelu": "JumpReluAutoEncoder"}


def save(sae: SAE, folder: Path) -> None:
    """Write `config.json` and `ae.safetensors`; InputError for a transcoder."""
    if sae.d_in != sae.d_out or sae.W_skip is not None:
        raise InputError("dictionary_learning has no transcoders.")
    f = fold(sae)
    b_enc = (f.b_enc.double() + f.W_enc.double() @ f.b_dec.double()).to(f.b_enc.dtype)
    about: dict[str, Any] = {
        "dict_class": _CLASSES[f.kind],
        "activation_dim": sae.d_in,
        "dict_size": sae.width,
    }
    if f.kind == "jumprelu":
        assert f.threshold is not None
        weights = {"W_enc": f.W_enc.T, "b_enc": f.b_enc, "W_dec": f.W_dec, "b_dec": f.b_dec,
                   "threshold": f.threshold}  # fmt: skip
    else:
        weights = {"encoder.weight": f.W_enc, "encoder.bias": b_enc, "decoder.weight": f.W_dec.T}
        weights["bias" if f.kind == "relu" else "b_dec"] = f.b_dec
    if f.k is not None:
        about["k"] = f.k
        weights |= {"k": torch.tensor(f.k, dtype=torch.int32), "threshold": torch.tensor(-1.0)}
    save_file({k: v.cpu().contiguous() for k, v in weights.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps({"trainer": about}, indent=1) + "\n")


def load(folder: Path) -> SAE:
    """The SAE in a folder of dictionary_learning (`ae.safetensors`, else `ae.pt`).

    Its codes are what the package's class gives in use: a BatchTopKSAE by its threshold.

    Raises InputError for another class than the four above.
    """
    about = settings(folder / CONFIG).get("trainer", {})
    path = folder / (WEIGHTS if (folder / WEIGHTS).exists() else PICKLED)
    found = tensors(path)
    kind = about.get("dict_class")
    if kind == "JumpReluAutoEncoder":
        W_enc, b_enc, W_dec, b_dec, threshold = take(
            found, path, "W_enc", "b_enc", "W_dec", "b_dec", "threshold"
        )
        return Folded("jumprelu", W_enc.T, b_enc, W_dec, b_dec,
                      threshold=threshold.clamp_min(1e-30)).model()  # fmt: skip
    if kind not in ("AutoEncoder", "AutoEncoderTopK", "BatchTopKSAE"):
        raise InputError(f"{folder} holds a {kind}: known are {', '.join(_CLASSES.values())} and "
                         "BatchTopKSAE.")  # fmt: skip
    last = "bias" if kind == "AutoEncoder" else "b_dec"
    names = ("encoder.weight", "encoder.bias", "decoder.weight", last)
    W_enc, b_enc, decoder, b_dec = take(found, path, *names)
    W_dec, b_enc = decoder.T, b_enc - W_enc @ b_dec
    if kind == "AutoEncoder":  # it makes the columns unit-norm when it loads them
        norms = W_dec.norm(dim=1)
        W_enc, b_enc = W_enc * norms.unsqueeze(1), b_enc * norms
        W_dec = W_dec / norms.unsqueeze(1)
        return Folded("relu", W_enc, b_enc, W_dec, b_dec).model()
    if kind == "AutoEncoderTopK":
        return Folded("topk", W_enc, b_enc, W_dec, b_dec, k=int(found["k"])).model()
    (level,) = take(found, path, "threshold")
    threshold = level.clamp_min(1e-30).expand(len(W_enc)).clone()
    return Folded("jumprelu", W_enc, b_enc, W_dec, b_dec, threshold=threshold).model()
