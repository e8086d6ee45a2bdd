"""What every run of the tests has in common: reproducible examples, and derivations made once."""

import os

import pytest
from hypothesis import settings

# The same examples in each run; `--hypothesis-profile default` draws others.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


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
