"""What makes a batch, wherever it is made: in the program's own thread, in another one, or in another process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..backends import get_backend
from ..random import Generator, use_generator
from .collate import default_convert, make_batch


class Task(NamedTuple):
    """An order for a batch."""

    base_seed: int  # of the epoch
    number: int  # of the batch in the epoch
    indices: Any  # of its samples; without batches, the index of the sample


@dataclass(frozen=True)
class WorkerInfo:
    """What :func:`get_worker_info` gives."""

    id: int  # from 0 to num_workers - 1
    num_workers: int
    seed: int  # the epoch's base seed + id
    dataset: Any  # a process has a copy of it, threads share it


class _This(threading.local):
    worker: WorkerInfo | None = None


_this = _This()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a :class:`DataLoader` runs this: its ``id``, ``num_workers``, ``seed`` and ``dataset``; None
    outside of one.

    >>> import minitorch
    >>> class Workers(minitorch.data.Dataset):
    ...     def __getitem__(self, index):
    ...         return minitorch.data.get_worker_info().id
    ...
    ...     def __len__(self):
    ...         return 3
    >>> [batch.item() for batch in minitorch.data.DataLoader(Workers(), num_workers=1)]
    [0, 0, 0]
    >>> minitorch.data.get_worker_info() is None
    True
    """
    return _this.worker


@dataclass(frozen=True)
class BatchMaker:
    """Makes batches; it can be sent to a process if what it holds can.

    Each batch is made under a generator of its own, so that random transforms give the same whoever makes it, and
    whatever was made before.
    """

    dataset: Any
    collate_fn: Callable[[Any], Any] | None
    batched: bool  # otherwise a task is for one sample
    num_workers: int
    worker_init_fn: Callable[[int], Any] | None

    def begin(self, worker_id: int, base_seed: int) -> None:
        """Makes this thread, or process, a worker."""
        info = WorkerInfo(worker_id, self.num_workers, (base_seed + worker_id) % 2**64, self.dataset)
        _this.worker = info
        if self.worker_init_fn is not None:
            with use_generator(Generator().manual_seed(info.seed)):
                self.worker_init_fn(worker_id)

    def __call__(self, task: Task) -> Any:
        with use_generator(generator_of(task)):
            try:
                if self.batched:
                    return make_batch(self.dataset, task.indices, self.collate_fn)
                return (self.collate_fn or default_convert)(self.dataset[task.indices])
            except StopIteration as error:
                # To whoever iterates over the loader it would be the end of the epoch.
                raise RuntimeError(f"batch {task.number}: the dataset or collate_fn raised StopIteration") from error


def generator_of(task: Task) -> Generator:
    """The generator that stands for the default one while a batch is made.

    Its seed is the block of the base seed's stream that has the batch's number.
    """
    high, low, *_ = get_backend("cpu", 0).philox(task.base_seed, task.number, 4).tolist()
    return Generator().manual_seed(high << 32 | low)
