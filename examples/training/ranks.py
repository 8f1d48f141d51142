"""Training in several processes (--distributed): what the loop asks of the other ranks. Alone, the answers are easy.

The ranks share every batch, and average their gradients. All make the same steps at the same time; rank 0 alone prints
and writes files.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import minitorch
from minitorch import distributed, nn


def join(options: argparse.Namespace) -> None:
    """Finds the other processes, if --distributed says that there are any.

    Raises:
        RuntimeError: mpi4py is missing.
    """
    if not options.distributed:
        return
    distributed.init_process_group()
    if options.device == "cuda":
        minitorch.cuda.set_device(distributed.get_node_local_rank())
    if rank() > 0:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the end


def rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def size() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def wait() -> None:
    """Returns when all ranks have come here."""
    if distributed.is_initialized():
        distributed.barrier()


@contextlib.contextmanager
def rank_0_first() -> Iterator[None]:
    """Inside, the other ranks find what rank 0 has written."""
    if rank() > 0:
        wait()
    yield
    if rank() == 0:
        wait()


def total(*numbers: float) -> list[float]:
    """Each number's sum over the ranks."""
    sums = np.array(numbers, np.float64)
    add_up(sums)
    return sums.tolist()  # type: ignore[no-any-return]


def add_up(array: np.ndarray[Any, Any]) -> None:
    """Replaces each element by its sum over the ranks."""
    if distributed.is_initialized():
        distributed.all_reduce(minitorch.from_numpy(array))


def parallel(model: nn.Module) -> nn.Module:
    """The model as it is trained."""
    return distributed.DistributedDataParallel(model) if distributed.is_initialized() else model


def same_buffers(model: nn.Module) -> None:
    """Copies rank 0's running statistics, of which each rank has its own, to all."""
    if distributed.is_initialized():
        for buffer in model.buffers():
            distributed.broadcast(buffer, src=0)


def own(state: tuple[int, int]) -> tuple[int, int]:
    """The state of this rank's generator, from that of rank 0's: their seeds are numbered like the ranks."""
    seed, offset = state
    return seed + rank(), offset


def command(*arguments: str) -> str:
    """How to start this script again, with as many processes."""
    start = [sys.executable]
    if distributed.is_initialized():
        start = ["mpiexec", "-n", str(size()), sys.executable, "-m", "mpi4py"]
    return shlex.join([*start, sys.argv[0], *arguments])
