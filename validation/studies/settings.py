"""How large a study is: every size follows from one scale."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neglog.priors.errors import InputError

SETTINGS, RESULTS = "study.json", "results.json"


@dataclass(frozen=True)
class Settings:
    """Sizes and seeds of a study of the loop."""

    scale: float
    seeds: tuple[int, ...]
    tokens: int
    width: int
    steps: int
    batch: int
    layer: int
    targets: tuple[int, ...]
    middle: int  # the L0 at which all penalties are compared
    min_nonzero: int
    activations: str | None

    def save(self, folder: Path) -> None:
        """Write the settings, so that an interrupted study can be told and continued."""
        (folder / SETTINGS).write_text(json.dumps(asdict(self), indent=2))


def settings_for(scale: float, seed: int, seeds: int, activations: str | Path | None) -> Settings:
    """The settings of a scale: 1 is the default study, less is quicker and says less."""
    width = max(48, round(1536 * min(scale, 1) ** 0.6 / 16) * 16) if scale < 1 else 1536
    middle = max(4, round(32 * width / 1536)) if scale < 1 else 32
    return Settings(
        scale=scale,
        seeds=tuple(range(seed, seed + seeds)),
        tokens=max(2_000, round(60_000 * scale)),
        width=width,
        steps=max(40, round(400 * min(scale, 4.0))),
        batch=2048 if scale >= 0.5 else 256,
        layer=3,
        targets=(middle // 2, middle, 2 * middle),
        middle=middle,
        min_nonzero=50 if scale >= 0.5 else 20,
        activations=None if activations is None else str(activations),
    )


def claim(out: Path, settings: Settings) -> None:
    """Take the folder for this study: a new one, an empty one, or its own unfinished one.

    Raises:
        InputError: the folder holds something else, or the study is finished already.
    """
    if out.is_dir() and (out / SETTINGS).is_file() and not (out / RESULTS).exists():
        before: Any = json.loads((out / SETTINGS).read_text())
        if before == json.loads(json.dumps(asdict(settings))):
            return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} already holds something: choose another --out or remove it first.")
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise InputError(f"{out} cannot be written to: choose another --out.")
    settings.save(out)
