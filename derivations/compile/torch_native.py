"""The fused pass as machine code, where a C++ compiler is at hand.

The program's steps become one loop, which the compiler vectorises together with libm's functions;
it is compiled in a temporary folder (about a second), loaded and called by each thread on its
share.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from neglog.derivations.compile.large import LARGE
from neglog.derivations.compile.native_text import written
from neglog.derivations.compile.program import Program
from neglog.priors.errors import InputError

FLAGS: tuple[str, ...] = (
    "-O3",
    "-march=native",
    "-fopenmp-simd",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-tree-sink",  # a call moved into a branch is no longer vectorised
    "-shared",
    "-fPIC",
)
# glibc's libmvec has vector versions of libm's functions; without it they are called one by one.
WAYS: tuple[tuple[str, ...], ...] = (
    ('-DVECTOR=__attribute__((simd("notinbranch"), const))', "-lmvec", "-lm"),
    ("-DVECTOR=__attribute__((const))", "-lm"),
)
SOURCE = """\
#include <cmath>
#include <limits>
{declared}
static const {inner} TINY = std::numeric_limits<{inner}>::min() * ({inner}){lift};
{blocks}
extern "C" double total(const {outer}* a, {outer}* out, long n, double scale, double weight) {{
  double whole = 0;
  for (long begin = 0; begin < n; begin += 4096) {{
    const long size = begin + 4096 < n ? 4096 : n - begin;
    {choose}
  }}
  return whole;
}}
"""
BLOCK = """\
static double {name}(const {outer}* a, {outer}* out, long n, {inner} s, {inner} w) {{
  {inner} part = 0;
  #pragma omp simd reduction(+:part)
  for (long i = 0; i < n; i++) {{
    const {inner} u = ({inner})a[i] / s;
    const {inner} x0 = {half};
    {steps}
    part += {value};
    const {inner} d = {slope};
    out[i] = ({outer})({side} * w);
  }}
  return part;
}}
"""
ONE = "whole += every(a + begin, out + begin, size, scale, weight);"
# Far values need other forms; a block that has none is spared their branches.
TWO = """\
{outer} top = 0;
    #pragma omp simd reduction(max:top)
    for (long i = begin; i < begin + size; i++) {{
      const {outer} x = std::fabs(a[i]);
      top = x > top ? x : top;
    }}
    whole += top / scale < {large} ? usual(a + begin, out + begin, size, scale, weight)
                                   : every(a + begin, out + begin, size, scale, weight);"""
DECLARED = 'extern "C" VECTOR {kind} {name}({arguments});'
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


def source(program: Program, usual: Program, outer: str, inner: str, positive: bool) -> str:
    """The C++ text of a program (y) → (φ, φ'), and of its ``usual`` one for y < LARGE.

    Raises:
        InputError: a step is no function of libm.
    """
    named = {"every": program} if usual is program else {"every": program, "usual": usual}
    blocks, called = [], set()
    for name, each in named.items():
        lines, value, slope = written(each, inner)
        called |= lines.called
        blocks.append(
            BLOCK.format(
                name=name,
                outer=outer,
                inner=inner,
                half="u > 0 ? u : 0" if positive else "std::fabs(u)",
                steps="\n    ".join(lines.text),
                value=value,
                slope=slope,
                side="(u < 0 ? 0 : d)" if positive else "(u > 0 ? d : u < 0 ? -d : u - u)",
            )
        )
    declared = [
        DECLARED.format(
            kind=inner, name=name, arguments=", ".join([inner] * (2 if "pow" in name else 1))
        )
        for name in sorted(called)
    ]
    return SOURCE.format(
        declared="\n".join(declared),
        lift=2.0**40 if inner == "double" else 2.0**10,
        inner=inner,
        outer=outer,
        blocks="\n".join(blocks),
        choose=ONE if usual is program else TWO.format(outer=outer, large=int(LARGE)),
    )


def build(text: str) -> Kernel:
    """The compiled function of (address of a, of the gradient, how many, scale, weight) → Σφ.

    Raises:
        InputError: the compiler is missing or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        written, library = Path(folder, "total.cpp"), Path(folder, "total.so")
        written.write_text(text)
        for macro, *libraries in WAYS:
            done = subprocess.run(
                [compiler(), *FLAGS, macro, "-o", str(library), str(written), *libraries],
                capture_output=True,
                text=True,
            )
            if not done.returncode:
                break
        else:
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
