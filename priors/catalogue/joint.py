"""Penalties that do not split into a sum over features."""

from neglog.priors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "lasso": Entry(
        "sum(abs(a))",
        "True",
        "Laplace",
        "Tibshirani, Regression shrinkage and selection via the lasso, 1996",
        description="L1 over all features: independent Laplace laws",
        dependence="independent",
    ),
    "log-sum": Entry(
        "sum(log(1+abs(a)))",
        "lam > 1",
        "double Lomax",
        "Candès, Wakin & Boyd, Enhancing sparsity by reweighted l1 minimization, 2008",
        description="log over all features: independent, power-law tails",
        dependence="independent",
    ),
    "product": Entry(
        "prod(1+abs(a))",
        "True",
        None,
        "The exponential of the log-sum penalty of Candès, Wakin & Boyd, 2008",
        description="the log-sum's level sets, but exclusive features and proper for every lam",
        dependence="exclusive",
    ),
    "tempered-product": Entry(
        "tau*prod(1+abs(a))**(1/tau)",
        "True",
        None,
        "The exponential of the log-sum penalty of Candès, Wakin & Boyd, 2008",
        description="the product at a temperature: tau = 1 is the product, tau large the log-sum",
        dependence="exclusive",
    ),
    "pairwise-exclusive": Entry(
        "sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2",
        "True",
        None,
        "Arnold & Strauss, Bivariate distributions with exponential conditionals, 1988",
        description="L1 and c*|a_i|*|a_j| for every pair: each feature is Laplace given the others",
        dependence="exclusive",
    ),
    "at-most-one": Entry(
        "sum(abs(a))/eps - log(1 + k/d*sum(exp(abs(a)/eps - abs(a)/b)))",
        "True",
        None,
        "Mitchell & Beauchamp, Bayesian variable selection in linear regression, 1988",
        description="spikes of width eps, and at most one slab of width b, by odds of k*b/eps",
        dependence="exclusive",
    ),
    "code-entropy": Entry(
        "log(sum(abs(a))) - sum(abs(a)*log(abs(a)))/sum(abs(a)) + c*sum(abs(a))",
        "True",
        None,
        "Olshausen & Field, Sparse coding with an overcomplete basis set, 1997",
        description="the entropy of the shares |a_i|/sum|a|, with an L1 term for the scale",
        dependence="mixed",
    ),
    "multivariate-lomax": Entry(
        "log(1+sum(abs(a)))",
        "lam > d",
        "multivariate Lomax",
        "Nayak, Multivariate Lomax distribution: properties and usefulness in reliability "
        "theory, 1987",
        description="log of the total: features fire together",
        dependence="coactivating",
    ),
    "multivariate-student": Entry(
        "log(1+sum(a**2))",
        "lam > d/2",
        "multivariate Student t",
        "Cornish, The multivariate t-distribution associated with a set of normal sample "
        "deviates, 1954",
        description="log of the energy: features fire together, no exact zeros",
        dependence="coactivating",
    ),
    "multivariate-t": Entry(
        "(nu+d)/2*log(1+sum(a**2)/nu)",
        "lam > d/(nu+d)",
        "multivariate Student t",
        "Cornish, The multivariate t-distribution associated with a set of normal sample "
        "deviates, 1954",
        description="Student's t with nu degrees of freedom at lam = 1: a shared random scale",
        dependence="coactivating",
    ),
    "exclusive-lasso": Entry(
        "sum(abs(a))**2",
        "True",
        None,
        "Zhou, Jin & Hoi, Exclusive lasso for multi-task feature selection, 2010",
        description="the total squared: features compete",
        dependence="exclusive",
    ),
    "group-lasso": Entry(
        "norm(a)",
        "True",
        "multivariate exponential power",
        "Yuan & Lin, Model selection and estimation in regression with grouped variables, 2006",
        description="the Euclidean norm: a group is zero or not as a whole",
        dependence="coactivating",
    ),
    "exponential-power": Entry(
        "sum(a**2)**q",
        "True",
        "multivariate exponential power",
        "Gómez, Gómez-Villegas & Marín, A multivariate generalization of the power exponential "
        "family of distributions, 1998",
        description="any power of the energy; independent normals at q = 1",
    ),
    "subspace": Entry(
        "sqrt(1+sum(a**2))",
        "True",
        None,
        "Hyvärinen & Hoyer, Emergence of phase- and shift-invariant features by decomposition of "
        "natural images into independent feature subspaces, 2000",
        description="the rounded norm of independent subspace analysis",
        dependence="coactivating",
    ),
    "maximum": Entry(
        "max(abs(a))",
        "True",
        None,
        "Tropp, Algorithms for simultaneous sparse approximation II: convex relaxation, 2006",
        description="the largest activation: the others are free below it",
        dependence="coactivating",
    ),
    "hoyer-l1": Entry(
        "sum(abs(a))/norm(a) + c*sum(abs(a))",
        "True",
        None,
        "Hoyer, Non-negative matrix factorization with sparseness constraints, 2004",
        description="ℓ1/ℓ2 made proper by an L1 term: direction and size apart",
        dependence="mixed",
    ),
    "hoyer": Entry(
        "sum(abs(a))/norm(a)",
        "False",
        None,
        "Hoyer, Non-negative matrix factorization with sparseness constraints, 2004",
        description="ℓ1/ℓ2: does not depend on scale, between 1 and sqrt(d)",
    ),
    "hoyer-square": Entry(
        "sum(abs(a))**2/sum(a**2)",
        "False",
        None,
        "Yang, Wen & Li, DeepHoyer: learning sparser neural network with differentiable "
        "scale-invariant sparsity measures, 2020",
        description="a scale-free count of non-zeros, between 1 and d",
    ),
}
