"""A small SAE trained on planted inputs: the dictionary and encoder whose codes are judged."""

from __future__ import annotations

from typing import Any

from neglog.validation.planted.data import Planted

#: What is trained with: the penalty (None: TopK). Each is steered to the planted L0.
PENALTIES: dict[str, str | None] = {"L1": "abs(a)", "log(1+|a|)": "log(1+abs(a))", "TopK": None}
STEPS, BATCH, RATE = 1_000, 1_024, 4e-3


def train_on(planted: Planted, penalty: str, seed: int = 0, steps: int = STEPS) -> Any:
    """An SAE as wide as what was planted, at its L0; ``penalty`` is a name of ``PENALTIES``."""
    from neglog.sae import train

    expression, design = PENALTIES[penalty], planted.design
    how: dict[str, Any] = (
        {"activation": "topk", "k": max(1, round(design.l0))}
        if expression is None
        else {"penalty": expression, "target_l0": design.l0}
    )
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
