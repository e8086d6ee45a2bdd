"""Losses of robust statistics and of vision, read as penalties."""

from neglog.priors.catalogue.entry import BOTH, REAL, Entry


def _redescending(
    expr: str, reference: str, description: str, curved: bool | None = False
) -> Entry:
    """Quadratic at 0 and constant far out: no kink, neither convex nor concave, improper.

    ``curved`` None leaves convexity and concavity undeclared.
    """
    return Entry(
        expr,
        "False",
        None,
        reference,
        description=description,
        tail="none",
        kink="0",
        exact_zeros=False,
        convex=curved,
        concave_on_positive=curved,
    )


def _smooth(
    expr: str,
    reference: str,
    description: str,
    law: str | None = None,
    domains: tuple[str, ...] = BOTH,
) -> Entry:
    """Quadratic at 0 and linear far out: convex, proper, no exact zeros."""
    return Entry(
        expr,
        "True",
        law,
        reference,
        domains,
        description=description,
        tail="exponential",
        kink="0",
        exact_zeros=False,
        convex=True,
        concave_on_positive=False,
    )


ENTRIES: dict[str, Entry] = {
    "huber": _smooth(
        "Piecewise((a**2/2, abs(a)<k), (k*abs(a)-k**2/2, True))",
        "Huber, Robust estimation of a location parameter, 1964",
        "quadratic up to k, linear beyond: minimax for contaminated normal data",
    ),
    "pseudo-huber": _smooth(
        "sqrt(1+a**2)-1",
        "Charbonnier, Blanc-Féraud, Aubert & Barlaud, Deterministic edge-preserving "
        "regularization in computed imaging, 1997",
        "Huber's loss without its seams",
        "hyperbolic",
    ),
    "fair": _smooth(
        "k**2*(abs(a)/k - log(1+abs(a)/k))",
        "Fair, On the robust estimation of econometric models, 1974",
        "quadratic at 0, |a| minus its logarithm far out",
    ),
    "berhu": Entry(
        "Piecewise((abs(a), abs(a) <= k), ((a**2+k**2)/(2*k), True))",
        "True",
        None,
        "Owen, A robust hybrid of lasso and ridge regression, 2007",
        description="Huber reversed: L1 up to k, quadratic beyond",
        tail="gaussian-or-lighter",
        kink="1",
        exact_zeros=True,
        convex=True,
        concave_on_positive=False,
    ),
    "quantile": Entry(
        "max(k*a, -a)",
        "True",
        None,
        "Koenker & Bassett, Regression quantiles, 1978",
        REAL,
        description="the check loss: slopes k and -1, an asymmetric Laplace prior",
        tail="exponential",
        kink="k",
        convex=True,
    ),
    "lorentzian": Entry(
        "log(1+a**2/(2*s**2))",
        "lam > 1/2",
        "Student t",
        "Black & Anandan, The robust estimation of multiple motions: parametric and "
        "piecewise-smooth flow fields, 1996",
        description="the loss of a Cauchy law, with its scale",
        tail="regularly-varying",
        kink="0",
        exact_zeros=False,
    ),
    "student-t": Entry(
        "(nu+1)/2*log(1+a**2/nu)",
        "lam > 1/(nu+1)",
        "Student t",
        "Lange, Little & Taylor, Robust statistical modeling using the t distribution, 1989",
        description="Student t with nu degrees of freedom at lam = 1",
        tail="regularly-varying",
        kink="0",
        exact_zeros=False,
    ),
    "geman-mcclure": _redescending(
        "a**2/(1+a**2)",
        "Geman & McClure, Statistical methods for tomographic image reconstruction, 1987",
        "bounded and rational; its square root is the Geman–Reynolds kind",
    ),
    "welsch": _redescending(
        "1-exp(-a**2)",
        "Dennis & Welsch, Techniques for nonlinear least squares and robust regression, 1978",
        "bounded, the inverted Gaussian; Leclerc's too",
    ),
    "tukey-biweight": _redescending(
        "Piecewise((k**2/6*(1-(1-a**2/k**2)**3), abs(a) <= k), (k**2/6, True))",
        "Beaton & Tukey, The fitting of power series, meaning polynomials, illustrated on "
        "band-spectroscopic data, 1974",
        "smooth up to k and then exactly constant",
        curved=None,
    ),
    "hampel": _redescending(
        "Piecewise((a**2/2, abs(a) <= 2), (2*abs(a)-2, abs(a) <= 4), "
        "(10-(8-abs(a))**2/4, abs(a) <= 8), (10, True))",
        "Hampel, The influence curve and its role in robust estimation, 1974",
        "three parts with the bends at 2, 4 and 8",
    ),
    "andrews-sine": _redescending(
        "Piecewise((1-cos(a), abs(a) <= pi), (2, True))",
        "Andrews, A robust method for multiple linear regression, 1974",
        "one period of the cosine, then constant",
    ),
    "truncated-quadratic": _redescending(
        "min(a**2, k)",
        "Blake & Zisserman, Visual reconstruction, 1987",
        "the weak membrane: quadratic until it breaks",
    ),
    "gauss-uniform": _redescending(
        "-log(exp(-a**2)+k) + log(1+k)",
        "Torr & Zisserman, MLESAC: a new robust estimator with application to estimating image "
        "geometry, 2000",
        "a normal law for inliers, a constant for outliers",
        curved=None,
    ),
    "gumbel": Entry(
        "a+exp(-a)",
        "True",
        None,
        "Gumbel, Statistics of extremes, 1958",
        REAL,
        description="asymmetric: a linear and an exponential wall; Gumbel's law at lam = 1",
        tail="exponential",
        kink="0",
        exact_zeros=False,
        convex=True,
        concave_on_positive=False,
    ),
    "epsilon-insensitive": Entry(
        "max(abs(a)-k, 0)",
        "True",
        None,
        "Vapnik, The nature of statistical learning theory, 1995",
        description="the support vector loss: nothing within k, L1 beyond",
        tail="exponential",
        kink="0",
        exact_zeros=False,
        convex=True,
        concave_on_positive=False,
    ),
}
