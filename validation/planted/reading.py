"""One planted data set, one SAE, every readout: which family is reported for which true law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import kurtosis

from neglog.validation.debiased.convolving import fit_debiased
from neglog.validation.debiased.debiasing import debias
from neglog.validation.fitting import fit
from neglog.validation.planted.data import Planted
from neglog.validation.planted.matching import match
from neglog.validation.planted.readouts import inverted, refitted
from neglog.validation.planted.training import PENALTIES, train_on

TRUE = "true codes"
READOUTS = ("raw", "inverted", "refitted", "one-step", "em")
MATCHED = 0.9  # cosine from which a planted feature counts as found


def read_true(planted: Planted) -> list[dict[str, Any]]:
    """The family reported for each feature's true codes: a record a feature."""
    table = fit(planted.codes)
    return _records(planted, table, np.arange(planted.design.features), None, TRUE)


def read_learned(
    planted: Planted,
    penalty: str,
    seed: int = 0,
    readouts: Sequence[str] = READOUTS,
    steps: int | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Train an SAE and fit what each readout gives of its codes.

    Returns a record for each readout and planted feature, lost features included (``reported`` is
    None), and what is known of the training and of the debiased codes' noise.
    """
    sae = train_on(planted, penalty, seed, *([] if steps is None else [steps]))
    rows = sae.W_dec.detach().numpy()
    partner, cosine = match(rows, planted.dictionary)
    codes = sae.codes(planted.x).toarray()
    about: dict[str, Any] = {
        **{k: float(sae.metrics[k]) for k in ("fvu", "l0", "strength")},
        "found": int((cosine > MATCHED).sum()),
        "median_cosine": float(np.median(cosine)),
    }
    records = []
    for readout in readouts:
        if readout in ("one-step", "em"):
            debiased = debias(sae, planted.x, method=readout)
            table = fit_debiased(debiased)
            if about["found"]:
                about[readout] = noise(planted, debiased, partner, cosine, float(sae.scale))
        elif readout == "inverted":
            expression = PENALTIES[penalty]
            if expression is None:
                continue
            table = fit(inverted(sae, codes, expression, sae.metrics["strength"]))
        else:
            table = fit(codes if readout == "raw" else refitted(sae, planted.x, codes))
        records += _records(planted, table, partner, cosine, readout)
    return records, about


def _records(
    planted: Planted, table: Any, partner: Any, cosine: Any, readout: str
) -> list[dict[str, Any]]:
    aic = table[table["best"]].set_index("feature")["family"].astype(str)
    bic = table[table["best_bic"]].set_index("feature")["family"].astype(str)
    return [
        {
            "law": law,
            "readout": readout,
            "cosine": None if cosine is None else float(cosine[feature]),
            "aic": None if (lost := cosine is not None and not cosine[feature] > MATCHED)
            else aic.get(partner[feature]),
            "bic": None if lost else bic.get(partner[feature]),
        }
        for feature, law in enumerate(planted.law)
    ]  # fmt: skip


def noise(
    planted: Planted, debiased: Any, partner: Any, cosine: Any, unit: float
) -> dict[str, float]:
    """What is left of the bias, and whether the noise is what it says: errors in units of it."""
    found = np.flatnonzero(cosine > MATCHED)
    truth = planted.codes[debiased.used][:, found]
    sd = debiased.tau[:, None] * debiased.width[partner[found]] * unit
    error = debiased.z[:, partner[found]] * unit - truth
    active = truth > 0
    scaled = (error / sd)[~active]
    return {
        "bias": float(error[active].mean()),
        "slope": float((truth * (error + truth))[active].sum() / (truth[active] ** 2).sum()),
        "tau": float(np.median(debiased.tau) * unit),
        "sd_active": float((error / sd)[active].std()),
        "sd_inactive": float(scaled.std()),
        "kurtosis": float(kurtosis(scaled)),
        "beyond_3": float((scaled > 3).mean() / 0.0013499),
    }
