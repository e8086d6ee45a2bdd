"""The pre-encoder bias: training as if the decoder's bias were taken off the input.

a = act((u − b_dec) W_encᵀ + b̃) + … is the same model as a = act(u W_encᵀ + b_enc), with
b_enc = b̃ − W_enc b_dec, but other coordinates for Adam: a step of b_dec moves every pre-activation
(Bricken et al., 2023, Towards monosemanticity). The model keeps b_enc; only the descent is in b̃.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def pre_bias(parameters: Mapping[str, nn.Parameter]) -> Iterator[None]:
    """Inside, b_enc [m] holds b̃ and the gradients are those by (W_enc, b̃, b_dec)."""
    weight, bias, offset = (parameters[name] for name in ("W_enc", "b_enc", "b_dec"))
    assert weight.grad is not None
    assert bias.grad is not None
    assert offset.grad is not None
    with torch.no_grad():
        offset.grad.addmv_(weight.T, bias.grad, alpha=-1)
        weight.grad.addr_(bias.grad, offset, alpha=-1)
        bias.addmv_(weight, offset)
        yield
        bias.addmv_(weight, offset, alpha=-1)
