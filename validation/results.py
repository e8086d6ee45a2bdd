"""Tables of fits as JSON and as counts."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def counts(table: "pd.DataFrame", by: str = "best") -> dict[str, int]:
    """How many features each family describes best, most first; ``by`` is "best" or "best_bic"."""
    won = table.loc[table[by], "family"].value_counts()
    return {str(name): int(count) for name, count in won.items() if count}


def to_json(table: "pd.DataFrame") -> dict[str, Any]:
    """The ``neglog.fit/1`` document of a table made by ``fit``; what is nan there is null here."""
    features: dict[int, dict[str, Any]] = {}
    for row in table.sort_values("feature", kind="stable").to_dict("records"):
        feature = features.setdefault(
            row["feature"],
            {
                "feature": row["feature"],
                "nonzero": row["nonzero"],
                "zero_fraction": row["zero_fraction"],
                "best": None,
                "families": {},
            },
        )
        for name in ("used", "offset", "truncation"):
            if name in row:
                feature[name] = _number(row[name])
        feature["families"][row["family"]] = _entry(row, table.attrs["params"][row["family"]])
        if row["best"]:
            feature["best"] = row["family"]
    return {
        "schema": "neglog.fit/1",
        "tokens": table.attrs["tokens"],
        "source": table.attrs["source"],
        "features": list(features.values()),
        "counts": counts(table),
        "counts_bic": counts(table, "best_bic"),
    }


def with_goodness(document: dict[str, Any], table: "pd.DataFrame") -> dict[str, Any]:
    """The same document, each fit with the ``goodness`` (statistic, p, q) that the table holds."""
    found = {
        (row["feature"], row["family"]): {k: _number(row[k]) for k in ("statistic", "p", "q")}
        for row in table.to_dict("records")
    }
    for feature in document["features"]:
        for name, entry in feature["families"].items():
            if (feature["feature"], name) in found:
                entry["goodness"] = found[feature["feature"], name]
    return document


def with_rows(
    document: dict[str, Any], table: "pd.DataFrame", key: str, columns: Sequence[str]
) -> dict[str, Any]:
    """The same document, each feature with its rows of another table as a list under ``key``."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(row["feature"], []).append({c: _plain(row[c]) for c in columns})
    for feature in document["features"]:
        feature[key] = rows.get(feature["feature"], [])
    return document


def _plain(value: Any) -> Any:
    return _number(value) if isinstance(value, float) else value


def _entry(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    entry = _fit(row, names)
    if f"low_{names[0]}" in row:
        entry["interval"] = {
            name: [_end(row[f"low_{name}"]), _end(row[f"high_{name}"])] for name in names
        }
    if "binning" in row:
        entry["binning"] = _number(row["binning"])
    return entry


def _end(value: float) -> float | str | None:
    """An end of an interval; JSON has no infinity, so it is the word of the derivations."""
    return "oo" if value == math.inf else _number(value)


def _fit(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {
        "params": {name: _number(row[name]) for name in names},
        "se": {name: _number(row[f"se_{name}"]) for name in names},
        **{name: _number(row[name]) for name in ("loglik", "aic", "bic")},
        "flags": [flag for flag in row["flags"].split("; ") if flag],
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
