"""Random texts for the parser: penalties by grammar, the same with a slip, and any bytes."""

from hypothesis import strategies as st

NUMBERS = st.sampled_from(
    ["0", "1", "2", "1/3", "0.25", "1e-3", "-1", "7", "10**6", "oo", "pi", "E"]
)
NAMES = st.sampled_from(
    ["a", "a", "abs(a)", "|a|", "a**2", "k", "q", "s", "c", "y", "I", "nu", "d"]
)
UNARY = ("exp", "log", "log1p", "sqrt", "abs", "tanh", "atan", "cosh", "sinh", "erf", "erfc",
         "asinh", "sign", "gamma", "loggamma", "E1", "expm1", "sech", "cos", "cbrt")  # fmt: skip
BINARY = ("max", "min", "besselk", "expint", "uppergamma", "lowergamma", "beta", "log")
REDUCING = ("sum", "prod", "max", "norm")
RELATIONS = ("<", "<=", ">", ">=", "!=", "==")


def _grow(inner):
    pair = st.tuples(inner, inner)
    condition = st.builds("{}{}{}".format, inner, st.sampled_from(RELATIONS), inner)
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(UNARY), inner),
        st.builds(lambda f, p: f"{f}({p[0]},{p[1]})", st.sampled_from(BINARY), pair),
        st.builds(
            lambda o, p: f"({p[0]}{o}{p[1]})", st.sampled_from(["+", "-", "*", "/", "**"]), pair
        ),
        st.builds("{}({})".format, st.sampled_from(REDUCING), inner),
        st.builds("Piecewise(({},{}),({},True))".format, inner, condition, inner),
        st.builds("Piecewise(({},{}))".format, inner, condition),
        st.builds("indicator({})".format, condition),
        st.builds("-{}".format, inner),
    )


expressions = st.recursive(NUMBERS | NAMES, _grow, max_leaves=8)

# Penalties that mostly are penalties: sums of growing terms in |a|.
_TERMS = st.sampled_from([
    "abs(a)", "a**2", "log(1+abs(a))", "log(1+a**2)", "sqrt(abs(a))", "abs(a)**q", "log(cosh(a))",
    "sqrt(1+a**2)", "exp(-abs(a))", "tanh(abs(a))", "log(abs(a))", "abs(a-1)", "max(a,0)", "a",
    "min(abs(a),1)", "log(1+abs(a)/s)", "1/(1+abs(a))", "exp(-a)", "abs(a)*log(1+abs(a))",
    "1/abs(a)",
    "Piecewise((a**2/2, abs(a)<1),(abs(a)-1/2,True))", "log(1+exp(-a))", "atan(abs(a))", "a**4",
    "indicator(a != 0)", "log(1+log(1+abs(a)))", "Piecewise((abs(a), abs(a)<2))", "cos(a)",
])  # fmt: skip
_WEIGHTS = st.sampled_from(["", "2*", "k*", "1/2*", "-", "-1/3*"])
_WRAPS = st.sampled_from(
    ["{}", "{}", "{}", "log(1+abs({}))", "sqrt(abs({}))", "({})**2", "abs({})"]
)


@st.composite
def penalties(draw):
    count = draw(st.integers(1, 3))
    body = "+".join(f"{draw(_WEIGHTS)}{draw(_TERMS)}" for _ in range(count))
    return draw(_WRAPS).format(body)


@st.composite
def slips(draw):
    """An expression with one character deleted, doubled or replaced."""
    text = draw(expressions)
    at = draw(st.integers(0, max(len(text) - 1, 0)))
    return text[:at] + draw(st.text(max_size=2)) + text[at + draw(st.integers(0, 2)) :]


bytes_as_text = st.binary(max_size=60).map(lambda b: b.decode("utf-8", "surrogateescape"))
texts = st.one_of(expressions, slips(), bytes_as_text, st.text(max_size=40))
