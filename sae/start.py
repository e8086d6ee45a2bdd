"""Where training starts."""

import torch
from torch import Tensor
from torch.nn.functional import linear

from neglog.sae.control import Control, TargetL0
from neglog.sae.model import SAE

#: A steered run starts with this many times the wanted number of active features. The further
#: above the target it starts, the further the strength overshoots on the way down, which kills
#: latents: on MiniLM at L0 16 (width 1,536, 300 steps, log(1+|a|)) starts at 1, 1.5 and 6 ended
#: with 8%, 15% and 29% dead; from 1 the L0 swings more on the way.
EXCESS = 1.5


@torch.no_grad()
def set_bias(sae: SAE, x: Tensor, control: Control) -> None:
    """Encoder biases that make every latent active on the same share of x [n, d_in].

    The share is EXCESS · target / width: no latent starts dead, the code starts sparse (and a
    step fast) and L0 near its target. Without a target biases stay 0.
    """
    if not isinstance(control, TargetL0):
        return
    share = min(0.5, EXCESS * control.target / sae.width)
    z = linear(sae.scaled(x), sae.W_enc)
    rank = max(1, round(share * len(x)))
    floor = sae.activation.floor(sae.width)  # type: ignore[operator]
    sae.b_enc.copy_(floor - z.kthvalue(len(x) - rank + 1, dim=0).values)
