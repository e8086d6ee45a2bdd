"""A small SAE trained on planted inputs: the dictionary and encoder whose codes are judged."""

from __future__ import annotations

from typing import Any

from neglog.validation.planted.data import Planted

#: What is trained with, each steered to the planted L0: the penalty whose bias can be inverted.
PENALTIES: dict[str, str | None] = {
    "L1": "abs(a)",
    "log(1+|a|)": "log(1+abs(a))",
    "TopK": None,
    "JumpReLU": None,
}
STEPS, BATCH, RATE = 1_500, 1_024, 4e-3


def train_on(planted: Planted, penalty: str, seed: int = 0, steps: int = STEPS) -> Any:
    """An SAE as wide as what was planted, at its L0; ``penalty`` is a name of ``PENALTIES``."""
    from neglog.sae import train

    expression, design = PENALTIES[penalty], planted.design
    how: dict[str, Any] = {"penalty": expression, "target_l0": design.l0}
    if penalty == "TopK":
        how = {"activation": "topk", "k": max(1, round(design.l0))}
    elif penalty == "JumpReLU":
        how = {"activation": "jumprelu", "target_l0": design.l0}
    return train(
        planted.x,
        design.features,
        steps=steps,
        batch=BATCH,
        lr=RATE,
        seed=seed,
        progress=False,
        eval_every=steps,
        **how,
    )
