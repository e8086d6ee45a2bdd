"""From a penalty as the user writes it to the callable that a trainer minimises."""

import types
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from neglog.priors.errors import InputError
from neglog.sae.loss import CompiledPenalty


def as_penalty(penalty: Any) -> Any:
    """An expression as a `Penalty` on [0, ∞), anything else as it is."""
    if isinstance(penalty, str):
        import neglog

        return neglog.penalty(penalty, domain="positive")
    return penalty


def compiled(
    penalty: Any, learn: Sequence[str] = (), params: Mapping[str, float] | None = None
) -> CompiledPenalty | None:
    """The compiled penalty on [0, ∞) of an expression, a `Penalty`, or one compiled already.

    `learn` names numbers to be trained (`lam`, `scale` or parameters): then it is the prior's
    −log p with its normaliser, and `params` may hold `lam` (2 if not given), `scale` and the rest.

    Raises InputError for what is no penalty, a missing parameter, or a prior that is improper.
    """
    if penalty is None:
        return None
    params = dict(params or {})
    penalty = as_penalty(penalty)
    ready = isinstance(penalty, torch.nn.Module) or not hasattr(penalty, "compile")
    if ready and (learn or params):
        raise InputError("Parameters go with an expression or a Penalty, not a compiled one.")
    if learn:
        given = {"lam": 2.0, "scale": 1.0, **params}
        penalty = penalty.prior().compile("torch", learn=tuple(learn), **given)
    elif not ready:
        penalty = penalty.compile("torch", **params)
    if not callable(penalty):
        raise InputError(f"A penalty is an expression or a Penalty, not {type(penalty).__name__}.")
    result: CompiledPenalty = penalty
    return result


def describe(penalty: Any) -> str | None:
    """The penalty in words, for config.json."""
    if isinstance(penalty, types.FunctionType):
        return f"{penalty.__module__}.{penalty.__qualname__}"  # its repr changes from run to run
    return None if penalty is None else str(getattr(penalty, "expr", penalty))


def learned(penalty: CompiledPenalty | None) -> dict[str, float]:
    """The present values of the numbers that are trained, by name; `lam` for a prior's strength."""
    body = getattr(penalty, "body", penalty)
    found = {}
    for name in getattr(body, "learn", ()):
        shown = "lam" if name == "strength" and body is not penalty else name
        found[shown] = float(getattr(body, f"log_{name}").detach().exp())
    return found
