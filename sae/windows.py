"""Text as windows of token ids, the form a model reads."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Documents tokenised together.
_TOGETHER = 16


class Window(NamedTuple):
    """Token ids of one sequence, and which of them are special (left out of the harvest)."""

    ids: list[int]
    special: list[bool]

    @property
    def kept(self) -> int:
        """Number of tokens that are not special."""
        return len(self.ids) - sum(self.special)


def special_ids(tokenizer: Any) -> set[int]:
    """Ids that mark structure, not text; "unknown" stands for text, so it is not one of them."""
    names = ("cls", "sep", "bos", "eos", "pad", "mask")
    found = (getattr(tokenizer, f"{name}_token_id", None) for name in names)
    return {i for i in found if i is not None}


def windows(pieces: Iterable[str], tokenizer: Any, seq_len: int) -> Iterator[Window]:
    """Consecutive windows of at most `seq_len` tokens, special ones included; never empty."""
    special = special_ids(tokenizer)
    pieces = iter(pieces)
    while batch := list(islice(pieces, _TOGETHER)):
        tokens = tokenizer(
            batch,
            truncation=True,
            max_length=seq_len,
            return_overflowing_tokens=True,
            return_special_tokens_mask=True,
        )
        for ids, mask in zip(tokens["input_ids"], tokens["special_tokens_mask"], strict=True):
            window = Window(ids, [bool(s) or i in special for i, s in zip(ids, mask, strict=True)])
            if window.kept:
                yield window


def limited(found: Iterable[Window], tokens: int | None) -> Iterator[Window]:
    """The first windows, so many that they hold `tokens` tokens; the last one is cut to fit.

    None means no limit.
    """
    left = tokens
    for window in found:
        if left is None:
            yield window
            continue
        yield window if window.kept <= left else _cut(window, left)
        left -= window.kept
        if left <= 0:
            return


def _cut(window: Window, keep: int) -> Window:
    ids, special = list(window.ids), list(window.special)
    excess = window.kept - keep
    for i in reversed(range(len(ids))):
        if excess and not special[i]:
            del ids[i], special[i]
            excess -= 1
    return Window(ids, special)


def padded(batch: list[Window], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """(ids, attention mask, kept), each [batch, longest]; kept is False at special and padding."""
    longest = max(len(w.ids) for w in batch)
    ids = torch.full((len(batch), longest), pad)
    attention = torch.zeros(len(batch), longest, dtype=torch.long)
    kept = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, window in enumerate(batch):
        n = len(window.ids)
        ids[row, :n] = torch.tensor(window.ids)
        attention[row, :n] = 1
        kept[row, :n] = ~torch.tensor(window.special)
    return ids, attention, kept
