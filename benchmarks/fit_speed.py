"""Time neglog.validation.fit against scipy's loop, fitter, distfit, powerlaw and JAX.

    python benchmarks/fit_speed.py                      # 1,000 features × 400 values, 3 rounds
    python benchmarks/fit_speed.py --features 60        # tiny python benchmarks/fit_speed.py
    --sketch 100000      # also: as many features × 8 families from a sketch

Every round runs all rivals in turn, so that a busy machine slows all of them. Rivals that are not
installed are left out (pip install fitter distfit powerlaw). Ratios are per fit, a fit being one
family on one feature: scipy fits all features, the others every 20th. fitter and distfit leave the
location free, which is not the same question; powerlaw has three of the six families. "worse by" is
how much higher a rival's log-likelihood is at most, in nat per value, where the question is the
same.
"""

import argparse
import contextlib
import importlib
import importlib.util
import io
import logging
import platform
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy import sparse, stats

import neglog.validation
from neglog.validation.families import FAMILIES

NAMES = ("exponential", "half-cauchy", "lomax", "gamma", "weibull", "log-normal")
EIGHT = (*NAMES, "half-normal", "generalised-pareto")
Times = dict[str, list[float]]


def planted(features: int, values: int, seed: int = 0) -> sparse.csc_array:
    """Features that follow each family in turn, active on a tenth of the tokens."""
    rng = np.random.default_rng(seed)
    tokens = 10 * values
    shapes = {"lomax": (3.0,), "gamma": (2.0,), "weibull": (0.8,), "log-normal": (0.7,)}
    columns = []
    for feature in range(features):
        name = NAMES[feature % len(NAMES)]
        law = getattr(stats, str(FAMILIES[name].scipy))(*shapes.get(name, ()))
        columns.append(law.rvs(size=values, random_state=rng))
    rows = [np.sort(rng.choice(tokens, values, replace=False)) for _ in range(features)]
    indptr = np.arange(features + 1) * values
    data = np.concatenate(columns), np.concatenate(rows), indptr
    return sparse.csc_array(data, shape=(tokens, features))


def columns(codes: sparse.csc_array, step: int) -> list[np.ndarray]:
    """The values of every step-th feature."""
    return [codes.data[codes.indptr[f] : codes.indptr[f + 1]]
            for f in range(0, codes.shape[1], step)]  # fmt: skip


def with_scipy(samples: list[np.ndarray], floc: bool = True) -> np.ndarray:
    """Log-likelihoods (features, families) of scipy's loop."""
    fixed = {"floc": 0} if floc else {}
    laws = [getattr(stats, str(FAMILIES[name].scipy)) for name in NAMES]
    return np.array([[law.logpdf(a, *law.fit(a, **fixed)).sum() for law in laws] for a in samples])


def with_fitter(samples: list[np.ndarray]) -> None:
    """fitter's loop: scipy's fits with a free location, and a histogram's error for each."""
    fitter = importlib.import_module("fitter")
    laws = [str(FAMILIES[name].scipy) for name in NAMES]
    for a in samples:
        fitter.Fitter(a, distributions=laws, timeout=600).fit(progress=False, max_workers=1)


def with_distfit(samples: list[np.ndarray]) -> None:
    """distfit's loop: scipy's fits with a free location, and a histogram's error for each."""
    distfit = importlib.import_module("distfit")
    laws = [str(FAMILIES[name].scipy) for name in NAMES]
    for a in samples:
        distfit.distfit(distr=laws, verbose=0).fit_transform(a, verbose=0)


def with_powerlaw(samples: list[np.ndarray]) -> None:
    """powerlaw's exponential, stretched exponential (Weibull) and log-normal over all values."""
    powerlaw = importlib.import_module("powerlaw")
    for a in samples:
        fit = powerlaw.Fit(a, xmin=a.min(), verbose=False)
        for name in ("exponential", "stretched_exponential", "lognormal"):
            getattr(fit, name).loglikelihoods  # noqa: B018  # fits on first use


RIVALS: dict[str, tuple[Callable[[list[np.ndarray]], Any], int]] = {
    "fitter": (with_fitter, 6),
    "distfit": (with_distfit, 6),
    "powerlaw": (with_powerlaw, 3),
}


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and the result, what rivals print kept away."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        result = run()
    return time.perf_counter() - start, result


def in_jax(codes: sparse.csc_array, values: int) -> Callable[[], Any]:
    """What one Newton step of the Lomax's profile sums over samples, jitted, in float64.

    Features have equally many values here, so that JAX sees a rectangle: its best case.
    """
    import jax
    import jax.numpy as jnp

    enable_x64 = jax.enable_x64  # a context: JAX's global settings stay as they are
    with enable_x64(True):
        a = jnp.asarray(codes.data.reshape(-1, values))
        kappa = jnp.full(len(a), 0.5)

        @jax.jit
        def sums(kappa: Any, a: Any) -> Any:
            share = a / (1 + kappa[:, None] * a)
            return jnp.log1p(kappa[:, None] * a).sum(1), share.sum(1), -(share**2).sum(1)

        jax.block_until_ready(sums(kappa, a))

    def run() -> None:
        with enable_x64(True):
            jax.block_until_ready(sums(kappa, a))

    return run


def in_numpy(codes: sparse.csc_array) -> Callable[[], Any]:
    """The same step as fit takes it."""
    from neglog.validation.fitting import Sort
    from neglog.validation.sketches.building import read_source

    profile = FAMILIES["lomax"].profile
    chunks = list(Sort(read_source(codes), 3).chunks())

    def run() -> None:
        for chunk in chunks:
            profile.evaluate(chunk, np.full((1, chunk.features), 0.5), [])

    run()
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--values", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", type=int, default=1, help="scipy fits every STEP-th feature")
    parser.add_argument("--sketch", type=int, default=0, help="features of a sketch to fit as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    print(f"{platform.machine()}, {platform.system()}, python {platform.python_version()}, "
          f"{', '.join(versions())}")  # fmt: skip
    codes = planted(options.features, options.values)
    seconds, _ = timed(partial(neglog.validation.fit, planted(6, 60), families=NAMES))
    print(f"first call, with the symbolic preparation: {seconds:.2f} s")
    here = {name: rival for name, rival in RIVALS.items() if installed(name)}
    for name in sorted(RIVALS.keys() - here.keys()):
        print(f"{name} is not installed: left out")
    times: Times = {}
    fits = options.features * len(NAMES)
    for _ in range(options.rounds):
        seconds, table = timed(partial(neglog.validation.fit, codes, families=NAMES))
        times.setdefault("neglog", []).append(seconds / fits)
        sample = columns(codes, options.step)
        seconds, loglik = timed(partial(with_scipy, sample))
        times.setdefault("scipy, floc=0", []).append(seconds / len(sample) / len(NAMES))
        own = table["loglik"].to_numpy().reshape(options.features, len(NAMES))[:: options.step]
        worst = ((loglik - own) / options.values).max()
        few = columns(codes, 20)
        seconds, _ = timed(partial(with_scipy, few, floc=False))
        times.setdefault("scipy, free loc", []).append(seconds / len(few) / len(NAMES))
        for name, (run, families) in here.items():
            seconds, _ = timed(partial(run, few))
            times.setdefault(name, []).append(seconds / len(few) / families)
    print(f"{options.features} features × {options.values} values × {len(NAMES)} families, "
          f"{options.rounds} rounds; scipy better by at most {worst:.1e} nat a value")  # fmt: skip
    print("| | ms a fit (median) | ratio to neglog (min … max over rounds) |\n|---|---|---|")
    for name, seconds_ in times.items():
        ratios = np.array(seconds_) / np.array(times["neglog"])
        print(f"| {name} | {1e3 * np.median(seconds_):.4f} | "
              f"{ratios.min():.0f} … {ratios.max():.0f} |")  # fmt: skip
    if installed("jax"):
        ours, theirs = in_numpy(codes), in_jax(codes, options.values)
        pairs = [(timed(ours)[0], timed(theirs)[0]) for _ in range(15)]
        numpy_, jax_ = np.median(pairs, axis=0)
        print(f"sums of one Newton step: numpy {1e3 * numpy_:.1f} ms, JAX {1e3 * jax_:.1f} ms")
    if options.sketch:
        of_a_sketch(options.sketch, options.values)


def of_a_sketch(features: int, values: int) -> None:
    """So many features × 8 families from a sketch."""
    block = planted(min(features, 1000), values, seed=3)
    part = neglog.validation.sketch(block)
    sketch = part.take(np.arange(features) % part.features)
    seconds, table = timed(partial(neglog.validation.fit, sketch, families=EIGHT))
    bins = len(sketch.bins) / features
    print(f"{features} features × {len(EIGHT)} families from a sketch of {values} values and "
          f"{bins:.0f} bins each: {seconds:.0f} s, {len(table):,} fits")  # fmt: skip


def installed(name: str) -> bool:
    """Whether a package is there."""
    return importlib.util.find_spec(name) is not None


def versions() -> list[str]:
    """Packages and their versions, those that are installed."""
    found = []
    for name in ("numpy", "scipy", "jax", *RIVALS):
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found


if __name__ == "__main__":
    main()
