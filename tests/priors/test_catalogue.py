"""Every declared fact of the catalogue comes out of the derivation."""

import re

import mpmath
import pytest
import scipy.stats
import sympy as sp

from neglog.derivations import service
from neglog.derivations.api import penalty
from neglog.derivations.asymptotics.growth import approaches
from neglog.derivations.half_line import sides
from neglog.derivations.numbers import function, samples
from neglog.derivations.shapes import at_zero
from neglog.priors import symbols
from neglog.priors.catalogue import ENTRIES, THEME_OF, THEMES
from neglog.priors.errors import InputError
from neglog.priors.named import LAWS, shape_name
from neglog.priors.text import parse, parse_condition

TAILS = {
    "compact", "gaussian-or-lighter", "superexponential", "exponential", "subexponential",
    "regularly-varying", "none",
}  # fmt: skip


QUICK = ("sparse coding", "sparse autoencoders")


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if THEME_OF[n] in QUICK else pytest.mark.slow) for n in ENTRIES],
)
def test_declared_facts(name):
    entry = ENTRIES[name]
    doc = service.derive({"penalty": name, "domain": entry.domains[0], "timeout": 60.0})
    assert doc["proper_when"] is not None, doc["reason"]
    assert parse_condition(doc["proper_when"]) == parse_condition(entry.proper_when)
    if entry.law is not None and not (is_joint(name) and doc["law"] is None):
        assert doc["law"] is not None
        assert doc["law"]["name"] == entry.law
    if entry.tail is not None:
        assert doc["tail"]["class"] == entry.tail
    if entry.kink is not None:
        assert doc["kink"] is not None
        assert same(parse(doc["kink"]), parse(entry.kink))
    for fact in ("exact_zeros", "convex", "concave_on_positive", "dependence"):
        declared = getattr(entry, fact)
        assert declared is None or doc[fact] == declared, fact


KINK_UNKNOWN = {"variance-gamma"}  # infinite for k < 1/2, 1 at k = 1/2, else 0
SCALAR = [(n, domain) for n in ENTRIES if not penalty(n).joint for domain in ENTRIES[n].domains]


@pytest.mark.parametrize(("name", "domain"), SCALAR)
def test_the_kink_is_the_slope_at_zero(name, domain):
    """Held against differences of φ, which know nothing of how the derivation takes limits."""
    phi = penalty(name, domain)
    halves = sides(phi)
    slope = at_zero.kink(halves)
    if name in KINK_UNKNOWN:
        assert slope is None
        return
    near = halves[0].pieces[0].phi
    for point in samples(near.free_symbols - {symbols.y}, 3):
        with mpmath.workdps(60):
            f = function([symbols.y], near.subs(point))
            steps = [mpmath.mpf(t) for t in ("1e-10", "1e-20")]
            slopes = [mpmath.diff(f, t, h=t / 1000) for t in steps]
        claimed = slope.subs(point)
        assert approaches(claimed, *slopes, close=1e-8, fading=0.9), (claimed, slopes)


def is_joint(name):
    """Joint laws have names in the literature; the derivation names none of its own."""
    return penalty(name).joint


def same(one, other):
    return one == other or sp.simplify(one - other) == 0


@pytest.mark.parametrize("name", ENTRIES)
def test_names_are_accepted_where_expressions_are(name):
    phi = penalty(name)
    assert phi.name == name
    assert phi.reference
    assert phi.domain == ENTRIES[name].domains[0]


@pytest.mark.parametrize("name", ENTRIES)
def test_rows_are_complete(name):
    entry = ENTRIES[name]
    assert entry.description
    assert "\n" not in entry.description
    assert re.fullmatch(r".+, .+, \d{4}|The exponential of .+, \d{4}", entry.reference)
    assert entry.tail is None or entry.tail in TAILS
    for domain in entry.domains:
        assert penalty(name, domain).domain == domain


def test_themes_cover_the_catalogue():
    assert len(ENTRIES) >= 60
    assert sum(len(entries) for entries in THEMES.values()) == len(ENTRIES)  # no name twice
    assert set(THEME_OF) == set(ENTRIES)


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
