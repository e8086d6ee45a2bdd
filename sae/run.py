"""Train an SAE from data to checkpoint."""

import json
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.checkpoint import METRICS, save
from neglog.sae.data import Activations, Index, batches, check_and_scale, open_activations, split
from neglog.sae.evaluation import evaluate, mean_active
from neglog.sae.files import new_folder, refuse_existing
from neglog.sae.loss import CompiledPenalty
from neglog.sae.model import SAE
from neglog.sae.progress import progress_bar
from neglog.sae.start import set_bias
from neglog.sae.trainer import Trainer

#: A latent silent for this many tokens counts as dead.
DEAD_AFTER = 100_000
#: A target L0 is that of held-out rows, measured every so many steps.
STEER_EVERY = 20
#: The L0 of held-out rows and the starting bias are measured on at most this many rows.
SAMPLE = 4096


def train(
    data: Any,
    width: int,
    penalty: Any = None,
    activation: str = "relu",
    k: int | None = None,
    strength: float | None = None,
    target_l0: float | None = None,
    steps: int = 500,
    batch: int = 2048,
    lr: float = 8e-3,
    seed: int = 0,
    out: str | Path | None = None,
    target: Any = None,
    skip: bool = False,
    held_out: float = 0.1,
    eval_every: int = 100,
    device: str = "cpu",
    progress: bool = True,
) -> SAE:
    """Train an SAE on activations and, if `out` is given, write it there with its metrics.

    `data`: a `.npy` or `.safetensors` file, a folder of shards, or an array, tokens × d.
    `penalty`: an expression, a `Penalty`, a compiled penalty, or None. ReLU needs a penalty with
    either `strength` or `target_l0`; topk and batchtopk need `k` (or `target_l0`, which is the
    same) and take no penalty. `target`: rows to predict instead of the input (a transcoder),
    `skip` adds a linear path to it.

    A target L0 is that of held-out rows, which need more features than rows trained on: they decide
    the strength, and nothing else.

    `out` gets `sae.safetensors`, `config.json` and `metrics.jsonl`, a line every `eval_every`
    steps and one at the end: step, tokens, strength, loss, reconstruction, penalty (training, this
    step), and on the held-out rows fvu (about their mean), l0, never_active; dead is the fraction
    of latents silent for 100,000 training tokens. It appears whole or not at all. The last line is
    also the attribute `metrics` of the SAE returned.

    The same seed gives the same weights on the same machine with the same number of threads.

    Raises InputError for data that are not tokens × d finite numbers, too few rows, contradictory
    or impossible settings, or an `out` that holds something.
    """
    if activation in ("topk", "batchtopk") and k is None and target_l0 is not None:
        k, target_l0 = round(target_l0), None
    settings = {"penalty": describe(penalty), "strength": strength, "target_l0": target_l0,
                "steps": steps, "batch": batch, "lr": lr, "seed": seed, "held_out": held_out,
                "data": str(data) if isinstance(data, (str, Path)) else None,
                "target": str(target) if isinstance(target, (str, Path)) else None}  # fmt: skip
    _check(activation, penalty, steps, batch, held_out, eval_every)
    if out is not None:
        refuse_existing(Path(out))  # now, not after minutes of training
    x = open_activations(data)
    y = None if target is None else open_activations(target)
    if y is not None and len(y) != len(x):
        raise InputError(f"The target has {len(y)} rows where the input has {len(x)}.")
    sae = SAE(x.d, width, activation, k, None if y is None else y.d, skip, seed)
    trainer = Trainer(sae.to(device), compiled(penalty), strength, target_l0, lr, steps)
    fit, test = split(x, held_out, seed)
    if len(fit) < batch or len(test) < 2:
        raise InputError(
            f"{len(x)} rows are too few: {len(fit)} are left to train on and {len(test)} to test, "
            f"and a batch takes {batch}."
        )
    scaling = check_and_scale(x, fit)
    sae.set_scaling(scaling, None if y is None else check_and_scale(y, fit))
    run = Run(trainer, x, y, fit, test, batch, seed)
    with nullcontext() if out is None else new_folder(out) as folder:
        log = None if folder is None else folder / METRICS
        sae.metrics = run.all(steps, eval_every, log, progress)
        if folder is not None:
            save(sae, folder, settings)
    return sae.eval()


@dataclass
class Run:
    """A trainer and its data: input `x`, target `y` (None: the input), rows to fit and to test."""

    trainer: Trainer
    x: Activations
    y: Activations | None
    fit: Index
    test: Index
    batch: int
    seed: int

    def read(self, index: Index) -> tuple[Tensor, Tensor | None]:
        """(input, target) at the rows of `index`, on the model's device."""
        device = self.trainer.sae.W_enc.device
        y = None if self.y is None else self.y.rows(index).to(device)
        return self.x.rows(index).to(device), y

    def all(self, steps: int, eval_every: int, log: Path | None, progress: bool) -> dict[str, Any]:
        """All the steps, a line of metrics every `eval_every`; returns that of the last step."""
        began = time.perf_counter()
        trainer = self.trainer
        set_bias(trainer.sae, self._sample(self.fit), trainer.control)
        # The held-out rows decide one number, the strength at which their L0 is the target.
        unseen = self._sample(self.test)
        rows = batches(self.fit, self.batch, self.seed)
        line: dict[str, Any] = {}
        with progress_bar("train", steps, progress) as advance:
            for step in range(1, steps + 1):
                done = trainer.step(*self.read(next(rows)))
                if step % STEER_EVERY == 0:
                    trainer.control.correct(mean_active(trainer.sae, unseen))
                advance(1, f"L0 {done['l0']:.1f}")
                if step % eval_every == 0 or step == steps:
                    line = self.measure(done)
                    line["seconds"] = round(time.perf_counter() - began, 3)
                    if log is not None:
                        with log.open("a") as f:
                            f.write(json.dumps(line) + "\n")
        return line

    def measure(self, done: dict[str, float]) -> dict[str, Any]:
        """A line of metrics: the training step just `done`, then the held-out rows."""
        trainer = self.trainer
        return {
            "step": trainer.step_number,
            "tokens": trainer.tokens,
            **done,
            "train_l0": done["l0"],
            **evaluate(trainer.sae, self.x, self.test, self.y),
            "dead": trainer.dead(DEAD_AFTER),
        }

    def _sample(self, index: Index) -> Tensor:
        """At most SAMPLE input rows of `index`."""
        order = np.random.default_rng(self.seed).permutation(index)
        return self.read(order[:SAMPLE])[0]


def compiled(penalty: Any) -> CompiledPenalty | None:
    """The compiled penalty on [0, ∞) of an expression, a `Penalty`, or one compiled already."""
    if penalty is None:
        return None
    if isinstance(penalty, str):
        import neglog

        penalty = neglog.penalty(penalty, domain="positive")
    if hasattr(penalty, "compile") and not isinstance(penalty, torch.nn.Module):
        penalty = penalty.compile("torch")
    if not callable(penalty):
        raise InputError(f"A penalty is an expression or a Penalty, not {type(penalty).__name__}.")
    result: CompiledPenalty = penalty
    return result


def describe(penalty: Any) -> str | None:
    """The penalty in words, for config.json."""
    return None if penalty is None else str(getattr(penalty, "expr", penalty))


def _check(
    activation: str, penalty: Any, steps: int, batch: int, held_out: float, eval_every: int
) -> None:
    for name, value in (("steps", steps), ("batch", batch), ("eval_every", eval_every)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}.")
    if not 0 < held_out < 1:
        raise InputError(f"held_out is a fraction between 0 and 1, not {held_out}.")
    if activation == "relu" and penalty is None:
        raise InputError("A relu code needs a penalty, or nothing makes it sparse.")
    if activation != "relu" and penalty is not None:
        raise InputError(f"{activation} is sparse by k and takes no penalty.")
