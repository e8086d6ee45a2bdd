"""What ``neglog fit`` does between reading its options and printing."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.fitting import fit
from neglog.validation.judging.calibration import goodness
from neglog.validation.judging.figures import fit_figure
from neglog.validation.judging.holding_out import held_out
from neglog.validation.judging.thresholds import tail as tail_table
from neglog.validation.results import to_json, with_goodness, with_rows
from neglog.validation.sketches.building import read_source

TAIL = ("share", "threshold", "exceedances", "xi", "low", "high", "tail", "hill")
HELD_OUT = ("family", "scored", "score", "se", "behind", "behind_se", "best")


def fit_document(
    codes: str,
    families: list[str] | None,
    min_nonzero: int,
    *,
    weights: str | None,
    offset: str | None,
    truncation: str | None,
    intervals: float | None,
    gof: str | None,
    replicates: int,
    tail: bool,
    folds: int | None,
    sequence: str | None,
    seed: int,
    figure: str | None,
    csv: str | None,
    progress: bool,
) -> dict[str, Any]:
    """The ``neglog.fit/1`` document with everything that was asked for."""
    if gof is not None and (weights or offset or truncation):
        raise InputError("--gof tests whole slabs: leave out --weights, --offset, --truncation.")
    if sequence is not None and folds is None and gof is None:
        raise InputError("--sequence is for --gof and --folds: give one of them.")
    for path in filter(None, (figure, csv)):
        if not Path(path).resolve().parent.is_dir():
            raise InputError(f"there is no folder to write {path} in.")
    source = read_source(codes)
    table = fit(
        source, families, min_nonzero, weights=array(weights), offset=number_or_array(offset),
        truncation=number_or_array(truncation), intervals=intervals,
    )  # fmt: skip
    document = to_json(table)
    if gof is not None:
        tested = goodness(
            source, families, best_only=True, statistic=gof, replicates=replicates,
            min_nonzero=min_nonzero, seed=seed, progress=progress, sequence=array(sequence),
        )  # fmt: skip
        document = with_goodness(document, tested)
    if tail:
        document = with_rows(document, tail_table(source), "tail", TAIL)
    if folds is not None:
        scored = held_out(source, families, folds=folds, sequence=array(sequence),
                          min_nonzero=min_nonzero, seed=seed)  # fmt: skip
        document = with_rows(document, scored, "held_out", HELD_OUT)
    if figure is not None:
        fit_figure(source, figure, **({"families": families} if families else {}))  # type: ignore[arg-type]
    if csv is not None:
        table.to_csv(csv, index=False)
    return document


Table = tuple[tuple[str, ...], Sequence[tuple[str, ...]]]


def fit_rows(document: dict[str, Any]) -> list[Table]:
    """What a terminal shows of a document: heads and rows of small tables."""
    features = document["features"]
    won = [(name, str(count)) for name, count in document["counts"].items()]
    tables: list[Table] = [(("family", "best by AIC"), won)]
    if any("goodness" in entry for f in features for entry in f["families"].values()):
        tables.append((("family", "tested", "rejected at 5%"), _rejected(features)))
    if any("tail" in feature for feature in features):
        tables.append((("share above threshold", "tail", "features"), _tails(features)))
    if any("held_out" in feature for feature in features):
        best = Counter(row["family"] for f in features for row in f["held_out"] if row["best"])
        tables.append((("family", "best held out"), [(n, str(c)) for n, c in best.most_common()]))
    return tables


def _rejected(features: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    tested: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for feature in features:
        for name, entry in feature["families"].items():
            p = entry.get("goodness", {}).get("p")
            if p is not None:
                tested[name] += 1
                rejected[name] += p <= 0.05
    return [(name, str(n), f"{rejected[name] / n:.0%}") for name, n in tested.most_common()]


def _tails(features: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    words = Counter((row["share"], row["tail"]) for f in features for row in f["tail"])
    told = sorted((-share, word, n) for (share, word), n in words.items() if word is not None)
    return [(f"{-share:g}", word, str(n)) for share, word, n in told]


def array(path: str | None) -> NDArray[Any] | None:
    """The array of a .npy file; InputError if it cannot be read."""
    if path is None:
        return None
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a .npy file: {error}.") from error


def number_or_array(text: str | None) -> float | str | NDArray[Any] | None:
    """A number, the array of a .npy file, or the word "minimum"."""
    if text is None or text == "minimum":
        return text
    if text.endswith(".npy"):
        return array(text)
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number, .npy file or the word minimum.") from None
