"""A trained SAE on disk: `sae.safetensors` and `config.json`."""

import json
import os
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save_file

from neglog.priors.errors import InputError
from neglog.sae.model import SAE

WEIGHTS, CONFIG = "sae.safetensors", "config.json"
SCHEMA = "neglog.sae/1"


def save(sae: SAE, folder: str | Path, training: dict[str, Any] | None = None) -> None:
    """Write weights (mean and scale with them) and settings, each file whole or not at all.

    `training` are settings worth remembering; the model's last metrics go beside them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f".{WEIGHTS}.partial"
    tensors = {name: t.detach().cpu().contiguous() for name, t in sae.state_dict().items()}
    save_file(tensors, weights, metadata={"schema": SCHEMA})
    os.replace(weights, folder / WEIGHTS)
    config = folder / f".{CONFIG}.partial"
    about = {
        "schema": SCHEMA,
        "sae": sae.settings(),
        "training": training or {},
        "result": sae.metrics,
    }
    config.write_text(json.dumps(about, indent=1) + "\n")
    os.replace(config, folder / CONFIG)


def load(folder: str | Path) -> SAE:
    """The SAE saved in `folder`, ready for use: its codes are exactly those of the trained one.

    Raises InputError if the folder holds no SAE, or one that is damaged or of another version.
    """
    folder = Path(folder)
    try:
        about = json.loads((folder / CONFIG).read_text())
        tensors = load_file(folder / WEIGHTS)
    except FileNotFoundError as e:
        raise InputError(f"{folder} holds no trained SAE: {Path(e.filename or WEIGHTS).name} "
                         "is missing.") from e  # fmt: skip
    except (OSError, ValueError, safetensors.SafetensorError) as e:
        raise InputError(f"The SAE in {folder} cannot be read: {e}.") from e
    if about.get("schema") != SCHEMA:
        raise InputError(f"{folder / CONFIG} is not of the form {SCHEMA}.")
    sae = SAE.from_settings(about["sae"])
    try:
        sae.load_state_dict(tensors)
    except RuntimeError as e:
        raise InputError(f"The weights in {folder} do not fit its {CONFIG}.") from e
    sae.metrics = about["result"]
    return sae.eval()
