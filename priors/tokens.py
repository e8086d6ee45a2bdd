"""From text to Python's spelling of it, remembering where each character came from.

``|a|`` becomes ``abs(a)``, ``^`` becomes ``**`` and the signs of mathematics become words, so that
Python's grammar can read the rest. What no expression can hold is refused here, at its place.
"""

import keyword
import re
import unicodedata
from collections.abc import Iterator

from neglog.priors.errors import InputError

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9][0-9_]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*|[λπ∞ΣΠ∏√])"
    r"|(?P<power>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<op>\*\*|<=|>=|==|!=|[-+*/^()<>,&|=~\[\]·−×÷≤≥≠]))"
)
_SPELT = {"λ": "lam", "π": "pi", "∞": "oo", "Σ": "sum", "∏": "prod", "Π": "prod", "√": "sqrt"}
_SPELT |= {"·": "*", "×": "*", "÷": "/", "−": "-", "^": "**", "≤": "<=", "≥": ">=", "≠": "!="}

_JOINING = ("and", "or", "not")
_VALUES = ("True", "False", "None")


def shorten(text: str, most: int = 60) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def pointed(text: str, column: int, what: str) -> InputError:
    """``what`` went wrong at a place of the text."""
    near = text[max(0, column - 12) : column + 12].replace("\n", " ")
    return InputError(f"{what} at position {column + 1}, near {near!r}.")


def translate(text: str) -> tuple[str, list[int]]:
    """Python's spelling of the text, and for each of its characters the position it came from.

    Raises:
        InputError: a character, a word or an order of words that no expression has.
    """
    out: list[str] = []
    origin: list[int] = []
    before = ""  # the kind of the token before: "", "op", "joining", "number", "name" or "close"
    depth = 0
    bars: list[int] = []  # the depths at which a |…| is open
    for kind, token, at in _tokens(text):
        word = _SPELT.get(token, token)
        operand = before in ("number", "name", "close")
        if kind == "power":
            word = f"**({token.translate(_SUPERSCRIPTS)})"
        elif kind == "name":
            _refuse_keywords(text, token, at)
        elif token == "|" and not operand:
            word = "abs("
            bars.append(depth)
        elif token == "|" and bars and bars[-1] == depth:
            word = ")"
            bars.pop()
        opens = (kind in ("number", "name") and word not in _JOINING) or word in ("(", "abs(")
        if operand and opens and not (before == "name" and word == "("):
            raise pointed(text, at, "a sign such as * is missing")
        depth += (token in "([") - (token in ")]")
        out.append(word + " ")
        origin.extend([at] * (len(word) + 1))
        before = _ends(kind, word)
    if bars:
        raise InputError(f"a bar | is opened and not closed in {shorten(text)!r}.")
    return "".join(out), [*origin, len(text)]


def _ends(kind: str, word: str) -> str:
    if kind == "power" or word in (")", "]"):
        return "close"
    return "joining" if word in _JOINING else kind


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, position) of each token; raises at the first character of no token."""
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise pointed(text, at, f"the character {_called(text[at])} means nothing here")
        kind = str(match.lastgroup)
        yield kind, match.group(kind), match.start(kind)
        at = match.end()


def _called(character: str) -> str:
    """The character, with its name where it looks like another one or like nothing."""
    if character.isascii():
        return repr(character)
    return f"{character!r} ({unicodedata.name(character, 'unnamed').lower()})"


def _refuse_keywords(text: str, word: str, at: int) -> None:
    if keyword.iskeyword(word) and word not in (*_JOINING, *_VALUES):
        raise pointed(
            text, at, f"the word {word!r} is not part of the language (as a name, write {word}_)"
        )
