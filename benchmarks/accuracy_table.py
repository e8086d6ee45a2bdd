"""Every scalar penalty of the catalogue against mpmath: the largest error in ulps, value/gradient.

    python benchmarks/accuracy_table.py [NAME …] [--markdown docs/accuracy.md]

Over both signs, 1e-30 … 1e30 and float32's denormal numbers, parameters at 3/4; NumPy, torch and
JAX in float32 and float64. A cell is value/gradient; below the table each miss of 4 ulps with its
worst point. Takes a quarter of an hour for the whole catalogue (mpmath and JAX's compiler).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

from neglog.derivations.compile import measured
from neglog.derivations.compile.measured import Truth, Worst, flushed, points, worst
from neglog.priors.catalogue import ENTRIES
from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

KINDS = (np.float32, np.float64)
LIMIT = 4.0
Pair = tuple[np.ndarray, np.ndarray]
Run = Callable[[Penalty, dict[str, Any], np.ndarray], Pair]


def with_numpy(p: Penalty, numbers: dict[str, Any], x: np.ndarray) -> Pair:
    """(φ, φ') by NumPy."""
    f = p.compile("numpy", **numbers)
    return f(x), f.grad(x)


def with_torch(p: Penalty, numbers: dict[str, Any], x: np.ndarray) -> Pair:
    """(φ, φ') by torch."""
    a = torch.tensor(x, requires_grad=True)
    value = p.compile("torch", **numbers)(a)
    return value.detach().numpy(), torch.autograd.grad(value.sum(), a)[0].numpy()


def with_jax(p: Penalty, numbers: dict[str, Any], x: np.ndarray) -> Pair:
    """(φ, φ') by JAX, which has float64 here only for float64 input."""
    with jax.enable_x64(x.dtype == np.float64):
        f, a = p.compile("jax", **numbers), jax.numpy.asarray(x)
        return np.asarray(f(a)), np.asarray(jax.grad(lambda z: f(z).sum())(a))


BACKENDS: dict[str, Run] = {"numpy": with_numpy, "torch": with_torch, "jax": with_jax}


def rows(names: list[str]) -> Iterator[tuple[str, str, dict[tuple[str, str], tuple[Worst, Worst]]]]:
    """(name, domain, {(backend, type): (worst value, worst gradient)})."""
    done: set[tuple[object, bool]] = set()
    for name in names:
        for domain in ENTRIES[name].domains:
            p = Penalty(parse(ENTRIES[name].expr), domain)
            half = (p.on_half_line, domain == "real" and p.on_half_line is None)
            if p.joint or half in done:  # an even penalty is the same on both domains
                continue
            done.add(half)
            yield name, domain, _row(p)


def _row(p: Penalty) -> dict[tuple[str, str], tuple[Worst, Worst]]:
    numbers: dict[str, Any] = {str(s): 0.75 for s in p.parameters}
    truth = Truth(p, numbers)
    row = {}
    for kind in KINDS:
        xs = points(p, kind)
        values, slopes = zip(*[truth.at(x) for x in xs], strict=True)
        for backend, run in BACKENDS.items():
            got = run(p, numbers, xs)
            exact: tuple[list, list] = (list(values), list(slopes))
            keep = np.ones(len(xs), bool)
            if backend == "jax":
                keep = np.abs(xs) >= np.finfo(kind).tiny
                exact = (flushed(values, kind), flushed(slopes, kind))
            found = [
                worst(xs[keep], part[keep], [t for t, k in zip(true, keep, strict=True) if k], kind)
                for part, true in zip(got, exact, strict=True)
            ]
            row[backend, np.dtype(kind).name] = (found[0], found[1])
    return row


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    columns = [(b, np.dtype(k).name) for b in BACKENDS for k in KINDS]
    lines = ["| penalty | " + " | ".join(f"{b} {k}" for b, k in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 1))
    print("\n".join(lines), flush=True)
    misses, cells, good = [], 0, 0
    for name, domain, row in rows(options.names or list(ENTRIES)):
        label = name if domain == ENTRIES[name].domains[0] else f"{name} ({domain})"
        shown = []
        for column in columns:
            shown.append("/".join(f"{w.ulp:.1f}" if w.ulp < 1e4 else ">1e4" for w in row[column]))
            for w, what in zip(row[column], ("value", "gradient"), strict=True):
                cells, good = cells + 1, good + (w.ulp <= LIMIT)
                if w.ulp > LIMIT:
                    misses.append(
                        f"* {label}, {' '.join(column)}, {what}: {w.ulp:.3g} ulp at a = {w.at:.6g} "
                        f"(got {w.got:.9g}, true {w.true:.9g})"
                    )
        lines.append(f"| {label} | " + " | ".join(shown) + " |")
        print(lines[-1], flush=True)
    summary = (
        f"{good} of {cells} cells within {LIMIT:g} ulp; {len(measured.MAGNITUDES)} magnitudes."
    )
    print("\n".join(["", summary, *misses]))
    if options.markdown:
        text = options.markdown.read_text() if options.markdown.exists() else ""
        head = text.split("<!-- table -->")[0]
        options.markdown.write_text(
            head + "<!-- table -->\n" + "\n".join([*lines, "", summary, "", *misses]) + "\n"
        )


if __name__ == "__main__":
    main()
