"""The settings of a training run, checked before any work is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from neglog.priors.errors import InputError
from neglog.sae.data import SHUFFLES
from neglog.sae.dead import DEAD_AFTER
from neglog.sae.objective import describe

#: Precisions a model can be trained in.
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
BY_K = ("topk", "batchtopk")
#: Settings that say where and how a run is watched; they do not change what it computes.
_OUTSIDE = ("penalty", "eval_every", "checkpoint_every", "device")


@dataclass(frozen=True)
class Settings:
    """See `neglog.sae.train` for each. Construction raises InputError for what makes no sense."""

    width: int
    penalty: Any = None
    activation: str = "relu"
    k: int | None = None
    strength: float | None = None
    target_l0: float | None = None
    lam: float | None = None
    noise: float | None = None
    learn: Sequence[str] = ()
    params: Mapping[str, float] | None = None
    steps: int = 500
    batch: int = 2048
    lr: float = 8e-3
    warmup: int = 20
    seed: int = 0
    skip: bool = False
    transposed: bool = True
    encoder_norm: float | None = None  # None, here and below: as `advice` says
    pre_bias: bool | None = None
    centre: bool = True
    auxk: int | None = None
    resample_every: int | None = None
    dead_after: int = DEAD_AFTER
    held_out: float = 0.1
    shuffle: str = "full"
    dtype: str = "float32"
    eval_every: int = 100
    checkpoint_every: int = 200
    device: str = "cpu"

    def __post_init__(self) -> None:
        positive = ("steps", "batch", "eval_every", "checkpoint_every", "auxk", "resample_every",
                    "dead_after")  # fmt: skip
        for name in positive:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}.")
        if self.warmup < 0:
            raise InputError(f"warmup must be at least 0, not {self.warmup}.")
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out is a fraction between 0 and 1, not {self.held_out}.")
        for name, known in (("shuffle", SHUFFLES), ("dtype", tuple(DTYPES))):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)}.")
        if self.activation in ("relu", "prox") and self.penalty is None:
            raise InputError(f"A {self.activation} code needs a penalty, or nothing makes it "
                             "sparse.")  # fmt: skip
        if self.activation in BY_K and self.penalty is not None:
            raise InputError(f"{self.activation} is sparse by k and takes no penalty.")
        if self.activation == "prox" and (self.learn or self.params):
            raise InputError("prox takes a penalty in numbers: put them into the expression.")

    def record(self, data: Any, target: Any) -> dict[str, Any]:
        """The settings that decide what a run computes, for config.json and for `check_same`."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OUTSIDE}
        return {
            "penalty": describe(self.penalty),
            **found,
            "learn": list(self.learn),
            "params": dict(self.params or {}),
            "data": str(data) if isinstance(data, (str, Path)) else None,
            "target": str(target) if isinstance(target, (str, Path)) else None,
        }


def settle(given: dict[str, Any]) -> Settings:
    """Settings from keywords, with what one of them says about another filled in.

    A target L0 of topk and batchtopk is their k; a jumprelu without a penalty counts its active
    features (L0). Raises InputError for a keyword there is not.
    """
    known = {f.name for f in fields(Settings)}
    for name in given:
        if name not in known:
            raise InputError(f"train has no setting {name!r}.")
    given = dict(given)
    by_k = given.get("activation") in BY_K
    if by_k and given.get("k") is None and given.get("target_l0") is not None:
        given["k"] = round(given["target_l0"])
        given["target_l0"] = None
    if given.get("activation") == "jumprelu" and given.get("penalty") is None:
        given["penalty"] = "l0"
    return Settings(**given)
