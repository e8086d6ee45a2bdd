"""One forward pass of an SAE for training, dense or on active latents only: same numbers."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear

from neglog.sae.kernels import decode_active, encode_active
from neglog.sae.model import SAE
from neglog.sae.pattern import Pattern


@dataclass(frozen=True)
class Pass:
    """What a forward pass gives to the loss.

    `output` [batch, d_out] in scaled units. `values` is the dense code [batch, width] if
    `pattern` is None, else the code's entries [n] at `pattern`.
    """

    output: Tensor
    values: Tensor
    pattern: Pattern | None = None

    @property
    def batch(self) -> int:
        """Number of samples."""
        return self.output.shape[0]

    def dense_code(self) -> Tensor:
        """The code [batch, width]."""
        return self.values if self.pattern is None else self.pattern.put(self.values)

    @torch.no_grad()
    def counts(self) -> Tensor:
        """How many samples each latent is active on [width]."""
        on = self.values > 0
        if self.pattern is None:
            return on.sum(0)
        return torch.bincount(self.pattern.columns[on], minlength=self.pattern.shape[1])


def dense_pass(sae: SAE, u: Tensor) -> Pass:
    """Every latent by dense matrix products, differentiated by autograd; u [batch, d_in] scaled."""
    code = sae.activation(linear(u, sae.W_enc, sae.b_enc))
    return Pass(_add_skip(sae, u, code @ sae.W_dec + sae.b_dec), code)


def sparse_pass(sae: SAE, u: Tensor) -> Pass:
    """One dense product without a graph, all else on the active latents; u [batch, d_in] scaled."""
    with torch.no_grad():
        z = linear(u, sae.W_enc, sae.b_enc)
        pattern = sae.activation.active(z)  # type: ignore[operator]
    values = sae.activation.value(  # type: ignore[operator]
        encode_active(u, sae.W_enc, sae.b_enc, z, pattern)
    )
    output = decode_active(values, sae.W_dec, pattern) + sae.b_dec
    return Pass(_add_skip(sae, u, output), values, pattern)


def _add_skip(sae: SAE, u: Tensor, output: Tensor) -> Tensor:
    return output if sae.W_skip is None else output + linear(u, sae.W_skip)
