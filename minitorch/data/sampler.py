"""Samplers: in which order a loader visits the samples of a dataset, and which of them make a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from ..ops.creation import tensor
from ..ops.sampling import rand, randint, randperm
from ..random import Generator
from ..tensor import Tensor
from .collate import Indices

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An order of samples: subclasses define ``__iter__``, which gives indices, and best also ``__len__``.

    One that draws its order should do so when its first index is asked for: the default generator is then that of the
    loader, which can resume in the middle of an epoch by drawing it again. A sampler whose order depends on anything
    else has methods ``state_dict()`` and ``load_state_dict()``. They save and restore what ``__iter__`` begins with.

    >>> import minitorch
    >>> class EvenOnes(minitorch.data.Sampler[int]):
    ...     def __init__(self, n):
    ...         self.n = n
    ...
    ...     def __iter__(self):
    ...         return iter(range(0, self.n, 2))
    ...
    ...     def __len__(self):
    ...         return (self.n + 1) // 2
    >>> list(minitorch.data.DataLoader("abcdef", batch_size=2, sampler=EvenOnes(6)))
    [['a', 'c'], ['e']]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler[int]):
    """All samples in their order.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class _Random(Sampler[int]):
    """A sampler that draws from a generator: its own, whose state is its own too, or the default one."""

    generator: Generator | None

    def state_dict(self) -> dict[str, Any]:
        """Where the sampler's own generator stands."""
        return {} if self.generator is None else {"generator": self.generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Sets the sampler's own generator where that of ``state_dict`` stood."""
        if self.generator is not None:
            self.generator.set_state(state_dict["generator"])


class RandomSampler(_Random):
    """Samples in random order.

    Args:
        data_source: what they are samples of.
        replacement: draw each independently of the others, so that one may come twice.
        num_samples: how many; all by default. Without replacement, each comes for the second time only after all others
            came.
        generator: where the order comes from; by default the generator of :func:`minitorch.manual_seed`.

    >>> sorted(RandomSampler("abcd"))
    [0, 1, 2, 3]
    >>> len(list(RandomSampler("abcd", replacement=True, num_samples=10)))
    10

    Raises:
        TypeError: ``replacement`` is no bool.
        ValueError: ``num_samples`` is given and no positive integer.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        _check_bool(TypeError, "RandomSampler", "replacement", replacement)
        if num_samples is not None:
            _check_positive("RandomSampler", "num_samples", num_samples)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left = len(self.data_source), self.num_samples
        if n == 0 and left:
            raise ValueError(f"RandomSampler: there is no sample to draw {left} times: the dataset is empty")
        if self.replacement:
            yield from randint(n, (left,), generator=self.generator).tolist() if n else ()
            return
        while left > 0:
            yield from randperm(n, generator=self.generator)[:left].tolist()
            left -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_Random):
    """The samples at ``indices`` in random order.

    >>> sorted(SubsetRandomSampler([3, 5, 8]))
    [3, 5, 8]
    """

    def __init__(self, indices: Sequence[int] | Indices, generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_Random):
    """Sample i with a probability in proportion to ``weights[i]``: rare classes can be shown as often as frequent ones.

    Without replacement, one after the other is drawn of those that are left.

    >>> list(WeightedRandomSampler([0, 1, 0], 4))
    [1, 1, 1, 1]
    >>> sorted(WeightedRandomSampler([1, 0, 2.5], 2, replacement=False))
    [0, 2]

    Raises:
        ValueError: ``num_samples`` is no positive integer, or without replacement more than there are weights above 0;
            ``replacement`` is no bool; the weights have another number of dimensions than one, or are negative,
            infinite, NaN, or all 0.

    Without replacement: Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006).
    """

    def __init__(
        self,
        weights: Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("WeightedRandomSampler", "num_samples", num_samples)
        _check_bool(ValueError, "WeightedRandomSampler", "replacement", replacement)
        numbers = np.array(weights.numpy(force=True) if isinstance(weights, Tensor) else weights, dtype=np.float64)
        if numbers.ndim != 1:
            raise ValueError(
                f"WeightedRandomSampler: weights should be a 1d sequence but given weights have shape {numbers.shape}"
            )
        if not (np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers > 0).any()):
            raise ValueError(
                "WeightedRandomSampler: weights should be finite, not negative, and not all 0"
                + (f"; got numbers from {numbers.min()} to {numbers.max()}" if numbers.size else "; got none")
            )
        possible = np.count_nonzero(numbers)
        if not replacement and num_samples > possible:
            raise ValueError(
                f"WeightedRandomSampler: num_samples={num_samples} without replacement, but only {possible} weights "
                f"are above 0"
            )
        self.weights = tensor(numbers)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.numpy()
        n = self.num_samples if self.replacement else len(weights)
        drawn = rand(n, dtype=np.float64, generator=self.generator).numpy()
        if self.replacement:
            ends = np.cumsum(weights)
            chosen = np.searchsorted(ends, drawn * ends[-1], side="right")
            # The product may be rounded up to the end itself.
            chosen = np.minimum(chosen, np.flatnonzero(weights)[-1])
        else:
            # The times after which clocks of rates w first ring come in the wanted order; a clock of rate 0 never does.
            with np.errstate(divide="ignore", invalid="ignore"):
                times = np.where(weights > 0, -np.log1p(-drawn) / weights, np.inf)
            chosen = np.argsort(times, kind="stable")[: self.num_samples]
        yield from chosen.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of ``batch_size``; with ``drop_last`` without a last one that is smaller.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]

    Raises:
        ValueError: ``batch_size`` is no positive integer, or ``drop_last`` no bool.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("BatchSampler", "batch_size", batch_size)
        _check_bool(ValueError, "BatchSampler", "drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def state_dict(self) -> dict[str, Any]:
        """The state of the sampler, if it has one."""
        return self.sampler.state_dict() if hasattr(self.sampler, "state_dict") else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues where :meth:`state_dict` was called."""
        if hasattr(self.sampler, "load_state_dict"):
            self.sampler.load_state_dict(state_dict)


class DistributedSampler(Sampler[int]):
    """The samples of one of several processes that train together, so that all of them see the dataset once an epoch.

    Where the processes don't share it evenly, the first samples come a second time; with ``drop_last`` the last ones
    are left out. Every process has to give the same arguments but for ``rank``.

    Args:
        dataset: what the samples are of.
        num_replicas: the number of processes; by default that of :mod:`minitorch.distributed`.
        rank: which of them this one is; by default as :mod:`minitorch.distributed` has it.
        shuffle: in a random order, which ``seed`` and the number given to :meth:`set_epoch` fix.
        seed: the same in every process.
        drop_last: leave out what the processes don't share evenly.

    >>> [list(DistributedSampler(range(5), num_replicas=2, rank=rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]

    The order of an epoch is that of its number, so each has to be told::

        for epoch in range(epochs):
            sampler.set_epoch(epoch)
            for batch in loader:
                ...

    Raises:
        ValueError: ``rank`` is not between 0 and ``num_replicas`` - 1; or one of them isn't given, and there is no
            process group to ask.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            from .. import distributed  # only who trains with several processes has to import it

            num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
            rank = distributed.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"DistributedSampler: invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        if self.shuffle:
            order = randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).numpy()
        else:
            order = np.arange(n)
        return iter(np.resize(order, len(self) * self.num_replicas)[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.num_replicas if self.drop_last else -(-n // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of this epoch, for all processes alike."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """The number of the epoch."""
        return {"epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on with the epoch of :meth:`state_dict`."""
        self.set_epoch(state_dict["epoch"])


def _check_positive(sampler: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value <= 0:
        raise ValueError(f"{sampler}: {name} should be a positive integer value, but got {name}={value}")


def _check_bool(error: type[Exception], sampler: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise error(f"{sampler}: {name} should be a boolean value, but got {name}={value}")
