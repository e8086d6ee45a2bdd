"""What every run of the tests has in common: reproducible examples, and derivations made once."""

import os
from collections import Counter

import pytest
from hypothesis import settings

# The same examples in each run; `--hypothesis-profile default` draws others.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items):
    """Of a test marked thinned(n) every n-th row stays in the default run, the others are slow."""
    rows = Counter()
    for item in items:
        mark = item.get_closest_marker("thinned")
        if mark is not None:
            test = item.nodeid.partition("[")[0]
            if rows[test] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            rows[test] += 1


@pytest.fixture(scope="session", autouse=True)
def shared_derivations(tmp_path_factory):
    """A cache of this run's own, shared by its processes: no test passes on an old answer.

    Where NEGLOG_CACHE is set, as in .ci/run, several runs share that one.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "derivations"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGLOG_CACHE", os.environ.get("NEGLOG_CACHE", str(folder)))
        yield
