"""Penalties by name, by theme: one row each, an expression with the facts declared about it.

A row is tested against the derivation: every declared fact must come out of it. Nothing here needs
sympy, so that listing the catalogue is instant.
"""

from neglog.priors.catalogue import bridge, joint, positive, robust, sae, shrinkage, sparse_coding
from neglog.priors.catalogue.entry import Entry

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

__all__ = ["ENTRIES", "THEMES", "THEME_OF", "Entry"]
