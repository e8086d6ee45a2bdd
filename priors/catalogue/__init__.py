"""Penalties by name, by theme: one row each, an expression with the facts declared about it.

A row is tested against the derivation: every declared fact must come out of it. Nothing here needs
sympy, so that listing the catalogue is instant.
"""

from collections.abc import Iterable

from neglog.priors.catalogue import bridge, joint, positive, robust, sae, shrinkage, sparse_coding
from neglog.priors.catalogue.entry import Entry
from neglog.priors.errors import InputError

THEMES: dict[str, dict[str, Entry]] = {
    "sparse coding": sparse_coding.ENTRIES,
    "bridge and folded concave": bridge.ENTRIES,
    "robust": robust.ENTRIES,
    "Bayesian shrinkage": shrinkage.ENTRIES,
    "positive": positive.ENTRIES,
    "sparse autoencoders": sae.ENTRIES,
    "joint": joint.ENTRIES,
}

ENTRIES: dict[str, Entry] = {
    name: entry for entries in THEMES.values() for name, entry in entries.items()
}

THEME_OF: dict[str, str] = {name: theme for theme, entries in THEMES.items() for name in entries}

__all__ = ["ENTRIES", "THEMES", "THEME_OF", "Entry", "find"]


def find(words: Iterable[str] = (), theme: str | None = None) -> dict[str, Entry]:
    """Entries that hold every word in name, expression, law, description or reference.

    Raises:
        InputError: no theme's name holds ``theme``.
    """
    if theme is not None and not any(theme.lower() in name.lower() for name in THEMES):
        raise InputError(f"no theme is called {theme!r} (known: {', '.join(THEMES)}).")
    return {
        name: entry
        for name, entry in ENTRIES.items()
        if (theme or "").lower() in THEME_OF[name].lower()
        and all(word.lower() in _text(name, entry) for word in words)
    }


def _text(name: str, entry: Entry) -> str:
    parts = (name, entry.expr, entry.law or "", entry.description, entry.reference)
    return " ".join(parts).lower()
