"""The primitive table for torch, and compiled penalties as modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neglog.derivations.compile.arguments import Arguments, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.prox import ProxPair
from neglog.derivations.compile.python_loop import loop
from neglog.derivations.compile.torch_special import SPECIAL
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

HALF = (torch.float16, torch.bfloat16)


def _fill(value: Any, like: Tensor) -> Tensor:
    return torch.full((), value, dtype=like.dtype, device=like.device)


def _tensors(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A binary function that accepts a Python number on either side."""

    def both(x: Any, z: Any) -> Tensor:
        if not isinstance(x, Tensor):
            x = _fill(x, z)
        if not isinstance(z, Tensor):
            z = _fill(z, x)
        return call(x, z)

    return both


TABLE: Mapping[str, Callable[..., Any]] = {
    "fill": _fill,
    "constant": lambda values, like: torch.as_tensor(values, dtype=like.dtype, device=like.device),
    # Operators, not torch.add: that rounds a Python number on the left to float32.
    "add": lambda x, z: x + z,
    "sub": lambda x, z: x - z,
    "mul": lambda x, z: x * z,
    "div": lambda x, z: x / z,
    "neg": torch.neg,
    "pow": lambda x, z: x**z,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "maximum": _tensors(torch.maximum),
    "minimum": _tensors(torch.minimum),
    "where": torch.where,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
    "Normal": lambda y: y.clamp_min(torch.finfo(y.dtype).tiny),
    "finite_or_zero": lambda x: torch.where(torch.isinf(x), torch.zeros_like(x), x),
    **SPECIAL,
}


CHUNK = 1 << 18  # values: temporaries of a chunk stay near the processor


def _evaluate(
    spec: Elementwise, a: Tensor, theta: tuple[Tensor, ...], gradient: Tensor | None = None
) -> Tensor:
    """``spec`` at a (times ``gradient`` where given), in a's dtype, chunk by chunk on a CPU."""
    plain = type(a) is Tensor and a.device.type == "cpu" and a.is_contiguous()
    if not plain or a.numel() < 2 * CHUNK or torch.compiler.is_compiling():
        value = _values(spec, a, theta)
        return value if gradient is None else _product(spec, gradient, value)
    out = torch.empty_like(a)
    # An expanded gradient (of a sum) has no memory of its own; reading it flat would make some.
    constant = gradient is not None and not any(gradient.stride())
    other = None if gradient is None or constant else gradient.reshape(-1).split(CHUNK)
    for i, (x, to) in enumerate(
        zip(a.view(-1).split(CHUNK), out.view(-1).split(CHUNK), strict=True)
    ):
        value = _values(spec, x, theta)
        if gradient is not None:
            part = gradient.reshape(-1)[0] if other is None else other[i]
            value = _product(spec, part, value)
        to.copy_(value)
    return out


def _values(spec: Elementwise, a: Tensor, theta: tuple[Tensor, ...]) -> Tensor:
    """``spec`` at a in a's dtype; float64 inside where float32 would lose digits."""
    wide = a.dtype == torch.float32 and spec.wide
    inner = torch.float64 if wide else torch.float32 if a.dtype in HALF else a.dtype
    x = a.to(inner)
    y = x.clamp_min(0).abs() if spec.left is None else x.abs()  # abs: −0 is 0
    outputs = _bound(spec)(y, *[t.to(inner) for t in theta])
    value = _shaped(outputs[0], x)
    if spec.left is None:
        return (torch.where(x < 0, 0.0, value) if spec.order else value).to(a.dtype)
    if len(outputs) > 1:
        value = torch.where(x < 0, _shaped(outputs[1], x), value)
    if spec.odd_order:
        value = value * x.sign() if spec.even else torch.where(x < 0, -value, value)
    if spec.at_zero is not None and (spec.unbounded or not spec.even):
        value = torch.where(x == 0, spec.at_zero, value)
    return value.to(a.dtype)


def _shaped(value: Any, like: Tensor) -> Tensor:
    return value.expand_as(like) if isinstance(value, Tensor) else torch.full_like(like, value)


def _bound(spec: Elementwise | Outer) -> Callable[..., tuple[Any, ...]]:
    run = spec.__dict__.get("_torch")
    if run is None:
        run = spec.program.bind(TABLE)
        spec.__dict__["_torch"] = run
    return run


def _product(spec: Elementwise | Outer, gradient: Tensor, slope: Tensor) -> Tensor:
    """gradient·slope; where either may be infinite a zero on the other side is an exact zero."""
    if not spec.unbounded:
        return gradient * slope
    return torch.where((gradient == 0) | (slope == 0), 0.0, gradient * slope)


class _Apply(torch.autograd.Function):
    """spec(a, θ) whose derivative is again such a function, so any order exists."""

    generate_vmap_rule = True

    @staticmethod
    def forward(spec: Elementwise, a: Tensor, *theta: Tensor) -> Tensor:
        return _evaluate(spec, a, theta)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.spec, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        out: list[Tensor | None] = [None]
        for i in range(len(inputs)):
            if not ctx.needs_input_grad[i + 1]:
                out.append(None)
                continue
            spec = ctx.spec.partial(i)
            if torch.is_grad_enabled():
                slope = _product(spec, gradient, _Apply.apply(spec, *inputs))
            else:  # no second derivative is wanted: one pass, no graph
                slope = _evaluate(spec, inputs[0], inputs[1:], gradient)
            out.append(slope if i == 0 else slope.sum().reshape(inputs[i].shape))
        return tuple(out)


class _ApplyOuter(torch.autograd.Function):
    """outer(R, θ), as :class:`_Apply`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(spec: Outer, *inputs: Tensor) -> Tensor:
        (value,) = _bound(spec)(*inputs)
        return _shaped(value, inputs[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.spec, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        out: list[Tensor | None] = [None]
        for i in range(len(inputs)):
            if not ctx.needs_input_grad[i + 1]:
                out.append(None)
                continue
            spec = ctx.spec.partial(i)
            slope = _product(spec, gradient, _ApplyOuter.apply(spec, *inputs))
            out.append(slope if slope.shape == inputs[i].shape else slope.sum())
        return tuple(out)


class CompiledPenalty(nn.Module):
    """c·(φ(a/s; θ) − φ(0; θ)): elementwise, or over the last axis for a joint penalty.

    A learned number x is the parameter ``log_x`` with x = exp(log_x) > 0; the others are plain
    floats. ``strength`` can be set between steps. On the positive domain a < 0 is read as 0, with
    gradient 0 there and the right derivative at 0. Half precision is computed in float32.

    Attributes:
        penalty: the symbolic penalty.
        joint: whether the last axis is reduced.
    """

    def __init__(self, penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> None:
        super().__init__()
        self.penalty = penalty
        self.joint = penalty.joint
        self.learn = arguments.learn
        self._body = body
        self._numbers = {"strength": arguments.strength, "scale": arguments.scale}
        self._names = [str(s) for s in arguments.learned]
        starts = {**self._numbers, **{str(s): v for s, v in arguments.learned.items()}}
        for name in self.learn:
            self.register_parameter(
                f"log_{name}",
                nn.Parameter(torch.tensor(starts[name], dtype=torch.float64).log().float()),
            )

    def _number(self, name: str) -> Any:
        return getattr(self, f"log_{name}").exp() if name in self.learn else self._numbers[name]

    @property
    def strength(self) -> Any:
        """c, a float or (learned) a tensor with its gradient; setting it needs c > 0."""
        return self._number("strength")

    @strength.setter
    def strength(self, value: float) -> None:
        value = positive("strength", value)
        if "strength" in self.learn:
            with torch.no_grad():
                self.log_strength.fill_(torch.tensor(value, dtype=torch.float64).log().item())
        else:
            self._numbers["strength"] = value

    @property
    def scale(self) -> Any:
        """s, a float or (learned) a tensor with its gradient."""
        return self._number("scale")

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledPenalty:
        import copy

        memo[id(self._body)] = self._body  # symbolic and immutable: shared between copies
        memo[id(self.penalty)] = self.penalty
        copied = self.__class__.__new__(self.__class__)
        memo[id(self)] = copied
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def forward(self, a: Tensor) -> Tensor:
        """The penalty of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        if not a.is_floating_point():
            raise InputError(f"a penalty takes floating-point activations, not {a.dtype}.")
        if self.scale is not self._numbers["scale"] or self.scale != 1.0:
            a = a / self.scale
        theta = [self._number(name) for name in self._names]
        value = (
            _joint(self._body, a, theta)
            if isinstance(self._body, Joint)
            else _Apply.apply(self._body, a, *theta)
        )
        strength = self.strength
        return value if isinstance(strength, float) and strength == 1.0 else strength * value

    def extra_repr(self) -> str:
        shown = ", ".join(f"{k}={v:g}" for k, v in self._numbers.items() if k not in self.learn)
        return f"{self.penalty}, domain={self.penalty.domain}, {shown}, learn={list(self.learn)}"


def _joint(form: Joint, a: Tensor, theta: list[Tensor]) -> Tensor:
    """The reductions in float64 where a is float32, then the outer function."""
    if a.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    inner = torch.float32 if a.dtype in HALF else torch.float64
    x = a.to(inner)
    d = torch.tensor(float(a.shape[-1]), dtype=inner, device=a.device)
    theta = [*[t.to(inner) for t in theta], d]
    reduced = [_reduce(r.kind, r.of, x, theta) for r in form.reductions]
    return _ApplyOuter.apply(form.outer, *reduced, *theta).to(a.dtype)


def _reduce(kind: str, of: Elementwise | None, x: Tensor, theta: list[Tensor]) -> Tensor:
    if of is None:
        return _norm(x)
    values = _Apply.apply(of, x, *theta)
    if kind == "sum":
        return values.sum(-1)
    return values.prod(-1) if kind == "product" else values.amax(-1)


def _norm(x: Tensor) -> Tensor:
    """‖x‖₂ over the last axis without overflow or underflow; gradient 0 at the zero vector."""
    top = x.detach().abs().amax(-1, keepdim=True)
    top = torch.where((top == 0) | torch.isinf(top), torch.ones_like(top), top)
    squares = (x / top).square().sum(-1)
    # sqrt has an infinite slope at 0; the inner where keeps it out of the backward pass.
    safe = torch.where(squares == 0, torch.ones_like(squares), squares)
    return torch.where(squares == 0, torch.zeros_like(squares), safe.sqrt()) * top.squeeze(-1)


def build(penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> CompiledPenalty:
    """The module for a prepared penalty."""
    return CompiledPenalty(penalty, body, arguments)


class _ApplyProx(torch.autograd.Function):
    """prox(x), with derivative 1/(1 + cφ''(z)) and 0 where z = 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(module: CompiledProx, x: Tensor) -> Tensor:
        inner = torch.float32 if x.dtype in HALF else torch.float64
        return module.solve(x.to(inner), module.strength).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.module, _ = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        (z,) = ctx.saved_tensors
        bend = _Apply.apply(ctx.module.pair.curvature(), z)
        return None, torch.where(z == 0, 0.0, gradient / (1 + ctx.module.strength * bend))


class CompiledProx(nn.Module):
    """x ↦ argmin_z ½(z − x)² + strength·φ(z), elementwise; ``strength`` is a settable float."""

    def __init__(self, pair: ProxPair, strength: float) -> None:
        super().__init__()
        self.pair = pair
        self._strength = strength
        self.solve = pair.bind(TABLE, loop)

    @property
    def strength(self) -> float:
        """c > 0."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = positive("strength", value)

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledProx:
        return CompiledProx(self.pair, self._strength)

    def forward(self, x: Tensor) -> Tensor:
        """The proximal map of ``x``, of its shape and dtype."""
        return _ApplyProx.apply(self, x)


def build_prox(pair: ProxPair, strength: float) -> CompiledProx:
    """The module for a prepared proximal map."""
    return CompiledProx(pair, strength)


class CompiledPrior(nn.Module):
    """−log p = λφ(a/s; θ) + log Z(λ, θ) + log s (d·log s where joint), learned through ``body``.

    Attributes:
        body: the compiled penalty; its ``strength`` is λ, learned as ``body.log_strength``.
    """

    def __init__(self, body: CompiledPenalty, offset: Outer) -> None:
        super().__init__()
        self.body, self.joint, self.penalty = body, body.joint, body.penalty
        self._offset = (offset,)  # in a tuple: not a module, and shared by copies

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledPrior:
        import copy

        return CompiledPrior(copy.deepcopy(self.body, memo), self._offset[0])

    def forward(self, a: Tensor) -> Tensor:
        """−log p of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        numbers = [self.body.strength, *[self.body._number(n) for n in self.body._names]]
        d = float(a.shape[-1]) if self.joint else 1.0
        theta = [torch.as_tensor(x, dtype=torch.float64, device=a.device) for x in [*numbers, d]]
        log_z = _ApplyOuter.apply(self._offset[0], *theta)
        log_s = torch.as_tensor(self.body.scale, dtype=torch.float64, device=a.device).log()
        return self.body(a) + (log_z + d * log_s).to(a.dtype)


def build_prior(body: CompiledPenalty, offset: Outer) -> CompiledPrior:
    """The module for a prior's compiled penalty and the function of its numbers."""
    return CompiledPrior(body, offset)
