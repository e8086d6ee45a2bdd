"""Σφ over all values together with its gradient, in one pass over memory.

The forward pass reads a and writes φ'(a), already multiplied by the strength, while it adds up φ;
the backward pass hands that gradient over (scaled in place where the loss scales it). Nothing else
of the tensor's size is ever allocated.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

import sympy as sp
import torch
from torch import Tensor

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.large import LARGE
from neglog.derivations.compile.program import lower
from neglog.derivations.compile.torch_apply import HALF, Apply, narrow_enough
from neglog.derivations.compile.torch_chunks import Buffers, Planned, in_threads
from neglog.derivations.compile.torch_native import Kernel, build, source
from neglog.priors.errors import InputError
from neglog.priors.symbols import y


class Fused:
    """φ and φ' of one penalty as a single program for CPU tensors of one type."""

    def __init__(self, spec: Elementwise, kind: torch.dtype) -> None:
        slope = spec.partial(0)
        inner = torch.float32 if kind in HALF else kind
        if inner == torch.float32 and not (narrow_enough(spec) and narrow_enough(slope)):
            inner = torch.float64
        self.inner, self.spec = inner, spec
        self.unbounded = slope.unbounded
        forms = [spec.right.form, slope.right.form]
        self.planned = Planned(lower([y], forms), inner)
        usual = [f.xreplace({y < LARGE: sp.true}) for f in forms]
        self.usual = self.planned if usual == forms else Planned(lower([y], usual), inner)
        self.kind = kind
        self.kernel: Kernel | None = None
        self.zero = torch.zeros((), dtype=inner)

    def make_native(self) -> None:
        """Compile the pass to machine code.

        Raises:
            InputError: no compiler, a half type, or a function that libm does not have.
        """
        names = {torch.float32: "float", torch.float64: "double"}
        if self.kind not in names:
            raise InputError(f"native code is for float32 and float64, not {self.kind}.")
        programs = (self.planned.program, self.usual.program)
        text = source(*programs, names[self.kind], names[self.inner], self.spec.left is None)
        self.kernel = build(text)

    @staticmethod
    def serves(spec: Elementwise, a: Tensor) -> bool:
        """Whether one fused program computes it: one half line, no twofold arithmetic, a CPU."""
        if spec.symbols or (spec.left is not None and not spec.even):
            return False
        parts = (spec, spec.partial(0))
        lost = any(p.folded if a.dtype == torch.float64 else p.lost for p in parts)
        plain = type(a) is Tensor and a.device.type == "cpu" and a.is_contiguous()
        return plain and not lost and not torch.compiler.is_compiling()

    def piece(
        self, x: Tensor, scale: float, weight: float, out: Tensor | None, held: Buffers
    ) -> Tensor:
        """Σφ(x/scale) of a piece, and weight·φ'(x/scale) into ``out``."""
        size = x.numel()
        u, side = held.take(True, -1, size), held.take(True, -2, size)
        u.copy_(x)
        if scale != 1.0:
            u.div_(scale)
        if self.spec.left is None:
            torch.clamp_min(u, 0, out=side)
            if self.unbounded:
                side.abs_()  # −0 is 0, not a pole of the other sign
        else:
            torch.abs(u, out=side)
        planned = self.planned
        if self.usual is not planned and float(side.max()) < float(LARGE):
            planned = self.usual  # without the branches for values that are not there
        value, slope = planned([side], held)
        total = value.sum() if value.ndim else value * size
        if out is None:
            return total
        if self.spec.left is None:
            apart = torch.lt(u, 0, out=held.take(False, -1, size))
            torch.where(apart, self.zero, slope, out=side)
        else:
            torch.sign(u, out=u)
            if self.unbounded:
                rest = torch.eq(u, 0, out=held.take(False, -1, size))
                torch.mul(u, slope, out=side).masked_fill_(rest, 0)
            elif slope.ndim == 0 and out.dtype == self.inner:
                torch.mul(u, slope * weight, out=out)
                return total
            else:
                torch.mul(u, slope, out=side)
        out.copy_(side if weight == 1.0 else side.mul_(weight))
        return total

    def run(
        self, a: Tensor, scale: float, strength: float, slope: bool
    ) -> tuple[Tensor, Tensor | None]:
        """(strength·Σφ(a/scale), its gradient where ``slope``)."""
        out = torch.empty_like(a) if slope else None
        if self.kernel is not None and out is not None:
            return self._native(a, out, scale, strength), out
        flat, to = a.detach().view(-1), None if out is None else out.view(-1)
        parts = in_threads(
            a.numel(),
            self.inner,
            lambda piece, held: self.piece(
                flat[piece], scale, strength / scale, None if to is None else to[piece], held
            ),
        )
        total = torch.stack(parts).sum(dtype=torch.float64) if parts else torch.zeros(())
        return (strength * total).to(a.dtype), out

    def _native(self, a: Tensor, out: Tensor, scale: float, strength: float) -> Tensor:
        """The compiled pass, each thread on its share."""
        kernel, size, workers = self.kernel, a.element_size(), torch.get_num_threads()
        assert kernel is not None
        share = -(-a.numel() // workers)
        starts = range(0, a.numel(), max(share, 1))

        def part(start: int) -> float:
            count = min(share, a.numel() - start)
            read, write = (t.data_ptr() + start * size for t in (a, out))
            return kernel(read, write, count, scale, strength / scale)

        with ThreadPoolExecutor(workers) as pool:
            return torch.tensor(strength * sum(pool.map(part, starts)), dtype=a.dtype)


_FUSED: WeakKeyDictionary[Elementwise, dict[torch.dtype, Fused]] = WeakKeyDictionary()


def fused(spec: Elementwise, dtype: torch.dtype) -> Fused:
    """The fused program, made once."""
    made = _FUSED.setdefault(spec, {})
    if dtype not in made:
        made[dtype] = Fused(spec, dtype)
    return made[dtype]


class Total(torch.autograd.Function):
    """strength·Σφ(a/scale) with the gradient computed in the forward pass."""

    @staticmethod
    def forward(ctx: Any, spec: Elementwise, a: Tensor, scale: float, strength: float) -> Tensor:
        total, ctx.slope = fused(spec, a.dtype).run(a, scale, strength, ctx.needs_input_grad[1])
        ctx.spec, ctx.scale, ctx.strength = spec, scale, strength
        ctx.save_for_backward(a)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None, None]:
        if torch.is_grad_enabled():  # a second derivative is wanted: through the graph
            (a,) = ctx.saved_tensors
            slope = Apply.apply(ctx.spec.partial(0), a / ctx.scale)
            return None, gradient * (ctx.strength / ctx.scale) * slope, None, None
        slope, ctx.slope = ctx.slope, None  # given away: it becomes the gradient itself
        if slope is None:
            (a,) = ctx.saved_tensors
            _, slope = fused(ctx.spec, a.dtype).run(a, ctx.scale, ctx.strength, True)
        return None, slope if gradient.item() == 1 else slope.mul_(gradient), None, None
