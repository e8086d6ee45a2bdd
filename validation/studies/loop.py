"""The loop, end to end: derive → harvest → train → fit → test → fitted penalty → train → report."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from neglog.sae import harvest, load, open_activations
from neglog.validation.studies import questions
from neglog.validation.studies.closing import Fitted, fitted_prior
from neglog.validation.studies.comparison import Comparison, compare
from neglog.validation.studies.jobs import Job, Trained, train_all
from neglog.validation.studies.settings import RESULTS, Settings, claim, settings_for
from neglog.validation.studies.verdict import verdict

MAIN = {"L1": "abs(a)", "log(1+a²)": "log(1+a**2)", "log(1+|a|)": "log(1+abs(a))"}
SUM_INSIDE = "log(1+Σ|a|)"
PRODUCT, TOPK, FITTED = "∏(1+|a|), tempered", "TopK", "fitted"
# Those whose codes are fitted and tested for dependence.
FITTED_CODES = ("L1", "log(1+|a|)", TOPK)
PAIRED_CODES = ("log(1+|a|)", PRODUCT, SUM_INSIDE, TOPK)


class Clock:
    """Seconds for each part of a study, those of an interrupted run included."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what is inside under a name."""
        started = time.perf_counter()
        yield
        spent = self.seconds.get(name, 0.0) + time.perf_counter() - started
        self.seconds[name] = round(spent, 1)
        self.path.write_text(json.dumps(self.seconds))


def run(
    out: Path,
    scale: float,
    seed: int,
    seeds: int,
    activations: str | Path | None,
    progress: bool,
) -> dict[str, Any]:
    """Run the study in ``out``; see :func:`neglog.validation.study`."""
    settings = settings_for(scale, seed, seeds, activations)
    claim(out, settings)
    clock = Clock(out / "seconds.json")
    with clock.part("derive"):
        answers = {
            "derivations": questions.derivations(),
            "simulated": questions.simulated(seed),
            "budget": questions.budget(settings.width),
        }
    with clock.part("harvest"):
        data = _activations(out, settings, progress)
    with clock.part("train"):
        trained = _train(first_jobs(settings), out, data, settings, progress)
    with clock.part("fit and test"):
        comparison = compare(trained, out, data, settings, FITTED_CODES)
    with clock.part("close the loop"):
        tau = tempering(out, trained, data, settings)
        closed = fitted_prior(_codes(out, "log(1+|a|)", data, settings), settings.min_nonzero)
        later = second_jobs(settings, tau["tau"], str(closed.penalty.expr))
        trained += _train(later, out, data, settings, progress)
    with clock.part("pairs"):
        comparison.pair(trained, out, data, settings, PAIRED_CODES)
    opened = open_activations(data)
    size = (len(opened), opened.d)
    results = assemble(settings, answers, trained, comparison, closed, tau, clock, size)
    _finish(out, results, comparison)
    return results


def _activations(out: Path, settings: Settings, progress: bool) -> Path:
    if settings.activations is not None:
        return Path(settings.activations)
    folder = out / "activations"
    if not folder.exists():
        harvest(folder, layer=settings.layer, tokens=settings.tokens, progress=progress)
    return folder


def first_jobs(settings: Settings) -> list[Job]:
    """The penalties that need nothing measured: the main three at every L0, others at one."""
    jobs = [
        Job(name, expr, l0, seed)
        for seed in settings.seeds
        for name, expr in MAIN.items()
        for l0 in settings.targets
    ]
    for seed in settings.seeds:
        jobs.append(Job(SUM_INSIDE, "log(1+sum(abs(a)))", settings.middle, seed))
        jobs.append(Job(TOPK, None, settings.middle, seed))
    return jobs


def second_jobs(settings: Settings, tau: float, fitted: str) -> list[Job]:
    """The penalties that are made from measurements: the tempered product, the fitted prior."""
    product = f"{tau:g}*prod((1+abs(a))**(1/{tau:g}))"
    return [
        job
        for seed in settings.seeds
        for job in (
            Job(PRODUCT, product, settings.middle, seed),
            Job(FITTED, fitted, settings.middle, seed),
        )
    ]


def _train(
    jobs: list[Job], out: Path, data: Path, settings: Settings, progress: bool
) -> list[Trained]:
    return train_all(
        jobs, out, data, settings.width, settings.steps, settings.batch, progress=progress
    )


def _codes(out: Path, name: str, data: Path, settings: Settings) -> Any:
    expr = MAIN.get(name)
    job = Job(name, expr, settings.middle, settings.seeds[0])
    return load(job.folder(out)).codes(data)


def tempering(
    out: Path, trained: list[Trained], data: Path, settings: Settings
) -> dict[str, float]:
    """τ for τ ∏(1+|aᵢ|)^{1/τ}: the standard deviation over tokens of s = Σ log(1+|aᵢ|).

    The gradient of the product is e^s times that of s. With s measured on the codes of
    log(1+|a|), e^s varies over tokens by many orders of magnitude, so that a few tokens would own
    every step; in units of its own spread the exponent varies by one.
    """
    codes = _codes(out, "log(1+|a|)", data, settings).copy()
    codes.data = np.log1p(codes.data)
    s = np.asarray(codes.sum(axis=1)).ravel()
    return {
        "tau": float(f"{max(s.std(), 1.0):.2g}"),
        "mean_s": float(s.mean()),
        "sd_s": float(s.std()),
        "max_s": float(s.max()),
        "log10_largest_product": float(s.max() / np.log(10)),
        "log10_spread_1_99": float(np.diff(np.quantile(s, (0.01, 0.99)))[0] / np.log(10)),
    }


def assemble(
    settings: Settings,
    answers: dict[str, Any],
    trained: list[Trained],
    comparison: Comparison,
    closed: Fitted,
    tau: dict[str, float],
    clock: Clock,
    size: tuple[int, int],
) -> dict[str, Any]:
    """Everything the report shows, as one JSON document; ``size`` is tokens × d."""
    tokens, dimension = size
    results: dict[str, Any] = {
        "tokens": tokens,
        "schema": "neglog.study/1",
        "study": "loop",
        "settings": json.loads(json.dumps(settings.__dict__)),
        "machine": _machine(),
        "answers": answers,
        "trained": [
            {**t.metrics, "penalty": t.job.name, "expr": t.job.penalty, "target_l0": t.job.l0,
             "seed": t.job.seed, "command": t.command, "lam": strength_of_prior(t, dimension)}
            for t in trained
        ],
        "fits": comparison.fits,
        "pairs": comparison.pairs,
        "tempering": tau,
        "fitted_prior": closed.report(),
        "seconds": clock.seconds,
    }  # fmt: skip
    results["verdict"] = verdict(results)
    return results


def strength_of_prior(run: Trained, dimension: int) -> float | None:
    """λ = c/(2σ²): the prior's strength that a penalty's coefficient c stands for.

    Reconstruction ‖x − Da‖² + cφ(a) is the maximum a posteriori estimate under Gaussian noise of
    variance σ²; σ² is read off the last batch's residual, so λ is an estimate.
    """
    if run.job.penalty is None:
        return None
    variance = float(run.metrics["reconstruction"]) / dimension
    return float(run.metrics["strength"]) / (2 * variance)


def _machine() -> dict[str, Any]:
    packages = ("neglog", "torch", "numpy", "scipy", "sympy")
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _finish(out: Path, results: dict[str, Any], comparison: Comparison) -> None:
    """Figures and report first, the results last: their presence says the study is whole."""
    from neglog.validation.studies.figures import draw
    from neglog.validation.studies.report import write_report

    (out / "examples.json").write_text(json.dumps(comparison.examples))
    draw(results, comparison.examples, out / "figures")
    write_report(out, results)
    partial = out / f".{RESULTS}.partial"
    partial.write_text(json.dumps(results, indent=2, allow_nan=False))
    partial.replace(out / RESULTS)
