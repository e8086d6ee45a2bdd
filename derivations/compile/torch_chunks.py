"""Programs on large CPU tensors: piece by piece in each thread's cache, into buffers used again.

Every step of torch on a whole tensor is a trip to memory and a barrier between threads. Here each
thread takes pieces of 2¹⁵ values, small enough for torch to run a step without waking other threads
and for all temporaries to stay in cache, and takes a piece through the whole program before the
next. Memory is read once and written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from neglog.derivations.compile.program import Program
from neglog.derivations.compile.torch_backend import TABLE

PIECE = 1 << 15  # torch splits steps on more values than this over threads, which then wait
REAL: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "where": torch.where,
    "Log1p": torch.log1p,
    "Expm1": torch.expm1,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "sin": torch.sin,
    "cos": torch.cos,
    "Abs": torch.abs,
    "sign": torch.sign,
    "erf": torch.erf,
    "erfc": torch.erfc,
}
TRUTH: dict[str, Callable[..., Any]] = {
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
}


class Buffers:
    """One thread's temporaries: tensors of a piece's length, handed out by number."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._held: dict[tuple[bool, int], Tensor] = {}

    def take(self, real: bool, number: int, size: int) -> Tensor:
        """Buffer ``number`` of reals or truth values, its first ``size`` places."""
        if (real, number) not in self._held:
            kind = self.dtype if real else torch.bool
            self._held[real, number] = torch.empty(PIECE, dtype=kind)
        return self._held[real, number][:size]


class Planned:
    """A program whose steps write into buffers, each used again once it is read no more."""

    def __init__(self, program: Program, dtype: torch.dtype) -> None:
        self.dtype, self.program = dtype, program
        self.constants = [
            c if isinstance(c, bool) else torch.tensor(c, dtype=dtype) for c in program.constants
        ]
        self.numbers = dict(enumerate(program.constants, start=program.inputs))
        self._steps = self._plan()

    def _plan(self) -> list[tuple[str, tuple[int, ...], tuple[bool, int] | None]]:
        """For each step the buffer it writes; None where it makes its own."""
        program = self.program
        free: dict[bool, list[int]] = {True: [], False: []}
        made = {True: 0, False: 0}
        owner: dict[int, tuple[bool, int]] = {}
        steps: list[tuple[str, tuple[int, ...], tuple[bool, int] | None]] = []
        for i, ((name, reads), dead) in enumerate(zip(program.steps, program.dead, strict=True)):
            for slot in dead:  # a step may write over what it reads last
                if slot in owner:
                    real, number = owner.pop(slot)
                    free[real].append(number)
            if name not in REAL and name not in TRUTH:
                steps.append((name, reads, None))
                continue
            real = name in REAL
            if not free[real]:
                free[real].append(made[real])
                made[real] += 1
            place = (real, free[real].pop())
            owner[program.inputs + len(program.constants) + i] = place
            steps.append((name, reads, place))
        return steps

    def __call__(self, inputs: Sequence[Tensor], buffers: Buffers) -> list[Any]:
        """The outputs for a piece; the first input has its length."""
        size = inputs[0].numel()
        slot: list[Any] = [*inputs, *self.constants]
        for name, reads, place in self._steps:
            args = [slot[i] for i in reads]
            if place is None:  # orders of special functions must stay plain numbers
                slot.append(TABLE[name](*[self.numbers.get(i, slot[i]) for i in reads]))
                continue
            if name == "pow" and reads[1] in self.numbers:
                args[1] = self.numbers[reads[1]]  # powers of a number have faster code
            call = REAL[name] if place[0] else TRUTH[name]
            slot.append(call(*args, out=buffers.take(*place, size)))
        return [slot[i] for i in self.program.outputs]


def in_threads(count: int, dtype: torch.dtype, work: Callable[[slice, Buffers], Any]) -> list[Any]:
    """``work`` on consecutive pieces of ``count`` values, in as many threads as torch may use."""
    pieces = [slice(i, min(i + PIECE, count)) for i in range(0, count, PIECE)]
    workers = max(1, min(torch.get_num_threads(), len(pieces)))

    def some(first: int) -> list[Any]:
        buffers = Buffers(dtype)
        with torch.no_grad():
            return [work(piece, buffers) for piece in pieces[first::workers]]

    if workers == 1:
        return some(0)
    with ThreadPoolExecutor(workers) as pool:
        return [result for part in pool.map(some, range(workers)) for result in part]


def in_pieces(call: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """An elementwise ``call`` of tensors of one shape, piece by piece where that pays."""
    first = tensors[0]
    if first.device.type != "cpu" or first.numel() <= PIECE or torch.compiler.is_compiling():
        return call(*tensors)
    flat = [t.reshape(-1) for t in tensors]
    out = torch.empty_like(flat[0])
    in_threads(
        out.numel(),
        first.dtype,
        lambda piece, _: out[piece].copy_(call(*[t[piece] for t in flat])),
    )
    return out.view(first.shape)
