"""Ranks of torch.distributed hold the sketch of everybody's tokens."""

import multiprocessing
import os

import numpy as np
import pytest
import torch.distributed as dist

from neglog.priors.errors import InputError
from neglog.validation import sketch

from .test_sketch import random_codes, same

PORT = 31_000 + os.getpid() % 2000


def _rank(rank, world, port, folder):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=world)
    own = random_codes()[rank::world]
    if rank == 1:
        own[:, 0] = 0  # a feature that this rank never saw fire
    sketch(own).all_reduce().save(f"{folder}/{rank}.safetensors")
    dist.destroy_process_group()


def test_all_ranks_hold_the_sum(tmp_path):
    context = multiprocessing.get_context("fork")
    ranks = [context.Process(target=_rank, args=(r, 2, PORT, tmp_path)) for r in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0]
    dense = random_codes()
    dense[1::2, 0] = 0
    for r in range(2):
        same(sketch(tmp_path / f"{r}.safetensors"), sketch(dense))
    first, second = ((tmp_path / f"{r}.safetensors").read_bytes() for r in range(2))
    assert first == second


def test_without_processes_it_says_so():
    with pytest.raises(InputError, match="init_process_group"):
        sketch(np.ones((2, 3))).all_reduce()
