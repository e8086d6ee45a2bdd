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
    from neglog.validation.expression import penalty_family
    from neglog.validation.families import FAMILIES, Family
    from neglog.validation.fitting import fit
    from neglog.validation.flags import FLAGS
    from neglog.validation.joints import compare_joint
    from neglog.validation.judging.calibration import goodness
    from neglog.validation.judging.comparing import vuong
    from neglog.validation.judging.edf import STATISTICS
    from neglog.validation.judging.figures import fit_figure, tail_figure
    from neglog.validation.judging.holding_out import held_out
    from neglog.validation.judging.nesting import NESTINGS, nested
    from neglog.validation.judging.resampling import block_bootstrap
    from neglog.validation.judging.thresholds import tail
    from neglog.validation.learned import couplings, learned_support
    from neglog.validation.magnitudes import magnitude_dependence
    from neglog.validation.opposites import Opposing, opposing
    from neglog.validation.pairs import Coactivation, coactivation
    from neglog.validation.portion import estimated_offset
    from neglog.validation.results import counts, to_json
    from neglog.validation.sketches.building import sketch
    from neglog.validation.sketches.sketch import Sketch
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
    "penalty_family": "expression",
    "estimated_offset": "portion",
    "goodness": "judging.calibration",
    "vuong": "judging.comparing",
    "STATISTICS": "judging.edf",
    "fit_figure": "judging.figures",
    "tail_figure": "judging.figures",
    "held_out": "judging.holding_out",
    "NESTINGS": "judging.nesting",
    "nested": "judging.nesting",
    "block_bootstrap": "judging.resampling",
    "tail": "judging.thresholds",
    "sketch": "sketches.building",
    "Sketch": "sketches.sketch",
}

__all__ = [
    "FAMILIES",
    "FLAGS",
    "NESTINGS",
    "STATISTICS",
    "Claim",
    "Coactivation",
    "Codes",
    "Debiased",
    "Family",
    "Observations",
    "Opposing",
    "Sketch",
    "SlabFit",
    "block_bootstrap",
    "claim",
    "coactivation",
    "compare_joint",
    "counts",
    "couplings",
    "debias",
    "debias_blocks",
    "density",
    "estimated_offset",
    "fit",
    "fit_debiased",
    "fit_figure",
    "gaussian_noise",
    "goodness",
    "held_out",
    "learned_support",
    "log_density",
    "magnitude_dependence",
    "negative_log",
    "nested",
    "observe",
    "opposing",
    "penalty_family",
    "pooled",
    "random_dictionary",
    "read_codes",
    "report",
    "scipy_law",
    "sketch",
    "study",
    "tail",
    "tail_figure",
    "to_json",
    "vuong",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"neglog.validation.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'neglog.validation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
