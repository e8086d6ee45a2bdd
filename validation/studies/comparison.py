"""Fits and pair tests of trained SAEs, each beside its controls.

A fit of feature activations depends on the penalty, the readout and the threshold, and noise
through a random encoder already looks near-exponential. So each table stands beside the same table
for a random dictionary at the same firing rates and for the trained encoder on Gaussian noise of
equal covariance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neglog.sae import load, open_activations
from neglog.validation.controls import gaussian_noise, random_dictionary
from neglog.validation.densities import density
from neglog.validation.fitting import fit
from neglog.validation.pairs import coactivation
from neglog.validation.results import counts
from neglog.validation.studies.jobs import Trained
from neglog.validation.studies.settings import Settings

SAE, RANDOM, NOISE = "SAE", "random dictionary", "Gaussian noise"
THINNED = ", one token a sequence"
EXAMPLES = 6  # features drawn with their fits


@dataclass
class Comparison:
    """Fit counts and pair counts by penalty and source, and a few features to draw."""

    fits: dict[str, dict[str, Any]] = field(default_factory=dict)
    pairs: dict[str, dict[str, Any]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def pair(
        self,
        trained: list[Trained],
        out: Path,
        data: Path,
        settings: Settings,
        names: tuple[str, ...],
    ) -> None:
        """Test the pairs of each penalty's codes, and of random dictionaries read out alike."""
        sequence = _sequence(data)
        x = activations(data)
        for name in names:
            job = _of(trained, name, settings).job
            codes = load(job.folder(out)).codes(data)
            control = _random(codes, x, job.penalty is None, settings)
            self.pairs[name] = {SAE: _pairs(codes, None), RANDOM: _pairs(control, None)}
            if sequence is None:
                continue
            for source, its in ((SAE, codes), (RANDOM, control)):
                if _thick_enough(its, sequence):
                    self.pairs[name][f"{source}{THINNED}"] = _pairs(its, sequence)


def compare(
    trained: list[Trained], out: Path, data: Path, settings: Settings, names: tuple[str, ...]
) -> Comparison:
    """Fit all families to each penalty's codes at the middle L0, and to both controls."""
    found = Comparison()
    x = activations(data)
    noise = gaussian_noise(x, settings.seeds[0])
    for name in names:
        job = _of(trained, name, settings).job
        sae = load(job.folder(out))
        codes = sae.codes(data)
        tables = {
            SAE: fit(codes, min_nonzero=settings.min_nonzero),
            RANDOM: fit(
                _random(codes, x, job.penalty is None, settings), min_nonzero=settings.min_nonzero
            ),
            NOISE: fit(sae.codes(noise), min_nonzero=settings.min_nonzero),
        }
        found.fits[name] = {source: _summary(table) for source, table in tables.items()}
        if name == names[1]:
            found.examples = _examples(codes, tables[SAE])
    return found


def activations(data: Path) -> np.ndarray[Any, Any]:
    """All activations of a folder as one array [tokens, d] in float32."""
    opened = open_activations(data)
    return np.asarray(opened.rows(np.arange(len(opened))), dtype=np.float32)


def _of(trained: list[Trained], name: str, settings: Settings) -> Trained:
    return next(
        t
        for t in trained
        if (t.job.name, t.job.l0, t.job.seed) == (name, settings.middle, settings.seeds[0])
    )


def _random(codes: Any, x: np.ndarray[Any, Any], topk: bool, settings: Settings) -> Any:
    """A random dictionary read out alike: TopK, or ReLU at the same rate for each feature."""
    features = codes.shape[1]
    if topk:
        return random_dictionary(x, features, top_k=settings.middle, seed=settings.seeds[0])
    rates = np.bincount(codes.indices, minlength=features) / codes.shape[0]
    return random_dictionary(x, features, rates=rates, seed=settings.seeds[0])


def _summary(table: Any) -> dict[str, Any]:
    aic, bic = counts(table), counts(table, by="best_bic")
    return {"features": sum(aic.values()), "aic": aic, "bic": bic}


def _pairs(codes: Any, sequence: np.ndarray[Any, Any] | None) -> dict[str, Any]:
    found = coactivation(codes, sequence=sequence, top=5).to_json()
    return {k: v for k, v in found.items() if k != "schema"}


def _thick_enough(codes: Any, sequence: np.ndarray[Any, Any]) -> bool:
    """Whether one token a sequence leaves features that fire often enough to be tested."""
    rates = np.bincount(codes.indices, minlength=codes.shape[1]) / codes.shape[0]
    return bool((rates * len(np.unique(sequence)) >= 30).sum() >= 10)


def _sequence(data: Path) -> np.ndarray[Any, Any] | None:
    path = data / "sequence.npy"
    return np.load(path, allow_pickle=False) if path.is_file() else None


def _examples(codes: Any, table: Any) -> list[dict[str, Any]]:
    """Features from often to seldom firing, with a histogram and their fitted densities."""
    best = table[table["best"]].sort_values("nonzero", ascending=False)
    if best.empty:
        return []
    chosen = best.iloc[np.linspace(0, len(best) - 1, min(EXAMPLES, len(best))).astype(int)]
    columns = codes.tocsc()
    return [_example(int(row.feature), columns, table) for row in chosen.itertuples()]


def _example(feature: int, columns: Any, table: Any) -> dict[str, Any]:
    values = columns[:, [feature]].data.astype(float)
    values = values[values > 0]
    heights, edges = np.histogram(values, bins=40, density=True)
    rows = table[(table["feature"] == feature) & np.isfinite(table["aic"])].sort_values("aic")
    grid = np.linspace(edges[-1] / 400, edges[-1], 200)
    fits = []
    for row in rows.to_dict("records")[:3]:
        curve = density(row["family"], row)(grid)
        fits.append({"family": row["family"], "aic": float(row["aic"]), "density": curve.tolist()})
    return {
        "feature": feature,
        "nonzero": len(values),
        "edges": edges.tolist(),
        "heights": heights.tolist(),
        "grid": grid.tolist(),
        "fits": fits,
    }
