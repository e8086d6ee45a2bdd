"""The two front doors: ``neglog.penalty`` and ``neglog.prior``."""

from typing import Any

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.reality import check_real
from neglog.priors import symbols
from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

READING_SECONDS = 2.0


def penalty(source: str | sp.Expr | Penalty, domain: str | None = None) -> Penalty:
    """A penalty from text, a sympy expression in ``a`` or a name of the catalogue.

    Args:
        source: such as ``"log(1+abs(a))"``; other names than ``a`` are positive parameters.
        domain: ``"real"`` (default) or ``"positive"``.

    Raises:
        InputError: it does not parse, or is not a real-valued function on its domain.

    >>> str(penalty("log(1+|a|)"))
    'log(Abs(a) + 1)'
    """
    if isinstance(source, Penalty):
        return source if domain in (None, source.domain) else penalty(source.expr, domain)
    name = reference = None
    if isinstance(source, str):
        entry = ENTRIES.get(source.strip().lower())
        if entry is not None:
            name, reference = source.strip().lower(), entry.reference
            domain = domain or entry.domains[0]
            if domain not in entry.domains:
                raise InputError(f"{name} is defined on the {entry.domains[0]} domain only.")
        expr = _read(entry.expr if entry else source)
    else:
        expr = _adopt(sp.sympify(source))
    result = Penalty(expr, domain or "real", name, reference)
    check_real(result)
    return result


def _read(text: str) -> sp.Expr:
    """The expression of a text, within a deadline: sympy works some out as it builds them."""
    found = within(READING_SECONDS, lambda: parse(text), None)
    if found is None:
        raise InputError("the expression takes too long to read; simplify it.")
    return found


def _adopt(expr: sp.Expr) -> sp.Expr:
    """A user's sympy expression with its symbols replaced by ours of the same name."""
    ours = {s: symbols.RESERVED.get(s.name) or symbols.parameter(s.name) for s in expr.free_symbols}
    return expr.xreplace({s: t for s, t in ours.items() if s != t})


def prior(source: Any) -> Any:
    """A prior from a catalogue name, a density in ``a``, a frozen scipy.stats law or a fit."""
    from neglog.derivations.inversion.invert import prior_from

    return prior_from(source)
