"""What the host code of every family needs of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a cupy.ndarray
Pair = tuple[int, int]

_TYPE_NAMES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


def type_name(dtype: np.dtype[Any]) -> str:
    """What a floating dtype is called in the names of kernels: ``float`` or ``double``."""
    return _TYPE_NAMES[dtype]


def contiguous(array: Array) -> Array:
    """The array itself if it lies as a kernel reads it, else a copy that does: in C order, each element aligned."""
    if array.flags.c_contiguous and array.data.ptr % array.itemsize == 0:
        return array
    with array.device:
        return array.copy(order="C")


def ceil_div(n: int, parts: int) -> int:
    """How many parts of a size it takes to hold n."""
    return -(-n // parts)
