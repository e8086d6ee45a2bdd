"""Train an SAE from data to checkpoint."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae import advice
from neglog.sae.checkpoint import save
from neglog.sae.data import (
    Activations,
    Index,
    Scaling,
    batches,
    check_and_scale,
    open_activations,
    split,
)
from neglog.sae.dead import AuxK
from neglog.sae.evaluation import evaluate, mean_active
from neglog.sae.loggers import Logger
from neglog.sae.model import SAE
from neglog.sae.objective import compiled, learned
from neglog.sae.processes import Processes, processes
from neglog.sae.progress import progress_bar
from neglog.sae.resume import Workplace, check_same
from neglog.sae.settings import DTYPES, Settings, settle
from neglog.sae.start import set_bias
from neglog.sae.trainer import Trainer

#: A target L0 is that of held-out rows, measured every so many steps.
STEER_EVERY = 20
#: The L0 of held-out rows and the starting bias are measured on at most this many rows.
SAMPLE = 4096


def train(
    data: Any,
    width: int,
    penalty: Any = None,
    activation: str = "relu",
    *,
    target: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    log_to: str = "",
    progress: bool = True,
    **settings: Any,
) -> SAE:
    """Train an SAE on activations and, if `out` is given, write it there with its metrics.

    `data`: a `.npy` or `.safetensors` file, a folder of shards, or an array, tokens × d.
    `target`: rows to predict instead of the input (a transcoder), `skip` adds a linear path to it.

    `penalty`: an expression, a `Penalty`, a compiled penalty, or None. `activation`: relu; jumprelu
    (learned thresholds; its penalty is L0 if none is given); prox (the penalty's proximal map);
    topk and batchtopk, which take `k` (or `target_l0`, which is the same) and no penalty. With a
    penalty goes one of

    * `strength`: fixed, after `warmup` steps;
    * `target_l0`: the strength is steered so that held-out rows, which need more features than rows
      trained on, have that L0: they decide the strength, and nothing else;
    * `lam`: c = 2σ²λ, the strength that a prior of strength λ and noise of standard deviation
      `noise` (in units of the data; None: estimated from the residuals) imply.

    `learn` names numbers of the prior to be trained with the weights (`lam`, `scale`, parameters):
    its −log p with the normaliser takes the penalty's place. `params` are numbers for parameters.

    Other settings, with defaults: `steps` 500, `batch` 2048, `lr` 8e-3, `seed` 0, `held_out` 0.1;
    `transposed` (the encoder starts as the decoder's transpose) and `centre` (the mean is taken
    off) True; `encoder_norm` (of the encoder's rows at the start) 0.5 for topk and batchtopk, else
    1; `pre_bias` (the decoder's bias is taken off the input) True for topk, batchtopk and relu with
    a penalty that has a kink at 0, but not for transcoders, else False; `auxk` None (or how many
    dead latents a sample trains), `resample_every` None (or after how many steps dead latents start
    anew), `dead_after` 100,000 tokens; `shuffle` full, buffer or none; `dtype` float32, float64 or
    bfloat16; `device` cpu.

    `out` gets `sae.safetensors`, `config.json` and `metrics.jsonl`, a line every `eval_every` (100)
    steps and one at the end: step, tokens, strength, loss, reconstruction, penalty (training, this
    step), what `evaluate` says of the held-out rows, and dead, the fraction of latents silent for
    `dead_after` training tokens. The last line is also the attribute `metrics` of the SAE returned.
    `out` appears whole or not at all. Every `checkpoint_every` (200) steps the run's state is
    written beside it; `resume` continues from there and ends with the same weights as if nothing
    had happened, or starts at the beginning if there is no checkpoint. `log_to`: tensorboard or
    wandb.

    Under `torchrun` every process takes an equal part of each batch. The same seed gives the same
    weights on the same machine with the same number of threads.

    Raises InputError for data that are not tokens × d finite numbers, too few rows, contradictory
    or impossible settings, an `out` that holds something, a disk that is full, or, with `resume`, a
    damaged checkpoint, other data or other settings.

    Example: `train("acts", 1536, "log(1+abs(a))", target_l0=32, out="sae")`
    """
    chosen = settle({"width": width, "penalty": penalty, "activation": activation, **settings})
    group = processes()
    place = None if out is None else Workplace(out)
    held = place.claim(resume) if place is not None and group.first else nullcontext()
    with held:
        run = prepare(chosen, data, target, group)
        record = run.chosen.record(data, target)
        found = place.read() if place is not None and resume else None
        group.wait()  # nobody writes before all have read
        if found is not None and place is not None:
            run.take_up(found, record)
            if group.first:
                place.cut_metrics(found[1]["metrics_bytes"])
        logger = Logger(log_to if group.first else "", Path(out or "."), record)
        run.sae.metrics = run.all(place, record, logger, progress and group.first)
        logger.close()
        if place is not None and group.first:
            with place.result() as folder:
                save(run.sae, folder, record)
        group.wait()
    return run.sae.eval()


def prepare(chosen: Settings, data: Any, target: Any, group: Processes) -> "Run":
    """The model, its trainer and its data, ready for the first step."""
    x = open_activations(data)
    y = None if target is None else open_activations(target)
    _refuse_what_does_not_fit(chosen, x, y, group)
    sae, objective, c = _built(chosen, x.d, None if y is None else y.d)
    lam = 1.0 if c.learn and c.lam is not None else c.lam  # λ is then inside −log p

    def make() -> Trainer:
        auxk = None if c.auxk is None else AuxK(c.auxk)
        return Trainer(sae, objective, c.strength, c.target_l0, c.lr, c.steps, c.warmup, lam=lam,
                       noise=c.noise, auxk=auxk, resample_every=c.resample_every,
                       dead_after=c.dead_after, seed=c.seed, processes=group,
                       pre_bias=bool(c.pre_bias))  # fmt: skip

    make()  # refuses settings before the data are read
    fit, test = split(x, c.held_out, c.seed)
    if len(fit) < c.batch or len(test) < 2:
        raise InputError(
            f"{len(x)} rows are too few: {len(fit)} are left to train on and {len(test)} to test, "
            f"and a batch takes {c.batch}."
        )
    scaling = check_and_scale(x, fit)
    other = None if y is None else check_and_scale(y, fit)
    digests = {"data_digest": scaling.digest, "target_digest": other.digest if other else None}
    if not c.centre:
        scaling = Scaling(torch.zeros_like(scaling.mean), scaling.scale)
    sae.set_scaling(scaling, other)
    return Run(make(), c, x, y, fit, test, digests)


def _refuse_what_does_not_fit(
    chosen: Settings, x: Activations, y: Activations | None, group: Processes
) -> None:
    if y is not None and len(y) != len(x):
        raise InputError(f"The target has {len(y)} rows where the input has {len(x)}.")
    if y is not None and chosen.pre_bias:
        raise InputError(
            "A pre-encoder bias is for autoencoders, whose input has the output's mean."
        )
    if chosen.batch % group.count:
        raise InputError(
            f"A batch of {chosen.batch} rows cannot be shared by {group.count} processes."
        )


def _built(chosen: Settings, d: int, d_out: int | None) -> tuple[SAE, Any, Settings]:
    """Model and objective, and the settings with the start that was advised where none was asked.

    `d_out`: width of a transcoder's target, None for an autoencoder.
    """
    norm = chosen.encoder_norm
    norm = advice.encoder_norm(chosen.activation) if norm is None else norm
    sae = SAE(d, chosen.width, chosen.activation, chosen.k, d_out,
              chosen.skip, chosen.seed, chosen.penalty if chosen.activation == "prox" else None,
              chosen.transposed, norm)  # fmt: skip
    params = dict(chosen.params or {})
    if chosen.learn and chosen.lam is not None:
        params["lam"] = chosen.lam
    objective = compiled(chosen.penalty, chosen.learn, params)
    sae = sae.to(chosen.device, DTYPES[chosen.dtype])
    if isinstance(objective, torch.nn.Module):
        objective = objective.to(chosen.device)
    bias = chosen.pre_bias
    if bias is None:
        bias = d_out is None and advice.pre_bias(
            chosen.activation, objective, sae.width, chosen.device
        )
    return sae, objective, replace(chosen, encoder_norm=norm, pre_bias=bias)


@dataclass
class Run:
    """A trainer and its data: input `x`, target `y` (None: the input), rows to fit and to test."""

    trainer: Trainer
    chosen: Settings
    x: Activations
    y: Activations | None
    fit: Index
    test: Index
    digests: dict[str, str | None]
    before: float = 0.0

    @property
    def sae(self) -> SAE:
        """The model."""
        return self.trainer.sae

    def read(self, index: Index) -> tuple[Tensor, Tensor | None]:
        """(input, target) at the rows of `index`, on the model's device."""
        device = self.sae.W_enc.device
        y = None if self.y is None else self.y.rows(index).to(device)
        return self.x.rows(index).to(device), y

    def take_up(self, found: tuple[dict[str, Tensor], dict[str, Any]], record: Any) -> None:
        """Continue from a checkpoint; InputError if it is of other settings or data."""
        tensors, numbers = found
        check_same({**record, **self.digests}, numbers["settings"])
        self.trainer.restore(tensors, numbers)
        self.before = numbers["seconds"]

    def all(
        self, place: Workplace | None, record: dict[str, Any], logger: Logger, progress: bool
    ) -> dict[str, Any]:
        """The steps that are left, with metrics and checkpoints; returns the last metrics."""
        began = time.perf_counter() - self.before
        trainer, c, group = self.trainer, self.chosen, self.trainer.processes
        if trainer.step_number == 0:
            set_bias(trainer.sae, self._sample(self.fit), trainer.control)
            trainer.restart()
        # The held-out rows decide one number, the strength at which their L0 is the target.
        unseen = self._sample(self.test)
        rows = batches(self.fit, c.batch, c.seed, c.shuffle, trainer.step_number)
        mine = slice(group.rank * c.batch // group.count, (group.rank + 1) * c.batch // group.count)
        line: dict[str, Any] = {}
        with progress_bar("train", c.steps, progress) as advance:
            advance(trainer.step_number, "")
            for step in range(trainer.step_number + 1, c.steps + 1):
                done = trainer.step(*self.read(next(rows)[mine]))
                if step % STEER_EVERY == 0:
                    trainer.control.correct(group.agree(mean_active(trainer.sae, unseen)))
                advance(1, f"L0 {done['l0']:.1f}")
                if not group.first:
                    continue
                seconds = round(time.perf_counter() - began, 3)
                if step % c.eval_every == 0 or step == c.steps:
                    line = {**self.measure(done), "seconds": seconds}
                    logger.add(line)
                    if place is not None:
                        place.log(line)
                if place is not None and step % c.checkpoint_every == 0 and step < c.steps:
                    tensors, numbers = trainer.state()
                    about = {"settings": {**record, **self.digests}, "seconds": seconds}
                    place.write(tensors, {**numbers, **about})
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
            "dead": trainer.dead(),
            **learned(trainer.penalty),
        }

    def _sample(self, index: Index) -> Tensor:
        """At most SAMPLE input rows of `index`."""
        order = np.random.default_rng(self.chosen.seed).permutation(index)
        return self.read(order[:SAMPLE])[0]
