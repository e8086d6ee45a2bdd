"""One list of penalties with what must follow from each; many laws are tested over it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Expected: propriety, condition, normaliser (None: not asserted), law and tail class.

    ``closed`` says what must come out in closed form: z normaliser, m mean of |a|, v variance,
    c CDF, q quantile, h entropy, i information about the scale.
    """

    expr: str
    domain: str
    proper: str
    when: str
    normalizer: str | None = None
    law: str | None = None
    tail: str | None = None
    closed: str = ""

    def __str__(self) -> str:
        return f"{self.expr} on {self.domain}"


R, P = "real", "positive"
GAUSS, EXP, SUB, RV = "gaussian-or-lighter", "exponential", "subexponential", "regularly-varying"

ROWS = [
    Row("abs(a)", R, "always", "True", "2/lam", "Laplace", EXP),
    Row("abs(a)", P, "always", "True", "1/lam", "exponential", EXP),
    Row("a**2", R, "always", "True", "sqrt(pi/lam)", "normal", GAUSS),
    Row("a**2", P, "always", "True", "sqrt(pi/lam)/2", "half-normal", GAUSS),
    Row("log(1+a**2)", R, "if", "lam > 1/2", "sqrt(pi)*gamma(lam-1/2)/gamma(lam)", "Student t", RV),
    Row("log(1+a**2)", P, "if", "lam > 1/2", "sqrt(pi)*gamma(lam-1/2)/gamma(lam)/2",
        "half Student t", RV),
    Row("log(1+abs(a))", R, "if", "lam > 1", "2/(lam-1)", "double Lomax", RV),
    Row("log(1+abs(a))", P, "if", "lam > 1", "1/(lam-1)", "Lomax", RV),
    Row("sqrt(abs(a))", R, "always", "True", "4/lam**2", "generalised normal", SUB),
    Row("sqrt(abs(a))", P, "always", "True", "2/lam**2", "half generalised normal", SUB),
    Row("tanh(abs(a))", R, "never", "False", None, None, "none"),
    Row("tanh(abs(a))", P, "never", "False", None, None, "none"),
    Row("abs(a)**q", R, "always", "True", "2*gamma(1+1/q)*lam**(-1/q)", "generalised normal"),
    Row("log((1+a**2)*3)/2", R, "if", "lam > 1",
        "3**(-lam/2)*sqrt(pi)*gamma(lam/2-1/2)/gamma(lam/2)", "Student t", RV),
    Row("-log(1/(1+abs(a)))", R, "if", "lam > 1", "2/(lam-1)", "double Lomax", RV),
    Row("abs(a)/s + log(s)", R, "always", "True", "2*s**(1-lam)/lam", "Laplace", EXP),
    Row("2*log(cosh(a/2))", R, "always", "True", "2*sqrt(pi)*gamma(lam)/gamma(lam+1/2)",
        "generalised hyperbolic secant", EXP),
    Row("sqrt(a**2)", R, "always", "True", "2/lam", "Laplace", EXP),
    Row("log(1+a**2)/log(2)", R, "if", "lam > log(2)/2", None, "Student t", RV),
    Row("Piecewise((a**2/2, abs(a)<k), (k*abs(a)-k**2/2, True))", R, "always", "True", None, None,
        EXP),
    Row("abs(a)+k*a**2", R, "always", "True",
        "sqrt(pi/(k*lam))*exp(lam/(4*k))*erfc(sqrt(lam/k)/2)", None, GAUSS),
    Row("sqrt(1+a**2)-1", R, "always", "True", "2*exp(lam)*besselk(1,lam)", "hyperbolic", EXP),
    Row("log(cosh(a))", R, "always", "True", "sqrt(pi)*gamma(lam/2)/gamma((lam+1)/2)",
        "generalised hyperbolic secant", EXP),
    Row("min(abs(a),k)", R, "never", "False", None, None, "none"),
    Row("a**2/(1+a**2)", R, "never", "False", None, None, "none"),
    Row("1-exp(-abs(a))", R, "never", "False", None, None, "none"),
    Row("atan(abs(a))", R, "never", "False", None, None, "none"),
    Row("(1+k)*abs(a)/(k+abs(a))", R, "never", "False", None, None, "none"),
    Row("indicator(a != 0)", R, "never", "False", None, None, "none"),
    Row("log(1+log(1+abs(a)))", R, "never", "False", None, None, "none"),
    Row("a", R, "never", "False"),
    Row("log(abs(a))", R, "never", "False"),
    Row("-1/abs(a)", R, "never", "False"),
    Row("log(1+abs(a))+2*log(1+log(1+abs(a)))", R, "if", "lam >= 1", None, None, RV),
    Row("log(1+abs(a)+abs(a)**3)", R, "if", "lam > 1/3", None, None, RV),
    Row("log(abs(a))/2+log(1+abs(a))", R, "if", "(lam > 2/3) & (lam < 2)", None, None, RV),
    Row("log(a)+a", P, "if", "lam < 1", "gamma(1-lam)*lam**(lam-1)", "gamma", EXP),
    Row("a-k*log(a)", P, "always", "True", "gamma(1+k*lam)*lam**(-1-k*lam)", "gamma", EXP),
    Row("a**2-log(a)", P, "always", "True", None, "generalised gamma", GAUSS),
    Row("log(a/s)**2", P, "always", "True", "s*sqrt(pi/lam)*exp(1/(4*lam))", "log-normal", SUB),
    Row("a+1/a", P, "always", "True", "2*besselk(1,2*lam)", "generalised inverse Gaussian", EXP),
    Row("1/a+2*log(a)", P, "if", "lam > 1/2", "gamma(2*lam-1)*lam**(1-2*lam)", "inverse gamma", RV),
    Row("3*log(1+a)-log(a)", P, "if", "lam > 1/2", "gamma(lam+1)*gamma(2*lam-1)/gamma(3*lam)",
        "beta prime", RV),
    Row("a+exp(-a)", R, "always", "True", "gamma(lam)*lam**(-lam)", None, EXP),
    Row("cosh(a)-1", R, "always", "True", "2*exp(lam)*besselk(0,lam)", None, GAUSS),
    Row("Piecewise((a, a < 1))", P, "always", "True", "(1-exp(-lam))/lam", None, "compact"),
    Row("max(a, 0)+abs(a)", R, "always", "True", "3/(2*lam)", None, EXP),
    Row("abs(a-1)", R, "always", "True", "2/lam", None, EXP),
    Row("log(abs(a-1))+abs(a)", R, "if", "lam < 1", None, None, EXP),
]  # fmt: skip


@dataclass(frozen=True)
class JointRow:
    """A joint penalty: expected condition, normaliser and dependence."""

    expr: str
    when: str
    normalizer: str | None
    dependence: str

    def __str__(self) -> str:
        return self.expr


JOINT = [
    JointRow("sum(log(1+abs(a)))", "lam > 1", "(2/(lam-1))**d", "independent"),
    JointRow("log(prod(1+abs(a)))", "lam > 1", "(2/(lam-1))**d", "independent"),
    JointRow("sum(abs(a))", "True", "(2/lam)**d", "independent"),
    JointRow("log(1+sum(abs(a)))", "lam > d", "2**d*gamma(lam-d)/gamma(lam)", "coactivating"),
    JointRow("prod(1+abs(a))", "True", None, "exclusive"),
    JointRow("log(1+sum(a**2))", "lam > d/2", "pi**(d/2)*gamma(lam-d/2)/gamma(lam)",
             "coactivating"),
    JointRow("sum(abs(a))**2", "True", "2**d*gamma(d/2)/(2*lam**(d/2)*gamma(d))", "exclusive"),
    JointRow("norm(a)", "True", "2*pi**(d/2)*gamma(d)/(gamma(d/2)*lam**d)", "coactivating"),
    JointRow("max(abs(a))", "True", "2**d*gamma(d+1)/lam**d", "coactivating"),
    JointRow("exp(sum(abs(a)))", "True", None, "exclusive"),
    JointRow("sum(abs(a))**2/sum(a**2)", "False", None, "mixed"),
]  # fmt: skip
