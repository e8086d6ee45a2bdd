"""Every declared fact of the catalogue comes out of the derivation."""

import os
import tempfile

import pytest

from neglog.derivations import service
from neglog.derivations.api import penalty
from neglog.derivations.invert import implied_penalty
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.named import LAWS
from neglog.priors.text import parse_condition


@pytest.fixture(scope="module", autouse=True)
def own_cache():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "NEGLOG_CACHE", folder)
        yield


@pytest.mark.parametrize("name", ENTRIES)
def test_declared_facts(name):
    entry = ENTRIES[name]
    doc = service.derive({"penalty": name, "domain": entry.domains[0], "timeout": 40.0})
    assert parse_condition(doc["proper_when"]) == parse_condition(entry.proper_when)
    if entry.law is not None and doc["law"] is not None:
        assert doc["law"]["name"] == entry.law


@pytest.mark.parametrize("name", ENTRIES)
def test_names_are_accepted_where_expressions_are(name):
    phi = penalty(name)
    assert phi.name == name
    assert phi.reference
    assert phi.domain == ENTRIES[name].domains[0]


def test_wrong_domain_for_a_name():
    with pytest.raises(InputError, match="positive domain only"):
        penalty("exponential", "real")


@pytest.mark.parametrize("name", LAWS)
def test_named_laws_are_penalties(name):
    shapes = ", ".join(f"{s}=1.5" for s in LAWS[name].shapes)
    phi = implied_penalty(f"scipy:{name}({shapes})")
    assert phi.domain == LAWS[name].domain
    assert not phi.parameters
