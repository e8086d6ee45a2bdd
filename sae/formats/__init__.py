"""SAEs of other packages: saved for them, loaded from them.

Each module has `save(sae, folder)` and `load(folder)`; mean and scale are folded into the weights,
so codes are in the units of the data (see `neglog.sae.folding.fold`).
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from neglog.priors.errors import InputError

if TYPE_CHECKING:
    from neglog.sae.model import SAE

FORMATS = ("saelens", "dictionary_learning", "sparsify")


def export(sae: "SAE", folder: str | Path, form: str) -> None:
    """Write `sae` to `folder` in the format `saelens`, `dictionary_learning` or `sparsify`.

    `folder` appears whole or not at all. Raises InputError if it holds something, or if the format
    cannot represent the SAE.
    """
    from neglog.sae.files import new_folder

    module = _module(form)
    with new_folder(folder) as partial:
        module.save(sae, partial)


def import_sae(folder: str | Path, form: str) -> "SAE":
    """The SAE that another package saved in `folder`, ready for use.

    Raises InputError if the folder holds none, or one of a kind that neglog does not have.
    """
    found: SAE = _module(form).load(Path(folder))
    return found


def _module(form: str):  # type: ignore[no-untyped-def]
    if form not in FORMATS:
        raise InputError(f"There is no format {form!r}: choose one of {', '.join(FORMATS)}.")
    return importlib.import_module(f"neglog.sae.formats.{form}")
