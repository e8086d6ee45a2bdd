"""Where in a transformer activations are read: a site is a module and its input or its output.

Layers are counted from 0, as in the model's own module names. At layer L:

* `residual`: what block L puts out (in a post-norm model such as BERT, after its LayerNorm);
* `mlp-in`: what the block's MLP reads; `mlp-out`: what it adds to the residual stream;
* `attention-out`: what the block's attention adds to the residual stream.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from neglog.priors.errors import InputError

#: Where the list of blocks hangs in the models of Hugging Face's AutoModel.
BLOCKS = (
    "encoder.layer",  # BERT, RoBERTa, ELECTRA, ViT
    "transformer.layer",  # DistilBERT
    "h",  # GPT-2, Bloom, Falcon
    "layers",  # Llama, Mistral, Qwen, Gemma, GPT-NeoX, ModernBERT
    "decoder.layers",  # OPT
    "encoder.layers",
    "encoder.albert_layer_groups.0.albert_layers",
    "blocks",
)
#: Sub-modules of a block, the first that exists counts; True reads the input, False the output.
SITES: dict[str, tuple[tuple[str, ...], bool]] = {
    "residual": (("",), False),
    "mlp-in": (("intermediate", "mlp", "ffn", "feed_forward", "fc1"), True),
    "mlp-out": (("output.dense", "mlp", "ffn", "feed_forward", "fc2"), False),
    "attention-out": (
        ("attention.output.dense", "self_attn", "attn", "attention", "self_attention"),
        False,
    ),
}


def submodule(module: nn.Module, path: str) -> nn.Module | None:
    """The sub-module at a dotted path, or None where there is none."""
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None


def find_blocks(model: nn.Module) -> nn.ModuleList:
    """The model's list of transformer blocks; InputError if it has none that we know."""
    for path in BLOCKS:
        found = submodule(model, path)
        if isinstance(found, nn.ModuleList) and len(found):
            return found
    raise InputError(
        f"Cannot find the transformer blocks of a {type(model).__name__}: "
        f"known places are {', '.join(BLOCKS)}."
    )


def cut_after(model: nn.Module, layer: int) -> nn.Module:
    """Drop the blocks above `layer` (they are not read) and return block `layer`.

    Raises InputError if the model has no such layer.
    """
    blocks = find_blocks(model)
    if not 0 <= layer < len(blocks):
        raise InputError(
            f"The model has layers 0 to {len(blocks) - 1}, so there is no layer {layer}."
        )
    del blocks[layer + 1 :]
    return blocks[layer]


def _first(value: Any) -> Tensor:
    """The activation among what a module takes or gives: blocks often return tuples."""
    while isinstance(value, (tuple, list)):
        value = value[0]
    return value


def _place(block: nn.Module, site: str) -> tuple[nn.Module, bool]:
    """(the module at a site, whether its input is meant)."""
    if site not in SITES:
        raise InputError(f"There is no site {site!r}: choose one of {', '.join(SITES)}.")
    names, reads_input = SITES[site]
    found = next((m for name in names if (m := submodule(block, name)) is not None), None)
    if found is None:
        raise InputError(
            f"A {type(block).__name__} has no {site} that we know: looked for {', '.join(names)}."
        )
    return found, reads_input


def splice(block: nn.Module, site: str, change: Callable[[Tensor], Tensor]) -> Any:
    """Put change(activations [batch, tokens, d]) in the place of the activations at `site`.

    Returns a handle whose `remove()` undoes it. Raises InputError as `tap` does.
    """
    found, reads_input = _place(block, site)

    def swap(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)([swap(value[0]), *value[1:]])
        return change(value)

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return (swap(args[0]), *args[1:]), kwargs
        first = next(iter(kwargs))
        return args, {**kwargs, first: swap(kwargs[first])}

    def after(_: nn.Module, __: Any, output: Any) -> Any:
        return swap(output)

    if reads_input:
        return found.register_forward_pre_hook(before, with_kwargs=True)
    return found.register_forward_hook(after)


def tap(block: nn.Module, site: str, keep: Callable[[Tensor], None]) -> None:
    """Call `keep` with the activations [batch, tokens, d] at `site` on every forward pass.

    Raises InputError if `site` is unknown or the block lacks it.
    """
    found, reads_input = _place(block, site)

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        keep(_first(args[0] if args else next(iter(kwargs.values()))))

    def after(_: nn.Module, __: Any, output: Any) -> None:
        keep(_first(output))

    if reads_input:
        found.register_forward_pre_hook(before, with_kwargs=True)
    else:
        found.register_forward_hook(after)


def device_of(model: nn.Module) -> torch.device:
    """The device that the model's parameters are on."""
    return next(model.parameters()).device
