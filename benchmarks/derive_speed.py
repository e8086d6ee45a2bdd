"""Derive every penalty of the test table beside plain ``sympy.integrate``.

    python benchmarks/derive_speed.py                    # all rows, sympy for 30 s each
    python benchmarks/derive_speed.py --rows 20 --sympy-seconds 5
    python benchmarks/derive_speed.py --out table.md     # the table as Markdown too

Seconds are those of the processor, so that a busy machine changes little. Each derivation is
uncached, in this process; sympy gets a process of its own for each integral, with the same positive
symbols, less the time its imports take, and is ended after its time. Its result is
*right* where it equals quadrature at points at which the prior is proper (or is infinite where it
is improper), *wrong* where it is something else, *open* where it returns an integral.
"""

import argparse
import json
import platform
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import mpmath
import sympy as sp
from sympy.core.cache import clear_cache

from neglog.derivations.api import penalty
from neglog.derivations.engine import answer
from neglog.derivations.half_line import sides
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.integrals.quadrature import Estimate, integral
from neglog.derivations.numbers import Point
from neglog.priors.symbols import lam
from neglog.priors.text import parse_condition

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "derivations"))
from numerics import same_condition
from table import MORE, ROWS, Row

CHILD = """
import json, signal, sys, time, sympy as sp
from neglog.derivations.api import penalty
from neglog.priors.symbols import a, lam
expr, domain, points = json.loads(sys.stdin.read())
phi = penalty(expr, domain)
started = time.process_time()
signal.signal(signal.SIGPROF, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))  # ends this process
found = sp.integrate(sp.exp(-lam * phi.expr), (a, 0 if domain == "positive" else -sp.oo, sp.oo))
known = {s.name: s for s in found.free_symbols | phi.expr.free_symbols | {lam}}
values = []
for point in points:
    at = {known[k]: sp.Rational(v) for k, v in point.items() if k in known}
    values.append(str(sp.N(found.subs(at), 20)))
took = time.process_time() - started
print(json.dumps({"open": found.has(sp.Integral), "values": values, "seconds": took}))
"""


def truth(row: Row, count: int = 2) -> tuple[list[Point], list[Estimate | None] | None]:
    """Points at which the row's prior is proper, with ∫exp(−λφ) there; λ = 2 where it never is."""
    phi = penalty(row.expr, row.domain)
    if row.proper == "never":
        return [{**dict.fromkeys(phi.parameters, sp.Rational(3, 2)), lam: sp.Integer(2)}], None
    points: list[Point] = [*points_where(parse_condition(row.when), set(phi.parameters), count)]
    halves = sides(phi)
    assert halves is not None
    return points, [integral(halves, point) for point in points]


def with_neglog(row: Row) -> tuple[bool, str | None, int | None, float]:
    """(verdict right, closed form or None, digits, seconds)."""
    started = time.process_time()
    doc = answer({"penalty": row.expr, "domain": row.domain, "timeout": 60.0})
    took = time.process_time() - started
    right = doc["proper"] == row.proper and same_condition(doc["proper_when"], row.when)
    return right, doc["normalizer"], doc["verified_digits"], took


def with_sympy(
    row: Row, points: list[Point], values: list[Estimate | None] | None, seconds: float
) -> tuple[str, float]:
    """(outcome, seconds) of plain integration."""
    texts = [{str(k): str(v) for k, v in point.items()} for point in points]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(seconds)],
        input=json.dumps([row.expr, row.domain, texts]),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == -signal.SIGPROF:
        return "time out", seconds
    if done.returncode != 0:
        return "error", float("nan")
    reply = json.loads(done.stdout)
    took = reply["seconds"]
    if reply["open"]:
        return "open", took
    return judge(reply["values"], values), took


def judge(found: list[str], values: list[Estimate | None] | None) -> str:
    """Whether sympy's numbers are the integral's."""
    if values is None:
        return "right" if all("oo" in v or v == "nan" for v in found) else "wrong"
    for text, number in zip(found, values, strict=True):
        try:
            value = complex(mpmath.mpmathify(text.replace("*I", "j").replace(" ", "")))
        except ValueError:
            return "wrong" if text in ("oo", "-oo", "zoo", "nan") else "open"
        if number is None or abs(value - complex(number.value)) > 1e-9 * abs(value):
            return "wrong"
    return "right"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="only the first so many")
    parser.add_argument("--sympy-seconds", type=float, default=30.0)
    parser.add_argument("--out", type=Path, help="write the table as Markdown here")
    options = parser.parse_args()
    rows = [*ROWS, *MORE][: options.rows]
    lines = ["| penalty | domain | proper when | normaliser | digits | s | sympy | s |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    seconds, verdicts, closed, expected, theirs = [], 0, 0, 0, []
    answer({"penalty": "abs(a)", "domain": "real"})  # imports are not derivations
    clear_cache()
    for row in rows:
        right, form, digits, took = with_neglog(row)
        points, values = truth(row)
        outcome, theirs_took = with_sympy(row, points, values, options.sympy_seconds)
        seconds.append(took)
        verdicts += right
        expected += row.has_form
        closed += row.has_form and form is not None
        theirs.append(outcome)
        verdict = row.when if right else "WRONG"
        lines.append(
            f"| `{row.expr.replace('|', chr(92) + '|')}` | {row.domain} | {verdict} | "
            f"{'`' + form + '`' if form else '–'} | {digits or ''} | {took:.2f} | "
            f"{outcome} | {theirs_took:.1f} |"
        )
        print(lines[-1], flush=True)
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    summary = [
        f"{len(rows)} penalties; sympy {sp.__version__}, mpmath {mpmath.__version__}; {machine}.",
        f"neglog: {verdicts} of {len(rows)} verdicts and conditions right; verified closed form "
        f"for {closed} of the {expected} that have one; seconds: median "
        f"{statistics.median(seconds):.2f}, largest {max(seconds):.2f}.",
        f"sympy.integrate, {options.sympy_seconds:g} s each: "
        + ", ".join(f"{theirs.count(o)} {o}" for o in sorted(set(theirs))) + ".",
    ]  # fmt: skip
    print("\n".join(["", *summary]))
    if options.out is not None:
        options.out.write_text("\n".join([*summary, "", *lines, ""]))


if __name__ == "__main__":
    main()
