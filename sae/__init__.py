"""Sparse autoencoders: harvest activations, train on them, save and load.

Everything is loaded on first use, so that importing this imports no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neglog.sae.checkpoint import load, save
    from neglog.sae.data import open_activations
    from neglog.sae.dead import AuxK
    from neglog.sae.downstream import fidelity
    from neglog.sae.evaluation import evaluate, shrinkage
    from neglog.sae.folding import fold
    from neglog.sae.formats import export, import_sae
    from neglog.sae.harvesting import harvest
    from neglog.sae.model import SAE
    from neglog.sae.run import train
    from neglog.sae.trainer import Trainer

_WHERE = {
    "AuxK": "dead",
    "SAE": "model",
    "Trainer": "trainer",
    "evaluate": "evaluation",
    "export": "formats",
    "fidelity": "downstream",
    "fold": "folding",
    "harvest": "harvesting",
    "import_sae": "formats",
    "load": "checkpoint",
    "open_activations": "data",
    "save": "checkpoint",
    "shrinkage": "evaluation",
    "train": "run",
}

__all__ = [
    "SAE",
    "AuxK",
    "Trainer",
    "evaluate",
    "export",
    "fidelity",
    "fold",
    "harvest",
    "import_sae",
    "load",
    "open_activations",
    "save",
    "shrinkage",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"neglog.sae.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'neglog.sae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
