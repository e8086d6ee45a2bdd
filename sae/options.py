"""The options of `neglog train` and `neglog harvest`; torch is not needed here."""

from collections.abc import Callable
from typing import Any

import click

_Options = tuple[Callable[[Any], Any], ...]

_TRAIN: _Options = (
    click.option("--width", required=True, type=int, help="Number of latents."),
    click.option("--penalty", help="Expression or catalogue name, on the positive domain."),
    click.option("--strength", type=float, help="Fixed strength of the penalty."),
    click.option("--target-l0", type=float, help="Mean active latents; steers the strength."),
    click.option("--lam", type=float, help="Strength λ of the prior: c = 2σ²λ."),
    click.option("--noise", type=float, help="σ for --lam, in units of the data (else estimated)."),
    click.option("--learn", multiple=True, metavar="NAME", help="Train lam, scale or a parameter."),
    click.option("--activation", default="relu", help="relu, jumprelu, topk, batchtopk or prox."),
    click.option("--k", type=int, help="Active latents of topk and batchtopk."),
    click.option("--steps", default=500, type=int),
    click.option("--batch", default=2048, type=int),
    click.option("--lr", default=8e-3, type=float),
    click.option("--warmup", default=20, type=int, help="Steps for learning rate and strength."),
    click.option("--seed", default=0, type=int),
    click.option("--target", type=click.Path(), help="Rows to predict instead: a transcoder."),
    click.option("--skip", is_flag=True, help="A linear path from input to target."),
    click.option("--auxk", type=int, help="Dead latents a sample trains on the residual."),
    click.option("--resample-every", type=int, help="Steps between new starts of dead latents."),
    click.option("--dead-after", default=100_000, type=int, help="Silent tokens that mean dead."),
    click.option("--transposed/--random-encoder", default=True, help="How the encoder starts."),
    click.option(
        "--pre-bias/--no-pre-bias",
        default=None,
        help="Take the decoder's bias off the input; default: where it measured better.",
    ),
    click.option(
        "--encoder-norm",
        type=float,
        help="Of its rows at the start; default: 0.5 for topk and batchtopk, else 1.",
    ),
    click.option("--centre/--no-centre", default=True, help="Take the mean off the input."),
    click.option("--shuffle", default="full", help="full, buffer or none."),
    click.option("--dtype", default="float32", help="float32, float64 or bfloat16."),
    click.option("--device", default="cpu"),
    click.option("--eval-every", default=100, type=int, help="Steps between lines of metrics."),
    click.option("--checkpoint-every", default=200, type=int, help="Steps between checkpoints."),
    click.option(
        "--resume", is_flag=True, help="Continue from the last checkpoint, if there is one."
    ),
    click.option("--log-to", default="", help="tensorboard or wandb."),
    click.option(
        "--out", required=True, type=click.Path(), help="Folder to write; must not exist."
    ),
)


_HARVEST: _Options = (
    click.option(
        "--out", required=True, type=click.Path(), help="Folder to write; must not exist."
    ),
    click.option("--model", default="minilm", help="minilm, or a Hugging Face model folder."),
    click.option("--layer", default=3, type=int, help="Transformer block, from 0."),
    click.option(
        "--site",
        "sites",
        multiple=True,
        default=("residual",),
        help="residual, mlp-in, mlp-out, attention-out; repeat for several, rows aligned.",
    ),
    click.option("--tokens", default=60_000, type=int, help="How many tokens."),
    click.option(
        "--text", multiple=True, type=click.Path(), help="UTF-8 files; default: Python's own."
    ),
    click.option("--batch", default=32, type=int, help="Sequences that go through together."),
    click.option("--seq-len", default=128, type=int, help="Tokens of a sequence, at most."),
    click.option("--dtype", default="float32", help="Stored as float32, float16 or bfloat16."),
    click.option(
        "--rows-per-shard", type=int, help="Default: an eighth of the tokens, 8,192 to 100,000."
    ),
    click.option("--device", default="cpu"),
    click.option(
        "--resume", is_flag=True, help="Continue after the last whole shards, if there are any."
    ),
)


def train_options(command: Any) -> Any:
    """Give a command the options of a training run, in this order."""
    return _with(_TRAIN, command)


def harvest_options(command: Any) -> Any:
    """Give a command the options of a harvest, in this order."""
    return _with(_HARVEST, command)


def _with(options: _Options, command: Any) -> Any:
    for option in reversed(options):
        command = option(command)
    return command
