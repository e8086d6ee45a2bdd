"""−log p with its normaliser against scipy.stats, and the learned scale against its optimum."""

import numpy as np
import pytest
from scipy import stats

from neglog import penalty
from neglog.priors.errors import InputError

X = np.array([0.1, 0.5, 3.0])
ROWS = [
    ("abs(a)", "real", {}, lambda lam, s: stats.laplace(scale=s / lam)),
    ("log(1+abs(a))", "positive", {}, lambda lam, s: stats.lomax(lam - 1, scale=s)),
    (
        "log(1+a**2)",
        "real",
        {},
        lambda lam, s: stats.t(2 * lam - 1, scale=s / np.sqrt(2 * lam - 1)),
    ),
    (
        "abs(a)**q",
        "real",
        {"q": 0.7},
        lambda lam, s: stats.gennorm(0.7, scale=s * lam ** (-1 / 0.7)),
    ),
]


@pytest.mark.parametrize(("text", "domain", "params", "law"), ROWS, ids=[r[0] for r in ROWS])
def test_against_scipy(text: str, domain: str, params: dict, law) -> None:
    torch = pytest.importorskip("torch")
    prior = penalty(text, domain).prior()
    for lam, s in ((2.5, 1.0), (3.5, 2.0)):
        want = -law(lam, s).logpdf(X)
        options = {"lam": lam, "scale": s, **params}
        np.testing.assert_allclose(prior.compile("numpy", **options)(X), want, rtol=1e-12)
        f = prior.compile("torch", learn=("lam", "scale", *params), **options).double()
        np.testing.assert_allclose(f(torch.tensor(X)).detach(), want, rtol=1e-5)
        assert len(list(f.parameters())) == 2 + len(params)


def test_the_learned_scale_does_not_collapse() -> None:
    torch = pytest.importorskip("torch")
    f = penalty("abs(a)").prior().compile("torch", lam=1.0, learn=("scale",))
    x = torch.tensor(X, dtype=torch.float32)
    optimiser = torch.optim.LBFGS(f.parameters(), max_iter=50)

    def loss():
        optimiser.zero_grad()
        value = f(x).mean()
        value.backward()
        return value

    optimiser.step(loss)
    assert f.body.scale.item() == pytest.approx(X.mean(), rel=1e-3)


def test_improper_is_refused() -> None:
    with pytest.raises(InputError, match="improper"):
        penalty("log(1+abs(a))").prior().compile("numpy", lam=0.5)
    with pytest.raises(InputError, match="compiled prior"):
        penalty("tanh(abs(a))").prior().compile("numpy", lam=1.0)
