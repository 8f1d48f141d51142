"""How samples become a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ops.creation import from_numpy, tensor
from ..ops.join import stack
from ..tensor import Tensor

Indices = NDArray[np.int64]


def make_batch(
    dataset: Any, indices: Indices | Sequence[Any], collate_fn: Callable[[list[Any]], Any] | None = None
) -> Any:
    """The samples at ``indices`` as one batch: by the dataset's own ``get_batch`` where it has one."""
    if collate_fn is None:
        get_batch = getattr(dataset, "get_batch", None)
        if get_batch is not None:
            return get_batch(np.asarray(indices, dtype=np.int64))
        collate_fn = default_collate
    return collate_fn([dataset[i] for i in (indices.tolist() if isinstance(indices, np.ndarray) else indices)])


def default_collate(batch: Sequence[Any]) -> Any:
    """A list of samples as one batch: tensors and arrays are stacked, numbers become a tensor.

    Tuples and dicts are collated entry by entry, strings are left as a list. Named tuples stay what they are, other
    sequences become lists, other mappings dicts.

    >>> default_collate([(1.5, "a"), (2.5, "b")])
    [tensor([1.5000, 2.5000], dtype=minitorch.float64), ['a', 'b']]

    Raises:
        RuntimeError: shapes or lengths differ.
        TypeError: the samples are of a type that has no default.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        return stack([from_numpy(array) for array in batch])
    if isinstance(first, float):  # Python's floats have 64 bits
        return tensor(np.array(batch, dtype=np.float64))
    if isinstance(first, (bool, int, np.number, np.bool_)):
        return tensor(np.array(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        entries = [default_collate(entry) for entry in zip(*batch, strict=True)]
        return type(first)(*entries) if hasattr(first, "_fields") else entries
    raise TypeError(
        f"default_collate: a batch must contain tensors, NumPy arrays, numbers, dicts or lists; found "
        f"{type(first).__name__}; give DataLoader a collate_fn"
    )


def default_convert(sample: Any) -> Any:
    """A sample that stays alone: NumPy arrays in it become tensors, in tuples, lists and dicts too.

    >>> default_convert((np.ones(2, np.float32), "a"))
    (tensor([1., 1.]), 'a')
    """
    if isinstance(sample, (np.ndarray, np.number, np.bool_)):
        return from_numpy(np.asarray(sample))
    return _each(default_convert, sample)


def pinned(batch: Any) -> Any:
    """A batch with its tensors in pinned memory, in tuples, lists and dicts too. An object of another kind is asked to
    do that itself if it has a method ``pin_memory``."""
    if hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    return _each(pinned, batch)


def _each(function: Callable[[Any], Any], batch: Any) -> Any:
    """``function`` of each entry of a tuple, list or dict; anything else as it is."""
    if isinstance(batch, Mapping):
        return {key: function(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        items = [function(item) for item in batch]
        return type(batch)(*items) if hasattr(batch, "_fields") else type(batch)(items)
    return batch
