"""What people read: mathematical signs, the same function as the text, no line too long."""

import re

import pytest

from neglog.derivations.numbers import value_at
from neglog.derivations.pages.folding import fold
from neglog.derivations.pages.notation import unicode
from neglog.derivations.pages.prose import signs
from neglog.derivations.pages.show import rows
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.text import parse

SHOWN = [
    ("4*expint(1, lam)/lam", "4E₁(λ)/λ"),
    ("sqrt(pi)*gamma(lam - 1/2)/gamma(lam)", "√π·Γ(λ − 1/2)/Γ(λ)"),
    ("(Abs(a) + 1)**(-lam)", "(|a| + 1)^(−λ)"),
    ("uppergamma(lam, pixel)", "Γ(λ, pixel)"),
    ("(lam >= 1) & (lam < 2)", "λ ≥ 1 and λ < 2"),
    ("1 < lam", "λ > 1"),
    ("-1/(d - lam + 1)", "1/(λ − d − 1)"),
    ("2/((d - lam + 1)*(d - lam + 2))", "2/((λ − d − 1)·(λ − d − 2))"),
    ("(k*lam + 1)/lam**2", "(kλ + 1)/λ²"),
    ("sqrt(2)*sqrt(pi)*k", "k√(2π)"),
    ("Piecewise((a**2/2, k > Abs(a)), (k, True))", "{a²/2 if |a| < k; k otherwise}"),
    ("polygamma(0, lam) + polygamma(1, nu)", "ψ(λ) + ψ⁽¹⁾(ν)"),
    ("hyper((1/2, lam), (3/2,), -a**2)", "₂F₁(1/2, λ; 3/2; −a²)"),
    ("meijerg(((1/2,), ()), ((0, lam), ()), a**2)", "G(1/2 | –; 0, λ | –; a²)"),
    ("besselk(1, lam)*exp(lam)", "K₁(λ)·exp(λ)"),
    ("besselk(k - 1/2, a)", "K_(k − 1/2)(a)"),
    ("Piecewise((1, Ne(a, 0)), (0, True))", "{1 if a ≠ 0; 0 otherwise}"),
    ("x1*beta_/nu", "x₁β/ν"),
    ("-oo", "−∞"),
    ("not mathematics!", "not mathematics!"),
]


@pytest.mark.parametrize(("plain", "shown"), SHOWN)
def test_unicode(plain, shown):
    assert unicode(plain) == shown


TOKEN = re.compile(
    r"\|a\||exp|log|erf|tanh|atan|cos|abs|max|min|if|\d+|[a-zλπν]|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[√()+−^·/,]| "
)
CALLED = ("exp", "log", "erf", "tanh", "atan", "cos", "abs", "max", "min")


def read_back(shown):
    """Text for the parser: the multiplication signs that are left out are put in again."""
    tokens = TOKEN.findall(shown)
    assert "".join(tokens) == shown
    tokens = [t for t in tokens if t != " "]
    out = ""
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else "("
        ends = before not in CALLED and before not in "√(+−^·/,"
        begins = token in CALLED or token == "|a|" or re.match(r"[\da-zλπν√(]", token)
        out += "*" if ends and begins else ""
        if before == "√" and token != "(":
            token = f"({token})"
        out += {"|a|": "abs(a)", "ν": "nu", "√": "sqrt"}.get(token, token)
    return out


SAME = [
    "lam*(-k - q - 1)", "-exp(-lam)",
    "a**lam*exp(lam)*exp(-a*lam)/k", "-(a+1)", "a-(k+1)", "2*-3*k",
    "2**(-3)*a", "-a**2", "(-a)**2", "3*(2*a)", "a/(b/k)", "a/b/k", "a/(b*k)", "a*(b+k)/2",
    "exp(-lam*(a + 1)**2/(2*s**2))", "(k*lam + 1)/lam**2", "(log(2**q*k) + 1)/q", "(a-k)/a**2",
    "sqrt(2)*sqrt(pi)*erf(sqrt(2)*k*sqrt(lam)/2)/sqrt(lam) + 2*exp(-k**2*lam/2)/(k*lam)",
    "-lam*(-2*k + 3*q - lam) - log(k)", "1 - (-a)*(-k)", "2/(3*(k - lam))", "-(k - lam)**2",
    "(k - lam)*(q - lam)*(1 - lam)", "1/(1 - lam)/(k - lam)", "k**(1 - lam)*(1 - lam)", "(a*k)**q",
    "(a/k)**2", "a**k**q", "(a**k)**q", "-1/2*a", "k/2*a", "a*(-k)", "-(-a)", "1 - -a",
]  # fmt: skip


@pytest.mark.parametrize("text", [*SAME, *(e.expr for e in ENTRIES.values())])
def test_what_is_shown_is_the_same_function(text):
    before = parse(text)
    shown = unicode(str(before)) if text not in SAME else unicode(text)
    if re.search(r"[{ΣΓ∏K₀₁]|cosh|max\(\|a\|\)", shown):
        return  # Piecewise, reductions and Bessel functions have no short form to read back
    try:
        after = parse(read_back(shown))
    except InputError as error:
        raise AssertionError(f"{shown} → {read_back(shown)}") from error
    for shift in (0.31, 1.27):
        at = {s: 0.4 + shift * i for i, s in enumerate(sorted(before.free_symbols, key=str))}
        one, other = value_at(before, at), value_at(after, at)
        assert one == pytest.approx(other, rel=1e-9), (shown, read_back(shown))


def test_prose_keeps_its_words():
    assert signs("The penalty is |a|**(-2*lam), not a gamma law.") == (
        "The penalty is |a|^(-2·λ), not a gamma law."
    )


LONG = "exp(−k²λ/2)·(1 + λ)/(kλ²) + " * 12 + "1   (agrees with quadrature to 20 digits)"


@pytest.mark.parametrize("width", [30, 60, 79])
def test_folding_keeps_every_sign_and_the_width(width):
    folded = fold(LONG, width)
    assert max(map(len, folded.splitlines())) <= width
    assert re.sub(r"\s", "", folded) == re.sub(r"\s", "", LONG)
    assert fold("short", width) == "short"
    assert fold("x" * 100, width).replace("\n  ", "") == "x" * 100


@pytest.mark.parametrize("expr", ["abs(a)", "tanh(abs(a))", "abs(a)**q", "log(1+sum(abs(a)))"])
def test_every_derivation_has_a_verdict_and_a_reason(expr, document):
    shown = dict(rows(document(expr)))
    assert "proper" in shown["prior"]
    assert shown["because"].endswith(".")
    assert list(shown)[:3] == ["penalty φ", "prior", "because"]


def test_latex_is_complete(document):
    from neglog.derivations.pages.show import prior_of

    text = prior_of(document("log(1+abs(a))")).latex()
    for part in (r"\varphi(a) &=", "double Lomax", r"\text{if } \lambda > 1", r"\mathbb{E}|a|",
                 r"\operatorname{Var}", r"F^{-1}(u)", "H &="):  # fmt: skip
        assert part in text
    assert "lam" not in text.replace(r"\lambda", "")
    assert r"\infty \quad\text{for every }" in prior_of(document("tanh(abs(a))")).latex()


def test_notebooks_show_mathematics_and_a_table(document):
    from neglog import penalty
    from neglog.derivations.pages.show import prior_of

    prior = prior_of(document("log(1+abs(a))"))
    assert prior._repr_latex_().startswith("$")
    assert "<th style='text-align:right'>normaliser Z</th>" in prior._repr_html_()
    assert r"\varphi(a) = " in penalty("abs(a)")._repr_latex_()
