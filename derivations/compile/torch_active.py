"""Joint penalties on the active entries of sparse codes: O(active) in place of O(batch·features).

A sum is taken of f(aᵢ) − f(0) and a norm of aᵢ, so that zeros add nothing: both are sums over the
entries of each row. Values and gradients are those of the dense code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.torch_apply import HALF, Apply, ApplyOuter

ON_ENTRIES = ("sum", "norm")


def works(form: Joint) -> bool:
    """Whether every reduction is one that zeros add nothing to."""
    return all(r.kind in ON_ENTRIES for r in form.reductions)


def joint_on_entries(
    form: Joint, values: Tensor, rows: Tensor, batch: int, features: int, theta: list[Tensor]
) -> Tensor:
    """φ of each code [batch], from its non-zero entries ``values`` [n] in ``rows`` [n]."""
    inner = torch.float32 if values.dtype in HALF else torch.float64
    x, rows = values.to(inner), rows.long()
    d = torch.tensor(float(features), dtype=inner, device=values.device)
    numbers = [*[t.to(inner) for t in theta], d]
    reduced = []
    for reduction in form.reductions:
        if reduction.of is None:
            reduced.append(_norms(x, rows, batch))
        else:
            per_entry = Apply.apply(reduction.of, x, *numbers)
            reduced.append(x.new_zeros(batch).index_add(0, rows, per_entry))
    return ApplyOuter.apply(form.outer, *reduced, *numbers).to(values.dtype)


def _norms(x: Tensor, rows: Tensor, batch: int) -> Tensor:
    """‖·‖₂ of each row, without overflow; gradient 0 where a row is 0."""
    top = x.new_zeros(batch).scatter_reduce(0, rows, x.detach().abs(), "amax")
    top = torch.where((top == 0) | torch.isinf(top), torch.ones_like(top), top)
    squares = x.new_zeros(batch).index_add(0, rows, (x / top[rows]).square())
    safe = torch.where(squares == 0, torch.ones_like(squares), squares)
    return torch.where(squares == 0, torch.zeros_like(squares), safe.sqrt()) * top
