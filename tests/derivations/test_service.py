"""Deadlines that really end, a cache that never lies, and a worker that survives."""

import json
import time

import pytest

from neglog.derivations import cache, service
from neglog.derivations.deadline import budget, left, within
from neglog.derivations.service import Worker
from neglog.priors.errors import InputError


def spin(seconds):
    """Busy, because tactics are bounded in processor time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))
    return "done"


def test_within_returns_what_work_returns():
    assert within(5, lambda: 7, None) == 7


def test_within_interrupts():
    started = time.process_time()
    assert within(0.2, lambda: spin(5), "otherwise") == "otherwise"
    assert time.process_time() - started < 2


def test_an_inner_deadline_never_outlasts_the_outer():
    assert within(0.2, lambda: within(5, lambda: spin(5), "inner"), "outer") == "outer"


def test_an_inner_deadline_leaves_the_outer_in_force():
    def work():
        assert within(0.1, lambda: spin(5), "inner") == "inner"
        return spin(5)

    assert within(0.5, work, "outer") == "outer"


def test_interruption_passes_through_except_exception():
    def work():
        try:
            return spin(5)
        except Exception:
            return "swallowed"

    assert within(0.2, work, "otherwise") == "otherwise"


def test_budget_bounds_what_is_inside():
    with budget(0.0):
        assert left() <= 0
        assert within(5, lambda: 1, "none left") == "none left"
    assert left() == float("inf")


def test_a_worker_that_hangs_is_killed_and_replaced(monkeypatch):
    monkeypatch.setattr(service, "GRACE_SECONDS", 0.0)
    worker = Worker()
    assert worker.ask({"penalty": "abs(a)", "timeout": 10}, 0.01) is None
    monkeypatch.setattr(service, "GRACE_SECONDS", 30.0)
    assert worker.ask({"penalty": "abs(a)", "timeout": 10}, 30)["ok"]["proper"] == "always"
    worker.stop()


HOSTILE = [
    "exp(exp(exp(exp(a))))",
    "gamma(gamma(abs(a)+2)+2)",
    "+".join(f"abs(a)**(1/{i})" for i in range(2, 60)),
    "abs(sin(abs(cos(abs(tanh(a)*a)))))",
    "(1+abs(a))**9999",
    "Piecewise(" + ",".join(f"({i}*a**2, abs(a) < {i})" for i in range(1, 30)) + ",(a**2, True))",
]


@pytest.mark.parametrize("expr", HOSTILE, ids=lambda e: e[:24])
def test_no_expression_hangs(expr):
    started = time.monotonic()
    try:
        doc = service.derive({"penalty": expr, "domain": "real", "timeout": 4.0})
    except InputError:
        doc = None
    assert time.monotonic() - started < 4.0 + service.GRACE_SECONDS + 3
    assert doc is None or doc["proper"] in ("always", "never", "if", "unknown")


def test_cache_round_trip(tmp_path, monkeypatch):
    monkeypatch.setenv("NEGLOG_CACHE", str(tmp_path))
    request = {"penalty": "abs(a)"}
    assert cache.load(request) is None
    cache.store(request, {"x": 1})
    assert cache.load(request) == {"x": 1}
    assert cache.load({"penalty": "abs(a)", "domain": "real"}) is None
    (entry,) = tmp_path.glob("*.json")
    entry.write_text('{"x": ')
    assert cache.load(request) is None


def test_cache_off_and_unwritable(monkeypatch):
    monkeypatch.setenv("NEGLOG_CACHE", "off")
    cache.store({"penalty": "abs(a)"}, {"x": 1})
    assert cache.load({"penalty": "abs(a)"}) is None
    monkeypatch.setenv("NEGLOG_CACHE", "/proc/nowhere")
    cache.store({"penalty": "abs(a)"}, {"x": 1})
    assert cache.load({"penalty": "abs(a)"}) is None


def test_answers_are_json(document):
    json.dumps(document("abs(a)"), allow_nan=False)
