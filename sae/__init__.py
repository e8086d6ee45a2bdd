"""Sparse autoencoders: harvest activations, train on them, save and load.

Everything is loaded on first use, so that importing this imports no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neglog.sae.checkpoint import load, save
    from neglog.sae.data import open_activations
    from neglog.sae.evaluation import evaluate
    from neglog.sae.harvesting import harvest
    from neglog.sae.model import SAE
    from neglog.sae.run import train
    from neglog.sae.trainer import Trainer

_WHERE = {
    "SAE": "model",
    "Trainer": "trainer",
    "evaluate": "evaluation",
    "harvest": "harvesting",
    "load": "checkpoint",
    "open_activations": "data",
    "save": "checkpoint",
    "train": "run",
}

__all__ = [
    "SAE",
    "Trainer",
    "evaluate",
    "harvest",
    "load",
    "open_activations",
    "save",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"neglog.sae.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'neglog.sae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
