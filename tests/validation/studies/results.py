"""Made-up results of a study, whole enough for the verdict and the report."""

from typing import Any

from neglog.validation.studies import questions


def _pairs(exclusive: float, coactivating: float) -> dict[str, Any]:
    return {"pairs": 1000, "testable": 900, "exclusive": int(900 * exclusive),
            "coactivating": int(900 * coactivating), "exclusive_fraction": exclusive,
            "coactivating_fraction": coactivating, "alpha": 0.05, "var_l0_ratio": 1.2}  # fmt: skip


def _run(penalty: str, l0: int, fvu: float, seed: int = 0) -> dict[str, Any]:
    return {"penalty": penalty, "expr": penalty, "target_l0": l0, "seed": seed, "l0": l0 + 0.5,
            "fvu": fvu, "dead": 0.01, "strength": 1.5,
            "lam": 7.0, "command": "neglog train"}  # fmt: skip


def made_up(
    winner: str = "lomax", control: str = "exponential", fitted: float = 0.12
) -> dict[str, Any]:
    """Results in which ``winner`` fits the features best and ``control`` the controls."""

    def summary(family: str) -> dict[str, Any]:
        return {"features": 100, "aic": {family: 80, "gamma": 20}, "bic": {family: 90}}

    sources = {
        "SAE": summary(winner),
        "random dictionary": summary(control),
        "Gaussian noise": summary(control),
    }
    names = ("L1", "log(1+a²)", "log(1+|a|)", "TopK", "log(1+Σ|a|)", "∏(1+|a|), tempered")
    trained = [_run(n, 32, 0.13 + 0.01 * i, s) for i, n in enumerate(names) for s in (0, 1)]
    trained += [_run("fitted", 32, fitted, s) for s in (0, 1)]
    return {
        "settings": {"middle": 32, "seeds": [0, 1], "width": 1536, "scale": 1.0, "layer": 3,
                     "activations": None},
        "machine": {"system": "here", "python": "3", "torch": "2"},
        "tokens": 60000,
        "answers": {"derivations": questions.derivations(), "simulated": questions.simulated(),
                    "budget": questions.budget(1536)},
        "trained": trained,
        "fits": {"log(1+|a|)": sources},
        "pairs": {"TopK": {"SAE": _pairs(0.3, 0.2), "random dictionary": _pairs(0.1, 0.1)}},
        "tempering": {"tau": 8.0, "mean_s": 18.0, "sd_s": 8.0, "max_s": 58.0,
                      "log10_largest_product": 25.0, "log10_spread_1_99": 14.0},
        "fitted_prior": {"family": "weibull", "shapes": {"c": 0.9}, "typical_scale": 1.0,
                         "zero_fraction": 0.97, "spike": 0.05, "penalty": "-log(a)",
                         "delta_aic": [{"family": "weibull", "aic": 0.0},
                                       {"family": "gamma", "aic": 12.0}]},
        "seconds": {"train": 200.0},
    }  # fmt: skip
