"""DataLoader: batches of a dataset, in order or shuffled, made beforehand by threads or processes if wanted."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np

from ..backends.cuda import why_unavailable
from ..random import Generator, current_generator, use_generator
from .collate import pinned
from .epoch import Batches, PrefetchedBatches, Progress, tasks_of
from .processes import start_processes
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .team import Team, ThreadWorker, Worker
from .worker import BatchMaker


class DataLoader:
    """Iterates over a dataset in batches.

    Args:
        dataset: anything with ``__getitem__`` and, unless a sampler is given, ``__len__``; see
            :class:`minitorch.data.Dataset`.
        batch_size: samples a batch; the last one may be smaller. None gives single samples, as the dataset has them.
        shuffle: visit the samples in a new random order every time.
        sampler: the indices of the samples in the order in which they are visited, instead of ``shuffle``.
        batch_sampler: the lists of indices that make the batches, instead of ``batch_size``, ``shuffle``, ``sampler``
            and ``drop_last``.
        num_workers: how many workers make batches beforehand; 0 makes each when it is asked for.
        collate_fn: makes a batch of a list of samples; by default :func:`default_collate`. Where ``batch_size`` is
            None, it is given each sample.
        pin_memory: put the tensors of a batch into pinned memory, for ``to("cuda", non_blocking=True)``. Where there is
            no GPU that is warned of once, and left.
        drop_last: leave out a last batch that is smaller than the others.
        timeout: seconds to wait for a batch of a worker; 0 waits for ever.
        worker_init_fn: called with each worker's number when it starts, in the worker.
        multiprocessing_context: None makes the workers threads; ``"fork"``, ``"spawn"``, ``"forkserver"`` or a context
            of :mod:`multiprocessing` makes them processes.
        generator: where the random orders and the seeds of the batches come from; by default the generator of
            :func:`minitorch.manual_seed`.
        prefetch_factor: batches that each worker is ahead; 2 by default. Only where there are workers.
        persistent_workers: keep the workers from one epoch to the next.

    The batches don't depend on the workers, also where samples are random: while a batch is made, a generator that is
    fixed by the epoch and the batch's number is the default one. It is what ``minitorch.rand``, random transforms and
    ``minitorch.initial_seed()`` use; NumPy's random numbers join in with
    ``np.random.default_rng(minitorch.initial_seed())``. The global generators of Python and NumPy can't do so, because
    threads share them: they are left alone, but in processes, where they are seeded for each batch.

    Threads suit datasets that read files, decode images or compute in NumPy: these let each other run. Processes suit
    samples that Python itself has to make. They have a copy of the dataset, which has to be one that can be pickled,
    unless they are forked; and they compute on one thread each, without GPUs. With ``"spawn"`` and ``"forkserver"``,
    a script has to begin under ``if __name__ == "__main__":``.

    An exception in the dataset is raised where the loader is iterated, with the worker's traceback; a process that dies
    is a RuntimeError. Leaving the loop early stops the workers, and so does the end of the program.

    Training can be resumed in the middle of an epoch: see :meth:`state_dict`.

    PyTorch's arguments ``pin_memory_device`` and ``in_order`` are missing: there is one kind of GPU, and batches always
    come in their order.

    >>> import minitorch
    >>> dataset = minitorch.data.TensorDataset(minitorch.arange(5))
    >>> for (batch,) in DataLoader(dataset, batch_size=2):
    ...     print(batch)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])

    Raises:
        TypeError: the dataset has no ``__getitem__``, or no ``__len__`` and there is no sampler.
        ValueError: a number is out of range, or arguments exclude each other.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        _check_integer("num_workers", num_workers, 0)
        if prefetch_factor is not None:
            _check_integer("prefetch_factor", prefetch_factor, 1)
        if batch_size is not None:
            _check_integer("batch_size", batch_size, 1)
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout should not be negative, got {timeout}")
        for option, of_workers in (
            ("timeout", timeout),
            ("prefetch_factor", prefetch_factor),
            ("persistent_workers", persistent_workers),
            ("multiprocessing_context", multiprocessing_context),
        ):
            if of_workers and num_workers == 0:
                raise ValueError(f"DataLoader: {option}={of_workers} is about workers, but num_workers is 0")
        _check_dataset(dataset, has_sampler=sampler is not None or batch_sampler is not None)
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler and shuffle exclude each other: a sampler decides the order")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last is about batches, but batch_size is None")

        self._given_sampler: Any = sampler if batch_sampler is None else batch_sampler
        if sampler is None and batch_sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, int(batch_size), drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = _context(multiprocessing_context)
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.persistent_workers = persistent_workers
        self._team: Team | None = None  # that persists
        self._progress: Progress | None = None  # of the epoch that began last
        self._loaded: dict[str, Any] | None = None  # a state in the middle of an epoch, which the next one continues

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        """The number of batches."""
        return len(self._index_sampler)

    def __iter__(self) -> Iterator[Any]:
        # The order is drawn here, not when the first batch is asked for: the generator's state afterwards is known.
        loaded, self._loaded = self._loaded, None
        skipped = loaded["batches"] if loaded else 0
        with self._drawing_from(loaded["began_at"] if loaded else None) as generator:
            progress = Progress(generator.get_state(), self._sampler_state(), skipped)
            base_seed, tasks = tasks_of(self._index_sampler, generator, skipped)
        self._progress = progress
        finish = pinned if self.pin_memory and _can_pin() else _as_it_is
        if self.num_workers == 0:
            make = self._maker()
            return Batches(progress, tasks, lambda task: finish(make(task)))
        team = self._team if self._team is not None and self._team.is_open else self._new_team(base_seed, finish)
        if self.persistent_workers:
            self._team = team
        ahead = self.num_workers * (self.prefetch_factor or 0)
        return PrefetchedBatches(progress, tasks, team, ahead, self.timeout or None, self.persistent_workers)

    def _new_team(self, base_seed: int, finish: Callable[[Any], Any]) -> Team:
        maker, context = self._maker(), self.multiprocessing_context
        workers: Sequence[Worker]
        if context is None:
            workers = [ThreadWorker(maker, i, base_seed) for i in range(self.num_workers)]
        else:
            workers = start_processes(context, maker, base_seed)
        return Team(workers, finish)

    def _maker(self) -> BatchMaker:
        batched = self.batch_sampler is not None
        return BatchMaker(self.dataset, self.collate_fn, batched, self.num_workers, self.worker_init_fn)

    # ---- resuming ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, for :meth:`load_state_dict`, perhaps in another process: small numbers, which
        :func:`minitorch.save` can save.

        In the middle of an epoch, the next iteration over the loader that loads it goes on after the batches that were
        handed out, however many were made beforehand, and doesn't load the samples of these. It and all later epochs
        give what they would have given. After an epoch's last batch, an epoch goes on until the loader was asked for
        another one: inside the loop's last step, what is left of it is empty.

        The state of the generator is a part of it, also where that is the default one; and that of a ``sampler`` or
        ``batch_sampler``, as it was when the epoch began, if that has a ``state_dict``. A sampler without one has to
        draw its order from the default generator, which is the loader's while the first index is asked for.

        >>> import minitorch
        >>> loader = DataLoader(range(6), batch_size=2, shuffle=True)
        >>> batches = iter(loader)
        >>> first, state = next(batches), loader.state_dict()
        >>> rest = [batch.tolist() for batch in batches]
        >>> loader.load_state_dict(state)
        >>> [batch.tolist() for batch in loader] == rest
        True
        """
        generator = (self.generator or current_generator()).get_state()
        if self._loaded is not None:
            return {**self._loaded, "generator": generator}
        progress = self._progress
        if progress is None or progress.is_over:
            progress = Progress(generator, self._sampler_state())
            batches = None
        else:
            batches = progress.handed_out
        return {
            "batches": batches,
            "began_at": progress.generator,
            "generator": generator,
            "sampler": progress.sampler,
            **self._data(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Lets the next iteration over the loader go on where :meth:`state_dict` was called.

        The dataset, ``batch_size`` and the sampler have to be the same; workers may be others.

        Raises:
            ValueError: ``state_dict`` is none of a loader, or one with another number of samples or ``batch_size``.
        """
        if state_dict.keys() != self.state_dict().keys():
            raise ValueError(f"DataLoader: expected what state_dict() gave, got the keys {sorted(state_dict)}")
        for name, value in self._data().items():
            if state_dict[name] != value:
                raise ValueError(f"DataLoader: the state is of a loader with {name}={state_dict[name]}, not {value}")
        if state_dict["sampler"] is not None:
            self._given_sampler.load_state_dict(state_dict["sampler"])
        (self.generator or current_generator()).set_state(state_dict["generator"])
        self._progress = None
        self._loaded = None if state_dict["batches"] is None else state_dict

    def _data(self) -> dict[str, Any]:
        """What has to be the same where a state is loaded."""
        samples = len(self.dataset) if hasattr(self.dataset, "__len__") else None
        return {"samples": samples, "batch_size": self.batch_size}

    def _sampler_state(self) -> Any:
        state_dict = getattr(self._given_sampler, "state_dict", None)
        return None if state_dict is None else state_dict()

    @contextmanager
    def _drawing_from(self, state: tuple[int, int] | None) -> Iterator[Generator]:
        """The loader's generator as the default one; or, for a while, set back to ``state``."""
        if self.generator is None:
            generator = current_generator() if state is None else Generator().set_state(state)
        else:
            generator = self.generator
        now = generator.get_state()
        try:
            with use_generator(generator if state is None else generator.set_state(state)):
                yield generator
        finally:
            if state is not None:
                generator.set_state(now)


def _check_integer(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"DataLoader: {name} should be an integer, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"DataLoader: {name} should be {least} or more, got {value}")


def _check_dataset(dataset: Any, has_sampler: bool) -> None:
    missing = [
        name
        for name in ("__getitem__", "__len__")
        if not hasattr(dataset, name) and not (name == "__len__" and has_sampler)
    ]
    if missing:
        raise TypeError(
            f"DataLoader: expected a dataset with __getitem__ and __len__, but {type(dataset).__name__} has no "
            f"{' and no '.join(missing)}. What can only be iterated over isn't supported; list(dataset) may help"
        )


def _context(context: Any) -> BaseContext | None:
    """How processes are started, or None for threads."""
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(f"DataLoader: multiprocessing_context should be one of {known}, got {context!r}")
        return multiprocessing.get_context(context)
    if context is not None and not isinstance(context, BaseContext):
        raise TypeError(
            f"DataLoader: multiprocessing_context should be None, a start method or a context of multiprocessing, got "
            f"{type(context).__name__}"
        )
    return context


def _as_it_is(batch: Any) -> Any:
    return batch


def _can_pin() -> bool:
    reason = why_unavailable()
    if reason is not None:
        warnings.warn(f"DataLoader: pin_memory=True does nothing, because there is no GPU: {reason}", stacklevel=3)
    return reason is None
