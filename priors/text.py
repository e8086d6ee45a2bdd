"""From untrusted text to an expression: a whitelist over Python's grammar, never evaluated.

Two spellings are translated first: ``|a|`` becomes ``abs(a)`` and ``^`` becomes ``**``. The size of
the text, of its tree and of every number is bounded, so that no input takes long or much memory.
"""

import ast
import difflib
import warnings

import sympy as sp
from sympy.logic.boolalg import Boolean

from neglog.priors import bounds
from neglog.priors.errors import InputError
from neglog.priors.language import CONSTANTS, FUNCTIONS
from neglog.priors.symbols import RESERVED, bound_free, is_joint, parameter
from neglog.priors.tokens import pointed, shorten, translate

MAX_LENGTH = 10_000
MAX_NODES = 2_000
MAX_DEPTH = 120
SUGGESTIONS = 3


def parse(text: str) -> sp.Expr:
    """The expression that ``text`` writes, in ``a``, ``lam``, ``d`` and positive parameters.

    Raises:
        InputError: syntax, an unknown function, something that is not mathematics, or a size
            beyond what a penalty needs; the message points at the place.
    """
    value = _without_ite(_Builder(text).build())
    if not isinstance(value, sp.Expr):
        raise InputError(f"{shorten(text)!r} is a condition, not a number; write a penalty in a.")
    if value.has(sp.nan, sp.zoo, sp.I, sp.AccumBounds):
        raise InputError(f"{shorten(text)!r} is not a real number anywhere; check it for 0/0.")
    if any(bounds.power_too_large(power.base, power.exp) for power in value.atoms(sp.Pow)):
        raise InputError(f"{shorten(text)!r} holds a power with too large an exponent.")
    if is_joint(value) and bound_free(value).has(RESERVED["a"]):
        raise InputError(
            f"in {shorten(text)!r} the feature a stands outside every reduction; "
            "write sum(...), prod(...), max(...) or norm(...) around it."
        )
    return value


def _without_ite(value: sp.Basic) -> sp.Basic:
    """Conditions in and, or and not alone: sympy's if-then-else has no word in the language."""
    return value.replace(lambda e: isinstance(e, sp.ITE), lambda e: e.to_nnf(simplify=False))


def parse_condition(text: str) -> Boolean:
    """The condition that ``text`` writes, such as ``(lam > 1) & (k < 2)``.

    Raises:
        InputError: it does not parse or is a number.
    """
    value = _Builder(text).build()
    if not isinstance(value, Boolean) or isinstance(value, sp.Symbol):
        raise InputError(f"{shorten(text)!r} is not a condition such as lam > 1.")
    return value


# Functions that take lists, as in hyper((1, 2), (3,), a).
TUPLES = {
    "hyper": ("list", "list", "number"),
    "meijerg": ("list", "list", "number"),
    "Integral": ("number", "list"),
}
REDUCING = ("sum", "prod", "norm")

# Names that would be read as parameters though their writer means something else.
NOT_NUMBERS = {
    "nan": "nan is not a number",
    "inf": "infinity is written oo",
    "infinity": "infinity is written oo",
}


def _unknown(name: str) -> str:
    known = [*FUNCTIONS, "Piecewise"]
    close = difflib.get_close_matches(name, known, SUGGESTIONS, 0.6)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"unknown function {name!r}{hint} (known: {' '.join(sorted(known))})"


class _Builder:
    """Walks the syntax tree of one text and builds the expression."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not text.strip():
            raise InputError("the expression is empty; write a penalty such as log(1+abs(a)).")
        if len(text) > MAX_LENGTH:
            raise InputError(
                f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are read."
            )
        self.text = text
        self.python, self.origin = translate(text)

    def build(self) -> sp.Expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's remarks on its own grammar
                tree = ast.parse(self.python, mode="eval")
        except SyntaxError as error:
            column = (error.offset or len(self.origin)) - 1  # offset 0: at the end
            column = min(max(column, 0), len(self.origin) - 1)
            what = (
                "too deeply nested" if "nested" in str(error) else "the expression does not parse"
            )
            raise pointed(self.text, self.origin[column], what) from None
        except (RecursionError, MemoryError):
            raise InputError("the expression is too deeply nested to read.") from None
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise InputError(f"the expression has more than {MAX_NODES:,} parts; simplify it.")
        return self.visit(tree.body, 0)

    def fail(self, node: ast.AST, what: str) -> InputError:
        column = min(getattr(node, "col_offset", 0), len(self.origin) - 1)
        return pointed(self.text, self.origin[column], what)

    def visit(self, node: ast.AST, depth: int) -> sp.Expr:
        if depth > MAX_DEPTH:
            raise self.fail(node, f"the expression is nested more than {MAX_DEPTH} deep")
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            raise self.fail(node, f"{type(node).__name__.lower()} is not part of the language")
        try:
            value = method(node, depth + 1)
        except InputError:
            raise
        except bounds.MEANINGLESS:
            raise self.fail(node, "this part has no meaning") from None
        if bounds.value_too_large(value):
            raise self.fail(node, "the number is too large")
        return value

    def visit_Constant(self, node: ast.Constant, depth: int) -> sp.Expr:
        if isinstance(node.value, bool):
            return sp.true if node.value else sp.false
        if not isinstance(node.value, int | float):
            raise self.fail(node, "only numbers may be written out")
        source = (ast.get_source_segment(self.python, node) or "").replace("_", "")
        mantissa, _, exponent = source.lower().partition("e")
        if len(mantissa) > 300 or abs(int(exponent or 0)) > 300:
            raise self.fail(node, "the number is too long or its exponent too large")
        return sp.Rational(source)

    def visit_Name(self, node: ast.Name, depth: int) -> sp.Expr:
        name = node.id
        if name in RESERVED:
            return RESERVED[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in NOT_NUMBERS:
            raise self.fail(node, NOT_NUMBERS[name])
        if name in FUNCTIONS:
            raise self.fail(
                node,
                f"{name} is a function and needs an argument, as in {name}(a); "
                f"a parameter could be called {name}_",
            )
        if name.startswith("_") or len(name) > 32:
            raise self.fail(node, f"{shorten(name, 20)!r} is not a name for a parameter")
        return parameter(name)

    def visit_UnaryOp(self, node: ast.UnaryOp, depth: int) -> sp.Expr:
        value = self.visit(node.operand, depth)
        if isinstance(node.op, ast.Not | ast.Invert):
            return sp.Not(self.condition(value, node))
        value = self.number(value, node)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        raise self.fail(node, "this operator is not part of the language")

    def visit_BinOp(self, node: ast.BinOp, depth: int) -> sp.Expr:
        chain = [node]  # 1 + 2 + 3 + … leans to the left: a loop, so that long sums are not deep
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.visit(chain[-1].left, depth)
        for link in reversed(chain):
            value = self.join(link, value, self.visit(link.right, depth))
            if bounds.value_too_large(value):
                raise self.fail(link, "the number is too large")
        return value

    def join(self, node: ast.BinOp, left: sp.Expr, right: sp.Expr) -> sp.Expr:
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            join = sp.And if isinstance(node.op, ast.BitAnd) else sp.Or
            return join(self.condition(left, node), self.condition(right, node))
        left, right = self.number(left, node), self.number(right, node)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                if right == 0:
                    raise self.fail(node.right, "division by zero")
                return left / right
            case ast.Pow():
                what = bounds.power_too_large(left, right)
                if what is not None:
                    raise self.fail(node, what)
                return left**right
        raise self.fail(node, "this operator is not part of the language")

    def visit_BoolOp(self, node: ast.BoolOp, depth: int) -> sp.Expr:
        parts = [self.condition(self.visit(v, depth), node) for v in node.values]
        return (sp.And if isinstance(node.op, ast.And) else sp.Or)(*parts)

    def visit_Compare(self, node: ast.Compare, depth: int) -> sp.Expr:
        sides = [self.visit(n, depth) for n in [node.left, *node.comparators]]
        values = [self.number(s, node) for s in sides]
        relations = {ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge}
        relations |= {ast.Eq: sp.Eq, ast.NotEq: sp.Ne}
        parts = []
        for left, op, right in zip(values, node.ops, values[1:], strict=False):
            if type(op) not in relations:
                raise self.fail(node, "this comparison is not part of the language")
            parts.append(relations[type(op)](left, right))
        return sp.And(*parts)

    def visit_Tuple(self, node: ast.Tuple, depth: int) -> sp.Expr:
        return sp.Tuple(*[self.visit(item, depth) for item in node.elts])

    visit_List = visit_Tuple

    def visit_Call(self, node: ast.Call, depth: int) -> sp.Expr:
        if not isinstance(node.func, ast.Name):
            raise self.fail(node, "only the functions of the language can be called")
        name = node.func.id
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self.fail(node, f"{name} takes plain arguments only")
        if name == "Piecewise":
            return self.piecewise(node, depth)
        if name not in FUNCTIONS:
            raise self.fail(node, _unknown(name))
        word = FUNCTIONS[name]
        if not word.least <= len(node.args) <= word.most:
            wanted = str(word.least) if word.least == word.most else f"{word.least} or more"
            raise self.fail(node, f"{name} takes {wanted} argument(s), not {len(node.args)}")
        args = [self.visit(arg, depth) for arg in node.args]
        if name == "indicator":
            return word.build(self.condition(args[0], node))
        if name in TUPLES:
            self.check_tuples(name, args, node)
        else:
            args = [self.number(arg, node) for arg in args]
        if any(bounds.argument_too_large(name, i, arg) for i, arg in enumerate(args)):
            raise self.fail(node, f"the number in {name}(…) is too large")
        if (name in REDUCING or (name == "max" and len(args) == 1)) and is_joint(args[0]):
            raise self.fail(node, f"{name}(…) stands over another reduction over the features")
        return word.build(*args)

    def check_tuples(self, name: str, args: list[sp.Basic], node: ast.AST) -> None:
        """Whether the lists of a function that takes lists are where they should be."""
        shape = TUPLES[name]
        lists = [isinstance(arg, sp.Tuple) for arg in args]
        if lists != [part == "list" for part in shape]:
            raise self.fail(node, f"{name} takes {', '.join(shape)}")

    def piecewise(self, node: ast.Call, depth: int) -> sp.Expr:
        pieces = []
        for arg in node.args:
            if not isinstance(arg, ast.Tuple) or len(arg.elts) != 2:
                raise self.fail(arg, "Piecewise takes (value, condition) pairs")
            value = self.number(self.visit(arg.elts[0], depth), arg)
            pieces.append((value, self.condition(self.visit(arg.elts[1], depth), arg)))
        if not pieces:
            raise self.fail(node, "Piecewise takes (value, condition) pairs")
        if pieces[-1][1] is not sp.true:
            pieces.append((sp.oo, sp.true))  # outside every condition: a hard constraint
        return sp.Piecewise(*pieces)

    def number(self, value: sp.Basic, node: ast.AST) -> sp.Expr:
        if isinstance(value, sp.Expr):
            return value
        raise self.fail(node, "a number is wanted here, not a condition or a list")

    def condition(self, value: sp.Basic, node: ast.AST) -> Boolean:
        if isinstance(value, Boolean) and not isinstance(value, sp.Symbol):
            return value
        raise self.fail(node, "a condition such as a > 0 is wanted here, not a number")
