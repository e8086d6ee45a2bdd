"""Fit priors to feature activations, test independence, compare with controls."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neglog.validation.codes import Codes, read_codes
    from neglog.validation.fitting import fit

_WHERE = {
    "Codes": "codes",
    "read_codes": "codes",
    "fit": "fitting",
}

__all__ = ["Codes", "fit", "read_codes"]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"neglog.validation.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'neglog.validation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
