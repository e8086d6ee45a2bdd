"""Random penalties through the worker: an answer in time, and closed forms that are right."""

import importlib.util
import os
import time
from pathlib import Path

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings

from neglog.derivations.numbers import samples, value_at
from neglog.derivations.service import GRACE_SECONDS, WORKER
from neglog.priors.symbols import a, lam
from neglog.priors.text import parse, parse_condition

_path = Path(__file__).parents[1] / "priors" / "grammar.py"
_spec = importlib.util.spec_from_file_location("grammar", _path)
grammar = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(grammar)

SECONDS = 3.0
LOOSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def derived(text, domain):
    """The document; None for bad input or where time was up. A traceback or a hang is a failure."""
    started = time.monotonic()
    reply = WORKER.ask({"penalty": text, "domain": domain}, SECONDS)
    assert time.monotonic() - started < SECONDS + GRACE_SECONDS + 20  # it ends, even when busy
    if reply is None:  # killed at the deadline
        return None
    assert "failed" not in reply, f"{text}: {reply['failed']}"
    return reply.get("ok")


def agrees(doc):
    """Whether a closed normaliser is the integral, at two points of its condition."""
    if doc["normalizer_kind"] != "closed":
        return
    phi, z = parse(doc["penalty"]), parse(doc["normalizer"])
    when = parse_condition(doc["proper_when"])
    tried = 0
    for point in samples((phi.free_symbols | {lam}) - {a}, 6):
        # Well inside the condition: at its border the tail is too heavy for this quadrature.
        inside = [when.subs({**point, lam: point[lam] * by}) for by in (1, 0.7, 1.4)]
        if any(holds != sp.true for holds in inside) or tried == 2:
            continue
        tried += 1
        whole = integral(phi.subs(point), point[lam], doc["domain"])
        value = value_at(z, point, 20)
        assert value is not None
        # Kinks cost this quadrature digits; a wrong form is off by more.
        assert abs(value.real - whole) < 1e-4 * abs(whole) + 1e-9, (doc["penalty"], point)


def integral(phi, strength, domain):
    f = sp.lambdify(a, phi, "mpmath")

    def density(x):
        value = f(x)
        return mp.mpf(0) if value == mp.inf else mp.exp(-mp.mpf(strength.p) / strength.q * value)

    ends = [0, 0.01, 0.5, 1, 2, 5, 20, 100, 1e4, mp.inf]
    with mp.workdps(15):
        right = mp.quad(density, ends)
        return float(right + (mp.quad(lambda x: density(-x), ends) if domain == "real" else 0))


def check(text, domain):
    doc = derived(text, domain)
    if doc is not None and not doc["dependence_reason"]:
        agrees(doc)


@settings(max_examples=8, derandomize=True, **LOOSE)
@given(text=grammar.penalties())
def test_random_penalties(text):
    check(text, "real")


@pytest.mark.slow
@pytest.mark.skipif("NEGLOG_FUZZ" not in os.environ, reason="NEGLOG_FUZZ says how many")
@pytest.mark.parametrize("domain", ["real", "positive"])
@settings(max_examples=int(os.environ.get("NEGLOG_FUZZ", "20")), derandomize=True, **LOOSE)
@given(text=grammar.penalties())
def test_more_random_penalties(domain, text):
    check(text, domain)
