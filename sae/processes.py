"""Training in one process, or in several that each take an equal part of every batch."""

import os
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributed as dist


class Processes:
    """One process: every reduction is the identity."""

    count = 1
    rank = 0

    @property
    def first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def sum_(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over processes, in place."""
        return tensor

    def gather(self, values: Tensor) -> Tensor:
        """The values [n] of all processes one after another; n may differ between them."""
        return values

    def agree(self, number: float) -> float:
        """The first process's number."""
        return number

    def wait(self) -> None:
        """Until all have come here."""

    def mean_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Average the gradients of the parameters over processes, in place."""
        for p in parameters:
            if p.grad is not None:
                self.sum_(p.grad)
                if self.count > 1:
                    p.grad.div_(self.count)


SOLO = Processes()


class Distributed(Processes):
    """The processes of torch.distributed's default group."""

    def __init__(self) -> None:
        self.count = dist.get_world_size()
        self.rank = dist.get_rank()

    def sum_(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over processes, in place."""
        dist.all_reduce(tensor)
        return tensor

    def gather(self, values: Tensor) -> Tensor:
        """The values [n] of all processes one after another; n may differ between them."""
        size = torch.tensor([len(values)], device=values.device)
        sizes = [torch.zeros_like(size) for _ in range(self.count)]
        dist.all_gather(sizes, size)
        most = max(int(s) for s in sizes)
        mine = values.new_zeros(most)
        mine[: len(values)] = values
        parts = [torch.empty_like(mine) for _ in sizes]
        dist.all_gather(parts, mine)
        return torch.cat([part[: int(s)] for part, s in zip(parts, sizes, strict=True)])

    def agree(self, number: float) -> float:
        """The first process's number."""
        told = torch.tensor([number], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            told = told.cuda()
        dist.broadcast(told, 0)
        return float(told)

    def wait(self) -> None:
        """Until all have come here."""
        dist.barrier()


def processes() -> Processes:
    """The processes that `torchrun` started (gloo on a CPU, nccl on GPUs), or this one alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return SOLO
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))  # what "cuda" then means
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Distributed()
