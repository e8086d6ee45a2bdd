"""Compiled penalties, proximal maps and priors as torch modules."""

from __future__ import annotations

import copy
from typing import Any

import torch
from sympy import srepr
from torch import Tensor, nn

from neglog.derivations.compile import torch_active
from neglog.derivations.compile.arguments import Arguments, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.loops import EAGER
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.prox import ProxPair
from neglog.derivations.compile.torch_apply import HALF, Apply, ApplyOuter, eager_calls, joint
from neglog.derivations.compile.torch_backend import TABLE
from neglog.derivations.compile.torch_chunks import in_pieces
from neglog.derivations.compile.torch_total import Fused, Total, fused
from neglog.derivations.compile.torch_traced import traced_calls
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty


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
        self._starts = f"{srepr(arguments.expr)} {starts}"
        self._prepare()
        for name in self.learn:
            self.register_parameter(
                f"log_{name}",
                nn.Parameter(torch.tensor(starts[name], dtype=torch.float64).log().float()),
            )

    def _prepare(self) -> None:
        """The functions of the body, for eager code and for tracers."""
        self._eager = eager_calls(self._body)
        # torch.compile guards on this text: without it a graph of one penalty serves another.
        self._key = f"{self.penalty.domain} {self._starts}"
        self._traced = {self._key: traced_calls(self._body)}

    def _number(self, name: str) -> Any:
        if name not in self.learn:
            return self._numbers[name]
        log: Tensor = getattr(self, f"log_{name}")
        return log.exp()

    @property
    def strength(self) -> Any:
        """c, a float or (learned) a tensor with its gradient; setting it needs c > 0."""
        return self._number("strength")

    @strength.setter
    def strength(self, value: float) -> None:
        value = positive("strength", value)
        if "strength" in self.learn:
            with torch.no_grad():
                self.get_parameter("log_strength").fill_(
                    torch.tensor(value, dtype=torch.float64).log().item()
                )
        else:
            self._numbers["strength"] = value

    @property
    def scale(self) -> Any:
        """s, a float or (learned) a tensor with its gradient."""
        return self._number("scale")

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_eager", "_traced")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._prepare()

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledPenalty:
        for calls in (self._eager, self._traced):
            memo[id(calls)] = calls
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
        compiling = torch.compiler.is_compiling()
        calls = self._traced[self._key] if compiling else self._eager
        value = (
            joint(self._body, a, theta, calls)
            if isinstance(self._body, Joint)
            else calls[0](a, *theta)
        )
        strength = self.strength
        return value if isinstance(strength, float) and strength == 1.0 else strength * value

    @property
    def on_entries(self) -> bool:
        """Whether :meth:`of_entries` can be used: joint, of sums and norms only."""
        return isinstance(self._body, Joint) and torch_active.works(self._body)

    def of_entries(self, values: Tensor, rows: Tensor, batch: int, features: int) -> Tensor:
        """The joint penalty of sparse codes from their entries: [batch], at a cost of O(entries).

        Args:
            values: the non-zero activations [n]; rows: which code each belongs to [n], int64.
            batch, features: the shape of the dense codes.

        Raises:
            InputError: a penalty whose reductions are not sums and norms.
        """
        if not isinstance(self._body, Joint) or not self.on_entries:
            raise InputError(f"{self.penalty} cannot be taken over the entries alone.")
        theta = [self._number(name) for name in self._names]
        a = values / self.scale
        return self.strength * torch_active.joint_on_entries(
            self._body, a, rows, batch, features, theta
        )

    def total(self, a: Tensor, *, active: bool = False) -> Tensor:
        """c·Σφ(a/s; θ) over all values, with its gradient, in one pass over memory.

        On a CPU with fixed scale and parameters a is read once, its gradient written once, and no
        other memory of that size is used; elsewhere it is ``self(a).sum()``.

        Args:
            a: activations of any shape, or a sparse tensor, of which the stored values count.
            active: leave out zeros (a code behind a ReLU): their gradient is 0.

        Returns:
            A scalar of the dtype of ``a``.

        Raises:
            InputError: not floating point; ``active`` or a sparse tensor for a joint penalty.

        >>> import neglog, torch
        >>> f = neglog.penalty("log(1+abs(a))").compile("torch")
        >>> a = torch.tensor([0.0, 1.0, -3.0], requires_grad=True)
        >>> f.total(a).backward(); a.grad
        tensor([ 0.0000,  0.5000, -0.2500])
        """
        if not a.is_floating_point():
            raise InputError(f"a penalty takes floating-point activations, not {a.dtype}.")
        if a.layout != torch.strided or active:
            if self.joint:
                raise InputError("a joint penalty needs all activations, zeros included.")
            a = a[a != 0] if a.layout == torch.strided else _stored(a)
        scale, c = self.scale, self.strength
        if isinstance(self._body, Joint) or not isinstance(scale, float):
            return self(a).sum()
        if not Fused.serves(self._body, a):
            return self(a).sum()
        if isinstance(c, float):
            return Total.apply(self._body, a, scale, c)
        return c * Total.apply(self._body, a, scale, 1.0)

    def native(self, dtype: torch.dtype = torch.float32) -> CompiledPenalty:
        """This module, with :meth:`total` compiled to machine code (needs a C++ compiler).

        Raises:
            InputError: no compiler; a joint penalty, learned parameters, or a function that libm
                does not have.
        """
        body = self._body
        if isinstance(body, Joint) or not Fused.serves(body, torch.empty(0, dtype=dtype)):
            raise InputError(f"{self.penalty} has no fused pass to compile.")
        fused(body, dtype).make_native()
        return self

    def extra_repr(self) -> str:
        shown = ", ".join(f"{k}={v:g}" for k, v in self._numbers.items() if k not in self.learn)
        return f"{self.penalty}, domain={self.penalty.domain}, {shown}, learn={list(self.learn)}"


def _stored(a: Tensor) -> Tensor:
    return a.coalesce().values() if a.layout == torch.sparse_coo else a.values()


def build(penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> CompiledPenalty:
    """The module for a prepared penalty."""
    return CompiledPenalty(penalty, body, arguments)


class ApplyProx(torch.autograd.Function):
    """prox(x), with derivative 1/(1 + cφ''(z)) and 0 where z = 0."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[None, int | None], module: CompiledProx, x: Tensor
    ) -> tuple[Tensor, int | None]:
        return ApplyProx.apply(module, x), in_dims[1]  # elementwise, wherever the batch is

    @staticmethod
    def forward(module: CompiledProx, x: Tensor) -> Tensor:
        inner = torch.float32 if x.dtype in HALF else torch.float64
        c = module.strength
        return in_pieces(lambda part: module.solve(part.to(inner), c).to(x.dtype), x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.module, _ = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        (z,) = ctx.saved_tensors
        bend = Apply.apply(ctx.module.pair.curvature(), z)
        return None, torch.where(z == 0, 0.0, gradient / (1 + ctx.module.strength * bend))


class CompiledProx(nn.Module):
    """x ↦ argmin_z ½(z − x)² + strength·φ(z), elementwise; ``strength`` is a settable float."""

    def __init__(self, pair: ProxPair, strength: float) -> None:
        super().__init__()
        self.pair = pair
        self._strength = strength
        self.solve = pair.bind(TABLE, EAGER)

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
        return ApplyProx.apply(self, x)


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
        return CompiledPrior(copy.deepcopy(self.body, memo), self._offset[0])

    def forward(self, a: Tensor) -> Tensor:
        """−log p of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        numbers = [self.body.strength, *[self.body._number(n) for n in self.body._names]]
        d = float(a.shape[-1]) if self.joint else 1.0
        theta = [torch.as_tensor(x, dtype=torch.float64, device=a.device) for x in [*numbers, d]]
        log_z = ApplyOuter.apply(self._offset[0], *theta)
        log_s = torch.as_tensor(self.body.scale, dtype=torch.float64, device=a.device).log()
        return self.body(a) + (log_z + d * log_s).to(a.dtype)


def build_prior(body: CompiledPenalty, offset: Outer) -> CompiledPrior:
    """The module for a prior's compiled penalty and the function of its numbers."""
    return CompiledPrior(body, offset)
