"""From a structured penalty to a callable of torch, jax or numpy, imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from neglog.derivations.compile.arguments import BACKENDS, positive
from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured
from neglog.priors.structured.supports import FixedSupport, SharedThreshold


def compile_structured(penalty: Structured, backend: str, strength: float, scale: float) -> Any:
    """strength·(φ(a/scale) − φ(0)) as a differentiable callable.

    Raises:
        InputError: an unknown backend or one that is not installed, a non-positive number, or a
            hard constraint on the support.
    """
    if backend not in BACKENDS:
        raise InputError(f"the backend {backend!r} is not one of: {', '.join(BACKENDS)}.")
    if isinstance(penalty, FixedSupport | SharedThreshold):
        raise InputError(
            f"{penalty} is a hard constraint on the support and has no smooth penalty; train with "
            "the activation topk or batchtopk instead."
        )
    strength, scale = positive("strength", strength), positive("scale", scale)
    try:
        side = import_module(f"neglog.derivations.structured.{backend}_side")
    except ModuleNotFoundError as error:
        if error.name == backend:
            raise InputError(
                f"the {backend} backend needs {backend}: pip install 'neglog[{backend}]'."
            ) from None
        raise
    return side.build(penalty, strength, scale)
