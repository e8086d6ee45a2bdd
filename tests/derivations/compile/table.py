"""The penalties every backend is held to: the catalogue's scalar ones and awkward spellings."""

from neglog.priors.catalogue import ENTRIES
from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

# Rows of the catalogue that are compiled to the last digits; the others are not held to it yet.
HELD = (
    "laplace", "exponential", "normal", "half-normal", "student", "cauchy", "lomax", "sqrt",
    "bridge", "elastic-net", "huber", "pseudo-huber", "log-cosh", "tanh", "geman-mcclure", "welsch",
    "exponential-l0", "transformed-l1", "capped-l1", "atan",
)  # fmt: skip
AWKWARD = (
    "-log(1/(1+abs(a)))",
    "log((1+a**2)*3)/2",
    "2*log(cosh(a/2))",
    "sqrt(a**2)",
    "log(1+a**2)/log(2)",
    "abs(a)-log(1+abs(a))",
    "1-1/(1+a**2)",
    "a*tanh(a)",
    "asinh(abs(a))",
    "erf(abs(a))",
    "log(cosh(sqrt(1+a**2)))",
    "-log(erfc(abs(a)))",
    "Piecewise((abs(a), abs(a)<1), (2*abs(a)-1, True))",
    "-log(0.9*exp(-abs(a)/0.01)/0.01 + 0.1*2/(1+abs(a))**3)",
    "-log(0.9*exp(-abs(a)/0.01)/0.01 + 0.1*1.5*abs(a)**0.5*exp(-abs(a)**1.5))",
    "-log(0.9*exp(-abs(a)/0.01)/0.01 + 0.1*sqrt(2/pi)*exp(-a**2/2))",
)
# Spikes and slabs with a density that is infinite or 0/0 at 0.
SINGULAR = (
    "-log(0.9*exp(-a/0.01)/0.01 + 0.1*0.5*a**(-0.5)*exp(-a**0.5))",
    "-log(0.9*exp(-a/0.01)/0.01 + 0.1/(a*sqrt(2*pi))*exp(-log(a)**2/2))",
    "-log(0.9*exp(-a/0.01)/0.01 + 0.1*a*exp(-a))",
)
JOINT = (
    "prod(1+abs(a))",
    "log(1+sum(abs(a)))",
    "sum(log(1+abs(a)))",
    "sum(abs(a))**2",
    "norm(a)",
    "norm(a)+sum(abs(a))",
    "max(abs(a))",
    "sum(sqrt(abs(a)))",
    "sqrt(sum(abs(a)))",
    "prod(1+abs(a)/d)",
    "sum(abs(a))**2/sum(a**2)",
    "exp(sum(log(1+abs(a)))/3)",
    "prod(abs(a))",
)


def numbers(penalty: Penalty) -> dict[str, float]:
    """0.75 for each parameter."""
    return {str(p): 0.75 for p in penalty.parameters}


def scalars() -> list[Penalty]:
    """Every scalar penalty of the table on each of its domains."""
    rows = [(ENTRIES[name].expr, d) for name in HELD for d in ENTRIES[name].domains]
    rows += [(text, "real") for text in AWKWARD] + [(text, "positive") for text in SINGULAR]
    found = [Penalty(parse(text), domain) for text, domain in dict.fromkeys(rows)]
    return [p for p in found if not p.joint]


def joints() -> list[Penalty]:
    """Every joint penalty on both domains."""
    return [Penalty(parse(t), d) for t in JOINT for d in ("real", "positive")]
