"""A density written as an expression in ``a`` as a penalty: −log, in its natural form."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.api import check_real
from neglog.derivations.deadline import within
from neglog.derivations.joint.totals import in_totals
from neglog.derivations.numbers import simplified, value_at
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y

_PROBES = (sp.Rational(13, 11), sp.Rational(1, 97), sp.Rational(5, 13), sp.Rational(47, 11))


def from_density(density: sp.Expr, domain: str | None = None) -> Penalty:
    """−log of a density in ``a``, additive constants dropped and φ(0) = 0 where finite.

    Raises:
        InputError: the density is negative, complex or nowhere positive.

    >>> from neglog.priors.text import parse
    >>> str(from_density(parse("exp(-abs(a)/2)/4")))
    'Abs(a)/2'
    """
    domain = domain or "real"
    if symbols.is_joint(density):
        phi = sp.expand_log(-sp.log(density), force=True)
        return Penalty(in_totals(Penalty(phi, domain)), domain)
    density = _without_reciprocals(_zero_outside(density))
    check_positive(density, domain)
    if domain == "positive":
        phi = _minus_log(density.subs(a, y)).subs(y, a)
    elif _is_even(density):
        phi = _minus_log(density.subs(a, y)).subs(y, sp.Abs(a))
        phi = phi.replace(lambda e: isinstance(e, sp.Pow) and isinstance(e.base, sp.Abs), _squares)
    else:
        phi = _minus_log(density)
    result = Penalty(drop_constants(phi), domain)
    check_real(result)
    return result


def _squares(e: sp.Expr) -> sp.Expr:
    return e.base.args[0] ** e.exp if e.exp.is_even else e


def _zero_outside(density: sp.Expr) -> sp.Expr:
    """A piecewise density without a last branch is 0 there; the parser supplies ∞ for penalties."""
    return density.replace(
        lambda e: isinstance(e, sp.Piecewise),
        lambda e: sp.Piecewise(*[(0 if v is sp.oo else v, c) for v, c in e.args]),
    )


def _without_reciprocals(e: sp.Expr) -> sp.Expr:
    e = e.replace(sp.sech, lambda x: 1 / sp.cosh(x)).replace(sp.csch, lambda x: 1 / sp.sinh(x))
    return e.replace(sp.coth, lambda x: sp.cosh(x) / sp.sinh(x))


def _is_even(density: sp.Expr) -> bool:
    mirrored = density.subs(a, -a)
    if density == mirrored:
        return True
    return bool(within(2.0, lambda: simplified(density - mirrored) == 0, False))


def _minus_log(density: sp.Expr) -> sp.Expr:
    """−log with products and powers taken apart, on each branch."""
    if density.has(sp.Piecewise):
        density = sp.piecewise_fold(density)
    if isinstance(density, sp.Piecewise):
        pieces = [(sp.oo if v == 0 else _minus_log(v), c) for v, c in density.args]
        return sp.Piecewise(*pieces)
    density = sp.powsimp(sp.factor_terms(density))
    logs = sp.expand_log(-sp.log(density))
    # With a of either sign, log a² must not become 2 log a; with y > 0 and positive parameters
    # everything may be taken apart.
    return logs if density.has(a) else sp.expand_log(logs, force=True)


def check_positive(density: sp.Expr, domain: str) -> None:
    """Raise where the density is negative or complex at sample points, parameters at 1 and 2."""
    names = sorted(density.free_symbols - {a}, key=str)
    seen = False
    for at in _PROBES if domain == "positive" else (*_PROBES, *[-p for p in _PROBES]):
        point = {a: at, **{n: sp.Rational(9 + i, 9) for i, n in enumerate(names)}}
        value = value_at(density, point)
        if value is None:
            continue
        where = f"at a = {float(at):.3g}" + (" with every parameter near 1" if names else "")
        if abs(value.imag) > 1e-12 * (1 + abs(value.real)):
            raise InputError(f"the density {density} is not real {where}; write it in |a|.")
        if value.real < 0:
            raise InputError(f"the density {density} is negative {where}.")
        seen = seen or value.real > 0
    if not seen and not names and not density.has(sp.Piecewise):
        raise InputError(f"the density {density} is not positive at a = 1.18.")


def drop_constants(phi: sp.Expr, *, rewrite: bool = True) -> sp.Expr:
    """φ without the terms free of ``a``, shifted so that φ(0) = 0 where that is finite.

    Args:
        phi: any expression in ``a``.
        rewrite: look for a shorter form; otherwise φ is taken to be in its natural one.
    """
    if isinstance(phi, sp.Piecewise):
        return _drop_from_pieces(phi, rewrite)
    forms = [_without_constants(phi)]
    if rewrite or phi.is_polynomial(a):
        forms.append(_without_constants(sp.expand(phi)))
        forms.append(sp.factor_terms(forms[-1]))
    if rewrite:
        forms.append(within(3.0, lambda: simplified(forms[1]), forms[0]))
    return _shortest(forms)


def _shortest(forms: list[sp.Expr]) -> sp.Expr:
    """The form with the fewest operations, of those without logarithms of powers if there are."""
    open_ = [
        f
        for f in forms
        if not any(
            e.args[0].atoms(sp.Pow) & set(sp.Mul.make_args(e.args[0])) for e in f.atoms(sp.log)
        )
    ]
    return min(open_ or forms, key=sp.count_ops)


def _without_constants(phi: sp.Expr) -> sp.Expr:
    kept = sp.Add(*[t for t in sp.Add.make_args(phi) if t.has(a)])
    at_zero = _at_zero(kept)
    return kept if at_zero is None else kept - at_zero


def _at_zero(phi: sp.Expr) -> sp.Expr | None:
    """φ(0) where that is a finite number."""
    value = phi.subs(a, 0)
    return value if value.is_finite and not value.has(sp.nan, sp.zoo, sp.oo) else None


def _drop_from_pieces(phi: sp.Piecewise, rewrite: bool) -> sp.Expr:
    """One constant for all branches: φ(0) where finite, else that of the first branch."""
    constant = _at_zero(phi)
    if constant is None:
        first = next((v for v, _ in phi.args if v is not sp.oo and v.has(a)), sp.S.Zero)
        constant = sp.Add(*[t for t in sp.Add.make_args(first) if not t.has(a)])

    def shifted(value: sp.Expr) -> sp.Expr:
        if value is sp.oo:
            return value
        forms = [value - constant]
        if rewrite or value.is_polynomial(a):
            forms.append(sp.expand(forms[0]))
            forms.append(sp.factor_terms(forms[1]))
        if rewrite:
            forms.append(within(2.0, lambda: simplified(forms[1]), forms[0]))
        return _shortest(forms)

    return sp.Piecewise(*[(shifted(value), condition) for value, condition in phi.args])
