"""Tables of fits as JSON and as counts."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def counts(table: "pd.DataFrame", by: str = "best") -> dict[str, int]:
    """How many features each family describes best, most first; ``by`` is "best" or "best_bic"."""
    won = table.loc[table[by], "family"].value_counts()
    return {str(name): int(count) for name, count in won.items() if count}


def to_json(table: "pd.DataFrame") -> dict[str, Any]:
    """The ``neglog.fit/1`` document of a table made by ``fit``; what is nan there is null here."""
    features = []
    for feature, rows in table.groupby("feature", sort=True):
        first = rows.iloc[0]
        best = rows.loc[rows["best"], "family"]
        features.append(
            {
                "feature": int(feature),
                "nonzero": int(first["nonzero"]),
                "zero_fraction": float(first["zero_fraction"]),
                "best": str(best.iloc[0]) if len(best) else None,
                "families": {
                    row["family"]: _entry(row, table.attrs["params"][row["family"]])
                    for row in rows.to_dict("records")
                },
            }
        )
    return {
        "schema": "neglog.fit/1",
        "tokens": table.attrs["tokens"],
        "features": features,
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
    return float(value) if np.isfinite(value) else None
