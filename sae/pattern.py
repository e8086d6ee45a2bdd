"""Which entries of a [batch, m] matrix are active, by rows and by columns."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pattern:
    """Positions of n active entries, row by row (CSR).

    `columns` [n] int32; `offsets` [batch + 1] int32: row i holds entries offsets[i] to
    offsets[i + 1]; `shape` is (batch, m).
    """

    columns: Tensor
    offsets: Tensor
    shape: tuple[int, int]

    @staticmethod
    def from_mask(mask: Tensor) -> "Pattern":
        """The entries where mask [batch, m] is True."""
        batch, m = mask.shape
        rows, columns = mask.nonzero().unbind(1)
        return Pattern(columns.int(), _offsets(rows, batch), (batch, m))

    @staticmethod
    def from_columns(columns: Tensor, m: int) -> "Pattern":
        """The same number of entries in every row: columns [batch, k], each below m."""
        batch, k = columns.shape
        offsets = torch.arange(0, (batch + 1) * k, k, dtype=torch.int32, device=columns.device)
        return Pattern(columns.flatten().int(), offsets, (batch, m))

    @staticmethod
    def from_flat(flat: Tensor, shape: tuple[int, int]) -> "Pattern":
        """The entries at places `flat` [n] of the flattened matrix, in ascending order."""
        rows = flat // shape[1]
        columns = (flat - rows * shape[1]).int()
        return Pattern(columns, _offsets(rows, shape[0]), shape)

    def only(self, keep: Tensor) -> "Pattern":
        """The entries numbered `keep` [≤ n], in ascending order."""
        return Pattern(self.columns[keep], _offsets(self.rows[keep], self.shape[0]), self.shape)

    @cached_property
    def rows(self) -> Tensor:
        """The row of each entry [n], int32."""
        batch = torch.arange(self.shape[0], dtype=torch.int32, device=self.columns.device)
        return batch.repeat_interleave(self.offsets.diff())

    @cached_property
    def flat(self) -> Tensor:
        """The place of each entry [n] in the flattened matrix, int64."""
        return self.rows.long() * self.shape[1] + self.columns

    @cached_property
    def by_column(self) -> Tensor:
        """The order [n] that sorts the entries by column, rows in order within one (CSC)."""
        # Fewer bits sort faster.
        key = self.columns.short() if self.shape[1] < 2**15 else self.columns
        return key.argsort(stable=True)

    @cached_property
    def column_offsets(self) -> Tensor:
        """Column j holds entries offsets[j] to offsets[j + 1] of `by_column`; [m + 1] int32."""
        return _offsets(self.columns, self.shape[1])

    def take(self, dense: Tensor) -> Tensor:
        """The entries [n] of a dense [batch, m]."""
        return dense.flatten().take(self.flat)

    def put(self, values: Tensor) -> Tensor:
        """The dense [batch, m] with `values` [n] at the entries and 0 elsewhere."""
        zeros = values.new_zeros(self.shape[0] * self.shape[1])
        return zeros.index_put((self.flat,), values).view(self.shape)


def _offsets(index: Tensor, size: int) -> Tensor:
    """[0, cumulative counts of 0 … size − 1 in index], int32."""
    counts = torch.bincount(index, minlength=size)
    return torch.nn.functional.pad(counts.cumsum(0), (1, 0)).int()
