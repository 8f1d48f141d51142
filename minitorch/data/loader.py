"""DataLoader: batches of a dataset, in order or shuffled, made beforehand by background threads if wanted."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ..backends.cuda import why_unavailable
from ..ops.sampling import randperm
from ..random import Generator
from .collate import Indices, make_batch, pinned


class DataLoader:
    """Iterates over a dataset in batches.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``; see :class:`minitorch.data.Dataset`.
        batch_size: samples a batch; the last one may be smaller.
        shuffle: visit the samples in a new random order every time.
        num_workers: threads that make batches beforehand; 0 makes each when it is asked for. The batches and their
            order are the same. Threads suit datasets that read files or compute in NumPy, which let each other run.
        collate_fn: makes a batch of a list of samples; by default :func:`default_collate`.
        drop_last: leave out a last batch that is smaller than the others.
        generator: where the random orders come from; by default the generator of :func:`minitorch.manual_seed`.
        prefetch_factor: batches that each thread is ahead.
        pin_memory: put the tensors of a batch into pinned memory, for ``to("cuda", non_blocking=True)``. Where there is
            no GPU that is warned of once, and left.

    An exception in the dataset is raised where the loader is iterated, with its traceback. Leaving the loop early stops
    the threads.

    >>> import minitorch
    >>> dataset = minitorch.data.TensorDataset(minitorch.arange(5))
    >>> for (batch,) in DataLoader(dataset, batch_size=2):
    ...     print(batch)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])

    Raises:
        ValueError: ``batch_size`` or ``prefetch_factor`` is below 1, or ``num_workers`` below 0.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
        prefetch_factor: int = 2,
        pin_memory: bool = False,
    ) -> None:
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("num_workers", num_workers, 0),
            ("prefetch_factor", prefetch_factor, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"DataLoader: {name} should be an integer, got {type(value).__name__}")
            if value < least:
                raise ValueError(f"DataLoader: {name} should be {least} or more, got {value}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory

    def __len__(self) -> int:
        """The number of batches."""
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # The order is drawn here, not when the first batch is asked for: the generator's state afterwards is known.
        n = len(self.dataset)
        order = randperm(n, generator=self.generator).numpy() if self.shuffle else np.arange(n, dtype=np.int64)
        batches = [order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self))]
        make = self._make_pinned if self.pin_memory and _can_pin() else self._make
        return self._prefetched(make, batches) if self.num_workers else map(make, batches)

    def _make(self, indices: Indices) -> Any:
        return make_batch(self.dataset, indices, self.collate_fn)

    def _make_pinned(self, indices: Indices) -> Any:
        return pinned(self._make(indices))

    def _prefetched(self, make: Callable[[Indices], Any], batches: Sequence[Indices]) -> Iterator[Any]:
        pending: deque[Future[Any]] = deque()
        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="DataLoader")
        try:
            for indices in batches:
                pending.append(pool.submit(make, indices))
                if len(pending) > self.num_workers * self.prefetch_factor:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # However the loop ends (break, Ctrl-C, an exception in the dataset): no thread is left behind.
            pool.shutdown(wait=True, cancel_futures=True)


def _can_pin() -> bool:
    reason = why_unavailable()
    if reason is not None:
        warnings.warn(f"DataLoader: pin_memory=True does nothing, because there is no GPU: {reason}", stacklevel=3)
    return reason is None
