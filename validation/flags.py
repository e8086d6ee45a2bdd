"""What can be wrong with a fit, as data: a short name and the sentence a person reads."""

FLAGS: dict[str, str] = {
    "never-active": "The feature is zero on every token: there is nothing to fit.",
    "few-nonzero": "The feature has fewer values (above the truncation) than were asked for: not "
    "fitted.",
    "constant": "All non-zero values are equal: no density fits, so none was tried.",
    "tied": "Fewer than half of the non-zero values are distinct, or (in a sketch) they are spaced "
    "more coarsely than its bins: rounded codes, for which likelihoods are unreliable.",
    "nested": "One family holds the other, so that Vuong's test means nothing: use nested.",
    "indistinguishable": "The two fits differ no more than fits of one and the same law would.",
    "limit: exponential": "The best fit is the family's limit, an exponential law.",
    "limit: half-normal": "The best fit is the family's limit, a half-normal law.",
    "boundary": "The best fit lies on the edge of the parameter space: no standard errors.",
    "irregular": "The parameters lie where observed information gives no standard errors.",
    "not-converged": "The search stopped before it met its tolerance.",
    "no-curvature": "The log-likelihood is flat or not concave at the fit: no standard errors.",
    "no-fit": "The family's log-likelihood is not finite on these values.",
}
