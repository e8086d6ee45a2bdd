"""Does the law hold? Fit priors to feature activations, test independence, compare with controls.

Everything is loaded on first use. Files are named apart from the functions in them (``fitting``
holds ``fit``), so that importing a file never hides a function.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neglog.validation.claims import Claim, claim
    from neglog.validation.codes import Codes, read_codes
    from neglog.validation.controls import gaussian_noise, random_dictionary
    from neglog.validation.debiased.convolving import fit_debiased
    from neglog.validation.debiased.debiasing import Debiased, debias, debias_blocks
    from neglog.validation.debiased.observations import Observations, observe
    from neglog.validation.densities import density, log_density, negative_log, scipy_law
    from neglog.validation.families import FAMILIES, Family
    from neglog.validation.fitting import fit
    from neglog.validation.flags import FLAGS
    from neglog.validation.joints import compare_joint
    from neglog.validation.learned import couplings, learned_support
    from neglog.validation.magnitudes import magnitude_dependence
    from neglog.validation.opposites import Opposing, opposing
    from neglog.validation.pairs import Coactivation, coactivation
    from neglog.validation.results import counts, to_json
    from neglog.validation.slab import SlabFit, pooled
    from neglog.validation.studies import study
    from neglog.validation.studies.report import report

_WHERE = {
    "Codes": "codes",
    "read_codes": "codes",
    "gaussian_noise": "controls",
    "random_dictionary": "controls",
    "Claim": "claims",
    "claim": "claims",
    "Debiased": "debiased.debiasing",
    "Observations": "debiased.observations",
    "debias": "debiased.debiasing",
    "debias_blocks": "debiased.debiasing",
    "fit_debiased": "debiased.convolving",
    "observe": "debiased.observations",
    "magnitude_dependence": "magnitudes",
    "compare_joint": "joints",
    "couplings": "learned",
    "learned_support": "learned",
    "density": "densities",
    "log_density": "densities",
    "negative_log": "densities",
    "scipy_law": "densities",
    "FAMILIES": "families",
    "Family": "families",
    "fit": "fitting",
    "FLAGS": "flags",
    "Opposing": "opposites",
    "opposing": "opposites",
    "Coactivation": "pairs",
    "coactivation": "pairs",
    "counts": "results",
    "to_json": "results",
    "SlabFit": "slab",
    "pooled": "slab",
    "report": "studies.report",
    "study": "studies",
}

__all__ = [
    "FAMILIES",
    "FLAGS",
    "Claim",
    "Coactivation",
    "Codes",
    "Debiased",
    "Family",
    "Observations",
    "Opposing",
    "SlabFit",
    "claim",
    "coactivation",
    "compare_joint",
    "counts",
    "couplings",
    "debias",
    "debias_blocks",
    "density",
    "fit",
    "fit_debiased",
    "gaussian_noise",
    "learned_support",
    "log_density",
    "magnitude_dependence",
    "negative_log",
    "observe",
    "opposing",
    "pooled",
    "random_dictionary",
    "read_codes",
    "report",
    "scipy_law",
    "study",
    "to_json",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"neglog.validation.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'neglog.validation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
