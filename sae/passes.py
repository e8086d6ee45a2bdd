"""One forward pass of an SAE for training, dense or on active latents only: same numbers."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear

from neglog.sae.jumprelu import JumpReLU
from neglog.sae.kernels import decode_active, encode_active
from neglog.sae.model import SAE
from neglog.sae.pattern import Pattern
from neglog.sae.selection import Scratch, select


@dataclass(frozen=True)
class Pass:
    """What a forward pass gives to the loss.

    `output` [batch, d_out] in scaled units. `values` is the dense code [batch, width] if
    `pattern` is None, else the code's entries [n] at `pattern`. Where an activation has a learned
    threshold, the code is max(z, 0)·gate: `pre` is z and `gate` H(z − θ), of the shape of `values`.
    """

    output: Tensor
    values: Tensor
    pattern: Pattern | None = None
    pre: Tensor | None = None
    gate: Tensor | None = None

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
    z = linear(u, sae.W_enc, sae.b_enc)
    if isinstance(sae.activation, JumpReLU):
        gate = sae.activation.gate(z)
        code = torch.relu(z) * gate
        return Pass(_add_skip(sae, u, code @ sae.W_dec + sae.b_dec), code, None, z, gate)
    code = sae.activation(z)
    return Pass(_add_skip(sae, u, code @ sae.W_dec + sae.b_dec), code)


def sparse_pass(sae: SAE, u: Tensor, scratch: Scratch | None = None) -> Pass:
    """One dense product without a graph, all else on the active latents; u [batch, d_in] scaled."""
    scratch = Scratch() if scratch is None else scratch
    act = sae.activation
    pattern, picked = select(u, sae.W_enc, sae.b_enc, act, scratch)
    z = encode_active(u, sae.W_enc, sae.b_enc, picked, pattern)
    if isinstance(act, JumpReLU):
        gate = act.gate(z, pattern.columns)
        values = torch.relu(z) * gate
        output = decode_active(values, sae.W_dec, pattern) + sae.b_dec
        return Pass(_add_skip(sae, u, output), values, pattern, z, gate)
    values = act.value(z, pattern.columns)  # type: ignore[operator]
    output = decode_active(values, sae.W_dec, pattern) + sae.b_dec
    return Pass(_add_skip(sae, u, output), values, pattern)


def _add_skip(sae: SAE, u: Tensor, output: Tensor) -> Tensor:
    return output if sae.W_skip is None else output + linear(u, sae.W_skip)
