"""What people read: signs for words, whole words only."""

import pytest

from neglog.derivations.show import rows, unicode


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("4*expint(1, lam)/lam", "4·E₁(λ)/λ"),
        ("sqrt(pi)*gamma(lam - 1/2)/gamma(lam)", "√(π)·Γ(λ - 1/2)/Γ(λ)"),
        ("(Abs(a) + 1)**(-lam)", "(|a| + 1)^(-λ)"),
        ("uppergamma(lam, pixel)", "uppergamma(λ, pixel)"),
        ("(lam >= 1) & (lam < 2)", "(λ ≥ 1) and (λ < 2)"),
    ],
)
def test_unicode(plain, shown):
    assert unicode(plain) == shown


@pytest.mark.parametrize("expr", ["abs(a)", "tanh(abs(a))", "abs(a)**q", "log(1+sum(abs(a)))"])
def test_every_derivation_has_a_verdict_and_a_reason(expr, document):
    shown = dict(rows(document(expr)))
    assert "proper" in shown["prior"]
    assert shown["because"].endswith(".")
