"""The sparse autoencoder."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from neglog.priors.errors import InputError
from neglog.sae.activations import make_activation
from neglog.sae.data import Activations, Scaling, open_activations

#: The buffers that hold the scaling of input and output.
SCALING = ("mean", "scale", "out_mean", "out_scale")


class SAE(nn.Module):
    """A code a of the input x and its reconstruction x̂:

        u = (x − mean)/scale
        a = act(u W_encᵀ + b_enc)
        x̂ = out_mean + out_scale · (a W_dec + b_dec)

    With a linear skip, u W_skipᵀ is added inside the last bracket. Mean and scale are part of the
    model, so it takes raw activations; codes are in units of the scaled input.

    Shapes: W_enc [width, d_in], b_enc [width], W_dec [width, d_out] with unit-norm rows (the
    dictionary's columns dᵢ), b_dec [d_out], W_skip [d_out, d_in]. Where d_in = d_out the encoder
    starts as the decoder's transpose, unless `transposed` is False, with rows of `encoder_norm`: a
    step of Adam moves a shorter encoder further. `activation` is a name or a
    module as in `neglog.sae.activations`; `penalty` goes with `prox`. In a model of half precision
    mean and scale stay float32.
    """

    mean: Tensor
    scale: Tensor
    out_mean: Tensor
    out_scale: Tensor
    #: The last line of metrics of the run that trained it, empty before.
    metrics: dict[str, Any]

    def __init__(
        self,
        d_in: int,
        width: int,
        activation: str | nn.Module = "relu",
        k: int | None = None,
        d_out: int | None = None,
        skip: bool = False,
        seed: int = 0,
        penalty: Any = None,
        transposed: bool = True,
        encoder_norm: float = 1.0,
    ) -> None:
        super().__init__()
        self.metrics = {}
        if width < 1:
            raise InputError(f"The width must be at least 1, not {width}.")
        if not 0 < encoder_norm < float("inf"):
            raise InputError(f"The encoder's norm must be positive, not {encoder_norm}.")
        if k is not None and k > width:
            raise InputError(f"k = {k} active features are more than the width {width}.")
        d_out = d_in if d_out is None else d_out
        generator = torch.Generator().manual_seed(seed)
        dictionary = normalize(torch.randn(width, d_out, generator=generator), dim=1)
        if d_out == d_in and transposed:
            encoder = dictionary.clone()
        else:
            encoder = normalize(torch.randn(width, d_in, generator=generator), dim=1)
        self.W_enc = nn.Parameter(encoder * encoder_norm)
        self.b_enc = nn.Parameter(torch.zeros(width))
        self.W_dec = nn.Parameter(dictionary)
        self.b_dec = nn.Parameter(torch.zeros(d_out))
        self.W_skip = nn.Parameter(torch.zeros(d_out, d_in)) if skip else None
        self.activation = (
            make_activation(activation, k, width, penalty)
            if isinstance(activation, str)
            else activation
        )
        self.register_buffer("mean", torch.zeros(d_in))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("out_mean", torch.zeros(d_out))
        self.register_buffer("out_scale", torch.ones(()))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        before = {name: getattr(self, name) for name in SCALING}
        super()._apply(fn, recurse)
        for name, value in before.items():
            now = getattr(self, name)
            if now.dtype in (torch.float16, torch.bfloat16):
                setattr(self, name, value.to(now.device))
        return self

    @property
    def d_in(self) -> int:
        """Width of the input."""
        return self.W_enc.shape[1]

    @property
    def d_out(self) -> int:
        """Width of the output."""
        return self.W_dec.shape[1]

    @property
    def width(self) -> int:
        """Number of latents m."""
        return self.W_enc.shape[0]

    def settings(self) -> dict[str, Any]:
        """What `from_settings` needs to build a model of this shape."""
        return {
            "d_in": self.d_in,
            "d_out": self.d_out,
            "width": self.width,
            "activation": self.activation.settings(),  # type: ignore[operator]
            "skip": self.W_skip is not None,
        }

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "SAE":
        """A model of the shape that `settings()` told, its weights not yet set."""
        activation = settings["activation"]
        return cls(
            settings["d_in"],
            settings["width"],
            activation["name"],
            activation.get("k"),
            settings["d_out"],
            settings["skip"],
            penalty=activation.get("penalty"),
        )

    @torch.no_grad()
    def set_scaling(self, scaling: Scaling, target: Scaling | None = None) -> None:
        """Take mean and scale of the input, and of the target where it is another."""
        target = scaling if target is None else target
        self.mean.copy_(scaling.mean)
        self.scale.fill_(scaling.scale)
        self.out_mean.copy_(target.mean)
        self.out_scale.fill_(target.scale)

    def scaled(self, x: Tensor) -> Tensor:
        """u = (x − mean)/scale, [batch, d_in]."""
        return ((x - self.mean) / self.scale).to(self.W_enc.dtype)

    def scaled_target(self, y: Tensor) -> Tensor:
        """(y − out_mean)/out_scale, [batch, d_out]: what the decoder is trained to put out."""
        return ((y - self.out_mean) / self.out_scale).to(self.W_dec.dtype)

    def encode(self, x: Tensor) -> Tensor:
        """The code a [batch, width] of raw activations x [batch, d_in]."""
        code: Tensor = self.activation(linear(self.scaled(x), self.W_enc, self.b_enc))
        return code

    def decode(self, code: Tensor, x: Tensor | None = None) -> Tensor:
        """x̂ [batch, d_out] of a code [batch, width]; a model with a skip also needs x."""
        out = code @ self.W_dec + self.b_dec
        if self.W_skip is not None:
            if x is None:
                raise InputError("This model has a linear skip: decode needs the input x as well.")
            out = out + linear(self.scaled(x), self.W_skip)
        return self.out_mean + self.out_scale * out

    def forward(self, x: Tensor) -> Tensor:
        """x̂ [batch, d_out] of raw activations x [batch, d_in]."""
        return self.decode(self.encode(x), x)

    @torch.no_grad()
    def codes(self, data: Any, batch: int = 4096) -> sparse.csr_array:
        """The codes of all of `data` (as `open_activations` takes it), a SciPy CSR array.

        Computed batch by batch: memory is one batch × width and the non-zero entries.

        Raises InputError if the data's d is not the model's d_in.
        """
        found: Activations = open_activations(data)
        if found.d != self.d_in:
            raise InputError(f"The data has d = {found.d}, the model takes d = {self.d_in}.")
        parts = []
        for start in range(0, len(found), batch):
            index = np.arange(start, min(start + batch, len(found)))
            code = self.encode(found.rows(index).to(self.W_enc.device))
            parts.append(sparse.csr_array(code.cpu().numpy()))
        return sparse.csr_array(sparse.vstack(parts, format="csr"))
