"""What a model does when an SAE's reconstruction takes the place of its activations."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy

from neglog.priors.errors import InputError
from neglog.sae.hub import load_model, model_folder
from neglog.sae.model import SAE
from neglog.sae.sites import device_of, find_blocks, splice
from neglog.sae.text import text_pieces
from neglog.sae.windows import limited, padded, windows


@torch.no_grad()
def fidelity(
    sae: SAE,
    model: str | Path = "minilm",
    layer: int = 3,
    site: str = "residual",
    tokens: int = 10_000,
    text: Sequence[str | Path] | None = None,
    batch: int = 32,
    seq_len: int = 128,
    seed: int = 1,
) -> dict[str, float]:
    """How much of a model's output survives when x̂ replaces the activations x at a site.

    For an encoder, `cosine` is the mean cosine of a window's embedding (the mean over its tokens)
    with and without the SAE; for a causal language model `cross_entropy` and
    `cross_entropy_spliced` are mean losses in nats a token. Either comes with the same for the
    mean activation in place of x (`…_ablated`), and `recovered`: 1 where the SAE changes nothing,
    0 where it does as badly as the mean. Special tokens are left as they are, since no SAE was
    trained on them. `text` as for `harvest`; None takes Python's own, in the order of `seed`.

    Raises InputError if the SAE does not fit the site, and as `harvest` does.

    Example: `fidelity(neglog.sae.load("sae"), "minilm", layer=3)`
    """
    source = model_folder(model)
    about = json.loads((source / "config.json").read_text())
    causal = any("CausalLM" in a or "LMHead" in a for a in about.get("architectures") or [])
    net, tokenizer = load_model(source, head=causal)
    blocks = find_blocks(net.base_model if causal else net)  # type: ignore[arg-type]
    if not 0 <= layer < len(blocks):
        raise InputError(f"The model has layers 0 to {len(blocks) - 1}, so no layer {layer}.")
    length = min(seq_len, getattr(net.config, "max_position_embeddings", None) or seq_len)
    found = limited(windows(text_pieces(text, seed), tokenizer, length), tokens)
    now: dict[str, Tensor] = {}

    def instead(make: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def change(x: Tensor) -> Tensor:
            if x.shape[-1] != sae.d_in or sae.d_in != sae.d_out:
                raise InputError(
                    f"The SAE takes d = {sae.d_in} to {sae.d_out}, {site} has {x.shape[-1]}."
                )
            return torch.where(now["kept"].unsqueeze(-1), make(x).to(x.dtype), x)

        return change

    def reconstruct(x: Tensor) -> Tensor:
        return sae(x.flatten(0, 1).float()).view(x.shape)

    def average(x: Tensor) -> Tensor:
        return sae.out_mean.float().expand_as(x)

    sums = torch.zeros(4, dtype=torch.float64)
    for group in _groups(found, batch):
        ids, attention, now["kept"] = (
            t.to(device_of(net)) for t in padded(group, tokenizer.pad_token_id or 0)
        )
        clean = _output(net, ids, attention)
        changed = []
        for make in (reconstruct, average):
            handle = splice(blocks[layer], site, instead(make))
            changed.append(_output(net, ids, attention))
            handle.remove()
        sums += (_losses if causal else _cosines)(clean, changed, ids, attention)
    if not sums[0]:
        raise InputError("The text holds no tokens: give text with words in it.")
    one, two, three = (sums[1:] / sums[0]).tolist()
    if causal:
        return {
            "cross_entropy": one,
            "cross_entropy_spliced": two,
            "cross_entropy_ablated": three,
            "recovered": (three - two) / (three - one),
        }
    return {"cosine": two, "cosine_ablated": three, "recovered": (two - three) / (one - three)}


def _groups(found: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while group := list(islice(found, size)):
        yield group


def _output(net: nn.Module, ids: Tensor, attention: Tensor) -> Tensor:
    """The logits of a causal model, the last hidden states [batch, tokens, d] of another."""
    out = net(input_ids=ids, attention_mask=attention)
    found: Tensor = out.logits if hasattr(out, "logits") else out.last_hidden_state
    return found


def _cosines(clean: Tensor, changed: list[Tensor], ids: Tensor, attention: Tensor) -> Tensor:
    """[windows, windows, Σ cosine spliced, Σ cosine ablated]."""

    def embedding(hidden: Tensor) -> Tensor:
        weight = attention.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1)

    n = float(len(ids))
    near = [float(cosine_similarity(embedding(clean), embedding(c), dim=1).sum()) for c in changed]
    return torch.tensor([n, n, *near], dtype=torch.float64)


def _losses(clean: Tensor, changed: list[Tensor], ids: Tensor, attention: Tensor) -> Tensor:
    """[tokens, Σ loss, Σ loss spliced, Σ loss ablated] of predicting each next token."""
    real = (attention[:, 1:] > 0) & (attention[:, :-1] > 0)
    losses = [
        float(cross_entropy(o[:, :-1][real].float(), ids[:, 1:][real], reduction="sum"))
        for o in (clean, *changed)
    ]
    return torch.tensor([float(real.sum()), *losses], dtype=torch.float64)
