"""Value and gradient of a penalty on 2²⁴ float32 values: ours, by hand in torch, torch.compile.

    python benchmarks/penalty_speed.py [--power 24] [--rounds 5] [--threads 2] [--no-compile]

All ways alternate within each round; printed are medians, ratios to a copy plus a read of the same
values (the floor: read a, write φ'(a)), and the peak of memory beyond a and its gradient.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

import neglog
from neglog.priors.errors import InputError

# name: our expression, the usual hand-written form
CASES: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "L1": ("abs(a)", lambda a: a.abs().sum()),
    "Geman-McClure": ("a**2/(1+a**2)", lambda a: (a.square() / (1 + a.square())).sum()),
    "Huber": (
        "Piecewise((a**2/2, abs(a)<1), (abs(a)-1/2, True))",
        lambda a: torch.where(a.abs() < 1, a.square() / 2, a.abs() - 0.5).sum(),
    ),
    "pseudo-Huber": ("sqrt(1+a**2)-1", lambda a: ((1 + a.square()).sqrt() - 1).sum()),
    "sqrt": ("sqrt(abs(a))", lambda a: a.abs().sqrt().sum()),
    "log": ("log(1+abs(a))", lambda a: a.abs().log1p().sum()),
    "log-cosh": (
        "log(cosh(a))",
        lambda a: (a.abs() + torch.log1p(torch.exp(-2 * a.abs())) - 0.6931471805599453).sum(),
    ),
}


def ways(name: str, a: Tensor, compiled: bool) -> dict[str, Callable[[], None]]:
    """The ways to be timed; each leaves a gradient in ``a``."""
    expression, hand = CASES[name]

    def backward(f: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def run() -> None:
            a.grad = None
            f(a).backward()

        return run

    def floor() -> None:
        a.detach().clone()  # into new memory, as every gradient is written
        a.detach().sum()

    ours = neglog.penalty(expression).compile("torch")
    found = {"copy+read": floor, "eager": backward(hand), "ours": backward(ours.total)}
    native = neglog.penalty(expression).compile("torch")
    try:
        native.native()
    except InputError:
        pass  # not algebraic, or no compiler: the eager pass is all there is
    else:
        found["ours native"] = backward(native.total)
    if compiled:
        found["torch.compile"] = backward(torch.compile(hand))
    return found


def timed(run: Callable[[], None]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak(name: str, way: str, power: int, threads: int) -> float:
    """Megabytes beyond a and its gradient at the peak, in a process of its own."""
    code = (
        "import importlib.util, torch\n"
        f"spec = importlib.util.spec_from_file_location('speed', {__file__!r})\n"
        "speed = importlib.util.module_from_spec(spec); spec.loader.exec_module(speed)\n"
        f"torch.set_num_threads({threads})\n"
        f"small = torch.randn(1 << 18, requires_grad=True)\n"
        f"speed.ways({name!r}, small, False)[{way!r}]()\n"
        f"a = torch.randn(1 << {power}, requires_grad=True)\n"
        f"name, way = {name!r}, {way!r}\n"
        "run = speed.bare(name, way, a)\n"
        "before = speed.peak_memory(reset=True)\n"
        "run()\n"
        "print(speed.peak_memory() - before - a.numel() * 4 / 2**20)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak_memory(reset: bool = False) -> float:
    """The peak of this process's memory in megabytes (Linux), from now on if ``reset``."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def bare(name: str, way: str, a: Tensor) -> Callable[[], None]:
    """One way alone, nothing else allocated."""
    expression, hand = CASES[name]
    f = hand if way == "eager" else neglog.penalty(expression).compile("torch").total

    def run() -> None:
        f(a).backward()

    return run


def active_only(power: int, rounds: int) -> tuple[float, float]:
    """Median seconds on a code with 1% active: all values, and the active ones alone."""
    a = torch.randn(1 << power).clamp_min(2.3) - 2.3
    values = a[a > 0].clone().requires_grad_()
    a.requires_grad_()
    f = neglog.penalty("log(1+a)", "positive").compile("torch")

    def run(x: Tensor) -> Callable[[], None]:
        def work() -> None:
            x.grad = None
            f.total(x).backward()

        return work

    times = [(timed(run(a)), timed(run(values))) for _ in range(rounds)]
    return statistics.median(t for t, _ in times), statistics.median(t for _, t in times)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--power", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    named = [line.split(":")[1].strip() for line in lines if "model name" in line]
    cpu = named[0] if named else platform.processor()
    print(
        f"{cpu}, {options.threads} threads; Python {platform.python_version()}, "
        f"torch {version('torch')}; 2^{options.power} float32, medians of {options.rounds} rounds"
    )
    head = f"{'penalty':14} {'way':14} {'ms':>7} {'/copy+read':>10} {'eager/it':>8} {'extra MB':>8}"
    print(head)
    for name in options.names or CASES:
        a = torch.randn(1 << options.power, requires_grad=True)
        runs = ways(name, a, not options.no_compile)
        for run in runs.values():
            run()  # compile, allocate
        times: dict[str, list[float]] = {way: [] for way in runs}
        for _ in range(options.rounds):
            for way, run in runs.items():
                times[way].append(timed(run))
        ms = {way: 1000 * statistics.median(t) for way, t in times.items()}
        for way, value in ms.items():
            extra = ""
            if way in ("eager", "ours"):
                extra = f"{peak(name, way, options.power, options.threads):8.0f}"
            print(
                f"{name:14} {way:14} {value:7.1f} {value / ms['copy+read']:10.2f} "
                f"{ms['eager'] / value:8.2f} {extra:>8}",
                flush=True,
            )
    dense, active = active_only(options.power, options.rounds)
    print(f"log on a 1% active code: all values {dense * 1e3:.1f} ms, active {active * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
