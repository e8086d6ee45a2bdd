"""The fused pass as machine code, where a C++ compiler is at hand: for algebraic penalties.

The program's steps become one loop of arithmetic and selections, which the compiler vectorises; it
is compiled in a temporary folder (about a second), loaded and called by each thread on its share.
Penalties with transcendental functions stay with torch, whose vectorised ones are as fast.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from neglog.derivations.compile.program import Program
from neglog.priors.errors import InputError

FLAGS: tuple[str, ...] = (
    "-O3",
    "-march=native",
    "-fopenmp-simd",
    "-ffp-contract=off",
    "-fno-math-errno",
)
FLAGS += ("-fno-trapping-math", "-shared", "-fPIC")
STEPS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "SQRT({0})",
    "Abs": "({0} < 0 ? -{0} : {0})",
    "maximum": "({0} > {1} ? {0} : {1})",
    "minimum": "({0} < {1} ? {0} : {1})",
    "where": "({0} ? {1} : {2})",
    "fill": "{0}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "({0} && {1})",
    "or": "({0} || {1})",
    "not": "!{0}",
}
TRUTH = ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")
SOURCE = """\
#include <cmath>
#define SQRT(x) std::sqrt(x)
extern "C" double total(const {outer}* a, {outer}* out, long n, double scale, double weight) {{
  const {inner} s = scale, w = weight;
  double whole = 0;
  for (long begin = 0; begin < n; begin += 4096) {{
    const long end = begin + 4096 < n ? begin + 4096 : n;
    {inner} part = 0;
    #pragma omp simd reduction(+:part)
    for (long i = begin; i < end; i++) {{
      const {inner} u = ({inner})a[i] / s;
      const {inner} x0 = {half};
{steps}
      part += {value};
      const {inner} d = {slope};
      out[i] = ({outer})({side} * w);
    }}
    whole += part;
  }}
  return whole;
}}
"""
Kernel = Callable[[int, int, int, float, float], float]


def compiler() -> str:
    """The C++ compiler: $CXX, c++, g++ or clang++.

    Raises:
        InputError: there is none.
    """
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise InputError("native code needs a C++ compiler (CXX, c++, g++ or clang++); none was found.")


def source(program: Program, outer: str, inner: str, positive: bool) -> str:
    """The C++ text of a program (y) → (φ, φ').

    Raises:
        InputError: a step is not algebraic.
    """
    names = ["x0", *[_literal(c, inner) for c in program.constants]]
    lines = []
    for i, (name, reads) in enumerate(program.steps):
        if name not in STEPS:
            raise InputError(f"native code is for algebraic penalties; this one needs {name}.")
        kind = "bool" if name in TRUTH else inner
        lines.append(f"      const {kind} t{i} = {STEPS[name].format(*[names[r] for r in reads])};")
        names.append(f"t{i}")
    value, slope = (names[i] for i in program.outputs)
    return SOURCE.format(
        outer=outer,
        inner=inner,
        half="u > 0 ? u : 0" if positive else "u < 0 ? -u : u",
        steps="\n".join(lines),
        value=value,
        slope=slope,
        side="(u < 0 ? 0 : d)" if positive else "(u > 0 ? d : u < 0 ? -d : u - u)",
    )


def build(text: str) -> Kernel:
    """The compiled function of (address of a, of the gradient, how many, scale, weight) → Σφ.

    Raises:
        InputError: the compiler is missing or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        written, library = Path(folder, "total.cpp"), Path(folder, "total.so")
        written.write_text(text)
        done = subprocess.run(
            [compiler(), *FLAGS, "-o", str(library), str(written)], capture_output=True, text=True
        )
        if done.returncode:
            first = (done.stderr.strip() or "no message").splitlines()[0]
            raise InputError(f"the C++ compiler failed: {first}")
        call = ctypes.CDLL(str(library)).total
    call.restype = ctypes.c_double
    call.argtypes = (
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_long,
        ctypes.c_double,
        ctypes.c_double,
    )
    return call


def _literal(value: object, inner: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    number = float(value)  # type: ignore[arg-type]
    if number != number or abs(number) == float("inf"):
        return f"({'-' if number < 0 else ''}({inner})INFINITY)" if number == number else "NAN"
    return f"(({inner}){number.hex()})"
