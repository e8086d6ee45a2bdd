"""Opposing directions: features whose decoder vectors point against each other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.tensorfile import read_safetensors

BLOCK = 1024  # features compared with as many others at once
DECODER_NAMES = ("W_dec", "decoder")  # features × d


@dataclass(frozen=True)
class Opposing:
    """Features whose most opposite partner has a cosine below each threshold."""

    features: int
    dimension: int
    below: dict[float, int]
    random: dict[float, int]  # the same for Gaussian directions, as many in as many dimensions
    most_opposite: NDArray[np.float64]  # (features,) each feature's lowest cosine
    partner: NDArray[np.int64]  # (features,)
    pairs: list[dict[str, float]]  # i, j, cosine: lowest cosines first

    def to_json(self) -> dict[str, Any]:
        """The ``neglog.opposing/1`` document."""
        document = {k: v for k, v in asdict(self).items() if k not in ("most_opposite", "partner")}
        for key in ("below", "random"):
            document[key] = {str(cosine): count for cosine, count in document[key].items()}
        return {"schema": "neglog.opposing/1", **document}


def opposing(
    decoder: Any, below: Sequence[float] = (-0.7, -0.9), top: int = 20, seed: int = 0
) -> Opposing:
    """Count features that have a partner at a cosine below each threshold, beside a baseline.

    decoder: features × d as an array, a torch tensor, a ``.npy`` or ``.safetensors`` file, or the
    folder of a trained SAE. Cosines are computed in blocks, each pair once, in float32; memory is
    the decoder's plus a few blocks. A zero row (dead feature) opposes nothing. The baseline draws
    Gaussian directions with ``seed``. Gao et al. (2024), Scaling and evaluating sparse
    autoencoders, count 286 of 256k features below −0.9 and 1,314 below −0.7.

    Raises InputError for a decoder that cannot be found or read, or a cosine outside (−1, 1).
    """
    for cosine in below:
        if not -1 < cosine < 1:
            raise InputError(f"below holds {cosine}; a cosine to stay below lies in (−1, 1).")
    rows = read_decoder(decoder)
    lowest, partner = most_opposite(rows)
    noise = np.random.default_rng(seed).standard_normal(rows.shape, dtype=np.float32)
    baseline, _ = most_opposite(noise)
    features, dimension = rows.shape
    return Opposing(
        features=features,
        dimension=dimension,
        below={float(c): int((lowest < c).sum()) for c in below},
        random={float(c): int((baseline < c).sum()) for c in below},
        most_opposite=lowest,
        partner=partner,
        pairs=_pairs(lowest, partner, top),
    )


def most_opposite(rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each row's lowest cosine with any other row of (features, d), and which row that is."""
    unit: NDArray[Any] = np.asarray(rows, dtype=np.float32)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    unit = unit / np.where(length > 0, length, 1)
    size = len(unit)
    lowest, partner = np.full(size, np.inf, np.float32), np.full(size, -1, np.int64)
    for i in range(0, size, BLOCK):
        for j in range(i, size, BLOCK):
            cosine = unit[i : i + BLOCK] @ unit[j : j + BLOCK].T
            if i == j:
                np.fill_diagonal(cosine, np.inf)
            _lower(lowest, partner, i, j, cosine)
            if i != j:
                _lower(lowest, partner, j, i, cosine.T)
    return lowest.astype(np.float64), partner


def _lower(
    lowest: NDArray[Any],
    partner: NDArray[np.int64],
    i: int,
    j: int,
    cosine: NDArray[Any],
) -> None:
    """Let rows i, i+1, … know their cosines with features j, j+1, …"""
    value = cosine.min(axis=1)
    better = np.flatnonzero(value < lowest[i : i + len(cosine)])
    lowest[i + better] = value[better]
    partner[i + better] = cosine[better].argmin(axis=1) + j  # a search for the few that improved


def _pairs(
    lowest: NDArray[np.float64], partner: NDArray[np.int64], top: int
) -> list[dict[str, float]]:
    """The pairs of lowest cosine among each feature with its most opposite partner, each once."""
    seen: dict[tuple[int, int], float] = {}
    for i in np.argsort(lowest, kind="stable"):
        if len(seen) >= top:
            break
        j = int(partner[i])
        seen.setdefault((min(int(i), j), max(int(i), j)), float(lowest[i]))
    return [{"i": i, "j": j, "cosine": cosine} for (i, j), cosine in seen.items()]


def read_decoder(decoder: Any) -> NDArray[Any]:
    """Decoder directions, features × d, from whatever ``opposing`` takes."""
    if isinstance(decoder, str | Path):
        decoder = _from_path(Path(decoder))
    elif hasattr(decoder, "detach"):
        decoder = decoder.detach().cpu().float().numpy()
    rows = np.asarray(decoder)
    if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] < 1:
        raise InputError(f"a decoder is features × d with two features or more, not {rows.shape}.")
    if rows.dtype.kind not in "fiu" or not np.isfinite(rows).all():
        raise InputError("the decoder holds values that are not finite real numbers.")
    return rows


def _from_path(path: Path) -> NDArray[Any]:
    if path.is_dir():
        path = path / "sae.safetensors"
    if not path.is_file():
        raise InputError(f"there is no decoder at {path}.")
    if path.suffix == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path} cannot be read as an array ({error}).") from error
    if path.suffix != ".safetensors":
        raise InputError(f"a decoder is .npy, .safetensors or an SAE's folder, not {path.name}.")
    tensors = read_safetensors(path)
    for name in DECODER_NAMES:
        if name in tensors:
            return tensors[name]
    if "decoder.weight" in tensors:  # a linear layer's weight: d × features
        return tensors["decoder.weight"].T
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    raise InputError(f"{path} has no decoder among its tensors: {', '.join(sorted(tensors))}.")
