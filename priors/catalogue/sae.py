"""Penalties used for, or proposed for, sparse autoencoders and learned gates."""

from neglog.priors.catalogue.entry import BOTH, POSITIVE, REAL, Entry


def _gate(
    expr: str,
    kink: str,
    reference: str,
    description: str,
    concave: bool | None,
    domains: tuple[str, ...] = BOTH,
) -> Entry:
    """A soft count of non-zeros: bounded, so improper; ``concave`` None: not declared."""
    return Entry(
        expr,
        "False",
        None,
        reference,
        domains,
        description=description,
        tail="none",
        kink=kink,
        exact_zeros=kink != "0",
        convex=None if concave is None else False,
        concave_on_positive=concave,
    )


ENTRIES: dict[str, Entry] = {
    "tanh": _gate(
        "tanh(abs(a))",
        "1",
        "Jermyn, Templeton, Batson & Bricken, Tanh penalty in dictionary learning (Circuits "
        "Updates), 2024",
        "L1 near 0, a count of non-zeros far out",
        True,
    ),
    "scaled-tanh": _gate(
        "tanh(k*abs(a))",
        "k",
        "Jermyn, Templeton, Batson & Bricken, Tanh penalty in dictionary learning (Circuits "
        "Updates), 2024",
        "tanh with the slope k at 0",
        True,
    ),
    "relu-l1": Entry(
        "max(a, 0)",
        "False",
        None,
        "Rajamanoharan et al., Improving dictionary learning with gated sparse autoencoders, 2024",
        REAL,
        description="L1 of the rectified pre-activation: nothing holds the negative side",
        convex=True,
        kink="1",
    ),
    "p-annealing": Entry(
        "a**q",
        "True",
        "half generalised normal",
        "Karvonen et al., Measuring progress in dictionary learning for language model "
        "interpretability with board game models, 2024",
        POSITIVE,
        description="a power whose exponent is lowered from 1 during training",
    ),
    "jump": _gate(
        "indicator(a > k)",
        "0",
        "Rajamanoharan et al., Jumping ahead: improving reconstruction fidelity with JumpReLU "
        "sparse autoencoders, 2024",
        "a count of the codes above the threshold k",
        False,
        POSITIVE,
    ),
    "smoothed-l0": _gate(
        "1-exp(-a**2/(2*s**2))",
        "0",
        "Mohimani, Babaie-Zadeh & Jutten, A fast approach for overcomplete sparse decomposition "
        "based on smoothed l0 norm, 2009",
        "counts what is larger than s, smoothly; s is lowered during the search",
        None,
    ),
    "rational-l0": _gate(
        "a**2/(a**2+s**2)",
        "0",
        "Black & Rangarajan, On the unification of line processes, outlier rejection, and robust "
        "statistics with applications in early vision, 1996",
        "counts what is larger than s, with slow tails",
        None,
    ),
    "sigmoid-l0": _gate(
        "2/(1+exp(-abs(a)/s)) - 1",
        "1/(2*s)",
        "Chen & Mangasarian, A class of smoothing functions for nonlinear and mixed "
        "complementarity problems, 1996",
        "a sigmoid step at 0 of width s",
        True,
    ),
    "kl-sparsity": Entry(
        "Piecewise((-log(a)/20 - 19*log(1-a)/20, a < 1))",
        "True",
        None,
        "Lee, Ekanadham & Ng, Sparse deep belief net model for visual area V2, 2008",
        POSITIVE,
        description="cross-entropy of an activity in (0, 1) with the target 1/20: a beta prior",
        tail="compact",
        kink="-oo",
        exact_zeros=False,
        convex=True,
    ),
}
