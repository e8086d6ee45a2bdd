"""Expressions as people write them: ``sqrt(pi)*gamma(lam - 1/2)`` becomes ``√π·Γ(λ − 1/2)``.

Works on the text of the document by Python's grammar, without sympy, so that showing a cached
answer stays quick. What it cannot read it gives back with its signs replaced.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import partial

from neglog.derivations.pages.prose import signs

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUBSCRIPTS = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "chi": "χ", "psi": "ψ", "omega": "ω", "oo": "∞",
}  # fmt: skip
FUNCTIONS = {
    "gamma": "Γ", "uppergamma": "Γ", "lowergamma": "γ", "loggamma": "log Γ", "beta": "B",
    "zeta": "ζ", "Max": "max", "Min": "min", "Ei": "Ei", "LambertW": "W", "erfinv": "erf⁻¹",
    "sum": "Σ", "prod": "∏",
}  # fmt: skip
INDEXED = {"expint": "E", "besselk": "K", "besseli": "I", "besselj": "J", "polylog": "Li"}
COMPARISONS = {
    ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
MIRRORED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤", "=": "=", "≠": "≠"}

# How tightly a text holds together: a sum needs brackets inside a product, and so on.
OR, AND, COMPARED, SUM, PRODUCT, POWER, ATOM = range(7)
Written = tuple[str, int]


def unicode(text: str) -> str:
    """The text of an expression or a condition in mathematical signs."""
    try:
        return _write(ast.parse(text.strip(), mode="eval").body)[0]
    except (SyntaxError, RecursionError, KeyError, ValueError):
        return signs(text)


def _write(node: ast.AST) -> Written:
    return WRITERS[type(node)](node)


def _inside(node: ast.AST, least: int) -> str:
    text, tightness = _write(node)
    return text if tightness >= least else f"({text})"


def _name(node: ast.Name) -> Written:
    stem, digits = re.fullmatch(r"(.*?)_?(\d*)", node.id).groups()  # type: ignore[union-attr]
    if not stem:
        return node.id, ATOM
    return GREEK.get(stem, stem) + digits.translate(SUBSCRIPTS), ATOM


def _number(node: ast.Constant) -> Written:
    return ("otherwise" if node.value is True else str(node.value)), ATOM


def _list(node: ast.Tuple) -> Written:
    return ", ".join(_write(item)[0] for item in node.elts), ATOM


def _unary(node: ast.UnaryOp) -> Written:
    if isinstance(node.op, ast.USub):
        return _sum(node)
    return f"not {_inside(node.operand, COMPARED)}", AND


def _binary(node: ast.BinOp) -> Written:
    if isinstance(node.op, ast.Add | ast.Sub):
        return _sum(node)
    if isinstance(node.op, ast.Mult | ast.Div):
        return _sum(node)  # a single term, whose sign may come out in front
    if isinstance(node.op, ast.Pow):
        return _power(node)
    word, level = {ast.BitAnd: (" and ", AND), ast.BitOr: (" or ", OR)}[type(node.op)]
    return f"{_inside(node.left, level)}{word}{_inside(node.right, level + 1)}", level


def _power(node: ast.BinOp) -> Written:
    base = _inside(node.left, ATOM)
    sign, size = _signed(node.right)
    if isinstance(size, ast.Constant) and isinstance(size.value, int):
        return base + f"{'-' if sign < 0 else ''}{size.value}".translate(SUPERSCRIPTS), POWER
    exponent, tightness = _write(node.right)
    return f"{base}^{exponent if tightness == ATOM else f'({exponent})'}", POWER


def _compare(node: ast.Compare) -> Written:
    sides = [node.left, *node.comparators]
    words = [COMPARISONS[type(op)] for op in node.ops]
    if len(words) == 1 and _speaks_of(sides[1]) > _speaks_of(sides[0]):
        sides, words = sides[::-1], [MIRRORED[words[0]]]
    text = _inside(sides[0], SUM)
    for word, side in zip(words, sides[1:], strict=True):
        text += f" {word} {_inside(side, SUM)}"
    return text, COMPARED


def _speaks_of(node: ast.AST) -> int:
    """2 for what holds a, 1 for λ: that stands on the left of a comparison."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return 2 * ("a" in names) + ("lam" in names)


# Sums: terms with signs, the first positive one in front.


def _signed(node: ast.AST) -> tuple[int, ast.AST]:
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -sign, node.operand
    return sign, node


def _terms(node: ast.AST, sign: int = 1) -> list[tuple[int, ast.AST]]:
    own, node = _signed(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        right = sign * own * (1 if isinstance(node.op, ast.Add) else -1)
        return _terms(node.left, sign * own) + _terms(node.right, right)
    return [(sign * own, node)]


def _sum(node: ast.AST, sign: int = 1) -> Written:
    written = []
    for own, term in _terms(node, sign):
        flipped, (text, tightness) = _product(term)
        written.append((own * flipped, text, tightness))
    if len(written) == 1:
        own, text, tightness = written[0]
        return (text, tightness) if own > 0 else (f"−{text}", SUM)
    written.sort(key=lambda t: not (t[0] > 0 and not t[1][0].isdigit()))  # stable: symbols first
    if written[0][0] < 0:
        written.sort(key=lambda t: t[0] < 0)
    own, text, _ = written[0]
    out = text if own > 0 else f"−{text}"
    for own, text, _ in written[1:]:
        out += f" {'+' if own > 0 else '−'} {text}"
    return out, SUM


# Products: factors above and below the line.


def _factors(node: ast.AST, above: bool = True) -> list[tuple[bool, ast.AST]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        right = above if isinstance(node.op, ast.Mult) else not above
        return _factors(node.left, above) + _factors(node.right, right)
    return [(above, node)]


def _product(node: ast.AST) -> tuple[int, Written]:
    """The sign and the text of a product; a factor such as (d − λ + 1) is turned round."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)):
        return 1, _write(node)
    sign = 1
    over: list[ast.AST | str] = []
    under: list[ast.AST | str] = []
    for above, factor in _factors(node):
        own, factor = _signed(factor)
        sign *= own
        if _falls(factor):
            sign, text = -sign, _sum(factor, -1)[0]
            (over if above else under).append(f"({text})")
        elif not (isinstance(factor, ast.Constant) and factor.value == 1):
            (over if above else under).append(factor)
    top = _line(over, PRODUCT if under else SUM) or "1"
    if not under:
        return sign, (top, PRODUCT if len(over) > 1 or not over else _tightness(over[0]))
    bottom = _line(under)
    single = len(under) == 1 and (isinstance(under[0], str) or _tightness(under[0]) >= POWER)
    return sign, (f"{top}/{bottom if single else f'({bottom})'}", PRODUCT)


def _tightness(factor: ast.AST | str) -> int:
    return ATOM if isinstance(factor, str) else _write(factor)[1]


def _falls(factor: ast.AST) -> bool:
    """Whether a factor is a sum in which λ stands alone with a minus sign."""
    terms = _terms(factor)
    return len(terms) > 1 and any(s < 0 and ast.unparse(t) == "lam" for s, t in terms)


def _line(factors: Sequence[ast.AST | str], alone: int = SUM) -> str:
    """Factors side by side, square roots drawn together; ``alone``: how tight a single one is."""
    roots = [f.args[0] for f in factors if _is_root(f)]  # type: ignore[union-attr]
    if len(roots) > 1:
        factors = [f for f in factors if not _is_root(f)]
    texts = [f if isinstance(f, str) else _inside(f, POWER if len(factors) > 1 else alone)
             for f in factors]  # fmt: skip
    if len(roots) > 1:
        body = _join([_inside(r, PRODUCT) for r in roots])
        texts.append(f"√({body})")
    texts.sort(key=lambda text: not re.fullmatch(r"\d+", text))
    return _join(texts)


def _is_root(factor: ast.AST | str) -> bool:
    return isinstance(factor, ast.Call) and getattr(factor.func, "id", None) == "sqrt"


_LETTER = re.compile(r"[^\W\d_][₀-₉]*[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]*")


def _join(texts: Sequence[str]) -> str:
    """Factors joined by · or, where nothing can be misread, by nothing: 2k²λ, but k·(λ − 1)."""
    out = ""
    for i, text in enumerate(texts):
        if i:
            before = texts[i - 1]
            number = bool(re.fullmatch(r"\d+", before))
            close = (
                (number and not text[0].isdigit())
                or (_LETTER.fullmatch(before) and _LETTER.fullmatch(text))
                or (_LETTER.fullmatch(before) and text[0] in "|√")
            )
            out += "" if close else "·"
        out += text
    return out


# Functions.


def _call(node: ast.Call) -> Written:
    name = getattr(node.func, "id", "?")
    special = SPECIAL.get(name)
    if special is not None:
        return special(node.args)
    inside = ", ".join(_write(arg)[0] for arg in node.args)
    if name in INDEXED:
        return _indexed(INDEXED[name], node.args)
    return f"{FUNCTIONS.get(name, name)}({inside})", ATOM


def _indexed(letter: str, args: Sequence[ast.AST]) -> Written:
    order = _write(args[0])[0]
    plain = re.fullmatch(r"\d+", order)
    index = order.translate(SUBSCRIPTS) if plain else f"_{order}" if len(order) == 1 else None
    index = index or f"_({order})"
    return f"{letter}{index}({_write(args[1])[0]})", ATOM


def _root(args: Sequence[ast.AST]) -> Written:
    return f"√{_inside(args[0], ATOM)}", ATOM


def _bars(args: Sequence[ast.AST]) -> Written:
    return f"|{_write(args[0])[0]}|", ATOM


def _psi(args: Sequence[ast.AST]) -> Written:
    order, body = _write(args[0])[0], _write(args[1])[0]
    return (f"ψ({body})" if order == "0" else f"ψ⁽{order.translate(SUPERSCRIPTS)}⁾({body})"), ATOM


def _hyper(args: Sequence[ast.AST]) -> Written:
    over, under = (getattr(arg, "elts", []) for arg in args[:2])
    name = f"{len(over)}F{len(under)}".translate(SUBSCRIPTS)
    lists = "; ".join(", ".join(_write(e)[0] for e in part) for part in (over, under))
    return f"{name}({lists}; {_write(args[2])[0]})", ATOM


def _meijer(args: Sequence[ast.AST]) -> Written:
    """G(a | a′; b | b′; z), both rows in their two parts as DLMF 16.17 splits them."""
    rows = []
    for pair in args[:2]:
        parts = (getattr(part, "elts", []) for part in getattr(pair, "elts", []))
        rows.append(" | ".join(", ".join(_write(e)[0] for e in part) or "–" for part in parts))
    return f"G({'; '.join(rows)}; {_write(args[2])[0]})", ATOM


def _pieces(args: Sequence[ast.AST]) -> Written:
    parts = []
    for pair in args:
        value, condition = (_write(item)[0] for item in getattr(pair, "elts", []))
        parts.append(f"{value} {condition if condition == 'otherwise' else f'if {condition}'}")
    return "{" + "; ".join(parts) + "}", ATOM


def _integral(args: Sequence[ast.AST]) -> Written:
    name, lo, hi = (_write(item)[0] for item in getattr(args[1], "elts", []))
    return f"∫[{name} from {lo} to {hi}] {_inside(args[0], PRODUCT)}", SUM


def _relation(word: str, args: Sequence[ast.AST]) -> Written:
    return f"{_inside(args[0], SUM)} {word} {_inside(args[1], SUM)}", COMPARED


SPECIAL: dict[str, Callable[[Sequence[ast.AST]], Written]] = {
    "sqrt": _root, "Abs": _bars, "abs": _bars, "polygamma": _psi, "hyper": _hyper,
    "meijerg": _meijer, "Piecewise": _pieces, "Integral": _integral, "Eq": partial(_relation, "="),
    "Ne": partial(_relation, "≠"),
}  # fmt: skip

WRITERS: dict[type, Callable[..., Written]] = {
    ast.Name: _name, ast.Constant: _number, ast.Tuple: _list, ast.UnaryOp: _unary,
    ast.BinOp: _binary, ast.Compare: _compare, ast.Call: _call,
}  # fmt: skip
