"""Deadlines: they ring, nest, ring again where they went unheard, and leave no bell behind."""

import signal
import subprocess
import sys
import time

import pytest

from neglog.derivations.deadline import AGAIN, budget, remembered, within


def spin(seconds=30.0):
    started = time.process_time()
    while time.process_time() - started < seconds:
        pass
    return "done"


def test_what_is_quick_answers():
    assert within(5.0, lambda: 7, None) == 7


def test_what_is_slow_is_cut_short():
    started = time.process_time()
    assert within(0.1, spin, "late") == "late"
    assert time.process_time() - started < 2


def test_a_bell_that_was_swallowed_rings_again():
    def deaf():
        try:
            spin()
        except BaseException:  # as Python itself does in a garbage-collection callback
            return spin()

    started = time.process_time()
    assert within(0.1, deaf, "late") == "late"
    assert time.process_time() - started < 0.1 + 10 * AGAIN


@pytest.mark.parametrize(("outer", "inner"), [(0.2, 10.0), (10.0, 0.2)])
def test_the_shorter_of_two_rings(outer, inner):
    def work():
        return within(inner, spin, "inner")

    assert within(outer, work, "outer") == ("inner" if inner < outer else "outer")


def test_an_outer_deadline_goes_on_after_an_inner_one():
    def work():
        within(0.1, spin, None)
        return spin()

    assert within(0.4, work, "outer") == "outer"


def test_no_bell_is_left_behind():
    within(0.05, spin, None)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert spin(0.5) == "done"


def test_nothing_is_begun_when_the_budget_is_spent():
    with budget(0.0):
        assert within(1.0, lambda: "begun", "not begun") == "not begun"


def test_errors_of_the_work_are_raised():
    with pytest.raises(ZeroDivisionError):
        within(1.0, lambda: 1 / 0, None)


def test_programs_started_later_have_the_default_handler():
    within(0.05, spin, None)
    code = "import signal; print(signal.getsignal(signal.SIGPROF) is signal.SIG_DFL)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "True"


def test_an_answer_that_ran_out_of_time_is_not_remembered():
    asked = []

    @remembered
    def ask(what):
        asked.append(what)
        return within(5.0, lambda: what, None)

    with budget(0.0):
        assert ask(1) is None
    assert ask(1) == 1
    assert ask(1) == 1
    assert ask(2) == 2
    assert asked == [1, 1, 2]
