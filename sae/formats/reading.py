"""Reading other packages' files, with one sentence where that fails."""

import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from neglog.priors.errors import InputError


def settings(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError as e:
        raise InputError(f"{path.parent} has no {path.name}.") from e
    except (OSError, ValueError) as e:
        raise InputError(f"{path} cannot be read: {e}.") from e
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no settings.")
    return found


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file or of a `.pt` state dict (nothing but tensors)."""
    try:
        if path.suffix == ".pt":
            found: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
            return found
        return load_file(path)
    except FileNotFoundError as e:
        raise InputError(f"{path.parent} has no {path.name}.") from e
    except Exception as e:
        # torch.load has no error of its own for a file that is damaged or not plain tensors.
        if isinstance(e, (OSError, ValueError, RuntimeError, EOFError, KeyError)) or type(
            e
        ).__name__ in ("UnpicklingError", safetensors.SafetensorError.__name__):
            raise InputError(f"{path} cannot be read: {str(e).splitlines()[0]}") from e
        raise


def take(found: dict[str, Tensor], path: Path, *names: str) -> list[Tensor]:
    """The named tensors; InputError naming the first that is missing."""
    for name in names:
        if name not in found:
            raise InputError(f"{path} has no tensor {name}.")
    return [found[name] for name in names]
