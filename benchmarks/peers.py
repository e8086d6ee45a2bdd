"""One training step of each trainer compared, each as its own package makes it.

A `Step` is built once and called with a batch x [batch, d]; it returns the reconstruction error
‖x − x̂‖², mean over samples. Optional packages: `sae-lens`, `dictionary-learning`, `eai-sparsify`
(install with `-c constraints.txt`); those that are absent are left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor], float]
PACKAGES = {
    "SAELens": "sae_lens",
    "dictionary_learning": "dictionary_learning",
    "sparsify": "sparsify",
}
L1 = 1e-3


def available() -> list[str]:
    """The peers that are installed."""
    return [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]


def peer(name: str, kind: str, d: int, width: int, k: int, lr: float) -> Step | None:
    """A peer's step for kind relu (L1), topk or batchtopk; None where it has no such model."""
    make = {"SAELens": saelens, "dictionary_learning": dictionary, "sparsify": sparsify}[name]
    return make(kind, d, width, k, lr)


def saelens(kind: str, d: int, width: int, k: int, lr: float) -> Step:
    """SAELens: `training_forward_pass`, backward, Adam; dead latents counted as it does."""
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import TrainStepInput
    from sae_lens.saes.standard_sae import StandardTrainingSAE, StandardTrainingSAEConfig
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig

    if kind == "relu":
        sae = StandardTrainingSAE(
            StandardTrainingSAEConfig(d_in=d, d_sae=width, l1_coefficient=L1, dtype="float32")
        )
    elif kind == "topk":
        sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=d, d_sae=width, k=k, dtype="float32"))
    else:
        sae = BatchTopKTrainingSAE(
            BatchTopKTrainingSAEConfig(d_in=d, d_sae=width, k=k, dtype="float32")
        )
    optimizer = torch.optim.Adam(sae.parameters(), lr=lr, betas=(0.9, 0.999))
    silent = torch.zeros(width)
    coefficients = {"l1": L1} if kind == "relu" else {}
    count = 0

    def step(x: Tensor) -> float:
        nonlocal count
        out = sae.training_forward_pass(
            TrainStepInput(
                sae_in=x,
                coefficients=coefficients,
                dead_neuron_mask=silent > 1000,
                n_training_steps=count,
                is_logging_step=False,
            )
        )
        with torch.no_grad():
            acts = out.feature_acts
            acts = acts.to_dense() if acts.is_sparse else acts
            fired = (acts > 0).float().sum(0) > 0
            silent.add_(1).masked_fill_(fired, 0)
        optimizer.zero_grad()
        out.loss.backward()
        optimizer.step()
        count += 1
        return float(out.losses["mse_loss"].detach())

    return step


def dictionary(kind: str, d: int, width: int, k: int, lr: float) -> Step:
    """dictionary_learning: its trainers' own `update`."""
    from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
    from dictionary_learning.trainers.standard import StandardTrainer
    from dictionary_learning.trainers.top_k import TopKTrainer

    common = {"steps": 10**6, "activation_dim": d, "dict_size": width, "layer": 0, "lm_name": "",
              "lr": lr, "device": "cpu", "warmup_steps": 1, "seed": 0}  # fmt: skip
    if kind == "relu":
        trainer = StandardTrainer(**common, l1_penalty=L1, sparsity_warmup_steps=None)
    else:
        trainer = (TopKTrainer if kind == "topk" else BatchTopKTrainer)(**common, k=k)
    count = 0

    def step(x: Tensor) -> float:
        nonlocal count
        count += 1  # its step 0 also computes a geometric median, once
        loss = trainer.update(count, x)
        return float("nan") if loss is None else float(loss)

    return step


def sparsify(kind: str, d: int, width: int, k: int, lr: float) -> Step | None:
    """sparsify: forward, FVU backward, its decoder rules, Adam; only TopK."""
    if kind != "topk":
        return None
    from sparsify import SparseCoder, SparseCoderConfig

    coder = SparseCoder(d, SparseCoderConfig(num_latents=width, k=k))
    optimizer = torch.optim.Adam(coder.parameters(), lr=lr)
    silent = torch.zeros(width, dtype=torch.long)

    def step(x: Tensor) -> float:
        coder.set_decoder_norm_to_unit_norm()
        out = coder(x)
        out.fvu.backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimizer.step()
        optimizer.zero_grad()
        silent.add_(len(x))
        silent[out.latent_indices.flatten()] = 0
        return float((x - out.sae_out).detach().square().sum() / len(x))

    return step


def ours(kind: str, d: int, width: int, k: int, lr: float, x: Tensor) -> Step:
    """neglog: `Trainer.step` as `train` makes it; a ReLU code starts near L0 k, with log(1+|a|)."""
    import neglog
    from neglog.sae import SAE, Trainer, advice
    from neglog.sae.control import TargetL0
    from neglog.sae.start import EXCESS, set_bias

    norm = advice.encoder_norm(kind)
    if kind in ("topk", "batchtopk"):
        sae = SAE(d, width, kind, k, encoder_norm=norm)
        trainer = Trainer(sae, lr=lr, warmup=0, pre_bias=advice.pre_bias(kind, None, width, "cpu"))
    else:
        expression = "l0" if kind == "jumprelu" else "log(1+abs(a))"
        penalty = neglog.penalty(expression, "positive").compile("torch")
        mapped = expression if kind == "prox" else None
        sae = SAE(d, width, kind, penalty=mapped, encoder_norm=norm)
        set_bias(sae, x, TargetL0(k / EXCESS))
        bias = advice.pre_bias(kind, penalty, width, "cpu")
        trainer = Trainer(sae, penalty, strength=L1, lr=lr, warmup=0, pre_bias=bias)
    return lambda batch: trainer.step(batch)["reconstruction"]
