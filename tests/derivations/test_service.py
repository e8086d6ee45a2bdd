"""Deadlines that really end, a cache that never lies, and a worker that survives."""

import json
import os
import subprocess
import sys
import time

import pytest

from neglog.derivations import cache, service
from neglog.derivations.deadline import budget, left, within
from neglog.derivations.service import Worker
from neglog.priors.errors import InputError
from neglog.priors.text import parse


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
    "exp(" * 60 + "a" + ")" * 60,
    "gamma(1+" * 20 + "abs(a)" + ")" * 20,
    "max(" + ",".join(f"{i}*a-{i * i}" for i in range(64)) + ")",
    "min(" + ",".join(f"max(a*{i},{i}-a,abs(a-{i}))" for i in range(60)) + ")",
    "(1+a+k+m)**200*a**2",
    "*".join(f"(a**2+x{i}+1)" for i in range(60)),
    "Integral(exp(exp(a)), (a, 0, oo))",
    "meijerg(((1,),(2,)),((3,),(4,)),a)",
    "zeta(1/3, abs(a))",
    "abs(a)**(1/" + "7" * 290 + ")",
    "exp(exp(exp(exp(a))))",
    "gamma(gamma(abs(a)+2)+2)",
    "+".join(f"abs(a)**(1/{i})" for i in range(2, 60)),
    "abs(sin(abs(cos(abs(tanh(a)*a)))))",
    "(1+abs(a))**9999",
    "Piecewise(" + ",".join(f"({i}*a**2, abs(a) < {i})" for i in range(1, 30)) + ",(a**2, True))",
]


@pytest.mark.thinned(4)
@pytest.mark.parametrize(
    "expr",
    HOSTILE,
    ids=lambda e: e[:24],
)
def test_no_expression_hangs(expr):
    started = time.monotonic()
    try:
        doc = service.derive({"penalty": expr, "domain": "real", "timeout": 4.0})
    except InputError:
        doc = None
    assert time.monotonic() - started < 4.0 * service.PATIENCE + service.GRACE_SECONDS + 3
    assert doc is None or doc["proper"] in ("always", "never", "if", "unknown")


def test_a_cut_answer_is_given_but_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NEGLOG_CACHE", str(tmp_path))
    replies = iter([{"ok": {"proper": "unknown", "complete": False}},
                    {"ok": {"proper": "always", "complete": True}}])  # fmt: skip
    monkeypatch.setattr(service.WORKER, "ask", lambda request, seconds: next(replies))
    request = {"penalty": "abs(a)", "timeout": 5.0}
    assert service.derive(request)["proper"] == "unknown"
    assert service.derive(request)["proper"] == "always"
    assert service.derive(request)["proper"] == "always"  # from the cache: no reply is left


def test_the_worker_says_whether_it_had_time_enough():
    from neglog.derivations.worker import reply_to

    assert reply_to({"penalty": "tanh(abs(a))", "timeout": 20.0})["ok"]["complete"]
    assert not reply_to({"penalty": "tanh(abs(a))", "timeout": 0.5})["ok"]["complete"]


def test_hurried_requests_leave_nothing_behind_for_the_next():
    from neglog.derivations.worker import reply_to

    phi = "log(1+abs(a))+k*log(1+log(1+abs(a)))"
    for seconds in (0.1, 0.2, 0.3, 0.5):
        reply_to({"penalty": phi, "timeout": seconds})
    answer = reply_to({"penalty": phi, "timeout": 40.0})["ok"]
    assert answer["proper_when"] == "(lam > 1) | (Eq(lam, 1) & (k > 1))"
    assert answer["normalizer"] is not None


def test_the_start_of_the_worker_is_within_the_timeout():
    worker = Worker()
    started = time.monotonic()
    reply = worker.ask({"penalty": "abs(a)**q*(1+abs(a))"}, 1.0)
    assert time.monotonic() - started < 1.0 * service.PATIENCE + service.GRACE_SECONDS + 0.5
    assert reply is None or not reply["ok"]["complete"]
    worker.stop()


def test_a_worker_that_dies_is_replaced(monkeypatch):
    worker = Worker()
    process = worker.start()
    process.kill()
    process.wait()
    assert worker.ask({"penalty": "abs(a)"}, 30)["ok"]["proper"] == "always"
    monkeypatch.setattr(worker, "start", lambda: process)  # as if it died just now
    monkeypatch.setattr(worker, "_hello", "ready")
    worker._replies.put("")
    assert "ended early" in worker.ask({"penalty": "abs(a)"}, 30)["bad_input"]
    monkeypatch.undo()
    assert worker.ask({"penalty": "abs(a)"}, 30)["ok"]["proper"] == "always"
    worker.stop()


def test_a_lower_memory_limit_of_the_user_is_kept():
    code = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from neglog.derivations.worker import limit_memory
limit_memory()
assert resource.getrlimit(resource.RLIMIT_AS) == (2 << 30, 2 << 30)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


WRITER = """
import sys
from neglog.derivations import cache
for i in range(200):
    cache.store({"penalty": "abs(a)"}, {"who": sys.argv[1], "much": "x" * 20_000})
    found = cache.load({"penalty": "abs(a)"})
    assert found is not None and len(found["much"]) == 20_000
"""


def test_two_processes_may_write_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("NEGLOG_CACHE", str(tmp_path))
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "ab"]
    assert [w.wait(60) for w in writers] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 1  # no temporary files are left


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"1" * 10_000])
def test_corrupt_entries_are_ignored(rubbish, tmp_path, monkeypatch):
    monkeypatch.setenv("NEGLOG_CACHE", str(tmp_path))
    cache.store({"penalty": "abs(a)"}, {"x": 1})
    (entry,) = tmp_path.glob("*.json")
    entry.write_bytes(rubbish)
    assert cache.load({"penalty": "abs(a)"}) is None
    cache.store({"penalty": "abs(a)"}, {"x": 2})
    assert cache.load({"penalty": "abs(a)"}) == {"x": 2}


def test_a_cached_answer_is_quick_and_needs_no_algebra(tmp_path):
    code = """
import sys, time
from neglog.derivations import service
request = {"penalty": "abs(a)", "timeout": 20.0}
service.derive(request)
started = time.perf_counter()
service.derive(request)
assert time.perf_counter() - started < 0.05
assert "sympy" not in sys.modules
"""
    environment = {**os.environ, "NEGLOG_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


NAMES = ["y", "u", "c", "x", "s", "t", "E_", "I", "N", "S", "Q"]


@pytest.mark.parametrize(
    "name", [*NAMES[:3], *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES[3:])]
)
def test_no_parameter_name_is_taken(name, document):
    doc = document(f"log(1 + abs(a)/{name})", **{name: "2", "lam": "3"})
    assert doc["parameters"] == [name]
    assert doc["proper_when"] == "lam > 1"
    assert parse(doc["normalizer"]) == parse(f"2*{name}/(lam - 1)")
    assert float(doc["numeric"]["normalizer"]) == pytest.approx(2.0)
    assert doc["kink"] == f"1/{name}"


def test_joint_names_are_kept_apart(document):
    doc = document("log(1 + s*sum(abs(a)))")
    assert doc["proper_when"] == "lam > d"
    assert doc["parameters"] == ["s"]


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
