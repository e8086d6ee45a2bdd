"""Every declared fact of the catalogue comes out of the derivation."""

import os
import tempfile

import pytest
import scipy.stats

from neglog.derivations import service
from neglog.derivations.api import penalty
from neglog.priors import symbols
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.named import LAWS, shape_name
from neglog.priors.text import parse, parse_condition


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
def test_named_laws_have_scipys_names(name):
    law = getattr(scipy.stats, name)
    theirs = [shape_name(s) for s in law.shapes.split(", ")] if law.shapes else []
    assert list(LAWS[name].shapes) == theirs
    assert (
        not parse(LAWS[name].expr).free_symbols
        - {symbols.a}
        - {symbols.parameter(s) for s in theirs}
    )
