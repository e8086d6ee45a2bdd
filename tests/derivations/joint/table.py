"""Joint penalties and what must come out of them; "?" where the answer is that nobody knows."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """φ, when its prior is proper, and a point at which numbers are tried."""

    expr: str
    when: str | None
    lam: float = 1.0
    at: dict[str, float] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.expr


SEVERAL = [
    Row("sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2", "True", 1.3, {"c": 2.0}),
    Row("sum(abs(a)) + norm(a)", "True"),
    Row("sum(abs(a)) - norm(a)/2", "True", 2.0),
    Row("sum(sqrt(abs(a))) + sum(abs(a))**2", "True"),
    Row("prod(1+a**2)", "True"),
    Row("prod(1+abs(a)) + sum(abs(a))", "True"),
    Row("sum(a**2) - log(1+sum(abs(a)))", "True"),
    Row("sum(abs(a))/norm(a) + sum(abs(a))", "True"),
    Row("sum(abs(a))/eps - log(1 + k/d*sum(exp(abs(a)/eps - abs(a)/b)))", "True", 1.0,
        {"eps": 0.1, "b": 1.0, "k": 0.5}),
    Row("log(sum(abs(a))) - sum(abs(a)*log(abs(a)))/sum(abs(a)) + c*sum(abs(a))", "True", 1.0,
        {"c": 1.0}),
    Row("log(1+sum(abs(a))) + log(1+sum(a**2))", "lam > d/3", 4.0),
    Row("sum(log(1+abs(a))) + log(1+sum(abs(a)))", "lam > d/(d+1)", 5.0),
    Row("log(1+sum(abs(a))+sum(a**2))", "lam > d/2", 5.0),
    Row("sum(abs(a))**2 - sum(a**2)", "d > 2"),
    Row("norm(a) - c*sum(abs(a))", "1 - c*sqrt(d) > 0", 1.0, {"c": 0.4}),
]  # fmt: skip
IMPROPER = [
    "sum(abs(a))/(1+sum(abs(a))) + norm(a)/(1+norm(a))",
    "log(sum(abs(a)))",
    "sum(abs(a))/norm(a)",
    "max(abs(a))/sum(abs(a))",
]
UNKNOWN = ["sum(abs(a)) - norm(a)", "sum(a)**2 + sum(a**2)"]

# φ, d, τ of |a_i|, |a_j| in closed form
KENDALL = [
    ("log(1+sum(abs(a)))", None, "1/(2*(lam-d)+1)"),
    ("2*log(1+sum(abs(a))/k)", None, "1/(2*(2*lam-d)+1)"),
    ("sum(abs(a))**2", 2, "3-pi"),
    ("sqrt(sum(abs(a)))", 2, "1/6"),
]

# φ, d, the marginal density of one feature up to its constant, in a > 0
MARGINAL = [
    ("log(1+sum(abs(a)))", None, "(1+a)**(d-lam-1)"),
    ("log(1+sum(a**2))", None, "(1+a**2)**((d-1)/2-lam)"),
    ("sum(abs(a))**2", 2, "erfc(sqrt(lam)*a)"),
    ("norm(a)", 3, "(1+lam*a)*exp(-lam*a)"),
    ("norm(a)", 2, "a*besselk(1, lam*a)"),
    ("prod(1+abs(a))", 2, "exp(-lam*a)/(1+a)"),
]

# φ, the law of the shared strength r as scipy writes it
MIXTURE = [
    ("log(1+sum(abs(a)))", "gamma(a=lam-d, scale=1)"),
    ("log(1+sum(a**2))", "gamma(a=lam-d/2, scale=1)"),
    ("norm(a)", "invgamma(a=(d+1)/2, scale=lam**2/4)"),
    ("sqrt(sum(abs(a)))", "invgamma(a=d+1/2, scale=lam**2/4)"),
]

# φ, lim β as d → ∞
BUDGET = [
    ("prod(1+abs(a))", "0"),
    ("tau*prod(1+abs(a))**(1/tau)", "0"),
    ("sum(abs(a))**2", "1/2"),
    ("norm(a)", "2"),
    ("sum(a**2)**q", "1/q"),
    ("sum(abs(a)) + sum(abs(a))**3", "1/3"),
]
