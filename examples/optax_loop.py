"""Sparse coding in JAX with optax: codes and the penalty's scale learned together.

pip install neglog[jax] optax
python examples/optax_loop.py
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

import neglog


def train(steps: int = 200) -> tuple[list[float], float]:
    """(loss at each step, the learned scale)."""
    keys = jax.random.split(jax.random.key(0), 3)
    directions = jax.random.normal(keys[0], (64, 32))
    directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)
    active = jax.random.bernoulli(keys[1], 0.05, (256, 64))
    x = (active * jax.random.exponential(keys[2], (256, 64))) @ directions

    prior = neglog.prior("lomax").compile("jax", lam=4.0, scale=1.0, learn=("scale",))
    params = {"code": jnp.full((256, 64), 0.01), "prior": prior.params}  # a pytree

    def loss(params: dict[str, Any]) -> jax.Array:
        rest = jnp.square(x - params["code"] @ directions).sum(-1).mean()
        return rest + 0.02 * prior(params["code"], params["prior"]).sum(-1).mean()

    optimiser = optax.adam(1e-2)
    state = optimiser.init(params)

    @jax.jit
    def step(params: dict[str, Any], state: Any) -> tuple[dict[str, Any], Any, jax.Array]:
        value, slopes = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    losses = []
    for _ in range(steps):
        params, state, value = step(params, state)
        losses.append(float(value))
    return losses, float(jnp.exp(params["prior"]["log_scale"]))


if __name__ == "__main__":
    losses, scale = train()
    print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}, scale {scale:.3f}")
