"""An SAE without its scaling: the same codes up to one unit, from raw activations alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.activations import TopK
from neglog.sae.batchtopk import BatchTopK
from neglog.sae.jumprelu import JumpReLU
from neglog.sae.model import SAE
from neglog.sae.proximal import Prox


@dataclass(frozen=True)
class Folded:
    """f = act(x Wᵀ_enc + b_enc), x̂ = f W_dec + b_dec (+ x Wᵀ_skip), on raw activations x.

    Shapes as in `SAE`. `kind`: relu, topk (with k) or jumprelu (with threshold [width]).
    """

    kind: str
    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    W_skip: Tensor | None = None
    k: int | None = None
    threshold: Tensor | None = None

    def model(self) -> SAE:
        """The SAE with these weights and no scaling, ready for use."""
        d_in, d_out = self.W_enc.shape[1], self.W_dec.shape[1]
        sae = SAE(d_in, len(self.W_enc), self.kind, self.k, d_out, self.W_skip is not None)
        with torch.no_grad():
            for name in ("W_enc", "b_enc", "W_dec", "b_dec", "W_skip"):
                value = getattr(self, name)
                if value is not None:
                    getattr(sae, name).copy_(value)
            if self.threshold is not None:
                assert isinstance(sae.activation, JumpReLU)
                sae.activation.log_threshold.copy_(self.threshold.log())
        return sae.eval()


@torch.no_grad()
def fold(sae: SAE, unit: float | None = None) -> Folded:
    """The SAE with mean and scale folded into its weights.

    Its codes are `unit` times those of the SAE; None takes out_scale, with which W_dec keeps its
    unit-norm rows and codes are in the units of the data. x̂ is the same. Computed in float64.

    BatchTopK becomes a JumpReLU with one threshold. Raises InputError for an activation that has
    no form among relu, topk and jumprelu (a proximal map, unless it is that of L1).
    """
    scale, out_scale = float(sae.scale), float(sae.out_scale)
    unit = out_scale if unit is None else unit
    mean, out_mean = sae.mean.double(), sae.out_mean.double()
    W_enc = sae.W_enc.double() / scale
    b_enc = sae.b_enc.double() - W_enc @ mean
    W_skip = None
    b_dec = out_mean + out_scale * sae.b_dec.double()
    if sae.W_skip is not None:
        W_skip = out_scale / scale * sae.W_skip.double()
        b_dec = b_dec - W_skip @ mean
    kind, k, threshold, shift = _kind(sae)
    dtype = torch.float32 if sae.W_enc.dtype in (torch.float16, torch.bfloat16) else sae.W_enc.dtype

    def done(value: Tensor | None) -> Tensor | None:
        return None if value is None else value.to(dtype).contiguous()

    return Folded(
        kind,
        (unit * W_enc).to(dtype).contiguous(),
        (unit * (b_enc - shift)).to(dtype).contiguous(),
        (out_scale / unit * sae.W_dec.double()).to(dtype).contiguous(),
        b_dec.to(dtype).contiguous(),
        done(W_skip),
        k,
        done(None if threshold is None else unit * threshold),
    )


def _kind(sae: SAE) -> tuple[str, int | None, Tensor | None, float]:
    """(kind, k, threshold in the SAE's units, what the pre-activation loses)."""
    act = sae.activation
    if isinstance(act, TopK):
        return "topk", act.k, None, 0.0
    if isinstance(act, BatchTopK):
        # A threshold of 0 has no logarithm; the smallest number does the same.
        level = act.threshold.double().clamp_min(1e-30)
        return "jumprelu", None, level.expand(sae.width).clone(), 0.0
    if isinstance(act, JumpReLU):
        return "jumprelu", None, act.threshold.double(), 0.0
    if isinstance(act, Prox):
        if act.expression in ("a", "Abs(a)", "abs(a)", "|a|"):  # max(z − c/2, 0)
            return "relu", None, None, float(act.strength) / 2
        raise InputError(
            f"The proximal map of {act.expression} is none of relu, topk and jumprelu: other "
            "packages cannot represent this SAE."
        )
    if act.settings()["name"] == "relu":  # type: ignore[operator]
        return "relu", None, None, 0.0
    raise InputError("Other packages know relu, topk and jumprelu only.")
