"""Sentences of a derivation with their plain mathematics in signs."""

import re

_PLAIN = (("Abs(a)", "|a|"), ("**2", "²"), ("**3", "³"), ("**", "^"), ("*", "·"),
          (">=", "≥"), ("<=", "≤"), (" & ", " and "))  # fmt: skip
_WORDS = {"lam": "λ", "oo": "∞", "pi": "π", "phi": "φ"}


def signs(text: str) -> str:
    """Prose with its plain mathematics in signs, word by word."""
    for plain, sign in _PLAIN:
        text = text.replace(plain, sign)
    return re.sub(r"[A-Za-z]\w*", lambda word: _WORDS.get(word.group(), word.group()), text)
