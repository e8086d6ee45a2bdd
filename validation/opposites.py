"""Opposing directions: features whose decoder vectors point against each other, or alike."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.tensorfile import read_safetensors

BLOCK = 1024  # features compared with as many others at once
DECODER_NAMES = ("W_dec", "decoder")  # features × d


@dataclass(frozen=True)
class Opposing:
    """Features whose most opposite partner has a cosine below each threshold, or above each.

    ``random`` and ``random_above`` are the counts to expect of directions without structure, as
    many in as many dimensions: exact means, see :func:`expected`.
    """

    features: int
    dimension: int
    below: dict[float, int]
    random: dict[float, float]
    above: dict[float, int]
    random_above: dict[float, float]
    most_opposite: NDArray[np.float64]  # (features,) each feature's lowest cosine
    partner: NDArray[np.int64]  # (features,)
    most_alike: NDArray[np.float64]  # (features,) each feature's highest cosine
    twin: NDArray[np.int64]  # (features,)
    pairs: list[dict[str, float]]  # i, j, cosine: lowest cosines first
    duplicates: list[dict[str, float]]  # i, j, cosine: highest cosines first

    def features_below(self, cosine: float) -> NDArray[np.int64]:
        """The features with a partner below this cosine, most opposite first."""
        order = np.argsort(self.most_opposite, kind="stable")
        return order[: int((self.most_opposite < cosine).sum())]

    def features_above(self, cosine: float) -> NDArray[np.int64]:
        """The features with a partner above this cosine, most alike first."""
        order = np.argsort(-self.most_alike, kind="stable")
        return order[: int((self.most_alike > cosine).sum())]

    def to_json(self) -> dict[str, Any]:
        """The ``neglog.opposing/1`` document."""
        arrays = ("most_opposite", "partner", "most_alike", "twin")
        document = {k: v for k, v in asdict(self).items() if k not in arrays}
        for key in ("below", "random", "above", "random_above"):
            document[key] = {str(cosine): count for cosine, count in document[key].items()}
        return {"schema": "neglog.opposing/1", **document}


def opposing(
    decoder: Any,
    below: Sequence[float] = (-0.7, -0.9),
    top: int = 20,
    above: Sequence[float] = (0.7, 0.9),
    progress: bool = False,
) -> Opposing:
    """Count features that have a partner at a cosine below (above) each threshold.

    decoder: features × d as an array, a torch tensor, a ``.npy`` or ``.safetensors`` file, or the
    folder of a trained SAE. Cosines are computed in blocks, each pair once, in float32; memory is
    one copy of the decoder and a few blocks. A zero row (dead feature) opposes nothing and is like
    nothing. Gao et al. (2024), Scaling and evaluating sparse autoencoders, count 286 of 256k
    features below −0.9 and 1,314 below −0.7.

    Raises InputError for a decoder that cannot be found or read, or a cosine outside (−1, 1).
    """
    for name, cosines in (("below", below), ("above", above)):
        for cosine in cosines:
            if not -1 < cosine < 1:
                raise InputError(f"{name} holds {cosine}; a cosine to stay {name} lies in (−1, 1).")
    rows = read_decoder(decoder)
    features, dimension = rows.shape
    lowest, partner, highest, twin = extremes(rows, progress)
    return Opposing(
        features=features,
        dimension=dimension,
        below={float(c): int((lowest < c).sum()) for c in below},
        random={float(c): expected(features, dimension, c) for c in below},
        above={float(c): int((highest > c).sum()) for c in above},
        random_above={float(c): expected(features, dimension, -c) for c in above},
        most_opposite=lowest,
        partner=partner,
        most_alike=highest,
        twin=twin,
        pairs=_pairs(lowest, partner, top),
        duplicates=_pairs(-highest, twin, top, -1.0),
    )


def expected(features: int, dimension: int, cosine: float) -> float:
    """Expected number of random directions that have another below this cosine.

    Given one of them the others' cosines with it are independent, each with
    P(cos < c) = ½ I_{1−c²}((d−1)/2, ½) for c ≤ 0, so the mean is m(1 − (1 − P)^{m−1}), exactly.
    """
    if dimension == 1:
        p = 0.5
    else:
        tail = 0.5 * betainc((dimension - 1) / 2, 0.5, 1 - cosine**2)
        p = tail if cosine <= 0 else 1 - tail
    return float(-features * np.expm1((features - 1) * np.log1p(-min(p, 1 - 1e-16))))


def extremes(
    rows: NDArray[Any], progress: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Each row's lowest cosine with another row of (features, d), which row, and the highest.

    A pair is computed once, in a buffer of BLOCK × BLOCK; what is left per entry are the four
    comparisons of a minimum and a maximum along rows and along columns.
    """
    unit = np.array(rows, dtype=np.float32)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    np.divide(unit, length, out=unit, where=length > 0)
    size = len(unit)
    low = _Extreme(size, np.less, np.min, np.argmin, np.inf)
    high = _Extreme(size, np.greater, np.max, np.argmax, -np.inf)
    buffer = np.empty((min(BLOCK, size), min(BLOCK, size)), np.float32)
    blocks = -(-size // BLOCK)
    with progress_bar("compare", blocks * (blocks + 1) // 2, progress) as advance:
        for i in range(0, size, BLOCK):
            one = unit[i : i + BLOCK]
            for j in range(i, size, BLOCK):
                other = unit[j : j + BLOCK]
                cosine = np.matmul(one, other.T, out=buffer[: len(one), : len(other)])
                for extreme in (low, high):
                    if i == j:
                        np.fill_diagonal(cosine, extreme.worst)
                    extreme.rows(i, j, cosine)
                    if i != j:
                        extreme.columns(i, j, cosine)
                advance(1, "")
    for extreme in (low, high):
        extreme.find(unit)
        extreme.value[length[:, 0] == 0] = 0.0  # a dead feature
    return low.value.astype(float), low.partner, high.value.astype(float), high.partner


class _Extreme:
    """The most extreme cosine of every feature so far, and in which block its partner is.

    Which one it is there is looked up once, at the end: a block's product again for those rows.
    """

    def __init__(self, size: int, better: Any, reduce: Any, where: Any, worst: float) -> None:
        self.better, self.reduce, self.where, self.worst = better, reduce, where, worst
        self.value = np.full(size, worst, np.float32)
        self.block = np.zeros(size, np.int64)
        self.partner = np.full(size, -1, np.int64)

    def rows(self, i: int, j: int, cosine: NDArray[Any]) -> None:
        """Let rows i, i+1, … know their cosines with features j, j+1, …"""
        self._update(i, j, self.reduce(cosine, axis=1))

    def columns(self, i: int, j: int, cosine: NDArray[Any]) -> None:
        """Let rows j, j+1, … know their cosines with features i, i+1, …"""
        self._update(j, i, self.reduce(cosine, axis=0))

    def _update(self, i: int, j: int, value: NDArray[Any]) -> None:
        better = np.flatnonzero(self.better(value, self.value[i : i + len(value)]))
        self.value[i + better] = value[better]
        self.block[i + better] = j

    def find(self, unit: NDArray[Any]) -> None:
        """Set every row's partner."""
        for start in np.unique(self.block):
            rows = np.flatnonzero(self.block == start)
            other = unit[start : start + BLOCK]
            for part in np.array_split(rows, -(-len(rows) // BLOCK)):
                cosine = unit[part] @ other.T
                own = np.flatnonzero((part >= start) & (part < start + len(other)))
                cosine[own, part[own] - start] = self.worst
                self.partner[part] = self.where(cosine, axis=1) + start


def _pairs(
    lowest: NDArray[np.float64], partner: NDArray[np.int64], top: int, sign: float = 1.0
) -> list[dict[str, float]]:
    """The pairs of lowest value among each feature with its partner, each once."""
    seen: dict[tuple[int, int], float] = {}
    for i in np.argsort(lowest, kind="stable"):
        if len(seen) >= top:
            break
        j = int(partner[i])
        if j >= 0:
            seen.setdefault((min(int(i), j), max(int(i), j)), sign * float(lowest[i]))
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
    finite = rows.dtype.kind in "fiu" and all(
        np.isfinite(rows[start : start + 65_536]).all() for start in range(0, len(rows), 65_536)
    )
    if not finite:
        raise InputError("the decoder holds values that are not finite real numbers.")
    return rows


def _from_path(path: Path) -> NDArray[Any]:
    if path.is_dir():
        path = path / "sae.safetensors"
    if not path.is_file():
        raise InputError(f"there is no decoder at {path}.")
    if path.suffix == ".npy":
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
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
