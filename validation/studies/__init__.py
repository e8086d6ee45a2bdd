"""Studies: whole experiments by name, each from derivation to report.

A study is a function ``run(folder, settings, progress) -> results``; this registry names them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from neglog.priors.errors import InputError

STUDIES = {"loop": "neglog.validation.studies.loop"}


def study(
    out: str | Path,
    name: str = "loop",
    scale: float = 1.0,
    seed: int = 0,
    seeds: int = 1,
    activations: str | Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run a study and write ``report.html``, ``results.json`` and figures into the folder ``out``.

    Args:
        out: a folder that does not exist, is empty, or holds the same study unfinished: that one
            is continued, what it has already trained is kept.
        name: ``"loop"``: derive, harvest, train, fit, test, close the loop.
        scale: size of the run; 1 is 60,000 tokens and 1,536 latents.
        seed: the first seed; ``seeds`` of them are trained.
        activations: a folder written by ``harvest`` to use instead of harvesting.

    Returns:
        The content of ``results.json``.

    Raises:
        InputError: an unknown name, or an ``out`` that holds something else.
    """
    if name not in STUDIES:
        raise InputError(f"unknown study {name!r} (known: {' '.join(sorted(STUDIES))}).")
    module = importlib.import_module(STUDIES[name])
    result: dict[str, Any] = module.run(Path(out), scale, seed, seeds, activations, progress)
    return result
