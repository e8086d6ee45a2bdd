"""Powers of |a| and the folded-concave penalties made for variable selection."""

from neglog.priors.catalogue.entry import Entry

_BRIDGE = "Frank & Friedman, A statistical view of some chemometrics regression tools, 1993"
_SELESNICK = (
    "Selesnick & Bayram, Sparse signal estimation by maximally sparse convex optimization, 2014"
)


def _bounded(
    expr: str, kink: str, reference: str, description: str, exact_zeros: bool | None = True
) -> Entry:
    """Concave from a kink up to a constant: selects, does not shrink large values, improper."""
    return Entry(
        expr,
        "False",
        None,
        reference,
        description=description,
        tail="none",
        kink=kink,
        exact_zeros=exact_zeros,
        convex=False,
        concave_on_positive=True,
    )


ENTRIES: dict[str, Entry] = {
    "sqrt": Entry(
        "sqrt(abs(a))",
        "True",
        "generalised normal",
        _BRIDGE,
        description="the half-power bridge: stretched-exponential tails, infinite slope at 0",
        tail="subexponential",
        kink="oo",
        exact_zeros=True,
        convex=False,
        concave_on_positive=True,
    ),
    "bridge": Entry(
        "abs(a)**q",
        "True",
        "generalised normal",
        _BRIDGE,
        description="any power: selects for q <= 1, is convex for q >= 1",
    ),
    "hyper-laplacian": Entry(
        "abs(a)**(2/3)",
        "True",
        "generalised normal",
        "Krishnan & Fergus, Fast image deconvolution using hyper-Laplacian priors, 2009",
        description="the two-thirds power of image gradients",
        tail="subexponential",
        kink="oo",
        exact_zeros=True,
        convex=False,
        concave_on_positive=True,
    ),
    "quartic": Entry(
        "a**4",
        "True",
        "generalised normal",
        "Subbotin, On the law of frequency of error, 1923",
        description="lighter than normal: flat at 0, steep walls",
        tail="gaussian-or-lighter",
        kink="0",
        exact_zeros=False,
        convex=True,
        concave_on_positive=False,
    ),
    "smoothed-lq": Entry(
        "(a**2+s**2)**(q/2) - s**q",
        "True",
        None,
        "Chartrand & Yin, Iteratively reweighted algorithms for compressive sensing, 2008",
        description="the q-th power rounded off below s, for reweighted least squares",
        kink="0",
        exact_zeros=False,
    ),
    "scad": _bounded(
        "Piecewise((abs(a), abs(a) <= 1), "
        "((2*(1+k)*abs(a) - a**2 - 1)/(2*k), abs(a) <= 1+k), (1+k/2, True))",
        "1",
        "Fan & Li, Variable selection via nonconcave penalized likelihood and its oracle "
        "properties, 2001",
        "L1 up to 1, then a parabola, constant beyond 1 + k",
    ),
    "mcp": _bounded(
        "Piecewise((abs(a) - a**2/(2*k), abs(a) <= k), (k/2, True))",
        "1",
        "Zhang, Nearly unbiased variable selection under minimax concave penalty, 2010",
        "the least concave penalty that is constant beyond k",
    ),
    "firm": _bounded(
        "Piecewise((k*abs(a) - a**2/2, abs(a) <= k), (k**2/2, True))",
        "k",
        "Gao & Bruce, WaveShrink with firm shrinkage, 1997",
        "firm thresholding: between the soft and the hard threshold",
    ),
    "hard-threshold": _bounded(
        "k**2 - max(k-abs(a), 0)**2",
        "2*k",
        "Antoniadis, Wavelets in statistics: a review, 1997",
        "a continuous penalty whose estimate is the hard threshold",
    ),
    "capped-l1": _bounded(
        "min(abs(a), k)",
        "1",
        "Zhang, Analysis of multi-stage convex relaxation for sparse regularization, 2010",
        "L1 that stops counting at k",
    ),
    "transformed-l1": _bounded(
        "(1+k)*abs(a)/(k+abs(a))",
        "(1+k)/k",
        "Zhang & Xin, Minimization of transformed L1 penalty: theory, difference of convex "
        "function algorithm, and robust application in compressed sensing, 2018",
        "from L0 (small k) to L1 (large k) by one rational function",
    ),
    "rational": Entry(
        "abs(a)/(1+k*abs(a)/2)",
        "False",
        None,
        _SELESNICK,
        description="rational: bounded by 2/k, cheap to evaluate",
        tail="none",
        kink="1",
        exact_zeros=True,
        convex=False,
        concave_on_positive=True,
    ),
    "geman-reynolds": _bounded(
        "abs(a)/(1+abs(a))",
        "1",
        "Geman & Reynolds, Constrained restoration and the recovery of discontinuities, 1992",
        "the edge-preserving potential of image restoration",
    ),
    "atan": _bounded(
        "atan(abs(a))",
        "1",
        _SELESNICK,
        "between log and the bounded penalties, with the least bias of its class",
    ),
    "exponential-l0": _bounded(
        "1-exp(-abs(a))",
        "1",
        "Mangasarian, Machine learning via polyhedral concave minimization, 1996",
        "a concave stand-in for the number of non-zeros",
    ),
    "etp": _bounded(
        "(1-exp(-k*abs(a)))/(1-exp(-k))",
        "k/(1-exp(-k))",
        "Gao, Wang, Yu & Zhang, A feasible nonconvex relaxation approach to feature selection, "
        "2011",
        "exponential-type: from L1 (small k) to L0 (large k)",
        exact_zeros=None,
    ),
    "log": Entry(
        "log(1+k*abs(a))/log(1+k)",
        "lam > log(1+k)",
        "double Lomax",
        "Friedman, Fast sparse regression and classification, 2012",
        description="log scaled to 1 at a = 1: from L1 (small k) towards L0 (large k)",
        tail="regularly-varying",
        kink="k/log(1+k)",
        exact_zeros=True,
        convex=False,
        concave_on_positive=True,
    ),
}
