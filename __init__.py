"""neglog: every sparsity penalty is the negative log of a prior.

Write a penalty and get the prior it assumes; write or fit a prior and get the penalty; train a
sparse autoencoder with it; check whether the data agree.

Everything below is loaded on first use: importing neglog imports neither torch nor jax.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neglog import derivations, priors, sae, validation
    from neglog.derivations.api import penalty, prior
    from neglog.derivations.joint.tempering import tempered, tempered_to
    from neglog.priors.errors import InputError
    from neglog.priors.penalty import Penalty
    from neglog.priors.prior import Prior

__version__ = "0.1.0"

_WHERE = {
    "penalty": "neglog.derivations.api",
    "prior": "neglog.derivations.api",
    "Penalty": "neglog.priors.penalty",
    "Prior": "neglog.priors.prior",
    "InputError": "neglog.priors.errors",
    "tempered": "neglog.derivations.joint.tempering",
    "tempered_to": "neglog.derivations.joint.tempering",
}
_ROOMS = ("derivations", "priors", "sae", "validation")

__all__ = [
    "InputError",
    "Penalty",
    "Prior",
    "derivations",
    "penalty",
    "prior",
    "priors",
    "sae",
    "tempered",
    "tempered_to",
    "validation",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"neglog.{name}")
    raise AttributeError(f"module 'neglog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
