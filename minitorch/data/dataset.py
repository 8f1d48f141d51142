"""What a dataset is, datasets made of tensors, and ways to split one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops.sampling import randperm
from ..random import Generator
from ..tensor import Tensor
from .collate import Indices, make_batch


class Dataset:
    """Samples with a number each: subclasses define ``__getitem__`` and ``__len__``.

    A subclass that can make a whole batch faster than sample by sample also defines
    ``get_batch(indices: numpy.ndarray)``, which returns the batch as :class:`DataLoader` should hand it out.

    >>> import minitorch
    >>> class Squares(minitorch.data.Dataset):
    ...     def __getitem__(self, index):
    ...         return float(index), float(index**2)
    ...
    ...     def __len__(self):
    ...         return 10
    >>> next(iter(minitorch.data.DataLoader(Squares(), batch_size=3)))
    [tensor([0., 1., 2.], dtype=minitorch.float64), tensor([0., 1., 4.], dtype=minitorch.float64)]
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define __len__")


class TensorDataset(Dataset):
    """Tensors whose first dimension counts the samples: sample i is the tuple of their i-th slices.

    >>> import minitorch
    >>> dataset = TensorDataset(minitorch.tensor([[1., 2.], [3., 4.]]), minitorch.tensor([0, 1]))
    >>> len(dataset), dataset[1]
    (2, (tensor([3., 4.]), tensor(1)))

    Raises:
        ValueError: there is no tensor, or they don't hold equally many samples.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor")
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset: expected tensors, got {type(tensor).__name__} as argument {i}")
        if any(t.ndim == 0 or len(t) != len(tensors[0]) for t in tensors):
            shapes = ", ".join(str(tuple(t.shape)) for t in tensors)
            raise ValueError(f"TensorDataset: size mismatch between tensors: the first dimensions of {shapes} differ")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])

    def get_batch(self, indices: Indices) -> list[Tensor]:
        """One copy a tensor, however large the batch."""
        return [tensor[indices] for tensor in self.tensors]


class Subset(Dataset):
    """The samples of ``dataset`` at ``indices``, in that order.

    >>> import minitorch
    >>> subset = minitorch.data.Subset(["a", "b", "c", "d"], [3, 1])
    >>> len(subset), subset[0]
    (2, 'd')

    Raises:
        IndexError: an index is outside the dataset.
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | Indices) -> None:
        numbers = np.asarray(indices, dtype=np.int64)
        n = len(dataset)
        outside = numbers[(numbers < -n) | (numbers >= n)]
        if outside.size:
            raise IndexError(f"Subset: index {outside[0]} is out of range for a dataset of {n} samples")
        self.dataset = dataset
        self.indices = indices
        self._numbers = numbers

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self._numbers[index])]

    def __len__(self) -> int:
        return len(self._numbers)

    def get_batch(self, indices: Indices) -> Any:
        return make_batch(self.dataset, self._numbers[indices])


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Deals the samples out at random.

    ``lengths`` are numbers of samples that add up to the dataset's, or fractions that add up to 1.

    >>> [len(part) for part in random_split(range(10), [0.7, 0.3])]
    [7, 3]

    Raises:
        ValueError: the lengths are negative or don't add up.
    """
    n = len(dataset)
    if all(isinstance(length, int) for length in lengths):
        ends = np.cumsum(lengths, dtype=np.int64)
        if min(lengths, default=0) < 0 or not len(ends) or ends[-1] != n:
            raise ValueError(f"random_split: the lengths {list(lengths)} don't add up to the dataset's {n} samples")
    else:
        ends = _ends("random_split", lengths, n)
    order = randperm(n, generator=generator).numpy()
    return [Subset(dataset, part) for part in np.split(order, ends[:-1])]


def stratified_split(
    dataset: Any, fractions: Sequence[float], targets: Any = None, generator: Generator | None = None
) -> list[Subset]:
    """Deals the samples out at random, every class in the same proportions; each part keeps the dataset's order.

    Args:
        dataset: its ``targets`` are the classes, unless ``targets`` are given.
        fractions: add up to 1. Every class is divided to the nearest whole sample.

    >>> import minitorch
    >>> dataset = TensorDataset(minitorch.arange(8))
    >>> train, test = stratified_split(dataset, [0.75, 0.25], targets=[0, 0, 0, 0, 1, 1, 1, 1])
    >>> len(train), len(test)
    (6, 2)

    Raises:
        ValueError: the fractions are negative or don't add up to 1, or there isn't one target a sample.
    """
    classes = np.asarray(dataset.targets if targets is None else targets)
    if classes.shape != (len(dataset),):
        raise ValueError(
            f"stratified_split: expected one target for each of the {len(dataset)} samples, got shape {classes.shape}"
        )
    parts: list[list[Indices]] = [[] for _ in fractions]
    order = randperm(len(classes), generator=generator).numpy()
    for label in np.unique(classes):
        members = order[classes[order] == label]
        ends = _ends("stratified_split", fractions, len(members))
        for part, indices in zip(parts, np.split(members, ends[:-1]), strict=True):
            part.append(indices)
    return [Subset(dataset, np.sort(np.concatenate([*part, np.empty(0, np.int64)]))) for part in parts]


def _ends(name: str, fractions: Sequence[float], n: int) -> Indices:
    """Where the parts of ``n`` samples end, rounded so that the last one ends at ``n``."""
    if min(fractions, default=-1.0) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"{name}: expected fractions that are not negative and add up to 1, got {list(fractions)}")
    ends: Indices = np.rint(np.cumsum(fractions) * n).astype(np.int64)
    ends[-1] = n
    return ends
