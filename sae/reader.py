"""A model read at some sites of one block."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neglog.sae.sites import device_of, tap
from neglog.sae.windows import Window, padded


class Reader:
    """A model and, after each of its passes, the activations at the sites of a block.

    Raises InputError if a site is unknown or the block lacks it.
    """

    def __init__(self, net: nn.Module, block: nn.Module, pad: int, sites: Sequence[str]) -> None:
        self.net, self.pad = net, pad
        self._now: dict[str, Tensor] = {}
        for site in sites:
            tap(block, site, partial(self._now.__setitem__, site))

    @torch.no_grad()
    def read(
        self, found: Sequence[Window], batch: int, advance: Callable[[int, str], None]
    ) -> dict[str, NDArray[np.float32]]:
        """Site → rows [n, d] of the windows' kept tokens, in their order.

        `batch` windows of similar length go through the model together, so that little padding is
        computed.
        """
        device = device_of(self.net)
        rows: dict[str, list[NDArray[np.float32]]] = {}
        for places in _by_length(found, batch):
            ids, attention, kept = padded([found[i] for i in places], self.pad)
            self.net(input_ids=ids.to(device), attention_mask=attention.to(device))
            for site, value in self._now.items():
                parts = rows.setdefault(site, [np.empty(0, dtype=np.float32)] * len(found))
                for row, i in enumerate(places):
                    parts[i] = value[row][kept[row]].float().cpu().numpy()
            advance(int(kept.sum()), "")
        return {site: np.concatenate(parts) for site, parts in rows.items()}


def _by_length(found: Sequence[Window], batch: int) -> Iterator[list[int]]:
    """Batches of places, windows of similar length together, longest first."""
    order = sorted(range(len(found)), key=lambda i: -len(found[i].ids))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
