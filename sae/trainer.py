"""Training, one step at a time."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from neglog.priors.errors import InputError
from neglog.sae.control import FixedStrength, TargetL0
from neglog.sae.kernels import CROSSOVER
from neglog.sae.loss import CompiledPenalty, penalty_value, reconstruction
from neglog.sae.model import SAE
from neglog.sae.passes import dense_pass, sparse_pass

#: Where the learning rate ends, relative to its full value: at 0 the strength could not hold L0.
FLOOR = 0.1


def learning_rate(step: int, steps: int | None, warmup: int, decay: float) -> float:
    """Factor on the learning rate at `step` of `steps`: linear warm-up, flat, linear down.

    The last `decay` of the steps go down to FLOOR; with steps None there is no end to go down to.
    """
    up = min(1.0, (step + 1) / (warmup + 1))
    if steps is None or decay == 0:
        return up
    return up * min(1.0, max(FLOOR, (steps - step) / (decay * steps)))


class Trainer:
    """Minimises ‖x − x̂‖² + strength · penalty(a) by Adam, in scaled units, on unit-norm columns.

    Either `strength` or `target_l0` goes with a penalty; with penalty None (TopK) neither.
    `steps` is where the learning rate ends (None: constant). `sparse` chooses the pass on active
    latents: True, False, or None for whichever is faster at the density of the step before.

    Raises InputError for a strength or a target that is missing, in vain, or out of range; a step
    raises it if its loss is not finite, before any weight has changed.
    """

    def __init__(
        self,
        sae: SAE,
        penalty: CompiledPenalty | None = None,
        strength: float | None = None,
        target_l0: float | None = None,
        lr: float = 1e-3,
        steps: int | None = None,
        warmup: int = 20,
        decay: float = 0.3,
        sparse: bool | None = None,
    ) -> None:
        if not (lr > 0 and math.isfinite(lr)):
            raise InputError(f"The learning rate must be positive and finite, not {lr}.")
        self.sae = sae.train()
        self.penalty = penalty
        self.control = _control(penalty, strength, target_l0, sae.width, warmup)
        self.lr, self.steps, self.warmup, self.decay = lr, steps, warmup, decay
        self.sparse = sparse
        parameters: list[Tensor] = list(sae.parameters())
        if isinstance(penalty, torch.nn.Module):
            parameters += [p for p in penalty.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, lr=lr, betas=(0.9, 0.999), fused=True)
        self.step_number = 0
        self.tokens = 0
        self.density = 1.0
        #: Tokens since each latent was last active [width].
        self.silent = torch.zeros(sae.width, dtype=torch.long, device=sae.W_enc.device)

    def step(self, x: Tensor, y: Tensor | None = None) -> dict[str, float]:
        """One step on raw activations x [batch, d_in], towards x or the target y [batch, d_out].

        Returns loss, reconstruction and penalty (means over samples; penalty without the
        strength), strength, l0.
        """
        with torch.no_grad():
            u = self.sae.scaled(x)
            target = self.sae.scaled_target(x if y is None else y)
        sparse = self.density < CROSSOVER if self.sparse is None else self.sparse
        done = sparse_pass(self.sae, u) if sparse else dense_pass(self.sae, u)
        error = reconstruction(done.output, target)
        strength = self.control.at(self.step_number)
        # Columns have norm 1; all that the norms would add to the gradient is parallel to the
        # columns and removed below.
        penalty = error.new_zeros(()) if self.penalty is None else penalty_value(self.penalty, done)
        loss = error + strength * penalty if strength else error
        if not math.isfinite(loss.item()):
            raise InputError(
                f"The loss is {loss.item()} at step {self.step_number + 1}: the penalty overflows "
                "or training diverges; try the penalty's logarithm or a lower learning rate."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._descend()

        counts = done.counts()
        l0 = int(counts.sum()) / len(x)
        self.density = l0 / self.sae.width
        self.silent.add_(len(x)).masked_fill_(counts > 0, 0)
        self.control.update(l0, error.item(), penalty.item())
        self.step_number += 1
        self.tokens += len(x)
        return {
            "loss": loss.item(),
            "reconstruction": error.item(),
            "penalty": penalty.item(),
            "strength": strength,
            "l0": l0,
        }

    @torch.no_grad()
    def _descend(self) -> None:
        """Adam along the unit sphere of each dictionary column."""
        weight = self.sae.W_dec
        assert weight.grad is not None
        parallel = (weight.grad * weight).sum(1, keepdim=True)
        weight.grad.addcmul_(parallel, weight, value=-1)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * learning_rate(
                self.step_number, self.steps, self.warmup, self.decay
            )
        self.optimizer.step()
        weight.copy_(normalize(weight, dim=1))

    def dead(self, tokens: int) -> float:
        """Fraction of latents silent for at least the last `tokens` tokens."""
        return float((self.silent >= tokens).double().mean())


def _control(penalty: Any, strength: float | None, target_l0: float | None, width: int, warmup: int
) -> FixedStrength | TargetL0:  # fmt: skip
    if penalty is None:
        if strength is not None or target_l0 is not None:
            raise InputError("Without a penalty there is no strength or target L0 to set.")
        return FixedStrength(1.0)
    if (strength is None) == (target_l0 is None):
        raise InputError("With a penalty give either its strength or a target L0.")
    if target_l0 is None:
        assert strength is not None
        return FixedStrength(strength, warmup)
    if target_l0 >= width:
        raise InputError(f"A target L0 of {target_l0:g} must be below the width {width}.")
    return TargetL0(target_l0)
