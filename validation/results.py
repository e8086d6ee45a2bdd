"""Tables of fits as JSON and as counts."""

import math
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
        feature["families"][row["family"]] = _entry(row, table.attrs["params"][row["family"]])
        if row["best"]:
            feature["best"] = row["family"]
    return {
        "schema": "neglog.fit/1",
        "tokens": table.attrs["tokens"],
        "features": list(features.values()),
        "counts": counts(table),
        "counts_bic": counts(table, "best_bic"),
    }


def _entry(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {
        "params": {name: _number(row[name]) for name in names},
        "se": {name: _number(row[f"se_{name}"]) for name in names},
        **{name: _number(row[name]) for name in ("loglik", "aic", "bic")},
        "flags": [flag for flag in row["flags"].split("; ") if flag],
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
