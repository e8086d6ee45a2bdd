"""Where a training starts if the user does not say; the measurements are in docs/training.md."""

import torch

from neglog.sae.loss import CompiledPenalty

#: Kind of code → norm of the encoder's rows; 1 for the others. A shorter encoder kills latents of
#: ReLU.
_NORMS = {"topk": 0.5, "batchtopk": 0.5}
#: A slope at _NEAR below this part of the slope at 1 is no kink.
_NEAR, _KINK = 1e-6, 1e-3


def encoder_norm(activation: str) -> float:
    """The norm of the encoder's rows at the start."""
    return _NORMS.get(activation, 1.0)


def pre_bias(activation: str, penalty: CompiledPenalty | None, width: int, device: str) -> bool:
    """Whether an autoencoder is better trained with the decoder's bias taken off the input.

    A ReLU code is where its penalty has a kink at 0. Without one the penalty holds no code at 0:
    more strength makes codes small, not sparse, and with the bias off L0 runs away from its target.
    """
    if activation == "relu":
        return penalty is not None and kinked(penalty, width, device)
    return activation in ("topk", "batchtopk")


def kinked(penalty: CompiledPenalty, width: int, device: str = "cpu") -> bool:
    """Whether φ′(0⁺) > 0 in one of `width` latents, the others being 0."""
    a = torch.zeros(2, width, device=device)
    a[:, 0] = torch.tensor([_NEAR, 1.0])
    (slope,) = torch.autograd.grad(penalty(a.requires_grad_()).sum(), a)
    near, far = slope[:, 0].tolist()
    return bool(near > _KINK * far)
