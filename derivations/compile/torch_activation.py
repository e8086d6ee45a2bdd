"""A proximal map as an activation function with a learned strength or threshold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neglog.derivations.compile.loops import EAGER
from neglog.derivations.compile.prox import ProxPair
from neglog.derivations.compile.threshold import Threshold, strength_at, threshold
from neglog.derivations.compile.torch_apply import HALF, Apply
from neglog.derivations.compile.torch_backend import TABLE
from neglog.derivations.compile.torch_chunks import in_pieces
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty


class Activation(nn.Module):
    """x ↦ prox_{cφ}(x) = argmin_z ½(z − x)² + cφ(z), elementwise: the activation φ implies.

    L1 gives the shifted ReLU max(x − c, 0) (on the real domain: soft threshold), L0 the hard
    threshold x·[x > √(2c)], log(1+|a|) with c > 1 a threshold t at which it jumps to J > 0.

    Gradients: ∂z/∂x = 1/(1 + cφ''(z)) and ∂z/∂c = −φ'(z)/(1 + cφ''(z)) where z ≠ 0, both 0 where
    z = 0. At a jump the derivative in c holds −J·δ(|x| − t)·dt/dc = −φ(J)·δ(|x| − t), in place of
    which stands the surrogate −φ(J)·[||x| − t| < w/2]/w, w the ``bandwidth``, as JumpReLU's
    straight-through estimator has it (Rajamanoharan et al., 2024); x gets no such term.

    Attributes:
        penalty: the symbolic penalty.
        bandwidth: w > 0.
        log_strength, log_threshold: the learned parameter, whichever was asked for (its exponential
            is positive), of shape [] or [features].
    """

    def __init__(
        self,
        penalty: Penalty,
        pair: ProxPair,
        strength: float,
        learn: Sequence[str],
        features: int | None,
        bandwidth: float,
    ) -> None:
        super().__init__()
        self.penalty, self.bandwidth, self.learn = penalty, bandwidth, tuple(learn)
        self._pair = pair
        self._solve = pair.bind(TABLE, EAGER)
        start = np.full(() if features is None else (features,), strength)
        self._strength = torch.tensor(start)
        if "threshold" in learn:
            at = threshold(pair.spec, start).at
            if not (at > 0).all():
                raise InputError(f"the map of {penalty} has no threshold: its slope at 0 is 0.")
            self.log_threshold = nn.Parameter(torch.tensor(np.log(at)).float())
        elif "strength" in learn:
            self.log_strength = nn.Parameter(torch.tensor(np.log(start)).float())

    def __deepcopy__(self, memo: dict[int, Any]) -> Activation:
        for shared in (self._pair, self._solve, self.penalty):
            memo[id(shared)] = shared  # symbolic and immutable
        copied = self.__class__.__new__(self.__class__)
        memo[id(self)] = copied
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    @property
    def strength(self) -> Tensor:
        """c > 0, a tensor of shape [] or [features], with its gradient where it is learned."""
        if "threshold" in self.learn:
            at = self.log_threshold.exp()
            found = strength_at(self._pair.spec, at.detach().double().cpu().numpy())
            c, rate = (torch.as_tensor(v, device=at.device) for v in (found.strength, found.rate))
            return c.to(at.dtype) + (at - at.detach()) / rate.to(at.dtype)
        return self.log_strength.exp() if "strength" in self.learn else self._strength

    @property
    def threshold(self) -> Tensor:
        """t, where the map leaves 0, without a gradient."""
        return torch.as_tensor(self._at(self.strength).at)

    def _at(self, strength: Tensor) -> Threshold:
        return threshold(self._pair.spec, strength.detach().double().cpu().numpy())

    def forward(self, x: Tensor) -> Tensor:
        """prox(x) [..., m], of the shape and dtype of ``x``; [features] broadcast on the last axis.

        Raises:
            InputError: ``x`` is not floating point.
        """
        if not x.is_floating_point():
            raise InputError(f"an activation takes floating-point numbers, not {x.dtype}.")
        return Activate.apply(self, x, self.strength)

    def extra_repr(self) -> str:
        return f"{self.penalty}, domain={self.penalty.domain}, learn={list(self.learn)}"


class Activate(torch.autograd.Function):
    """prox(x; c) with the derivatives that :class:`Activation` states."""

    @staticmethod
    def forward(ctx: Any, module: Activation, x: Tensor, strength: Tensor) -> Tensor:
        inner = torch.float32 if x.dtype in HALF else torch.float64

        def solve(part: Tensor, c: Tensor) -> Tensor:
            return module._solve(part.to(inner), c.to(inner)).to(x.dtype)

        z = in_pieces(solve, x, strength.expand_as(x))
        ctx.module = module
        ctx.save_for_backward(x, strength, z)
        return z

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor | None]:
        x, strength, z = ctx.saved_tensors
        module, c = ctx.module, strength.to(z.dtype)
        spec = module._pair.spec
        slope, active = spec.partial(0), z != 0
        bend = 1 + c * Apply.apply(slope.partial(0), z)
        to_x = torch.where(active, gradient / bend, 0.0)
        if not ctx.needs_input_grad[2]:
            return None, to_x, None
        rates = torch.where(active, -Apply.apply(slope, z) / bend, 0.0)
        found = module._at(strength)
        landing = torch.as_tensor(found.landing, device=x.device, dtype=x.dtype)
        at = torch.as_tensor(found.at, device=x.device, dtype=x.dtype)
        place = x if spec.left is None else x.abs()
        near = (place - at).abs() < module.bandwidth / 2
        lost = Apply.apply(spec, landing)
        sign = x.sign() if spec.left is not None else torch.ones_like(x)
        rates = rates - torch.where(near & (landing > 0), sign * lost / module.bandwidth, 0.0)
        return None, to_x, (gradient * rates).sum_to_size(strength.shape).to(strength.dtype)
