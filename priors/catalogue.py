"""Penalties by name: one row each, an expression with the facts declared about it.

A row is tested against the derivation: every declared fact must come out of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A named penalty.

    Attributes:
        expr: φ in the expression language.
        domains: where it is used; the first is the default.
        proper_when: when exp(−λφ) has a finite integral, in ``lam``, ``d`` and the parameters.
        law: the known law of the prior on the first domain, if any.
        reference: authors, title, year.
    """

    expr: str
    proper_when: str
    law: str | None
    reference: str
    domains: tuple[str, ...] = ("real", "positive")


ENTRIES: dict[str, Entry] = {
    "laplace": Entry(
        "abs(a)", "True", "Laplace", "Tibshirani, Regression shrinkage via the lasso, 1996"
    ),
    "exponential": Entry(
        "a",
        "True",
        "exponential",
        "Tibshirani, Regression shrinkage via the lasso, 1996",
        ("positive",),
    ),
    "normal": Entry("a**2", "True", "normal", "Hoerl & Kennard, Ridge regression, 1970"),
    "half-normal": Entry(
        "a**2", "True", "half-normal", "Hoerl & Kennard, Ridge regression, 1970", ("positive",)
    ),
    "student": Entry(
        "log(1+a**2)",
        "lam > 1/2",
        "Student t",
        "Olshausen & Field, Emergence of simple-cell receptive field properties, 1996",
    ),
    "cauchy": Entry(
        "log(1+a**2)",
        "lam > 1/2",
        "Student t",
        "Olshausen & Field, Emergence of simple-cell receptive field properties, 1996",
    ),
    "lomax": Entry(
        "log(1+abs(a))",
        "lam > 1",
        "double Lomax",
        "Candès, Wakin & Boyd, Enhancing sparsity by reweighted l1 minimization, 2008",
    ),
    "sqrt": Entry(
        "sqrt(abs(a))",
        "True",
        "generalised normal",
        "Frank & Friedman, A statistical view of some chemometrics regression tools, 1993",
    ),
    "bridge": Entry(
        "abs(a)**q",
        "True",
        "generalised normal",
        "Frank & Friedman, A statistical view of some chemometrics regression tools, 1993",
    ),
    "elastic-net": Entry(
        "abs(a) + k*a**2",
        "True",
        None,
        "Zou & Hastie, Regularization and variable selection via the elastic net, 2005",
    ),
    "huber": Entry(
        "Piecewise((a**2/2, abs(a)<k), (k*abs(a)-k**2/2, True))",
        "True",
        None,
        "Huber, Robust estimation of a location parameter, 1964",
    ),
    "pseudo-huber": Entry(
        "sqrt(1+a**2)-1",
        "True",
        "hyperbolic",
        "Charbonnier et al., Deterministic edge-preserving regularization, 1997",
    ),
    "log-cosh": Entry(
        "log(cosh(a))",
        "True",
        "generalised hyperbolic secant",
        "Hyvärinen, Fast and robust fixed-point algorithms for ICA, 1999",
    ),
    "tanh": Entry(
        "tanh(abs(a))",
        "False",
        None,
        "Jermyn et al., Tanh penalty in dictionary learning (Circuits Updates), 2024",
    ),
    "geman-mcclure": Entry(
        "a**2/(1+a**2)",
        "False",
        None,
        "Geman & McClure, Statistical methods for tomographic image reconstruction, 1987",
    ),
    "welsch": Entry(
        "1-exp(-a**2)",
        "False",
        None,
        "Dennis & Welsch, Techniques for nonlinear least squares, 1978",
    ),
    "exponential-l0": Entry(
        "1-exp(-abs(a))",
        "False",
        None,
        "Mangasarian, Machine learning via polyhedral concave minimization, 1996",
    ),
    "transformed-l1": Entry(
        "(1+k)*abs(a)/(k+abs(a))",
        "False",
        None,
        "Zhang & Xin, Minimization of transformed L1 penalty, 2018",
    ),
    "capped-l1": Entry(
        "min(abs(a), k)",
        "False",
        None,
        "Zhang, Analysis of multi-stage convex relaxation, 2010",
    ),
    "atan": Entry(
        "atan(abs(a))",
        "False",
        None,
        "Selesnick & Bayram, Sparse signal estimation by convex optimization, 2014",
    ),
    "product": Entry(
        "prod(1+abs(a))",
        "True",
        None,
        "The exponential of the log-sum penalty of Candès, Wakin & Boyd, 2008",
    ),
    "multivariate-lomax": Entry(
        "log(1+sum(abs(a)))",
        "lam > d",
        "multivariate Lomax",
        "Nayak, Multivariate Lomax distribution, 1987",
    ),
    "exclusive-lasso": Entry(
        "sum(abs(a))**2",
        "True",
        None,
        "Zhou, Jin & Hoi, Exclusive lasso for multi-task feature selection, 2010",
    ),
    "group-lasso": Entry(
        "norm(a)",
        "True",
        "multivariate exponential power",
        "Yuan & Lin, Model selection and estimation in regression with grouped variables, 2006",
    ),
}
