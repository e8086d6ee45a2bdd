"""Training, one step at a time."""

import math
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.adam import Adam
from neglog.sae.batchtopk import BatchTopK
from neglog.sae.control import Control, FixedStrength, NoiseStrength, TargetL0
from neglog.sae.dead import DEAD_AFTER, AuxK, resample
from neglog.sae.jumprelu import JumpReLU
from neglog.sae.kernels import CROSSOVER
from neglog.sae.loss import CompiledPenalty, penalty_value, reconstruction
from neglog.sae.model import SAE
from neglog.sae.passes import dense_pass, sparse_pass
from neglog.sae.prebias import pre_bias
from neglog.sae.processes import SOLO, Processes
from neglog.sae.proximal import Prox
from neglog.sae.selection import Scratch

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

    One of `strength`, `target_l0` and `lam` goes with a penalty (`lam`: c = 2σ²λ, with σ = `noise`
    in units of the data, or estimated); with penalty None (TopK) none. `steps` is where the
    learning rate ends (None: constant). `sparse` chooses the pass on active latents: True, False,
    or None for whichever is faster at the density of the step before.

    `pre_bias` takes the decoder's bias off the input (see `prebias`). `auxk` trains latents silent
    for `dead_after` tokens on what the others leave over; `resample_every` starts them anew every
    so many steps of the first three quarters. `processes` share every batch: each gives `step` its
    part, and all end with the same weights.

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
        lam: float | None = None,
        noise: float | None = None,
        auxk: AuxK | None = None,
        resample_every: int | None = None,
        dead_after: int = DEAD_AFTER,
        seed: int = 0,
        processes: Processes = SOLO,
        pre_bias: bool = False,
    ) -> None:
        if not (lr > 0 and math.isfinite(lr)):
            raise InputError(f"The learning rate must be positive and finite, not {lr}.")
        if pre_bias and sae.d_in != sae.d_out:
            raise InputError("A pre-encoder bias needs an input as wide as the output.")
        self.pre_bias = pre_bias
        self.sae = sae.train()
        self.penalty = penalty
        self.control = _control(sae, penalty, strength, target_l0, lam, noise, warmup)
        self.lr, self.steps, self.warmup, self.decay = lr, steps, warmup, decay
        self.sparse = sparse
        self.auxk, self.resample_every, self.dead_after = auxk, resample_every, dead_after
        self.seed, self.processes = seed, processes
        if isinstance(sae.activation, BatchTopK):
            sae.activation.processes = processes
        parameters = dict(sae.named_parameters())
        if isinstance(penalty, torch.nn.Module):
            learned = penalty.named_parameters()
            parameters |= {f"penalty.{n}": p for n, p in learned if p.requires_grad}
        self.adam = Adam(parameters)
        self.scratch = Scratch()
        self.step_number = 0
        self.tokens = 0
        self.density = sae.activation.density(sae.width)  # type: ignore[operator]
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
        strength = self.control.at(self.step_number)
        if isinstance(self.sae.activation, Prox):
            self.sae.activation.strength.fill_(strength)
        done = (
            sparse_pass(self.sae, u, self.scratch) if self._sparse(u) else dense_pass(self.sae, u)
        )
        error = reconstruction(done.output, target)
        # Columns have norm 1; all that the norms would add to the gradient is parallel to the
        # columns and removed below.
        penalty = error.new_zeros(()) if self.penalty is None else penalty_value(self.penalty, done)
        loss = error + strength * penalty if strength else error
        counts = done.counts()
        tokens = len(x) * self.processes.count
        sums = torch.stack([loss.detach(), error.detach(), penalty.detach()]).double()
        means = self.processes.sum_(sums) / self.processes.count
        total, squares, size = (float(v) for v in means)
        if not math.isfinite(total):
            raise InputError(
                f"The loss is {total} at step {self.step_number + 1}: the penalty overflows "
                "or training diverges; try the penalty's logarithm or a lower learning rate."
            )
        residual = (target - done.output).detach()
        dead = self.dead_latents() if self.auxk or self._resampling() else None
        if self.auxk is not None and dead is not None and len(dead):
            loss = loss + self.auxk.loss(self.sae, u, residual, dead)
        self.adam.zero_grad()
        loss.backward()
        self.processes.mean_gradients(self.adam.parameters.values())
        self._descend()

        counts = self.processes.sum_(counts)
        l0 = int(counts.sum()) / tokens
        self.density = l0 / self.sae.width
        self.silent.add_(tokens).masked_fill_(counts > 0, 0)
        self.control.update(l0, squares, size)
        if dead is not None and self._resampling():
            resample(self, u, residual, dead)
        self.step_number += 1
        self.tokens += tokens
        return {
            "loss": total,
            "reconstruction": squares,
            "penalty": size,
            "strength": strength,
            "l0": l0,
        }

    @torch.no_grad()
    def restart(self) -> None:
        """Take the weights as they are now, changed from outside, as where training starts."""
        for name, p in self.adam.parameters.items():
            self.adam.masters[name].copy_(p)

    def _sparse(self, u: Tensor) -> bool:
        if u.dtype not in (torch.float32, torch.float64):
            return False  # the sparse products are written for these
        if self.sparse is not None:
            return self.sparse
        if self.step_number == 0 and self.density == 1.0:
            self.density = self.processes.agree(self._look(u[:64]))
        return self.density < CROSSOVER

    @torch.no_grad()
    def _look(self, u: Tensor) -> float:
        """The density of the code of a few rows."""
        code = self.sae.activation(torch.addmm(self.sae.b_enc, u, self.sae.W_enc.T))
        return float((code > 0).double().mean())

    def _resampling(self) -> bool:
        """Whether dead latents start anew at the end of this step."""
        every = self.resample_every
        if not every or (self.step_number + 1) % every:
            return False
        return self.steps is None or self.step_number + 1 <= 0.75 * self.steps

    @torch.no_grad()
    def _descend(self) -> None:
        """Adam along the unit sphere of each dictionary column."""
        self.adam.collect()
        weight = self.adam.masters["W_dec"]
        assert weight.grad is not None
        parallel = (weight.grad * weight).sum(1, keepdim=True)
        weight.grad.addcmul_(parallel, weight, value=-1)
        factor = learning_rate(self.step_number, self.steps, self.warmup, self.decay)
        with pre_bias(self.adam.masters) if self.pre_bias else nullcontext():
            self.adam.step(self.lr * factor)
        if isinstance(self.control, TargetL0) and isinstance(self.sae.activation, JumpReLU):
            self.adam.masters["activation.log_threshold"].add_(self.control.threshold_step())
        weight.div_(weight.norm(dim=1, keepdim=True).clamp_min(1e-12))
        self.adam.publish()

    def dead_latents(self) -> Tensor:
        """The latents silent for at least the last `dead_after` tokens."""
        return (self.silent >= self.dead_after).nonzero().squeeze(1)

    def dead(self, tokens: int | None = None) -> float:
        """Fraction of latents silent for at least the last `tokens` (`dead_after`) tokens."""
        tokens = self.dead_after if tokens is None else tokens
        return float((self.silent >= tokens).double().mean())

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that the next step depends on: tensors, and numbers that JSON keeps exactly."""
        tensors = {f"sae.{name}": t for name, t in self.sae.state_dict().items()}
        tensors |= {f"adam.{name}": t for name, t in self.adam.state().items()}
        tensors["silent"] = self.silent
        if isinstance(self.penalty, torch.nn.Module):
            found = self.penalty.state_dict()
            tensors |= {f"penalty.{name}": t for name, t in found.items()}
        numbers = {name: getattr(self, name) for name in ("step_number", "tokens", "density")}
        return tensors, {**numbers, "control": self.control.state()}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Take back a `state`; the next step is then the one that would have followed."""

        def part(prefix: str) -> dict[str, Tensor]:
            n = len(prefix)
            return {name[n:]: t for name, t in tensors.items() if name.startswith(prefix)}

        self.sae.load_state_dict(part("sae."))
        if isinstance(self.penalty, torch.nn.Module):
            self.penalty.load_state_dict(part("penalty."))
        self.adam.restore(part("adam."))
        self.silent.copy_(tensors["silent"])
        for name in ("step_number", "tokens", "density"):
            setattr(self, name, numbers[name])
        vars(self.control).update(numbers["control"])


def _control(
    sae: SAE,
    penalty: Any,
    strength: float | None,
    target_l0: float | None,
    lam: float | None,
    noise: float | None,
    warmup: int,
) -> Control:
    given = [value for value in (strength, target_l0, lam) if value is not None]
    if noise is not None and lam is None:
        raise InputError("The noise goes with lam, the strength of the prior.")
    if penalty is None:
        if given:
            raise InputError("Without a penalty there is no strength or target L0 to set.")
        return FixedStrength(1.0)
    if len(given) != 1:
        raise InputError("With a penalty give either its strength or a target L0 (or lam).")
    if lam is not None:
        scaled = None if noise is None else noise / float(sae.out_scale)
        return NoiseStrength(lam, sae.d_out, scaled, warmup)
    if strength is not None:
        return FixedStrength(strength, warmup)
    assert target_l0 is not None
    if target_l0 >= sae.width:
        raise InputError(f"A target L0 of {target_l0:g} must be below the width {sae.width}.")
    if isinstance(sae.activation, JumpReLU):
        return TargetL0.for_thresholds(target_l0)
    return TargetL0(target_l0)
