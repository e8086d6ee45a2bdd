"""The options of ``neglog fit`` beyond codes and families."""

from collections.abc import Callable
from typing import Any

import click

STATISTIC_WORDS = ("anderson-darling", "cramer-von-mises", "kolmogorov-smirnov")

_OPTIONS = (
    click.option("--families", help="Comma-separated family names or penalty expressions."),
    click.option("--min-nonzero", default=50, help="Features with fewer are not fitted."),
    click.option("--weights", type=click.Path(), help="A .npy file: how often each token counts."),
    click.option(
        "--offset", help='Where the slab begins: a number, a .npy file, or "minimum" (estimated).'
    ),
    click.option("--truncation", help="Leave out codes at or below this: a number or a .npy file."),
    click.option(
        "--intervals", type=float, help="Level of profile-likelihood intervals, such as 0.95."
    ),
    click.option(
        "--gof",
        type=click.Choice(STATISTIC_WORDS),
        help="Goodness of fit of the best families, by bootstrap.",
    ),
    click.option("--replicates", default=199, help="Of the bootstrap."),
    click.option("--tail", is_flag=True, help="Tail index over thresholds."),
    click.option("--folds", type=int, help="Held-out log-likelihood in this many folds."),
    click.option("--sequence", type=click.Path(), help="A .npy file: the sequence of each token."),
    click.option("--seed", default=0, help="Of bootstrap and folds."),
    click.option("--figure", type=click.Path(), help="PP and QQ plots: a .png, .pdf or .svg file."),
    click.option("--csv", type=click.Path(), help="Write the table of fits."),
)


def fit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with the options above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
