"""Compiling a penalty: from a symbolic record to a differentiable callable of torch, jax or numpy.

Importing this imports neither torch nor jax; each backend's file does so when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neglog.derivations.compile.arguments import Arguments, check, exact, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint, decompose
from neglog.derivations.compile.prox import ProxPair
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

if TYPE_CHECKING:
    from neglog.priors.prior import Prior

__all__ = ["compile_activation", "compile_penalty", "compile_prior", "compile_prox"]


def compile_penalty(
    penalty: Penalty,
    backend: str,
    *,
    strength: float = 1.0,
    scale: float = 1.0,
    learn: Sequence[str] = (),
    params: Mapping[str, float] | None = None,
) -> Any:
    """strength·(φ(a/scale; θ) − φ(0; θ)) as a differentiable callable of ``backend``.

    The subtraction is made where φ(0) is finite. Conventions, the same in all backends: at a kink
    the derivative of smallest norm; on the positive domain the right derivative at 0, and a < 0
    read as 0 with derivative 0.

    Raises:
        InputError: an unknown backend, parameter or name to learn, a missing or non-positive
            number, or a function the backend does not have.
    """
    arguments = check(penalty, backend, strength, scale, learn, params or {})
    return compile_penalty_from(penalty, backend, arguments)


def compile_prox(
    penalty: Penalty,
    backend: str,
    *,
    strength: float = 1.0,
    params: Mapping[str, float] | None = None,
) -> Any:
    """The proximal map x ↦ argmin_z ½(z − x)² + strength·φ(z), elementwise.

    The minimum is global; z ≥ 0 on the positive domain; z = 0 wins ties. Its derivative is
    1/(1 + strength·φ''(z)) off the jumps and 0 where z = 0.

    Raises:
        InputError: as :func:`compile_penalty`; also for a joint penalty.
    """
    arguments = check(penalty, backend, strength, 1.0, (), params or {})
    if penalty.joint:
        raise InputError(f"{penalty} is joint; only scalar penalties have a compiled prox.")
    spec = Elementwise.of(arguments.expr, penalty.domain, (), {})
    return _backend(backend).build_prox(ProxPair.of(spec), arguments.strength)


def compile_activation(
    penalty: Penalty,
    *,
    strength: float = 1.0,
    learn: Sequence[str] = ("strength",),
    features: int | None = None,
    bandwidth: float = 1e-3,
    params: Mapping[str, float] | None = None,
) -> Any:
    """The proximal map as a torch module with a learned strength or threshold.

    Raises:
        InputError: as :func:`compile_prox`; a penalty that is neither even nor on the positive
            domain; ``learn`` other than ``("strength",)``, ``("threshold",)`` or nothing.
    """
    arguments = check(penalty, "torch", strength, 1.0, (), params or {})
    if penalty.joint:
        raise InputError(f"{penalty} is joint; only scalar penalties have an activation.")
    if tuple(learn) not in ((), ("strength",), ("threshold",)):
        raise InputError("an activation learns ('strength',), ('threshold',) or nothing: ().")
    if features is not None and (not isinstance(features, int) or features < 1):
        raise InputError(f"features must be a positive whole number, not {features!r}.")
    spec = Elementwise.of(arguments.expr, penalty.domain, (), {})
    if spec.left is not None and not spec.even:
        raise InputError(f"{penalty} is not even; give it on the positive domain.")
    _backend("torch")
    from neglog.derivations.compile.torch_activation import Activation

    width = positive("bandwidth", bandwidth)
    return Activation(penalty, ProxPair.of(spec), arguments.strength, learn, features, width)


def compile_prior(prior: Prior, backend: str, *, learn: Sequence[str] = (), **params: float) -> Any:
    """−log p(a) = λφ(a/s; θ) + log Z(λ, θ) + log s (d·log s for a joint prior).

    Args:
        prior: a proper prior with a closed normaliser.
        backend: ``"torch"``, ``"jax"`` or ``"numpy"``.
        learn: names among ``lam``, ``scale`` and the parameters; λ is kept as ``strength``.
        **params: ``lam``, ``scale`` (1 if not given) and a number for each parameter.

    Raises:
        InputError: as :func:`compile_penalty`; also where Z is not known or not finite there.
    """
    from neglog.derivations.compile.likelihood import prepare_prior

    pieces = prepare_prior(prior, backend, learn, params)
    penalty = compile_penalty_from(prior.phi, backend, pieces.arguments)
    return _backend(backend).build_prior(penalty, pieces.offset)


def compile_penalty_from(penalty: Penalty, backend: str, arguments: Arguments) -> Any:
    """The compiled penalty for checked arguments."""
    return _backend(backend).build(penalty, _body(penalty, arguments), arguments)


def _body(penalty: Penalty, arguments: Arguments) -> Elementwise | Joint:
    """The symbolic side: what is evaluated, before any backend."""
    theta = tuple(arguments.learned)
    numbers = {s: exact(v) for s, v in arguments.learned.items()}
    if penalty.joint:
        return decompose(arguments.expr, penalty.domain, theta, numbers)
    return Elementwise.of(arguments.expr, penalty.domain, theta, numbers)


def _backend(name: str) -> Any:
    """The backend's module, imported on first use.

    Raises:
        InputError: its package is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"neglog.derivations.compile.{name}_penalty")
    except ModuleNotFoundError as error:
        if error.name in ("torch", "jax"):
            raise InputError(
                f"the {name} backend needs {name}: pip install 'neglog[{name}]'."
            ) from None
        raise
