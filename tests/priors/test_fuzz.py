"""Whatever is typed: an expression or one sentence, soon."""

import importlib.util
import os
import time
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings

from neglog.derivations.api import penalty
from neglog.priors.errors import InputError
from neglog.priors.text import parse

_spec = importlib.util.spec_from_file_location("grammar", Path(__file__).parent / "grammar.py")
grammar = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(grammar)

SECONDS = 6.0  # the limit is on processor time; the machine may be busy
LOOSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def read(text, domain):
    started = time.process_time()
    try:
        phi = penalty(text, domain)
    except InputError as error:
        phi, sentence = None, str(error)
    else:
        sentence = ""
    assert "\n" not in sentence
    assert len(sentence) < 1_500
    assert time.process_time() - started < SECONDS
    return phi


def reads_back(phi):
    """What is printed is read again, and printing that changes nothing more."""
    text = str(phi.expr)
    if len(text) > 2_000:
        return
    again = parse(text)
    assert isinstance(again, sp.Expr)
    assert again.free_symbols <= phi.expr.free_symbols


@pytest.mark.parametrize("domain", ["real", "positive"])
@settings(max_examples=50, derandomize=True, **LOOSE)
@given(text=grammar.texts)
def test_any_text_is_a_penalty_or_one_sentence(domain, text):
    phi = read(text, domain)
    if phi is not None:
        reads_back(phi)


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["real", "positive"])
@settings(max_examples=int(os.environ.get("NEGLOG_FUZZ", "500")), derandomize=True, **LOOSE)
@given(text=grammar.texts)
def test_more_texts(domain, text):
    phi = read(text, domain)
    if phi is not None:
        reads_back(phi)
